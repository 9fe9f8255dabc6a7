"""The figures of a retrospective, held against a slow second computation that asks for every hour anew."""

import random
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from main_lines.retrospectives.rules import Advice, Hand, Happened, Retrospective, suggestions
from main_lines.retrospectives.walk import look_back
from main_lines.tasks.rules import FINISHED, Move, Standing, State, Verb, decide

START = datetime(2026, 9, 1, 0, 0, tzinfo=UTC)
D_DAY = date(2026, 11, 11)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANYBODY = Standing(directs=True, wrote=True, works=True)
KINDS = {
    Verb.SUBMIT: "submitted", Verb.SIGN: "signed", Verb.DECLINE: "declined", Verb.START: "started", Verb.DELIVER: "delivered",
    Verb.ACCEPT: "accepted", Verb.RETURN: "returned", Verb.WITHDRAW: "withdrawn", Verb.EDIT: "edited", Verb.CLOSE: "closed",
    Verb.CANCEL: "cancelled", Verb.BLOCK: "blocked", Verb.UNBLOCK: "unblocked",
}  # fmt: skip


def plan(offset: int | None, days: int, department: str, owner: str | None = None) -> dict[str, Any]:
    return {"phase": "prepare", "department_id": department, "owner_id": owner, "due_offset": offset, "due_on": None, "days": days}


def history(seed: int) -> list[Happened]:
    """A random line as the product writes it: every verb goes through the rules, each event at a whole hour."""
    chance, at = random.Random(seed), START
    events = [Happened("main_lines.line.opened", at, {"d_day": D_DAY.isoformat()})]
    states: dict[str, State] = {}
    plans: dict[str, dict[str, Any]] = {}
    blocked: set[str] = set()
    approvals: dict[str, str] = {}
    offered: set[str] = set()

    def record(id: str, what: str, **facts: Any) -> None:
        about = {"task_id": id, "number": int(id[1:]), "title": id, "state": states[id].value}
        events.append(Happened(f"main_lines.task.{what}", at, {**about, **facts}, "林悦"))

    for _step in range(chance.randint(5, 40)):
        at += HOUR * chance.choice([0, 1, 5, 24])
        roll = chance.random()
        if roll < 0.15 or not states:
            id = f"t{len(states) + 1}"
            states[id] = State.DRAFT
            plans[id] = plan(
                chance.choice([None, -60, -40, -20]), chance.randint(1, 9), chance.choice("ab"), chance.choice([None, "m1", "m2"])
            )
            record(id, "written", plan=plans[id])
        elif roll < 0.2:
            d_day = D_DAY + DAY * chance.randint(-5, 5)
            events.append(Happened("main_lines.line.rescheduled", at, {"d_day": d_day.isoformat()}))
        elif roll < 0.3:
            id = chance.choice(sorted(states))
            if id in approvals:
                events.append(Happened("main_lines.approval.approved", at, {"task_id": id, "approval_id": approvals.pop(id)}))
            else:
                approvals[id] = f"p{len(events)}"
                events.append(Happened("main_lines.approval.submitted", at, {"task_id": id, "approval_id": approvals[id]}))
        elif roll < 0.34:
            id = chance.choice(sorted(states))
            if states[id] not in FINISHED:
                record(id, "taken" if id in offered else "offered", plan=plans[id])
                offered ^= {id}
        elif roll < 0.4 and len(states) > 1:
            first, second = sorted(chance.sample(sorted(states), 2), key=lambda id: int(id[1:]))
            events.append(Happened("main_lines.plan.need_added", at, {"task_id": second, "needs_id": first}))
        else:
            id, verb = chance.choice(sorted(states)), chance.choice([*KINDS])
            decision = decide(states[id], verb, ANYBODY, blocked=id in blocked)
            if not isinstance(decision, Move):
                continue
            states[id] = decision.to
            blocked = (
                blocked | {id} if verb is Verb.BLOCK else blocked - {id} if verb in (Verb.UNBLOCK, Verb.DELIVER, Verb.CANCEL) else blocked
            )
            if verb is Verb.EDIT:
                plans[id] = {**plans[id], "due_offset": chance.choice([None, -50, -30]), "days": chance.randint(1, 9)}
            record(id, KINDS[verb], plan=plans[id], reason="理由", by="林悦", sign_again=verb is Verb.EDIT)
    return events


def look(events: list[Happened], baseline_at: datetime, now: datetime) -> Retrospective:
    return look_back(events, baseline_at=baseline_at, now=now, today=now.date(), day_of=lambda at: at.date())


def hand_at(events: list[Happened], at: datetime) -> Hand | None:
    """In whose hand an order lies in the hour that begins then, from all of its events up to it."""
    state, blocked, open_approvals, offered = None, False, set(), False
    for event in events:
        if event.at > at:
            break
        if event.kind.startswith("main_lines.task."):
            state = State(event.facts["state"])
            verb = event.kind.rpartition(".")[2]
            offered = verb == "offered" or (offered and verb != "taken")
            blocked = verb == "blocked" or (blocked and verb not in ("unblocked", "delivered", "cancelled"))
        elif state is not None and event.kind == "main_lines.approval.submitted":
            open_approvals.add(event.facts["approval_id"])
        elif event.kind == "main_lines.approval.approved":
            open_approvals.discard(event.facts["approval_id"])
    if state is None or state in FINISHED:
        return None
    if blocked:
        return Hand.BLOCKED
    if open_approvals:
        return Hand.APPROVAL
    if offered:
        return Hand.HAND_OVER
    names = {"waiting": Hand.SIGN_OFF, "ready": Hand.HAND_OVER, "delivered": Hand.ACCEPTANCE, "returned": Hand.REWORK}
    return names.get(state.value)


def planned_day(events: list[Happened], id: str, baseline_at: datetime) -> date | None:
    """The last plan up to the baseline; for an order that was not there yet the one at its first signature, else the last."""
    mine = [event for event in events if event.facts.get("task_id") == id and event.kind.startswith("main_lines.task.")]
    then = [event for event in mine if event.at <= baseline_at]
    if then and all(event.kind != "main_lines.task.cancelled" for event in then):
        promised = then
    else:
        signed = next((place for place, event in enumerate(mine) if event.kind == "main_lines.task.signed"), None)
        promised = mine if signed is None else mine[:signed]
    # A cancellation keeps the plan that stood before it.
    plans = [event.facts["plan"] for event in promised if "plan" in event.facts and event.kind != "main_lines.task.cancelled"]
    offset = plans[-1]["due_offset"]
    d_days = [event.facts["d_day"] for event in events if "d_day" in event.facts]
    return None if offset is None else date.fromisoformat(d_days[-1]) + DAY * offset


def done_day(events: list[Happened], id: str) -> date | None:
    """The day of the last delivery that nothing has undone."""
    found = None
    for event in events:
        if event.facts.get("task_id") == id:
            verb = event.kind.rpartition(".")[2]
            if event.kind == "main_lines.task.delivered":
                found = event.at.date()
            elif event.kind in ("main_lines.task.returned", "main_lines.task.withdrawn") or verb == "cancelled":
                found = None
    return found


@settings(max_examples=40, deadline=None)
@given(st.integers(min_value=0, max_value=10**6), st.integers(min_value=0, max_value=200))
def test_figures_when_history_is_random_then_equal_a_slow_second_computation(seed: int, baseline_hours: int) -> None:
    events = history(seed)
    now, baseline_at = events[-1].at + 30 * HOUR, START + baseline_hours * HOUR
    found = look(events, baseline_at, now)
    ids = {event.facts["task_id"] for event in events if event.kind == "main_lines.task.written"}
    assert {order.id for order in found.orders} == ids
    about = {id: [event for event in events if event.facts.get("task_id") == id] for id in ids}
    slow: dict[tuple[str, Hand], timedelta] = defaultdict(timedelta)
    for hour in range(int((now - START) / HOUR)):
        for id in ids:
            hand = hand_at(about[id], START + hour * HOUR)
            if hand is not None:
                slow[id, hand] += HOUR
    assert {(order.id, hand): length for order in found.orders for hand, length in order.waits.items()} == dict(slow)
    assert {one.hand: one.total for one in found.hands} == {
        hand: sum((length for (_id, other), length in slow.items() if other is hand), timedelta()) for hand in {hand for _id, hand in slow}
    }
    for order in found.orders:
        planned, done = planned_day(events, order.id, baseline_at), done_day(events, order.id)
        assert (order.planned, order.done) == (planned, done), order.id
        if order.cancelled or planned is None:
            assert order.slip is None
        elif done is not None:
            assert order.slip == (done - planned).days
        elif order.state not in FINISHED:
            assert order.slip == ((now.date() - planned).days if now.date() > planned else None)
    counted = [order for order in found.orders if not order.cancelled]
    assert sum(one.orders for one in found.departments) == len(counted)
    assert sum(one.slip_days for one in found.departments) == sum(max(order.slip or 0, 0) for order in counted)
    returned = [event for event in events if event.kind in ("main_lines.task.returned", "main_lines.task.declined")]
    assert [(one.order_id, one.reason) for one in found.returns] == [(event.facts["task_id"], "理由") for event in returned]


def written(id: str, at: datetime, offset: int, days: int = 1) -> Happened:
    facts = {"task_id": id, "number": int(id[1:]), "title": id, "state": "ready", "plan": plan(offset, days, "a", "m1")}
    return Happened("main_lines.task.written", at, facts)


def delivered(id: str, day: date) -> Happened:
    at = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
    facts = {"task_id": id, "number": int(id[1:]), "title": id, "state": "delivered"}
    return Happened("main_lines.task.delivered", at, facts)


def test_suggestions_when_orders_slipped_then_later_if_nobody_waited_else_begun_earlier() -> None:
    events = [
        Happened("main_lines.line.opened", START, {"d_day": D_DAY.isoformat()}),
        written("t1", START, -40, 5), written("t2", START, -30, 3), written("t3", START, -30, 2), written("t4", START, -20),
        Happened("main_lines.plan.need_added", START, {"task_id": "t2", "needs_id": "t1"}),
        delivered("t1", D_DAY - 30 * DAY), delivered("t2", D_DAY - 25 * DAY), delivered("t3", D_DAY - 24 * DAY),
        delivered("t4", D_DAY - 19 * DAY),
    ]  # fmt: skip
    found = look(events, START, START + 90 * DAY)
    assert [(held.order_id, dict(held.others)) for held in found.held_up] == [("t1", {"t2": 3})], "t2 could have begun on D-32"
    told = [(one.order_id, one.advice, one.new_offset, one.new_days) for one in suggestions(found, over_days=3)]
    assert told == [("t1", Advice.LONGER, -40, 15), ("t3", Advice.LATER, -24, 2), ("t2", Advice.LATER, -25, 3)]
    assert [(load.member_id, load.orders, load.days, load.done, load.late) for load in found.load] == [("m1", 4, 11, 4, 4)]


def test_suggestions_when_an_order_was_never_handed_in_then_it_is_late_and_teaches_no_number() -> None:
    events = [
        Happened("main_lines.line.opened", START, {"d_day": D_DAY.isoformat()}),
        written("t1", START, -40, 5), written("t2", START, -30, 3), written("t3", START, -30, 2),
        Happened("main_lines.plan.need_added", START, {"task_id": "t2", "needs_id": "t1"}),
        delivered("t3", D_DAY - 24 * DAY),
    ]  # fmt: skip
    found = look(events, START, START + 90 * DAY)
    assert {order.id for order in found.late} == {"t1", "t2", "t3"}
    assert [(one.order_id, one.new_offset) for one in suggestions(found, over_days=3)] == [("t3", -24)]


def test_slip_when_d_day_moves_for_everybody_then_nobody_is_late_by_that() -> None:
    moved = D_DAY + 10 * DAY
    events = [
        Happened("main_lines.line.opened", START, {"d_day": D_DAY.isoformat()}), written("t1", START, -40),
        Happened("main_lines.line.rescheduled", START + DAY, {"d_day": moved.isoformat()}), delivered("t1", moved - 40 * DAY),
    ]  # fmt: skip
    found = look(events, START, START + 90 * DAY)
    assert [order.slip for order in found.orders] == [0]
    assert found.d_days == [D_DAY, moved]


def test_alert_when_acknowledged_and_closed_then_its_times_are_told() -> None:
    def alert(what: str, hours: int, **facts: Any) -> Happened:
        return Happened(f"main_lines.alert.{what}", START + hours * HOUR, {"alert_id": "a", "title": "缺货", **facts}, "吴昊")

    events = [
        Happened("main_lines.line.opened", START, {"d_day": D_DAY.isoformat()}), alert("raised", 0, about="stock"),
        alert("acknowledged", 1, acknowledged=2, people=4), alert("acknowledged", 3, acknowledged=3, people=4), alert("closed", 5),
    ]  # fmt: skip
    found = look(events, START, START + DAY).alerts[0]
    assert (found.by, found.about, found.acknowledged, found.people) == ("吴昊", "stock", 3, 4)
    assert (found.first, found.last, found.closed) == (HOUR, 3 * HOUR, 5 * HOUR)
