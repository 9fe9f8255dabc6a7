"""What a look back at a main line finds, and what a playbook should learn from it. Pure values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from main_lines.tasks.rules import State

OVER_DAYS = 3
OVER_DAYS_MOST = 60
"""By how many days an order has to slip before a playbook is to learn from it."""


class Hand(StrEnum):
    """Whose turn it was while an order waited."""

    SIGN_OFF = "sign_off"
    HAND_OVER = "hand_over"
    APPROVAL = "approval"
    ACCEPTANCE = "acceptance"
    REWORK = "rework"
    BLOCKED = "blocked"


class ConclusionKind(StrEnum):
    GOOD = "good"
    IMPROVE = "improve"
    NEXT = "next"


@dataclass(frozen=True)
class Happened:
    """One event of the line. actor: their name then."""

    kind: str
    at: datetime
    facts: Mapping[str, Any]
    actor: str = ""


@dataclass(frozen=True)
class Wait:
    """An order lay in one hand from ``start`` to ``end``. over: False while it still lies there."""

    order_id: str
    hand: Hand
    start: datetime
    end: datetime
    over: bool

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True)
class OrderStory:
    """planned: its due day in the baseline, or as first signed when it is newer (added); None without a due day.

    first_title: under which it was written. days: that were planned for it.
    done: the day of the delivery that stands, None while there is none.
    slip: days from planned to done, or for what is overdue to today, in a line that is over to its last day; negative for earlier;
    None when it cannot be told yet.
    waits: sum by hand.
    """

    id: str
    number: int
    first_title: str
    title: str
    department_id: str
    owner_id: str | None
    state: State
    planned: date | None
    days: int
    done: date | None
    slip: int | None
    added: bool
    waits: Mapping[Hand, timedelta]
    returns: int

    @property
    def cancelled(self) -> bool:
        return self.state is State.CANCELLED

    @property
    def late(self) -> bool:
        return self.slip is not None and self.slip > 0

    @property
    def waited(self) -> timedelta:
        return sum(self.waits.values(), timedelta())


@dataclass(frozen=True)
class HandFigures:
    """All waits in one hand. longest: order and length of the longest."""

    hand: Hand
    waits: int
    total: timedelta
    longest: timedelta
    longest_order: str

    @property
    def mean(self) -> timedelta:
        return self.total / self.waits


@dataclass(frozen=True)
class DepartmentFigures:
    """Cancelled orders are not counted. slip_days: of the late ones together. waited: of all its orders, in whatever hand."""

    department_id: str
    orders: int
    done: int
    late: int
    slip_days: int
    worst: int
    returns: int
    waited: timedelta


@dataclass(frozen=True)
class Return:
    """An order was given back. declined: not signed; else what was handed in was not accepted."""

    order_id: str
    number: int
    title: str
    at: datetime
    by: str
    reason: str
    declined: bool


@dataclass(frozen=True)
class AlertStory:
    """acknowledged of people, at the last acknowledgement. first, last: after how long they came; closed: None while it stands.

    escalated: how often it was taken to others because somebody did not answer. title: as written, or a phrase (workspace.phrases).
    """

    id: str
    about: str
    title: str | Mapping[str, Any]
    by: str
    raised_at: datetime
    acknowledged: int = 1
    people: int = 0
    first: timedelta | None = None
    last: timedelta | None = None
    closed: timedelta | None = None
    escalated: int = 0


@dataclass(frozen=True)
class Blockage:
    """An order was blocked. over: False while it still is."""

    order_id: str
    reason: str
    by: str
    at: datetime
    length: timedelta
    over: bool


class Answer(StrEnum):
    """What became of an order that was offered to another department or person."""

    OPEN = "open"
    TAKEN = "taken"
    REFUSED = "refused"
    RECALLED = "recalled"


@dataclass(frozen=True)
class HandOver:
    """to: name of the person or department. reason: why it was refused. after: how long the answer took, None while it is open."""

    id: str
    order_id: str
    by: str
    to: str
    at: datetime
    answer: Answer = Answer.OPEN
    reason: str = ""
    after: timedelta | None = None


@dataclass(frozen=True)
class HeldUp:
    """An order that came later than planned, and the orders that waited for it: id -> days that it cost them."""

    order_id: str
    others: Mapping[str, int]

    @property
    def days(self) -> int:
        return sum(self.others.values())


@dataclass(frozen=True)
class Load:
    """What one member carried. days: of work, as planned."""

    member_id: str
    orders: int
    days: int
    done: int
    late: int


class Advice(StrEnum):
    LATER = "later"
    LONGER = "longer"


@dataclass(frozen=True)
class Suggestion:
    """What the playbook should say of this order. offset: days from D-day; days: that it takes.

    LONGER, when others had to wait for it: the same day, but begun earlier. LATER, when nobody had to: the day it really took.
    """

    order_id: str
    advice: Advice
    slip: int
    offset: int
    days: int
    new_offset: int
    new_days: int


@dataclass(frozen=True)
class Retrospective:
    """d_days: the D-days that the line had, first one first. resigned: signatures asked for again after a change."""

    orders: Sequence[OrderStory]
    departments: Sequence[DepartmentFigures]
    hands: Sequence[HandFigures]
    waits: Sequence[Wait]
    returns: Sequence[Return]
    blockages: Sequence[Blockage]
    hand_overs: Sequence[HandOver]
    alerts: Sequence[AlertStory]
    held_up: Sequence[HeldUp]
    load: Sequence[Load]
    d_days: Sequence[date]
    resigned: int

    @property
    def counted(self) -> list[OrderStory]:
        return [order for order in self.orders if not order.cancelled]

    @property
    def waited(self) -> timedelta:
        """Of all orders together."""
        return sum((wait.length for wait in self.waits), timedelta())

    @property
    def late(self) -> list[OrderStory]:
        """Late ones, the worst first."""
        return sorted((order for order in self.counted if order.late), key=lambda order: (-(order.slip or 0), order.number))


def suggestions(found: Retrospective, *, over_days: int) -> list[Suggestion]:
    """Orders that were handed in later than planned by more than ``over_days``, with what a playbook should plan next time; worst first.

    How long an order takes that nobody has handed in is not known: its slip grows with each day, and teaches no number.
    """
    if not found.d_days:
        return []
    d_day, held_up = found.d_days[-1], {held.order_id for held in found.held_up}
    return [_suggestion(order, d_day, held=order.id in held_up) for order in found.late if order.done and (order.slip or 0) > over_days]


def _suggestion(order: OrderStory, d_day: date, *, held: bool) -> Suggestion:
    slip, planned = order.slip or 0, order.planned
    assert planned is not None, "what has no day cannot slip"
    offset = (planned - d_day).days
    if held:
        return Suggestion(order.id, Advice.LONGER, slip, offset, order.days, offset, min(order.days + slip, 366))
    return Suggestion(order.id, Advice.LATER, slip, offset, order.days, offset + slip, order.days)
