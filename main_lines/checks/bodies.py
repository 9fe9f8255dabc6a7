"""What forms and the API send about store checklists."""

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from main_lines.checks.actions import CheckDraft
from main_lines.checks.models import ITEM_LENGTH, TITLE_LENGTH
from main_lines.checks.rules import Kind, Scope
from main_lines.lines.bodies import Body, Day, Note
from workspace.errors import InvalidInput
from workspace.i18n import _

ITEMS_MOST = 40
STORES_MOST = 2000
Offset = Annotated[int, Field(ge=-365, le=365)]
Place = Annotated[str, StringConstraints(max_length=26)]


class CheckBody(Body):
    """texts, kinds, offsets: of the items, beside each other; an item whose text is empty is left out, an empty offset means
    "with the checklist". due_offset: days from D-day, due_on: a date; exactly one."""

    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_LENGTH)]
    note: Annotated[str, StringConstraints(max_length=2000)] = ""
    department_id: Annotated[str, Field(min_length=1, max_length=26)]
    task_id: Place | None = None
    scope: Scope = Scope.ALL
    cities: Annotated[list[Place], Field(max_length=STORES_MOST)] = []
    stores: Annotated[list[Place], Field(max_length=STORES_MOST)] = []
    due_offset: Offset | None = None
    due_on: Day | None = None
    texts: Annotated[
        list[Annotated[str, StringConstraints(strip_whitespace=True, max_length=ITEM_LENGTH)]], Field(max_length=ITEMS_MOST)
    ] = []
    kinds: Annotated[list[Kind], Field(max_length=ITEMS_MOST)] = []
    offsets: Annotated[list[Offset | None], Field(max_length=ITEMS_MOST)] = []

    @field_validator("task_id", "due_offset", "due_on", mode="before")
    @classmethod
    def _empty_is_open(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("offsets", mode="before")
    @classmethod
    def _empty_is_with_the_list(cls, value: object) -> object:
        return [None if one == "" else one for one in value] if isinstance(value, list) else value

    def draft(self) -> CheckDraft:
        if len(self.kinds) != len(self.texts) or len(self.offsets) not in (0, len(self.texts)):
            raise InvalidInput(_("有内容需要修改"), _("每一项都要有内容和类型。"), fields={"texts": _("每一项都要有内容和类型")})
        offsets = self.offsets or [None] * len(self.texts)
        items = [(text, kind, offset) for text, kind, offset in zip(self.texts, self.kinds, offsets, strict=True) if text]
        chosen = {Scope.ALL: [], Scope.CITIES: self.cities, Scope.STORES: self.stores}[self.scope]
        return CheckDraft(
            title=self.title, department_id=self.department_id, items=items, scope=self.scope, chosen=chosen, note=self.note,
            due_offset=self.due_offset, due_on=self.due_on, task_id=self.task_id,
        )  # fmt: skip


class AnswerBody(Body):
    """key: of the item. value: "true" for a tick, text or number as written, empty to take the answer back.

    seen: the item's ``n`` that was shown; 409 when somebody else has answered it otherwise since.
    """

    key: Annotated[str, Field(min_length=1, max_length=10)]
    value: Annotated[str, StringConstraints(max_length=1000)] = ""
    seen: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class StoresBody(Body):
    stores: Annotated[list[Place], Field(min_length=1, max_length=STORES_MOST)]


class CloseBody(Body):
    """reason: needed while stores are missing."""

    reason: Note = ""
