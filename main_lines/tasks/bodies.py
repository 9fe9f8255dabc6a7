"""What forms and the API send about a task order."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, field_validator

from main_lines.lines.bodies import Body, Day, Note
from main_lines.lines.rules import Phase
from main_lines.seen import Mark
from main_lines.tasks.actions import Draft
from main_lines.tasks.models import NAME_LENGTH
from main_lines.tasks.rules import OFFSET_MOST

Key = Annotated[str, StringConstraints(max_length=26)]
PieceName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=NAME_LENGTH)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]


OpenIfEmpty = BeforeValidator(lambda value: None if value == "" else value)
"""For what may be left open: a form sends empty text for it."""


class WrittenBody(Body):
    """What an order says, and a template of one. due_offset: days from D-day. days: calendar days that the work takes.

    checklist, expected: one line per item; expected names the deliverables that are asked for. involved: departments that take part.
    A form sends empty text for what is left open; the API may also leave it out or send null.
    """

    title: Title
    requirements: Annotated[str, StringConstraints(max_length=8000)] = ""
    phase: Literal[Phase.PREPARE, Phase.EXECUTE, Phase.REVIEW] = Phase.PREPARE
    department_id: Annotated[Key, Field(min_length=1)]
    due_offset: Annotated[int | None, Field(ge=-OFFSET_MOST, le=OFFSET_MOST), OpenIfEmpty] = None
    days: Annotated[int, Field(ge=1, le=366)] = 1
    checklist: Annotated[str, StringConstraints(max_length=4000)] = ""
    expected: Annotated[str, StringConstraints(max_length=4000)] = ""
    involved: Annotated[list[Key], Field(max_length=100)] = []

    @field_validator("days", mode="before")
    @classmethod
    def _empty_is_one(cls, value: object) -> object:
        return 1 if value in ("", None) else value


class TaskBody(WrittenBody):
    """due_on: a pinned date; it and due_offset exclude each other. needs: orders to wait for; left alone when absent.

    seen: when an order is changed, the ``mark`` of the one that was read; 409 when it has changed since.
    """

    owner_id: Annotated[Key | None, OpenIfEmpty] = None
    site_id: Annotated[Key | None, OpenIfEmpty] = None
    due_on: Annotated[Day | None, OpenIfEmpty] = None
    needs: Annotated[list[Key], Field(max_length=500)] | None = None
    seen: Mark = ""

    def draft(self) -> Draft:
        return Draft(
            title=self.title, department_id=self.department_id, requirements=self.requirements, phase=self.phase, owner_id=self.owner_id,
            site_id=self.site_id, due_offset=self.due_offset, due_on=self.due_on, days=self.days,
            checklist=lines_of(self.checklist), expected=lines_of(self.expected), involved=self.involved,
        )  # fmt: skip


def lines_of(text: str) -> list[str]:
    """One item a line, without blanks around it; empty lines say nothing."""
    return [line.strip() for line in text.splitlines() if line.strip()]


class MoveBody(Body):
    """A verb without a deliverable. reason: needed by decline, return, cancel and block. seen: for sign and accept, the ``mark``
    of the order that was read; 409 when it has changed since."""

    verb: Literal["submit", "sign", "decline", "start", "withdraw", "accept", "return", "close", "cancel", "block", "unblock"]
    reason: Note = ""
    seen: Mark = ""


class DeliverBody(Body):
    """An asset version (asset_id and version), or text, which may be a link; name: of the expected one that it answers.

    With neither, what lies with the order is handed in. note: why it is handed in although expected ones are missing.
    """

    asset_id: Annotated[str, StringConstraints(strip_whitespace=True, max_length=40)] = ""
    version: Annotated[int | None, Field(ge=1, lt=2**31), OpenIfEmpty] = None
    text: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""
    name: PieceName = ""
    note: Note = ""


class AssignBody(Body):
    owner_id: Annotated[str, Field(min_length=1, max_length=26)]


class CheckBody(Body):
    index: Annotated[int, Field(ge=0)]
    done: bool = False


class ItemPlaceBody(Body):
    """index: the line of the checklist; to: where it goes, counted without it."""

    index: Annotated[int, Field(ge=0, le=10_000)]
    to: Annotated[int, Field(ge=-1, le=10_000)]


Chosen = Annotated[list[Annotated[str, StringConstraints(max_length=60)]], Field(max_length=500)]


class ChosenBody(Body):
    """orders: ids, each with the ``mark`` that was seen behind a colon, where one was."""

    orders: Chosen = []

    def marks(self) -> dict[str, str]:
        """Order id -> mark, empty where none was sent."""
        return {task_id: mark for task_id, _, mark in (one.partition(":") for one in self.orders) if task_id}


class BulkBody(ChosenBody):
    """act: sign (only what is still as it was seen), assign (to owner_id), shift (due days, by ``days``, later for a positive number)."""

    act: Literal["sign", "assign", "shift"]
    owner_id: Key = ""
    days: Annotated[int, Field(ge=-365, le=365)] = 0

    @field_validator("days", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return 0 if value == "" else value
