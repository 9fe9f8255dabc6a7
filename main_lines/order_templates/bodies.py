"""What forms and the API send about a template of task orders."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from main_lines.lines.bodies import Body
from main_lines.lines.rules import Phase
from main_lines.order_templates.actions import Kept
from main_lines.tasks.bodies import Key, PieceName, Title, lines_of

Lines = Annotated[str, StringConstraints(max_length=4000)]


class OrderTemplateBody(Body):
    """As ``TaskBody``, without line, person and date. checklist, expected: one item a line."""

    name: Annotated[PieceName, Field(min_length=1)]
    title: Title
    department_id: Annotated[Key, Field(min_length=1)]
    requirements: Annotated[str, StringConstraints(max_length=8000)] = ""
    phase: Literal[Phase.PREPARE, Phase.EXECUTE, Phase.REVIEW] = Phase.PREPARE
    due_offset: Annotated[int, Field(ge=-365, le=365)] | None = None
    days: Annotated[int, Field(ge=1, le=366)] = 1
    checklist: Lines = ""
    expected: Lines = ""
    involved: Annotated[list[Key], Field(max_length=100)] = []

    @field_validator("due_offset", mode="before")
    @classmethod
    def _empty_is_open(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("days", mode="before")
    @classmethod
    def _empty_is_one(cls, value: object) -> object:
        return 1 if value in ("", None) else value

    def kept(self) -> Kept:
        return Kept(
            name=self.name, title=self.title, department_id=self.department_id, requirements=self.requirements, phase=self.phase,
            due_offset=self.due_offset, days=self.days, checklist=lines_of(self.checklist), expected=lines_of(self.expected),
            involved=self.involved,
        )  # fmt: skip
