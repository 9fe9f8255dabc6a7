"""A table of task orders, read row by row against what the main line has. Pure.

Every fault of every row is found at once. A row that is wrong in anything is not imported; one that waits for a new row that is
wrong is wrong too. A row with a number changes that order, in the columns that the table has; one without is a new order.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from main_lines.lines.rules import WORK_PHASES, Phase
from main_lines.order_tables.cells import READERS, cell_of, number_of, numbers, parts, same
from main_lines.order_tables.headings import TAKEN, Column, column_of
from main_lines.order_tables.rules import FIELDS, Change, Existing, Fault, Known, OrderTable, RowPlan, Why, asks_anew, row_key
from main_lines.plans.rules import circle_through, circling
from workspace.people.names import plain
from workspace.tables import as_typed

NEEDS_MOST = 500
CIRCLES_TOLD = 20
"""Rows on a circle of needs that are told which one; of a table that is nothing but circles that would take hours."""
NEAR_MOST = 50
"""Names of a table of which the nearest known one is looked for; to do so for every cell of a large one would take minutes."""


def read_orders(header: Sequence[str], rows: Iterable[tuple[int, Sequence[str]]], known: Known) -> OrderTable:
    """rows: number as the spreadsheet counts, cells. Empty rows are passed over."""
    found = [column_of(heading) for heading in header]
    passed_over = [heading.strip() for heading, column in zip(header, found, strict=True) if column is None and heading.strip()]
    columns = [column for column in TAKEN if column in found]
    twice = [column for column, times in Counter(column for column in found if column in TAKEN).items() if times > 1]
    faults = [Fault(0, column, Why.TWO_COLUMNS) for column in twice if column]
    if Column.TITLE not in found and Column.NUMBER not in found:
        faults.append(Fault(0, None, Why.NO_COLUMNS))
    if faults:
        return OrderTable(columns, passed_over, [], faults)
    lines: list[_Line] = []
    near: dict[tuple[Column, str], str] = {}
    for number, cells in rows:
        texts = {column: _cell(cell) for column, cell in zip(found, cells, strict=False) if column is not None and column in TAKEN}
        if any(texts.values()):
            lines.append(_Line(number, {column: texts.get(column, "") for column in columns}, near=near))
    if not lines:
        return OrderTable(columns, passed_over, [], [Fault(0, None, Why.NO_ROWS)])
    _Reading(lines, known).read()
    return OrderTable(columns, passed_over, [line.plan(known) for line in lines])


def _cell(text: str) -> str:
    """A cell with the line ends that we keep, as it was before an export of ours."""
    return as_typed(text.replace("\r\n", "\n").replace("\r", "\n").strip())


@dataclass
class _Line:
    """A row while it is being read. new_titles: of the new rows, by their keys. near: of all rows, what was meant by unknown names."""

    row: int
    cells: Mapping[Column, str]
    order: Existing | None = None
    written: dict[str, Any] = field(default_factory=dict)
    needs: frozenset[str] | None = None
    faults: list[Fault] = field(default_factory=list)
    new_titles: Mapping[str, str] = field(default_factory=dict)
    near: dict[tuple[Column, str], str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.order.id if self.order else row_key(self.row)

    @property
    def title(self) -> str:
        return self.cells.get(Column.TITLE, "") or (self.order.title if self.order else "")

    def fault(self, column: Column | None, why: Why, value: str = "", near: str = "") -> None:
        self.faults.append(Fault(self.row, column, why, value, near))

    def unknown(self, column: Column, why: Why, value: str, names: Iterable[str]) -> None:
        """A fault that says which of the names is nearest."""
        if (column, value) not in self.near:
            close = get_close_matches(value, list(names), n=1, cutoff=0.5) if len(self.near) < NEAR_MOST else []
            self.near[column, value] = next(iter(close), "")
        self.fault(column, why, value, self.near[column, value])

    def plan(self, known: Known) -> RowPlan:
        changes = self.changes(known)
        same = None
        if self.order is None and not self.faults:
            same = next((order.number for order in known.orders if order.is_open and order.title == self.title), None)
        return RowPlan(self.row, self.title, self.order, self.written, self.needs, changes, self.faults, self.cells, same)

    def changes(self, known: Known) -> list[Change]:
        order = self.order
        if order is None:
            return []
        found = [
            Change(column, cell_of(column, order.written, known), cell_of(column, self.written, known))
            for column, names in FIELDS.items()
            if all(name in self.written for name in names) and any(not same(self.written[name], order.written[name]) for name in names)
        ]
        if self.needs is not None and self.needs != order.needs:
            found.append(Change(Column.NEEDS, numbers(order.needs, known), numbers(self.needs, known, self.new_titles)))
        return found


class _Reading:
    """Reads the lines of one table; what a cell may name in another row is looked up here."""

    def __init__(self, lines: Sequence[_Line], known: Known) -> None:
        self.lines, self.known = lines, known
        self.by_number = {order.number: order for order in known.orders}

    def read(self) -> None:
        for line in self.lines:
            self._number(line)
        self._numbers_once()
        for line in self.lines:
            for column in line.cells:
                if column in READERS:
                    READERS[column](line, line.cells[column], self.known)
            self._complete(line)
        self._needs()
        for line in self.lines:
            self._may(line)
        self._circles()
        self._follow_bad()

    def _number(self, line: _Line) -> None:
        text = line.cells.get(Column.NUMBER, "")
        if not text:
            return
        number = number_of(text)
        if number is None:
            line.fault(Column.NUMBER, Why.NUMBER_BAD, text)
        elif number not in self.by_number:
            line.fault(Column.NUMBER, Why.NUMBER_UNKNOWN, text)
        else:
            line.order = self.by_number[number]

    def _numbers_once(self) -> None:
        times = Counter(line.order.id for line in self.lines if line.order)
        for line in self.lines:
            if line.order and times[line.order.id] > 1:
                line.fault(Column.NUMBER, Why.NUMBER_TWICE, str(line.order.number))

    def _complete(self, line: _Line) -> None:
        """A new order has a title and a department at least; its owner's department, when the table does not say."""
        if line.order is not None:
            return
        if not line.title and not any(fault.column is Column.TITLE for fault in line.faults):
            line.fault(Column.TITLE, Why.TITLE_MISSING)
        if not line.cells.get(Column.DEPARTMENT):
            owner = next((member for member in self.known.members if member.id == line.written.get("owner_id")), None)
            if owner:
                line.written["department_id"] = owner.department_id
            elif not any(fault.column is Column.OWNER for fault in line.faults):
                line.fault(Column.DEPARTMENT, Why.DEPARTMENT_MISSING)
        if not line.cells.get(Column.PHASE):
            line.written["phase"] = self.known.phase if self.known.phase in WORK_PHASES else Phase.PREPARE

    def _needs(self) -> None:
        titles: dict[str, set[str]] = defaultdict(set)
        renamed = {line.order.id: line for line in self.lines if line.order}
        for order in self.known.orders:
            if not order.cancelled and order.id not in renamed:
                titles[plain(order.title)].add(order.id)
        for line in self.lines:
            if line.title:
                titles[plain(line.title)].add(line.key)
        new_titles = {line.key: line.title for line in self.lines if line.order is None}
        for line in self.lines:
            line.new_titles = new_titles
            if Column.NEEDS in line.cells:
                named = parts(line.cells[Column.NEEDS], lambda said: titles.get(plain(said)))
                if len(named) > NEEDS_MOST:
                    line.fault(Column.NEEDS, Why.TOO_MANY, str(NEEDS_MOST))
                else:
                    line.needs = frozenset(self._need(line, text, titles) for text in named) - {""}

    def _need(self, line: _Line, text: str, titles: Mapping[str, set[str]]) -> str:
        """Key of what is named; empty, with a fault, when nothing or several are."""
        number = number_of(text)
        keys = titles.get(plain(text), set())
        if number is not None and not keys:
            keys = {self.by_number[number].id} if number in self.by_number else set()
        if len(keys) > 1:
            line.fault(Column.NEEDS, Why.NEED_TWO, text)
        elif not keys:
            line.unknown(Column.NEEDS, Why.NEED_UNKNOWN, text, titles)
        elif line.key in keys:
            line.fault(Column.NEEDS, Why.NEED_ITSELF, text)
        else:
            return next(iter(keys))
        return ""

    def _may(self, line: _Line) -> None:
        """Whether the reader may change the order so; a row that changes nothing may say anything."""
        order = line.order
        if order is None or line.faults:
            return
        changes = line.changes(self.known)
        if not changes:
            return
        if not order.may_edit:
            line.fault(None, Why.NOT_YOURS)
        elif not order.is_open:
            line.fault(None, Why.FINISHED)
        elif not order.may_rewrite and asks_anew(order, line.written, changes):
            line.fault(None, Why.FROZEN if order.frozen else Why.HANDED_IN)

    def _circles(self) -> None:
        needs: dict[str, frozenset[str]] = {order.id: order.needs for order in self.known.orders}
        mine = {line.key: line for line in self.lines}
        needs |= {line.key: line.needs for line in self.lines if line.needs is not None}
        left = circling(needs)
        names = {order.id: order.title for order in self.known.orders} | {key: line.title for key, line in mine.items()}
        for told, line in enumerate(line for line in self.lines if line.key in left):
            way = circle_through(left, line.key) if told < CIRCLES_TOLD else [line.key, "…"]
            if way:
                line.fault(Column.NEEDS, Why.CIRCLE, " → ".join(names.get(key, key) for key in way))

    def _follow_bad(self) -> None:
        """A row that waits for a new row that will not be there cannot be imported either."""
        rows = {line.key: line for line in self.lines if line.order is None}
        bad = [key for key, line in rows.items() if line.faults]
        while bad:
            missing = set(bad)
            bad = []
            for line in self.lines:
                lost = missing & (line.needs or frozenset())
                if lost and not line.faults:
                    line.fault(Column.NEEDS, Why.NEED_BAD, str(min(rows[key].row for key in lost)))
                    bad += [line.key] if line.order is None else []
