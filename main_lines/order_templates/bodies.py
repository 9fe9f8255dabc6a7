"""What forms and the API send about a template of task orders."""

from typing import Annotated

from pydantic import Field

from main_lines.order_templates.actions import Kept
from main_lines.seen import Mark
from main_lines.tasks.bodies import PieceName, WrittenBody, lines_of


class OrderTemplateBody(WrittenBody):
    """What an order says, without line, person and date. name: under which it is found.

    seen: when a template is changed, the ``mark`` of the one that was read; 409 when it has changed since.
    """

    name: Annotated[PieceName, Field(min_length=1)]
    seen: Mark = ""

    def kept(self) -> Kept:
        return Kept(
            name=self.name, title=self.title, department_id=self.department_id, requirements=self.requirements, phase=self.phase,
            due_offset=self.due_offset, days=self.days, checklist=lines_of(self.checklist), expected=lines_of(self.expected),
            involved=self.involved,
        )  # fmt: skip
