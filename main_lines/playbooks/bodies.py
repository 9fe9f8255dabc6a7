"""What the form and the API send to open a main line."""

from typing import Annotated

from pydantic import StringConstraints

from main_lines.lines.bodies import Body, Day
from main_lines.lines.rules import LineKind
from main_lines.playbooks.rules import PlaybookKey


class OpenLineBody(Body):
    """members: ids beside the actor, who becomes the director. playbook: empty, or one of the shipped keys."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]
    kind: LineKind = LineKind.PROMOTION
    d_day: Day
    goal: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    playbook: PlaybookKey = PlaybookKey.NONE
    members: list[str] = []
