"""What is known of a table of task orders once it has been read: what each row will write or change, and what is wrong. Pure values."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from main_lines.lines.rules import Phase
from main_lines.order_tables.headings import Column
from main_lines.tasks.rules import asks_more
from workspace.people.names import Names, plain

ROWS_MOST = 2000
COLUMNS_MOST = 60
TITLE_LENGTH = 120
REQUIREMENTS_LENGTH = 8000
CHECKLIST_LENGTH = 4000
DAYS_MOST = 366
EXPECTED_MOST, EXPECTED_LENGTH = 30, 80

# The fields of an order that a column writes.
FIELDS: dict[Column, tuple[str, ...]] = {
    Column.TITLE: ("title",),
    Column.REQUIREMENTS: ("requirements",),
    Column.PHASE: ("phase",),
    Column.DEPARTMENT: ("department_id",),
    Column.INVOLVED: ("involved",),
    Column.OWNER: ("owner_id",),
    Column.CITY: ("site_id",),
    Column.DUE: ("due_offset", "due_on"),
    Column.DAYS: ("days",),
    Column.CHECKLIST: ("checklist",),
    Column.EXPECTED: ("expected",),
}
_WITH_LOGIN = re.compile(r"^(.*?)\s*[（(<]\s*([^()（）<>]+?)\s*[)）>]$")
SIGNED_TEXTS = (Column.TITLE, Column.REQUIREMENTS)
SIGNED_LISTS = (Column.CHECKLIST, Column.EXPECTED)


class Why(StrEnum):
    """What can be wrong. Words and how to mend it are in words.py."""

    NO_COLUMNS = "no_columns"
    TWO_COLUMNS = "two_columns"
    NO_ROWS = "no_rows"
    NUMBER_BAD = "number_bad"
    NUMBER_UNKNOWN = "number_unknown"
    NUMBER_TWICE = "number_twice"
    TITLE_MISSING = "title_missing"
    TOO_LONG = "too_long"
    TOO_MANY = "too_many"
    PHASE_UNKNOWN = "phase_unknown"
    DEPARTMENT_MISSING = "department_missing"
    DEPARTMENT_UNKNOWN = "department_unknown"
    OWNER_UNKNOWN = "owner_unknown"
    OWNER_OUTSIDE = "owner_outside"
    OWNER_TWO = "owner_two"
    CITY_UNKNOWN = "city_unknown"
    CITY_TWO = "city_two"
    DUE_BAD = "due_bad"
    DUE_FAR = "due_far"
    DAYS_BAD = "days_bad"
    NEED_UNKNOWN = "need_unknown"
    NEED_TWO = "need_two"
    NEED_ITSELF = "need_itself"
    NEED_BAD = "need_bad"
    CIRCLE = "circle"
    NOT_YOURS = "not_yours"
    FINISHED = "finished"
    HANDED_IN = "handed_in"
    FROZEN = "frozen"


@dataclass(frozen=True)
class Fault:
    """row: as the spreadsheet counts, 0 for the table as a whole. column: None when it is about the whole row.

    near: what might have been meant, empty when nothing is like it.
    """

    row: int
    column: Column | None
    why: Why
    value: str = ""
    near: str = ""


@dataclass(frozen=True)
class Person:
    """A member of the line."""

    id: str
    name: str
    login: str
    department_id: str


@dataclass(frozen=True)
class Existing:
    """An order of the line. written: its fields; needs: ids. may_edit: by the reader; may_rewrite: also what is signed, which is the
    director's alone once the plan is frozen."""

    id: str
    number: int
    title: str
    mark: str
    written: Mapping[str, Any]
    needs: frozenset[str]
    is_open: bool
    cancelled: bool
    signed: bool
    may_edit: bool
    may_rewrite: bool
    frozen: bool = False


@dataclass(frozen=True)
class Known:
    """What the names of a table are looked up in. departments, places: by id. others: names of the company outside the line."""

    departments: Names
    places: Names
    members: Sequence[Person]
    others: frozenset[str]
    orders: Sequence[Existing]
    phase: Phase

    @cached_property
    def outside(self) -> frozenset[str]:
        """``others`` as they are compared."""
        return frozenset(map(plain, self.others))

    def called(self, text: str) -> list[Person]:
        """Members by login or name; ``name (login)`` says which of two."""
        both = _WITH_LOGIN.match(text)
        found = self._by_login.get(plain(both.group(2) if both else text).removeprefix("@"), [])
        return found or ([] if both else self._by_name.get(plain(text), []))

    @cached_property
    def _by_login(self) -> dict[str, list[Person]]:
        return {plain(member.login): [member] for member in self.members}

    @cached_property
    def _by_name(self) -> dict[str, list[Person]]:
        found: dict[str, list[Person]] = defaultdict(list)
        for member in self.members:
            found[plain(member.name)].append(member)
        return dict(found)


@dataclass(frozen=True)
class Change:
    """before, after: as a cell of an export shows them."""

    column: Column
    before: str
    after: str


@dataclass(frozen=True)
class RowPlan:
    """What one row does. order: the one that it changes, None for a new one. written: fields of the columns that the table has.

    needs: keys of what it waits for, None when the table has no such column; a key is an order's id or ``row_key`` of a new row.
    same_as: number of an open order with the same title, for a new row.
    """

    row: int
    title: str
    order: Existing | None
    written: Mapping[str, Any]
    needs: frozenset[str] | None
    changes: Sequence[Change]
    faults: Sequence[Fault]
    shown: Mapping[Column, str]
    same_as: int | None = None

    @property
    def key(self) -> str:
        return self.order.id if self.order else row_key(self.row)

    @property
    def new(self) -> bool:
        return self.order is None

    @property
    def emptied(self) -> int:
        """How many things of the order an empty cell takes away; easily done in a template of all columns."""
        return sum(not self.shown.get(change.column) for change in self.changes)

    @property
    def sign_again(self) -> bool:
        return self.order is not None and self.order.signed and asks_anew(self.order, self.written, self.changes)


@dataclass(frozen=True)
class OrderTable:
    """faults: of the table as a whole; with one of these nothing can be imported. passed_over: headings that mean nothing to us."""

    columns: Sequence[Column]
    passed_over: Sequence[str]
    rows: Sequence[RowPlan]
    faults: Sequence[Fault] = ()

    @property
    def bad(self) -> list[RowPlan]:
        return [row for row in self.rows if row.faults]

    @property
    def new(self) -> list[RowPlan]:
        return [row for row in self.rows if row.new and not row.faults]

    @property
    def changed(self) -> list[RowPlan]:
        return [row for row in self.rows if not row.new and not row.faults and row.changes]

    @property
    def same(self) -> list[RowPlan]:
        return [row for row in self.rows if not row.new and not row.faults and not row.changes]

    @property
    def all_faults(self) -> list[Fault]:
        return [*self.faults, *(fault for row in self.rows for fault in row.faults)]


def asks_anew(order: Existing, written: Mapping[str, Any], changes: Sequence[Change]) -> bool:
    """Whether the changes touch what a signature stands under; another order of the same lines does not."""
    changed = {change.column for change in changes}
    lists = (FIELDS[column][0] for column in SIGNED_LISTS if column in changed)
    return not changed.isdisjoint(SIGNED_TEXTS) or any(asks_more(order.written[name], written[name]) for name in lists)


def row_key(row: int) -> str:
    return f"row:{row}"
