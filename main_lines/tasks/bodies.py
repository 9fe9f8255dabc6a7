"""What forms and the API send about a task order."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from main_lines.lines.bodies import Body, Day, Note
from main_lines.lines.rules import Phase
from main_lines.tasks.actions import Draft

Mark = Annotated[str, StringConstraints(max_length=16)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


class TaskBody(Body):
    """due_offset: days from D-day; due_on: a pinned date; at most one. checklist: one line per item.

    days: calendar days that the work takes. A form sends empty text for what is left open; the API may also leave it out or send
    null. seen: when an order is changed, the ``mark`` of the one that was read; 409 when it has changed since.
    """

    title: Title
    requirements: Annotated[str, StringConstraints(max_length=8000)] = ""
    phase: Literal[Phase.PREPARE, Phase.EXECUTE, Phase.REVIEW] = Phase.PREPARE
    department_id: Annotated[str, Field(min_length=1, max_length=26)]
    owner_id: str | None = None
    site_id: str | None = None
    due_offset: Annotated[int, Field(ge=-365, le=365)] | None = None
    due_on: Day | None = None
    days: Annotated[int, Field(ge=1, le=366)] = 1
    checklist: Annotated[str, StringConstraints(max_length=4000)] = ""
    seen: Mark = ""

    @field_validator("owner_id", "site_id", "due_offset", "due_on", mode="before")
    @classmethod
    def _empty_is_open(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("days", mode="before")
    @classmethod
    def _empty_is_one(cls, value: object) -> object:
        return 1 if value in ("", None) else value

    def draft(self) -> Draft:
        return Draft(
            title=self.title, department_id=self.department_id, requirements=self.requirements, phase=self.phase, owner_id=self.owner_id,
            site_id=self.site_id, due_offset=self.due_offset, due_on=self.due_on, days=self.days,
            checklist=[line.strip() for line in self.checklist.splitlines() if line.strip()],
        )  # fmt: skip


class MoveBody(Body):
    """A verb without a deliverable. reason: needed by decline, return, cancel and block. seen: for sign and accept, the ``mark``
    of the order that was read; 409 when it has changed since."""

    verb: Literal["submit", "sign", "decline", "start", "withdraw", "accept", "return", "close", "cancel", "block", "unblock"]
    reason: Note = ""
    seen: Mark = ""


class DeliverBody(Body):
    """An asset version (asset_id and version), or text, which may be a link."""

    asset_id: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""
    version: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""

    @field_validator("version", mode="before")
    @classmethod
    def _empty_is_open(cls, value: object) -> object:
        return None if value == "" else value


class AssignBody(Body):
    owner_id: Annotated[str, Field(min_length=1, max_length=26)]


class CheckBody(Body):
    index: Annotated[int, Field(ge=0)]
    done: bool = False
