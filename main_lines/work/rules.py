"""Pure decisions of the views over all work: how much a department has to carry week by week, and how a city's stores roll up."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import IntEnum

from main_lines.checks.rules import RollUp
from main_lines.tasks.rules import Tone

DAYS_A_WEEK = 5
"""Days that one person can carry in a week. An order that fills a whole week takes as many, so one order at a time is 100 %."""


@dataclass(frozen=True)
class Carried:
    """An order that is not handed in, as far as it weighs. days: calendar days that it takes. begun: somebody works on it."""

    id: str
    department_id: str
    owner_id: str | None
    due: date | None
    days: int = 1
    begun: bool = False


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def weeks_from(today: date, count: int) -> list[date]:
    """Mondays of this week and those after it."""
    return [monday_of(today) + timedelta(weeks=number) for number in range(count)]


def span_of(order: Carried, today: date) -> tuple[date, date] | None:
    """The first and the last day on which it still has to be worked on; None without a due day.

    What is begun takes until its due day, or today when that is over. What is not begun takes all its days, at the earliest from
    today on.
    """
    if order.due is None:
        return None
    start = max(order.due - timedelta(days=order.days - 1), today)
    if order.begun:
        return start, max(order.due, start)
    return start, start + timedelta(days=order.days - 1)


def days_in(span: tuple[date, date], week: date) -> int:
    """Days of a span in the week that begins on this Monday; no more than one person can carry."""
    first, last = max(span[0], week), min(span[1], week + timedelta(days=6))
    return min(DAYS_A_WEEK, max(0, (last - first).days + 1))


def days_left(week: date, today: date) -> int:
    """Days that one person can still carry in a week; of a week that is under way those from today on."""
    first = max(today, week)
    return min(DAYS_A_WEEK, max(0, (week + timedelta(days=7) - first).days))


class Level(IntEnum):
    """How heavy a load is; as shades, not as alarms, up to OVER."""

    NONE = 0
    LIGHT = 1
    FULL = 2
    OVER = 3
    HEAVY = 4


@dataclass(frozen=True)
class Load:
    """What one week has to carry. days: of work, of ``available`` that its people have. open: orders worked on in it.

    due: orders due in it. late: orders whose day is over, all of which weigh on this week.
    """

    days: int = 0
    available: int = 0
    open: int = 0
    due: int = 0
    late: int = 0

    @property
    def percent(self) -> int | None:
        """None where nobody is there to carry anything."""
        return self.days * 100 // self.available if self.available else None

    @property
    def level(self) -> Level:
        if not self.days:
            return Level.NONE
        if self.percent is None or self.percent > 150:
            return Level.HEAVY
        if self.percent > 100:
            return Level.OVER
        return Level.FULL if self.percent > 50 else Level.LIGHT


@dataclass(frozen=True)
class DepartmentLoad:
    """One row of the table. people: who of the department carries what; undated: open orders without a due day."""

    department_id: str
    weeks: tuple[Load, ...]
    people: Mapping[str, tuple[Load, ...]] = field(default_factory=dict)
    undated: int = 0

    @property
    def heaviest(self) -> Level:
        return max((load.level for load in self.weeks), default=Level.NONE)

    @property
    def overloaded(self) -> list[str]:
        """Who has more to carry than days in some week, the heaviest first."""
        worst = {person: max((load.percent or 0 for load in loads), default=0) for person, loads in self.people.items()}
        return sorted((person for person, percent in worst.items() if percent > 100), key=lambda person: (-worst[person], person))


def department_loads(orders: Iterable[Carried], people: Mapping[str, str], weeks: Sequence[date], today: date) -> list[DepartmentLoad]:
    """Each department that has orders or people, the heaviest first. people: member -> department."""
    by_department: dict[str, list[Carried]] = defaultdict(list)
    by_owner: dict[str, list[Carried]] = defaultdict(list)
    for order in orders:
        by_department[order.department_id].append(order)
        if order.owner_id:
            by_owner[order.owner_id].append(order)
    heads: dict[str, list[str]] = defaultdict(list)
    for person, department in people.items():
        heads[department].append(person)
    rows = [
        DepartmentLoad(
            department, tuple(load_of(by_department[department], week, today, people=len(heads[department])) for week in weeks),
            {person: tuple(load_of(by_owner[person], week, today, people=1) for week in weeks) for person in heads[department]},
            sum(order.due is None for order in by_department[department]),
        )
        for department in {**by_department, **heads}
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row.heaviest, -sum(load.days for load in row.weeks), row.department_id))


def load_of(orders: Iterable[Carried], week: date, today: date, *, people: int) -> Load:
    """What some orders weigh in one week on so many people."""
    days = open_orders = due = late = 0
    end = week + timedelta(days=6)
    for order in orders:
        span = span_of(order, today)
        if span is None or order.due is None:
            continue
        here = days_in(span, week)
        days += here
        open_orders += bool(here)
        due += week <= order.due <= end
        late += order.due < today and week <= today <= end
    return Load(days, days_left(week, today) * people, open_orders, due, late)


@dataclass(frozen=True)
class PlaceTally:
    """Orders and store sheets of one place. Sums of parts are the whole."""

    done: int = 0
    total: int = 0
    late: int = 0
    blocked: int = 0
    sheets: RollUp = RollUp()

    def __add__(self, other: "PlaceTally") -> "PlaceTally":
        return PlaceTally(
            self.done + other.done, self.total + other.total, self.late + other.late, self.blocked + other.blocked,
            self.sheets + other.sheets,
        )  # fmt: skip

    @property
    def percent(self) -> int | None:
        """Readiness: what is finished of all, rounded down so that 100 means all of it; None where there is nothing to do."""
        everything = self.total + self.sheets.stores
        return (self.done + self.sheets.done) * 100 // everything if everything else None

    @property
    def tone(self) -> Tone | None:
        """None where there is nothing to do: nothing to be done is not the same as done."""
        if self.percent is None:
            return None
        if self.blocked:
            return Tone.BLOCKED
        if self.late or self.sheets.late:
            return Tone.LATE
        return Tone.DONE if self.percent == 100 else Tone.RUNNING if self.percent else Tone.READY
