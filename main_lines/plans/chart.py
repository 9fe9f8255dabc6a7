"""Where the bars of the timeline stand. Pure: days to pixels."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import groupby

from main_lines.plans.queries import Plan, PlanRow

ROW = 40
HEAD = 32
SCALE_HEIGHT = 48
LANE = 16
LANES_MOST = 4
NAME_OF_DAY = 20
"""Half the width of "D 日" and "今天", which stand over the middle of their days."""
MARGIN_DAYS = 3
NARROWEST = 6
MOST_DAYS = 800


class Scale(StrEnum):
    """How wide a day is drawn."""

    WHOLE = "whole"
    WEEKS = "weeks"
    DAYS = "days"


DAY_WIDTHS = {Scale.WHOLE: 4, Scale.WEEKS: 14, Scale.DAYS: 32}
FILLED = 840
"""Pixels that a chart fills beside its names on a small PC: the whole of a plan is to be seen at once, and a short one is drawn wider."""
FILLED_MOST = 3200


@dataclass(frozen=True)
class Bar:
    """An order. x, width: None for one without a due day. ghost: where its due day was in the baseline, when it moved.

    late_x: where the forecast ends, when that is after its due day. may_move: by the reader.
    """

    row: PlanRow
    y: int
    x: int | None
    width: int | None
    ghost: int | None
    late_x: int | None
    may_move: bool

    @property
    def drawn(self) -> int:
        """How wide it is drawn: never too narrow to be taken hold of."""
        return max(self.width or 0, NARROWEST)

    @property
    def days_said(self) -> str:
        """Its first day and its last."""
        return f"{self.row.start:%m-%d} – {self.row.task.due:%m-%d}" if self.row.start and self.row.task.due else ""


@dataclass(frozen=True)
class Group:
    """A department and its orders, from top to bottom. y: of its head."""

    id: str
    name: str
    y: int
    bars: Sequence[Bar]


@dataclass(frozen=True)
class Tick:
    """A day with a name above the chart. strong: the first of a month."""

    x: int
    day: date
    strong: bool


@dataclass(frozen=True)
class Mark:
    """A gate or milestone above the chart. x: of its day; before: its name stands to the left, as those before D-day do that have room.

    lane: how many lanes above the lowest its name stands; None where no room is left for it, and only its line is drawn.
    """

    x: int
    name: str
    day: date
    before: bool
    lane: int | None


@dataclass(frozen=True)
class Wire:
    """From the end of an order to the begin of one that waits for it. points: of a polyline. critical: both lie on the critical path."""

    points: str
    critical: bool


@dataclass(frozen=True)
class Chart:
    """Everything in pixels from the top left corner."""

    scale: Scale
    day: int
    first: date
    width: int
    height: int
    groups: Sequence[Group]
    ticks: Sequence[Tick]
    weekends: Sequence[int]
    wires: Sequence[Wire]
    marks: Sequence[Mark]
    today_x: int | None
    today_lane: int | None
    d_day_x: int

    @property
    def lanes(self) -> int:
        """Lanes of names above the days, at least one."""
        return 1 + max([self.today_lane or 0, *(mark.lane or 0 for mark in self.marks)])

    @property
    def top(self) -> int:
        """Height of what stands above the first department."""
        return SCALE_HEIGHT + LANE * (self.lanes - 1)


def chart_of(plan: Plan, d_day: date, scale: Scale, days_named: Sequence[tuple[date, str]] = (), *, room: int = FILLED) -> Chart:
    """The rows of the plan by department; they come in that order. days_named: gates and milestones, which stand above them.

    room: pixels to fill beside the names; what the days of the plan leave of them goes to the days after it.
    """
    looked_at = [(day, name) for day, name in days_named if abs((day - d_day).days) < MOST_DAYS // 2]
    first, last = _span(plan, d_day, [day for day, _name in looked_at])
    room, length = min(max(room, FILLED), FILLED_MOST), (last - first).days + 1
    day = min(max(DAY_WIDTHS[scale], room // length), DAY_WIDTHS[Scale.DAYS])
    last += timedelta(days=max(room // day - length, 0))

    def x_of(when: date) -> int:
        return (when - first).days * day

    groups, y = [], 0
    for (id, name), rows in groupby(plan.rows, key=lambda row: (row.task.department_id, row.task.department_name)):
        top, bars = y, []
        y += HEAD
        for row in rows:
            bars.append(_bar(row, y, x_of, day))
            y += ROW
        groups.append(Group(id, name, top, bars))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    d_day_x, today_x = x_of(d_day), x_of(plan.today) if first <= plan.today <= last else None
    fixed = [d_day_x] if today_x is None or today_x == d_day_x else [d_day_x, today_x]
    beside = [_beside(x_of(when), day, name, before=when < d_day, room=len(days) * day) for when, name in looked_at]
    lanes = lanes_of([*((x + day // 2 - NAME_OF_DAY, x + day // 2 + NAME_OF_DAY) for x in fixed), *beside])
    today_lane, named = lanes[1] if len(fixed) == 2 else None, lanes[len(fixed) :]
    return Chart(
        scale=scale, day=day, first=first, width=len(days) * day, height=y, groups=groups,
        ticks=[Tick(x_of(when), when, when.day == 1) for when in days if _named(when, scale)],
        weekends=[x_of(when) for when in days if when.weekday() == 5], wires=_wires(groups),
        marks=[
            Mark(x_of(when), name, when, start < x_of(when), lane)
            for (when, name), (start, _end), lane in zip(looked_at, beside, named, strict=True)
        ],
        today_x=today_x, today_lane=today_lane, d_day_x=d_day_x,
    )  # fmt: skip


def lanes_of(spans: Sequence[tuple[int, int]]) -> list[int | None]:
    """For each span from left to right end the lowest lane in which it meets none before it in the list; None when all are full."""
    lanes: list[list[tuple[int, int]]] = [[] for _number in range(LANES_MOST)]
    found: list[int | None] = []
    for start, end in spans:
        free = (number for number, lane in enumerate(lanes) if all(end <= left or right <= start for left, right in lane))
        number = next(free, None)
        if number is not None:
            lanes[number].append((start, end))
        found.append(number)
    return found


def _beside(x: int, day: int, name: str, *, before: bool, room: int) -> tuple[int, int]:
    """Where the name of a mark stands, with a gap: on its own side, or on the other where the chart of width ``room`` ends."""
    width = sum(12 if ord(letter) > 0x2E7F else 7 for letter in name) + 12
    left, right = (x - 4 - width, x - 4), (x + day + 4, x + day + 4 + width)
    return left if (before and left[0] >= 0) or (not before and right[1] > room and left[0] >= 0) else right


def _span(plan: Plan, d_day: date, looked_at: Sequence[date]) -> tuple[date, date]:
    """First and last day to draw; a slip of the year must not draw a chart of a hundred thousand days."""
    days = [d_day, *looked_at, *([plan.today] if abs((plan.today - d_day).days) < MOST_DAYS // 2 else [])]
    for row in plan.rows:
        days += [found for found in (row.start, row.task.due, row.due_then, row.forecast.ready if row.forecast else None) if found]
    first = max(min(days), d_day - timedelta(days=MOST_DAYS // 2)) - timedelta(days=MARGIN_DAYS)
    last = min(max(days), d_day + timedelta(days=MOST_DAYS // 2)) + timedelta(days=MARGIN_DAYS)
    return first - timedelta(days=first.weekday()), last


def _bar(row: PlanRow, y: int, x_of: Callable[[date], int], day: int) -> Bar:
    due = row.task.due
    late = row.forecast.ready if row.forecast and due and row.forecast.ready > due else None
    return Bar(
        row, y, x_of(row.start) if row.start else None, row.days * day if due else None,
        x_of(row.due_then) + day if row.due_then and row.slip else None, x_of(late) + day if late else None,
        bool(due) and row.may_move,
    )  # fmt: skip


def _named(when: date, scale: Scale) -> bool:
    if scale is Scale.DAYS:
        return True
    return when.weekday() == 0 if scale is Scale.WEEKS else when.day in (1, 11, 21)


def _wires(groups: Sequence[Group]) -> list[Wire]:
    bars = {bar.row.task.id: bar for group in groups for bar in group.bars}
    wires = []
    for bar in bars.values():
        for need in bar.row.needs:
            source = bars.get(need.id)
            if source and source.x is not None and bar.x is not None:
                driven = bar.row.forecast is not None and bar.row.forecast.driver == need.id
                wires.append(Wire(_way(source, bar), bar.row.critical and source.row.critical and driven))
    return wires


def _way(source: Bar, target: Bar) -> str:
    """Right out of the source, down or up beside it, and from the left into the target."""
    end, start = (source.x or 0) + (source.width or 0), target.x or 0
    from_y, to_y = source.y + ROW // 2, target.y + ROW // 2
    out = end + 4
    if start >= out + 4:
        points = [(end, from_y), (out, from_y), (out, to_y), (start, to_y)]
    else:  # It begins before the other ends: around.
        between = to_y - ROW // 2 if to_y > from_y else to_y + ROW // 2
        points = [(end, from_y), (out, from_y), (out, between), (start - 6, between), (start - 6, to_y), (start, to_y)]
    return " ".join(f"{x},{y}" for x, y in points)
