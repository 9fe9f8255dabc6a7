"""How a main line went, folded from its events alone. Pure.

Every order waits in at most one hand at any instant: blocked before everything else, then the holders of an approval that is
open about it, then whoever its state waits for. So the waits of an order never overlap, and their sum is time that passed.

    state        hand
    waiting      sign_off     the director has not signed
    ready        hand_over    signed, nobody has begun
    delivered    acceptance   handed in, nobody has accepted or returned it
    returned     rework       given back, not begun again

An order that is offered to another department or person waits for their answer: hand_over too.

Where the line was opened empty, nothing is newer than its plan: each order is held against the plan under which it was first signed.

A slip is counted on calendar days against the plan of a baseline. Days that count from D-day are compared on the D-day of now:
when it moves for everybody, nobody is late by that.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from main_lines.alerts.models import AlertEvent
from main_lines.approvals.models import ApprovalEvent
from main_lines.handovers.models import HandoverEvent
from main_lines.lines.models import LineEvent
from main_lines.plans.replay import OrderThen, PlanThen, replay
from main_lines.retrospectives.rules import (
    AlertStory,
    Answer,
    Blockage,
    DepartmentFigures,
    Hand,
    HandFigures,
    HandOver,
    Happened,
    HeldUp,
    Load,
    OrderStory,
    Retrospective,
    Return,
    Wait,
)
from main_lines.tasks.models import TaskEvent
from main_lines.tasks.rules import HANDED_IN, State, due_day

DAY = timedelta(days=1)
_WAITS_FOR = {
    State.WAITING: Hand.SIGN_OFF,
    State.READY: Hand.HAND_OVER,
    State.DELIVERED: Hand.ACCEPTANCE,
    State.RETURNED: Hand.REWORK,
}
_APPROVAL_OPENS = frozenset({str(ApprovalEvent.SUBMITTED)})
_APPROVAL_ENDS = frozenset(
    str(kind) for kind in (ApprovalEvent.APPROVED, ApprovalEvent.REJECTED, ApprovalEvent.RETURNED, ApprovalEvent.RECALLED)
)
_TASK = "main_lines.task."
_ANSWERS = frozenset(str(kind) for kind in (HandoverEvent.TAKEN, HandoverEvent.REFUSED, HandoverEvent.RECALLED))
_UNBLOCKS = frozenset(str(kind) for kind in (TaskEvent.UNBLOCKED, TaskEvent.DELIVERED, TaskEvent.CANCELLED))


@dataclass
class _Track:
    """An order while its events are walked."""

    title: str = ""
    state: State = State.DRAFT
    blocked: bool = False
    block: Happened | None = None
    offered: bool = False
    approvals: set[str] = field(default_factory=set)
    hand: Hand | None = None
    since: datetime | None = None
    handed_at: datetime | None = None
    returns: int = 0
    signed: bool = False
    written: Mapping[str, Any] | None = None
    promised: OrderThen | None = None


def hand_of(state: State, *, blocked: bool, in_approval: bool, offered: bool = False) -> Hand | None:
    """In whose hand an order lies; None while somebody works on it or it is finished."""
    if state in (State.ACCEPTED, State.CLOSED, State.CANCELLED):
        return None
    if blocked:
        return Hand.BLOCKED
    if in_approval:
        return Hand.APPROVAL
    return Hand.HAND_OVER if offered else _WAITS_FOR.get(state)


def look_back(
    events: Sequence[Happened], *, baseline_at: datetime, now: datetime, today: date, day_of: Callable[[datetime], date]
) -> Retrospective:
    """events: of the line, in order of their sequence. baseline_at: the plan of that instant is what was promised.

    day_of: the company's calendar day of an instant.
    """
    walk = _Walk()
    for event in events:
        walk.step(event)
    walk.end(now)
    then = replay((event.kind, event.facts) for event in events if event.at <= baseline_at)
    final = replay((event.kind, event.facts) for event in events)
    sums: dict[str, dict[Hand, timedelta]] = defaultdict(lambda: defaultdict(timedelta))
    for wait in walk.waits:
        sums[wait.order_id][wait.hand] += wait.length
    orders = [_story(id, walk.tracks[id], sums[id], then, final, today, day_of) for id in final.orders if id in walk.tracks]
    orders.sort(key=lambda order: order.number)
    return Retrospective(
        orders=orders, departments=_departments(orders), hands=_hands(walk.waits), waits=walk.waits, returns=walk.returns,
        blockages=walk.blockages, hand_overs=list(walk.hand_overs.values()),
        alerts=list(walk.alerts.values()), held_up=_held_up(orders, final, today), load=_load(orders), d_days=walk.d_days,
        resigned=walk.resigned,
    )  # fmt: skip


class _Walk:
    """What is gathered on the way through the events."""

    def __init__(self) -> None:
        self.tracks: dict[str, _Track] = {}
        self.waits: list[Wait] = []
        self.returns: list[Return] = []
        self.alerts: dict[str, AlertStory] = {}
        self.d_days: list[date] = []
        self.blockages: list[Blockage] = []
        self.hand_overs: dict[str, HandOver] = {}
        self.resigned = 0

    def step(self, event: Happened) -> None:
        if event.kind in (LineEvent.OPENED, LineEvent.RESCHEDULED):
            self.d_days.append(date.fromisoformat(event.facts["d_day"]))
        elif event.kind.startswith(_TASK) and "state" in event.facts:
            self._task(event)
        elif event.kind in _APPROVAL_OPENS or event.kind in _APPROVAL_ENDS:
            self._approval(event)
        elif event.facts.get("alert_id"):
            self._alert(event)

    def end(self, now: datetime) -> None:
        """What still waits has waited until now."""
        for id, track in self.tracks.items():
            self._note(id, track, now, over=False)
            self._free(id, track, now, over=False)

    def _task(self, event: Happened) -> None:
        id, facts = event.facts["task_id"], event.facts
        track = self.tracks.setdefault(id, _Track(title=facts["title"]))
        if "plan" in facts:
            track.written = facts
        if event.kind == TaskEvent.DELIVERED:
            track.handed_at = event.at
        elif event.kind in (TaskEvent.WITHDRAWN, TaskEvent.RETURNED):
            track.handed_at = None
        elif event.kind == TaskEvent.SIGNED and not track.signed:
            track.signed = True
            track.promised = replay([(TaskEvent.WRITTEN, track.written)]).orders[id] if track.written else None
        elif event.kind == TaskEvent.EDITED and track.signed and facts.get("sign_again"):
            self.resigned += 1
        if event.kind in (TaskEvent.RETURNED, TaskEvent.DECLINED):
            declined = event.kind == TaskEvent.DECLINED
            track.returns += not declined
            by = str(facts.get("by") or event.actor)
            self.returns.append(Return(id, facts["number"], facts["title"], event.at, by, str(facts.get("reason", "")), declined))
        track.state = State(facts["state"])
        if event.kind == TaskEvent.BLOCKED:
            track.block = event
        elif event.kind in _UNBLOCKS:
            self._free(id, track, event.at, over=True)
        if "handover_id" in facts:
            self._hand_over(id, event)
        track.blocked = event.kind == TaskEvent.BLOCKED or (track.blocked and event.kind not in _UNBLOCKS)
        track.offered = event.kind == HandoverEvent.OFFERED or (track.offered and event.kind not in _ANSWERS)
        self._turn(id, track, event.at)

    def _free(self, id: str, track: _Track, at: datetime, *, over: bool) -> None:
        if track.block is not None:
            said = track.block
            self.blockages.append(Blockage(id, str(said.facts.get("reason", "")), said.actor, said.at, at - said.at, over))
            track.block = None

    def _hand_over(self, order_id: str, event: Happened) -> None:
        id, known = event.facts["handover_id"], self.hand_overs.get(event.facts["handover_id"])
        if event.kind == HandoverEvent.OFFERED:
            self.hand_overs[id] = HandOver(id, order_id, event.actor, str(event.facts.get("to", "")), event.at)
        elif known is not None and event.kind in _ANSWERS:
            answer = Answer(event.kind.rpartition(".")[2])
            reason = str(event.facts.get("reason", ""))
            self.hand_overs[id] = replace(known, answer=answer, reason=reason, after=event.at - known.at)

    def _approval(self, event: Happened) -> None:
        id = event.facts.get("task_id")
        if not id or id not in self.tracks:
            return
        track = self.tracks[id]
        if event.kind in _APPROVAL_OPENS:
            track.approvals.add(event.facts["approval_id"])
        else:
            track.approvals.discard(event.facts["approval_id"])
        self._turn(id, track, event.at)

    def _alert(self, event: Happened) -> None:
        id, facts = event.facts["alert_id"], event.facts
        if event.kind == AlertEvent.RAISED:
            self.alerts[id] = AlertStory(id, str(facts.get("about", "")), facts.get("title_said", facts["title"]), event.actor, event.at)
        elif id in self.alerts:
            known = self.alerts[id]
            after = event.at - known.raised_at
            if event.kind in (AlertEvent.CLOSED, AlertEvent.CLEARED, AlertEvent.REPLACED):
                self.alerts[id] = replace(known, closed=known.closed if known.closed is not None else after)
            elif event.kind == AlertEvent.ESCALATED:
                self.alerts[id] = replace(known, escalated=known.escalated + 1)
            elif event.kind == AlertEvent.ACKNOWLEDGED:
                first = known.first if known.first is not None else after
                self.alerts[id] = replace(known, first=first, last=after, acknowledged=facts["acknowledged"], people=facts["people"])

    def _turn(self, id: str, track: _Track, at: datetime) -> None:
        hand = hand_of(track.state, blocked=track.blocked, in_approval=bool(track.approvals), offered=track.offered)
        if hand is not track.hand:
            self._note(id, track, at, over=True)
            track.hand, track.since = hand, at

    def _note(self, id: str, track: _Track, at: datetime, *, over: bool) -> None:
        if track.hand is not None and track.since is not None and at > track.since:
            self.waits.append(Wait(id, track.hand, track.since, at, over))


def _story(
    id: str, track: _Track, waits: Mapping[Hand, timedelta], then: PlanThen, final: PlanThen, today: date,
    day_of: Callable[[datetime], date],
) -> OrderStory:  # fmt: skip
    order, promised = final.orders[id], then.orders.get(id)
    newer = promised is None or promised.cancelled
    if newer:
        promised = track.promised or order
    assert promised is not None
    planned = due_day(final.d_day, offset=promised.due_offset, on=promised.due_on) if final.d_day else promised.due_on
    handed_in = track.state in HANDED_IN and track.state is not State.CANCELLED
    done = day_of(track.handed_at) if handed_in and track.handed_at else None
    return OrderStory(
        id=id, number=order.number, first_title=track.title, title=order.title, department_id=order.department_id,
        owner_id=order.owner_id, state=track.state,
        planned=planned, days=promised.days, done=done, slip=_slip(track.state, planned, done, today),
        added=newer and bool(then.orders), waits=dict(waits),
        returns=track.returns,
    )  # fmt: skip


def _slip(state: State, planned: date | None, done: date | None, today: date) -> int | None:
    """Against the plan; what is not handed in slips once its day is over. Nothing can be told of the rest."""
    if planned is None or state is State.CANCELLED:
        return None
    if done is not None:
        return (done - planned).days
    return (today - planned).days if today > planned and state not in HANDED_IN else None


def _departments(orders: Iterable[OrderStory]) -> list[DepartmentFigures]:
    groups: dict[str, list[OrderStory]] = defaultdict(list)
    for order in orders:
        if not order.cancelled:
            groups[order.department_id].append(order)
    figures = [_department(id, mine) for id, mine in groups.items()]
    return sorted(figures, key=lambda one: (-one.slip_days, -one.late, one.department_id))


def _department(id: str, mine: Sequence[OrderStory]) -> DepartmentFigures:
    slips = [order.slip for order in mine if order.slip is not None and order.slip > 0]
    return DepartmentFigures(
        id, len(mine), sum(order.done is not None for order in mine), len(slips), sum(slips), max(slips, default=0),
        sum(order.returns for order in mine), sum((order.waited for order in mine), timedelta()),
    )  # fmt: skip


def _hands(waits: Iterable[Wait]) -> list[HandFigures]:
    groups: dict[Hand, list[Wait]] = defaultdict(list)
    for wait in waits:
        groups[wait.hand].append(wait)
    found = []
    for hand, mine in groups.items():
        longest = max(mine, key=lambda wait: wait.length)
        found.append(HandFigures(hand, len(mine), sum((wait.length for wait in mine), timedelta()), longest.length, longest.order_id))
    return sorted(found, key=lambda one: (-one.total, one.hand))


def _held_up(orders: Sequence[OrderStory], final: PlanThen, today: date) -> list[HeldUp]:
    """Days from when the waiting order could have begun, or from when the other was planned if that is later, to when it came."""
    by_id = {order.id: order for order in orders if not order.cancelled}
    cost: dict[str, dict[str, int]] = defaultdict(dict)
    for order in by_id.values():
        if order.planned is None:
            continue
        begin = order.planned - (order.days - 1) * DAY
        for need in (by_id[id] for id in sorted(final.orders[order.id].needs) if id in by_id):
            came = min(need.done or today, order.done or date.max)
            allowed = max(begin - DAY, need.planned or date.min)
            if came > allowed:
                cost[need.id][order.id] = (came - allowed).days
    return sorted((HeldUp(id, others) for id, others in cost.items()), key=lambda held: (-held.days, held.order_id))


def _load(orders: Iterable[OrderStory]) -> list[Load]:
    groups: dict[str, list[OrderStory]] = defaultdict(list)
    for order in orders:
        if order.owner_id and not order.cancelled:
            groups[order.owner_id].append(order)
    loads = [
        Load(id, len(mine), sum(one.days for one in mine), sum(one.done is not None for one in mine), sum(one.late for one in mine))
        for id, mine in groups.items()
    ]  # fmt: skip
    return sorted(loads, key=lambda one: (-one.days, -one.orders, one.member_id))
