"""Task orders at a glance: what counts, colours and places each of them, without their texts.

For views over a whole line, which add up thousands of orders and name a few; the rows with everything are in queries.py.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from sqlalchemy import bindparam, func, select

from main_lines.lines.access import company_today, in_my_lines
from main_lines.lines.models import MainLine
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.rules import FINISHED, State, Tone, days_late, due_day, tone_of
from workspace.people.models import Department, Member
from workspace.work import Work

_BLOCKED = TaskOrder.blocked_at.is_not(None)
_OF_LINE = (
    select(
        TaskOrder.id, TaskOrder.number, TaskOrder.title, TaskOrder.phase, TaskOrder.state, _BLOCKED, TaskOrder.due_offset,
        TaskOrder.due_on, TaskOrder.days, TaskOrder.department_id, Department.name, Member.name,
        func.coalesce(TaskOrder.site_id, Member.site_id),
    )
    .join(Department, Department.id == TaskOrder.department_id)
    .outerjoin(Member, Member.id == TaskOrder.owner_id)
    .where(TaskOrder.line_id == bindparam("line_id"), TaskOrder.state != State.CANCELLED.value)
)  # fmt: skip
_ALIKE = (TaskOrder.line_id, TaskOrder.state, _BLOCKED, TaskOrder.due_offset, TaskOrder.due_on, MainLine.d_day)


class Shown:
    """What lists and maps say of an order, whichever row holds it."""

    __slots__ = ()
    state: State
    tone: Tone
    owner_name: str
    department_name: str

    @property
    def holder(self) -> str:
        """Who is to act or answer for it: the owner, else the department."""
        return self.owner_name or self.department_name

    @property
    def shown_state(self) -> str:
        """The state as a person reads it: blocked and late hide what lies beneath."""
        return self.tone.value if self.tone in (Tone.BLOCKED, Tone.LATE) and self.state is not State.RETURNED else self.state.value

    @property
    def finished(self) -> bool:
        return self.state in FINISHED


@dataclass(slots=True)
class Glance(Shown):
    """See queries.TaskRow. site_id: the order's place, else its owner's. Not frozen: ten thousand are made for one map."""

    id: str
    number: int
    title: str
    phase: str
    state: State
    tone: Tone
    due: date | None
    late_days: int
    days: int
    department_id: str
    department_name: str
    owner_name: str
    site_id: str | None


def line_glances(work: Work, line: MainLine) -> list[Glance]:
    """The orders of a line that were not cancelled, by department, then by due day. The caller has loaded the line through access."""
    today, found = company_today(work), []
    alike: dict[tuple[str, bool, int | None, date | None], tuple[State, Tone, date | None, int]] = {}
    for id, number, title, phase, state, blocked, offset, on, days, department_id, department, owner, site_id in work.read(
        _OF_LINE, {"line_id": line.id}
    ).all():
        told = alike.get(key := (state, blocked, offset, on))
        if told is None:
            told = alike[key] = _told(*key, line.d_day, today)
        found.append(Glance(id, number, title, phase, *told, days, department_id, department, owner or "", site_id))
    return sorted(found, key=lambda one: (one.department_id, one.due or date.max, one.number))


def _told(
    said: str, blocked: bool, offset: int | None, on: date | None, d_day: date, today: date
) -> tuple[State, Tone, date | None, int]:  # fmt: skip
    """State, tone, due day and days late: the same for all orders that are alike in what they follow from."""
    state, due = State(said), due_day(d_day, offset=offset, on=on)
    late = days_late(due, state, today)
    return state, tone_of(state, blocked=blocked, late=late > 0), due, late


@dataclass(frozen=True)
class Counts:
    """Orders of one line, without the cancelled ones. done: accepted or closed."""

    total: int = 0
    done: int = 0
    blocked: int = 0
    late: int = 0
    waiting: int = 0


class Counted(Protocol):
    """What needs to be known of an order to count it."""

    @property
    def state(self) -> State: ...
    @property
    def tone(self) -> Tone: ...
    @property
    def late_days(self) -> int: ...


def counts_of(orders: Iterable[Counted]) -> Counts:
    return _sum((order.state, order.tone, order.late_days, 1) for order in orders)


def counts_by_line(work: Work) -> dict[str, Counts]:
    """Counts of each of the actor's lines that has orders. The database counts those that are alike."""
    today, groups = company_today(work), defaultdict(list)
    query = select(*_ALIKE, func.count()).join(MainLine, MainLine.id == TaskOrder.line_id)
    for line_id, said, blocked, offset, on, d_day, count in work.read(query.where(in_my_lines(work, TaskOrder.line_id)).group_by(*_ALIKE)):
        state, tone, _due, late = _told(said, blocked, offset, on, d_day, today)
        groups[line_id].append((state, tone, late, count))
    return {line_id: _sum(alike) for line_id, alike in groups.items()}


def _sum(groups: Iterable[tuple[State, Tone, int, int]]) -> Counts:
    """groups: state, tone, days late, and how many orders are alike in all of it."""
    total = done = blocked = late = waiting = 0
    for state, tone, late_days, count in groups:
        if state is State.CANCELLED:
            continue
        total += count
        done += count * (state in FINISHED)
        blocked += count * (tone is Tone.BLOCKED)
        late += count * (late_days > 0)
        waiting += count * (state is State.WAITING)
    return Counts(total, done, blocked, late, waiting)
