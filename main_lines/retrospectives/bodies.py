"""What forms and the API send about a conclusion."""

from typing import Annotated

from pydantic import Field, StringConstraints

from main_lines.lines.bodies import Body
from main_lines.playbooks.models import NOTE_LENGTH
from main_lines.retrospectives.models import CONCLUSION_LENGTH
from main_lines.retrospectives.rules import OVER_DAYS, OVER_DAYS_MOST, ConclusionKind

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=CONCLUSION_LENGTH)]


class ConclusionBody(Body):
    kind: ConclusionKind
    text: Text


class LearnBody(Body):
    """playbook: the one that learns; base: the version of it that was shown. take: ids of lessons. over, baseline: as on the page."""

    playbook: Annotated[str, StringConstraints(min_length=1, max_length=26)]
    base: Annotated[int, Field(ge=1, lt=2**31)]
    take: Annotated[list[Annotated[str, StringConstraints(max_length=40)]], Field(max_length=2000)] = []
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=NOTE_LENGTH)] = ""
    over: Annotated[int, Field(ge=0, le=OVER_DAYS_MOST)] = OVER_DAYS
    baseline: Annotated[str, StringConstraints(max_length=40)] = ""


class EditBody(Body):
    """seen: the revision that was read; 409 when the conclusion has changed since."""

    text: Text
    seen: Annotated[int, Field(ge=1, lt=2**31)]
