"""What forms and the API send about a handover."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from main_lines.lines.bodies import Body, Note
from main_lines.tasks.bodies import Key, OpenIfEmpty


class OfferBody(Body):
    """member_id: to this member; else department_id: to whoever of it accepts. note: what the receiver has to know.

    to: as a form's one list sends it, ``member:<id>`` or ``department:<id>``.
    """

    department_id: Key = ""
    member_id: Annotated[Key | None, OpenIfEmpty] = None
    to: Annotated[str, StringConstraints(max_length=40)] = ""
    note: Note = ""

    def target(self) -> tuple[str, str | None]:
        """The receiver: a department, and a member where it is one."""
        kind, _, id = self.to.partition(":")
        if kind == "member":
            return "", id or None
        return (id, None) if kind == "department" else (self.department_id, self.member_id)


class AnswerBody(Body):
    """reason: needed to decline."""

    verb: Literal["accept", "decline", "withdraw"]
    reason: Note = ""
