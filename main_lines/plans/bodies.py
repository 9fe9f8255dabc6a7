"""What forms and the API send about a plan."""

from typing import Annotated

from pydantic import Field, StringConstraints

from main_lines.lines.bodies import Body, Day
from main_lines.plans.models import BASELINE_NAME_LENGTH, MILESTONE_NAME_LENGTH
from main_lines.seen import Mark


class NeedBody(Body):
    """needs_id: the order to wait for."""

    needs_id: Annotated[str, Field(min_length=1, max_length=26)]


class PlaceBody(Body):
    """due: the last day of the order; days: its length, left alone when absent. seen: ``mark`` of the order that was moved."""

    due: Day
    days: Annotated[int, Field(ge=1, le=366)] | None = None
    seen: Mark = ""


class BaselineBody(Body):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=BASELINE_NAME_LENGTH)]


class MilestoneBody(Body):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MILESTONE_NAME_LENGTH)]
    day: Day
