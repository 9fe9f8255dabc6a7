"""What pages read of playbooks: the list, one with its versions, a line as one, and the schedule that one would give a line."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import select

from main_lines.gates.access import day_of, records_of
from main_lines.gates.rules import GateKey
from main_lines.lines.access import company_today, in_my_lines
from main_lines.lines.models import MainLine
from main_lines.lines.rules import LineKind, Phase
from main_lines.plans.access import milestones_of, needs_of
from main_lines.playbooks.access import Book
from main_lines.playbooks.models import CompanyPlaybook, LinePlaybook, PlaybookVersion
from main_lines.playbooks.rules import (
    OFFSET_MOST,
    SHIPPED_VERSION,
    Content,
    Entry,
    Milestone,
    Placed,
    Timing,
    keeping,
    placed,
    press_for,
)
from main_lines.playbooks.shipped import PLAYBOOKS
from main_lines.playbooks.taking import Choice, Order, Taken, take
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.rules import State
from workspace.people.models import Department, Member
from workspace.people.queries import DepartmentRow, MemberRow, departments_with_members, list_departments, list_members
from workspace.work import Work

SKIP, NOBODY = "skip", "nobody"


@dataclass(frozen=True)
class BookRow:
    """A playbook as lists show it. first, last: days from D-day that it spans. saved_by, saved_at: of its newest version; a shipped
    one has none."""

    id: str
    name: str
    kind: LineKind
    version: int
    shipped: bool
    orders: int
    departments: int
    first: int
    last: int
    saved_by: str = ""
    saved_at: datetime | None = None


def list_books(work: Work) -> list[BookRow]:
    """Those of the company by name, then the shipped ones. The caller has checked that the actor reads playbooks."""
    newest = (
        select(PlaybookVersion, Member.name)
        .join(CompanyPlaybook, CompanyPlaybook.id == PlaybookVersion.playbook_id)
        .join(Member, Member.id == PlaybookVersion.saved_by_id)
        .where(CompanyPlaybook.removed_at.is_(None), PlaybookVersion.number == CompanyPlaybook.version)
        .order_by(PlaybookVersion.name, PlaybookVersion.playbook_id)
    )
    rows = [_row_of_version(version, name) for version, name in work.session.execute(newest)]
    for found in PLAYBOOKS.values():
        first, last = _span((entry.begins, entry.offset) for entry in found.entries)
        departments = len(found.content.all_departments())
        rows.append(BookRow(found.key.value, found.name, found.kind, SHIPPED_VERSION, True, len(found.entries), departments, first, last))
    return rows


def _row_of_version(version: PlaybookVersion, saved_by: str) -> BookRow:
    """From what is kept as it is: to read every order of every playbook for a list would be wasted."""
    orders = version.content["orders"]
    first, last = _span((order["offset"] - order["days"] + 1, order["offset"]) for order in orders if order["offset"] is not None)
    return BookRow(
        version.playbook_id, version.name, LineKind(version.kind), version.number, False, len(orders),
        len(version.content["departments"]), first, last, saved_by, version.saved_at,
    )  # fmt: skip


def _span(days: Iterable[tuple[Any, Any]]) -> tuple[int, int]:
    known = [(first, last) for first, last in days if last is not None]
    return (min(first for first, _last in known), max(last for _first, last in known)) if known else (0, 0)


def choices(work: Work) -> list[tuple[str, str, int]]:
    """(id, name, orders) for a select; the company's first."""
    return [(row.id, row.name, row.orders) for row in list_books(work)]


@dataclass(frozen=True)
class VersionRow:
    number: int
    name: str
    saved_by: str
    saved_at: datetime
    note: str
    changes: dict[str, Any]


def versions_of(work: Work, book: Book) -> list[VersionRow]:
    """Newest first; none of a shipped one."""
    if book.shipped:
        return []
    found = select(PlaybookVersion, Member.name).join(Member, Member.id == PlaybookVersion.saved_by_id)
    rows = work.session.execute(found.where(PlaybookVersion.playbook_id == book.id).order_by(PlaybookVersion.number.desc()))
    return [VersionRow(row.number, row.name, name, row.saved_at, row.note, row.changes) for row, name in rows]


@dataclass(frozen=True)
class UsedRow:
    """A line of the actor's that was opened from the playbook."""

    line_id: str
    name: str
    d_day: date
    version: int


def my_lines_from(work: Work, book: Book) -> list[UsedRow]:
    """Only those that the actor is a member of: for others they do not exist, and are not counted."""
    query = select(MainLine, LinePlaybook.version).join(LinePlaybook, LinePlaybook.line_id == MainLine.id)
    rows = work.session.execute(
        query.where(LinePlaybook.playbook == book.id, in_my_lines(work, MainLine.id)).order_by(MainLine.d_day.desc())
    )
    return [UsedRow(line.id, line.name, line.d_day, version) for line, version in rows]


def origin_of(work: Work, line_id: str) -> LinePlaybook | None:
    """What the line was opened from. The caller has loaded the line through access."""
    return work.session.get(LinePlaybook, line_id)


@dataclass(frozen=True)
class BookGroup:
    """Orders under one head: a department, or a day (its name empty, offset as of the entries)."""

    name: str
    offset: int | None
    entries: Sequence[Entry]


def grouped(content: Content, by: str) -> list[BookGroup]:
    """By ``day``, else by department in the playbook's order, each in the order of the entries."""
    if by == "day":
        entries = sorted(content.entries, key=lambda entry: (entry.offset is None, entry.offset or 0))
        return [BookGroup("", offset, list(found)) for offset, found in groupby(entries, key=lambda entry: entry.offset)]
    found: dict[str, list[Entry]] = {name: [] for name in content.all_departments()}
    for entry in content.entries:
        found.setdefault(entry.department, []).append(entry)
    return [BookGroup(name, None, entries) for name, entries in found.items()]


@dataclass(frozen=True)
class Opening:
    """How a line is opened from a playbook. departments: name -> id, or SKIP; owners: name -> member id, or NOBODY."""

    timing: Timing = Timing.KEEP
    departments: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)

    @property
    def left_out(self) -> set[str]:
        return {name for name, chosen in self.departments.items() if chosen == SKIP}


@dataclass(frozen=True)
class Week:
    """A calendar week in which something is due. first: its Monday; to_d: whole weeks from that of D-day."""

    first: date
    to_d: int


@dataclass(frozen=True)
class DepartmentPlan:
    """What a department of the playbook would get. number: of its fields in the form.

    chosen: id in the company, SKIP, or empty when the company has none of this name and nothing was chosen.
    owner: as chosen; empty stands for the first member of the line from there. candidates: its members in the company.
    """

    number: int
    name: str
    chosen: str
    known: bool
    owner: str
    candidates: Sequence[MemberRow]
    orders: Sequence[Placed]
    by_week: Mapping[date, Sequence[Placed]]

    @property
    def undated(self) -> list[Placed]:
        return [one for one in self.orders if one.due is None]


@dataclass(frozen=True)
class GateDay:
    """gate: as in Milestone."""

    name: str
    gate: GateKey | None
    day: date
    offset: int
    over: bool


@dataclass(frozen=True)
class Preview:
    """The schedule that a line would get; nothing is written. late: due before today; begun: should have begun before today.

    near: some order would begin before today when the days are kept, so that there is something to choose.
    together: orders that pressing puts on the same days as what they wait for.
    """

    book: Book
    d_day: date
    today: date
    timing: Timing
    departments: Sequence[DepartmentPlan]
    weeks: Sequence[Week]
    gates: Sequence[GateDay]
    late: Sequence[Placed]
    begun: Sequence[Placed]
    near: bool
    together: int
    first: date | None
    last: date | None

    @property
    def orders(self) -> int:
        return sum(len(plan.orders) for plan in self.departments if plan.chosen != SKIP)

    @property
    def unknown(self) -> list[DepartmentPlan]:
        return [plan for plan in self.departments if not plan.known]


def preview(work: Work, book: Book, d_day: date, opening: Opening) -> Preview:
    """What opening a line from this playbook would schedule, backwards from D-day."""
    today, content = company_today(work), book.content
    wanted = keeping(content, opening.left_out)
    press = press_for(wanted, d_day, today, opening.timing)
    orders = placed(content.entries, d_day, today, press)
    plans = _department_plans(work, content, orders, opening)
    kept = [one for one in orders if one.entry.department not in opening.left_out]
    due = [one.due for one in kept if one.due]
    weeks = sorted({day - timedelta(days=day.weekday()) for day in due})
    d_week = d_day - timedelta(days=d_day.weekday())
    gates = [(gate, press(gate.offset), d_day + timedelta(days=press(gate.offset))) for gate in content.gates]
    first_begin = min((entry.begins for entry in wanted.entries if entry.begins is not None), default=0)
    return Preview(
        book=book, d_day=d_day, today=today, timing=opening.timing, departments=plans,
        weeks=[Week(day, (day - d_week).days // 7) for day in weeks],
        gates=[GateDay(gate.name, gate.gate, day, offset, day < today) for gate, offset, day in gates],
        late=[one for one in kept if one.late], begun=[one for one in kept if one.begun],
        near=d_day + timedelta(days=first_begin) < today, together=_together(kept),
        first=min((one.start for one in kept if one.start), default=None), last=max(due, default=None),
    )  # fmt: skip


def _together(orders: Sequence[Placed]) -> int:
    by_key = {one.entry.key: one for one in orders}
    return sum(
        any((need := by_key.get(key)) and need.due and one.start and need.due >= one.start for key in one.entry.needs)
        for one in orders
        if one.moved
    )


def _department_plans(work: Work, content: Content, orders: Sequence[Placed], opening: Opening) -> list[DepartmentPlan]:
    company: Sequence[DepartmentRow] = departments_with_members(work)
    ids, by_id = {row.name: row.id for row in company}, {row.id: row for row in company}
    mine: dict[str, list[Placed]] = defaultdict(list)
    for one in orders:
        mine[one.entry.department].append(one)
    plans = []
    for number, name in enumerate(content.all_departments()):
        if name not in mine:
            continue
        chosen = opening.departments.get(name, ids.get(name, ""))
        by_week: dict[date, list[Placed]] = defaultdict(list)
        for one in sorted(mine[name], key=lambda one: one.due or date.max):
            if one.due:
                by_week[one.due - timedelta(days=one.due.weekday())].append(one)
        members = by_id[chosen].members if chosen in by_id else []
        owner = opening.owners.get(name, "")
        plans.append(DepartmentPlan(
            number, name, chosen, name in ids, owner if owner == NOBODY or owner in {card.id for card in members} else "", members,
            mine[name], by_week,
        ))  # fmt: skip
    return plans


def line_as_playbook(work: Work, line: MainLine, choice: Choice) -> Taken:
    """What saving the line as a playbook would take. The caller has loaded the line through access."""
    needs, names = needs_of(work, line.id), dict(list_departments(work))
    rows = work.session.execute(
        select(TaskOrder, Department.name)
        .join(Department, Department.id == TaskOrder.department_id)
        .where(TaskOrder.line_id == line.id)
        .order_by(Department.id, TaskOrder.number)
    )
    orders = [
        Order(
            order.id, order.number, order.title, order.requirements, tuple(item["text"] for item in order.checklist), department,
            Phase(order.phase), order.due_offset, order.due_on, order.days, order.state == State.CANCELLED, tuple(needs.get(order.id, ())),
            tuple(order.expected), tuple(names[id] for id in order.involved if id in names),
        )
        for order, department in rows
    ]  # fmt: skip
    records = records_of(work, line.id)
    gates = [Milestone("", (day_of(line, key, records.get(key)) - line.d_day).days, key) for key in GateKey]
    gates += [Milestone(one.name, one.due_offset) for one in milestones_of(work, line.id) if abs(one.due_offset) <= OFFSET_MOST]
    people = {card.name: card.department_name for card in list_members(work)}
    return take(orders, line.d_day, choice, people=people, gates=gates)
