"""Causes of one order case by case; raising and clearing as a machine; the stair against a slow second way of saying it."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from main_lines.alerts.rules import (
    DEFAULTS,
    STAIRS,
    UNITS,
    AlertRule,
    Cause,
    Setting,
    Severity,
    Stair,
    Step,
    Watched,
    causes_of,
    changes,
    gate_cause,
    head_of,
    people_of,
)
from main_lines.gates.rules import GateKey
from main_lines.tasks.rules import State
from workspace.settings import ROOT

NOW = datetime(2026, 10, 20, 4, 0, tzinfo=UTC)
TODAY = date(2026, 10, 20)
OFF = {rule: replace(setting, on=False) for rule, setting in DEFAULTS.items()}


def order(state: State = State.IN_PROGRESS, *, due: int | None = None, since_h: float = 0, blocked_h: float | None = None) -> Watched:
    """due: days from today. since_h, blocked_h: hours ago."""
    day = TODAY + timedelta(days=due) if due is not None else None
    ends = datetime(day.year, day.month, day.day, 16, tzinfo=UTC) if day else None
    blocked_at = NOW - timedelta(hours=blocked_h) if blocked_h is not None else None
    return Watched("one", "主视觉", "prepare", state, NOW - timedelta(hours=since_h), blocked_at, "等样衣", day, ends, "苏航")


def found(watched: Watched, settings: dict[AlertRule, Setting] = DEFAULTS) -> list[AlertRule]:
    return [cause.rule for cause in causes_of(watched, settings, now=NOW, today=TODAY)]


@pytest.mark.parametrize(
    ("watched", "rules"),
    [
        (order(due=-1), [AlertRule.LATE]),
        (order(due=0), []),
        (order(State.DELIVERED, due=-9), []),
        (order(State.ACCEPTED, due=-9, blocked_h=90), []),
        (order(State.CANCELLED, due=-9), []),
        (order(State.READY, due=0), [AlertRule.NOT_STARTED]),
        (order(State.READY, due=1), []),
        (order(State.READY, due=-1), [AlertRule.LATE]),
        (order(State.DRAFT, due=0), [AlertRule.NOT_STARTED]),
        (order(State.READY), []),
        (order(blocked_h=4), [AlertRule.BLOCKED]),
        (order(blocked_h=3.9), []),
        (order(State.WAITING, since_h=24), [AlertRule.SIGN_OFF]),
        (order(State.WAITING, since_h=23), []),
        (order(State.READY, since_h=99), []),
        (order(State.WAITING, since_h=30, due=-2, blocked_h=5), [AlertRule.BLOCKED, AlertRule.SIGN_OFF, AlertRule.LATE]),
    ],
)  # fmt: skip
def test_causes_when_looked_for_then_these(watched: Watched, rules: list[AlertRule]) -> None:
    assert found(watched) == rules
    assert found(watched, OFF) == []


def test_order_when_due_but_not_late_enough_then_still_said_to_be_unstarted() -> None:
    patient = DEFAULTS | {AlertRule.LATE: Setting(True, 3, Severity.WARNING)}
    assert found(order(State.READY, due=-2), patient) == [AlertRule.NOT_STARTED]
    assert found(order(State.READY, due=-3), patient) == [AlertRule.LATE]


@pytest.mark.parametrize(
    ("gate", "day", "orders", "count"),
    [
        (GateKey.GO, 4, [order(due=-1)], None),
        (GateKey.GO, 3, [order(due=-1), order(State.DRAFT), order(blocked_h=0), order()], 3),
        (GateKey.GO, 3, [order(), order(State.READY)], None),
        (GateKey.GO, 0, [order(), order(State.DELIVERED), order(State.ACCEPTED)], 2),
        (GateKey.GO, -30, [order()], 1),
        (GateKey.GO, 0, [order(State.ACCEPTED), replace(order(), phase="execute")], None),
        (GateKey.PLAN, -3, [order(due=-1), order()], 1),
        (GateKey.PLAN, -4, [order()], None),
        (GateKey.FREEZE, 0, [order(), order(due=-1)], 1),
    ],
)  # fmt: skip
def test_gate_when_it_comes_near_then_held_by_orders_in_trouble_and_on_its_day_by_all(
    gate: GateKey, day: int, orders: list[Watched], count: int | None
) -> None:
    """day: of the gate, from today. An inner gate is looked at for a few days only, since a line may do without."""
    cause = gate_cause(gate, TODAY + timedelta(days=day), orders, DEFAULTS, today=TODAY)
    assert (cause.count if cause else None) == count
    assert gate_cause(gate, TODAY + timedelta(days=day), orders, OFF, today=TODAY) is None


def test_reference_when_read_then_says_what_is_shipped() -> None:
    text = (ROOT / "docs/reference/alerts.md").read_text("utf-8")
    rules = re.findall(r"^\| `(\w+)` \| .* \| (\d+) (\w+) \| (\w+) \|$", text, re.MULTILINE)
    shipped = [(rule.value, str(one.threshold), UNITS[rule].value, one.severity.value) for rule, one in DEFAULTS.items()]
    assert rules == shipped
    for severity, stair in STAIRS.items():
        assert f"| {severity.value} | {' | '.join(str(stair.minutes(step) or '–') for step in Step)} |" in text


KEYS = st.sampled_from([(rule, f"task:{number}") for rule in (AlertRule.LATE, AlertRule.BLOCKED) for number in range(4)])


@given(st.lists(st.lists(st.tuples(KEYS, st.integers(0, 9))), max_size=12), st.integers(1, 5))
def test_changes_when_causes_come_and_go_then_never_two_for_one_and_none_left(
    story: list[list[tuple[tuple[AlertRule, str], int]]], most: int
) -> None:
    """What stands is only what was raised and not cleared; nobody tells the machine about alerts that were closed by hand."""
    standing: list[tuple[str, str]] = []
    for moment in story:
        causes = [Cause(rule, subject, weight=weight) for (rule, subject), weight in moment]
        there = {cause.key for cause in causes}
        found = changes(causes, standing, most=most)
        assert set(found.to_clear) == set(standing) - there
        standing = [key for key in standing if key not in found.to_clear]
        fresh = [cause.key for cause in found.to_raise]
        assert not set(fresh) & set(standing), "a cause that stands is not raised again"
        standing += fresh
        assert len(set(standing)) == len(standing)
        assert set(standing) <= there
        held_back = there - set(standing)
        counts = Counter(rule for rule, _subject in standing)
        assert all(counts[rule] == most for rule, _subject in held_back), "only for want of room"
        assert max(counts.values(), default=0) <= most
        assert not changes(causes, standing, most=most), "done twice is done once"


def test_changes_when_there_is_no_room_for_all_then_the_worst_are_raised() -> None:
    causes = [Cause(AlertRule.LATE, f"task:{days}", weight=days) for days in (3, 9, 1, 7)]
    assert [cause.weight for cause in changes(causes, [("late", "task:1")], most=3).to_raise] == [9, 7]


@given(st.builds(Stair, *[st.sampled_from([0, 5, 15, 60])] * 4), st.sets(st.sampled_from(Step)), st.integers(0, 90))
def test_stair_when_climbed_then_each_step_once_and_in_its_time(stair: Stair, taken: set[Step], minutes: int) -> None:
    due = stair.due(NOW, taken, NOW + timedelta(minutes=minutes))
    assert due == [step for step in Step if step not in taken and 0 < stair.minutes(step) <= minutes]
    left = [stair.minutes(step) for step in Step if stair.minutes(step) and step not in taken]
    at = stair.next_at(NOW, taken)
    assert at == (NOW + timedelta(minutes=min(left)) if left else None)


def test_stairs_when_shipped_then_in_turn_and_a_muddle_is_named() -> None:
    assert [stair.out_of_turn() for stair in STAIRS.values()] == [[], [], []]
    assert Stair(10, 0, 5, 60).out_of_turn() == [Step.DIRECTOR]
    assert Stair(10, 10, 20, 15).out_of_turn() == [Step.HEAD, Step.EVERYONE]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (Step.REMIND, {"苏航", "赵宁"}),
        (Step.HEAD, {"陈墨", "吴昊"}),
        (Step.DIRECTOR, {"林悦"}),
        (Step.EVERYONE, {"苏航", "赵宁", "陈墨", "吴昊", "林悦"}),
    ],
)
def test_step_when_taken_then_tells_these(step: Step, told: set[str]) -> None:
    everyone = {"苏航", "赵宁", "陈墨", "吴昊", "林悦"}
    heads = {"苏航": "陈墨", "吴昊": "林悦", "陈墨": "吴昊"}
    assert people_of(step, missing={"苏航", "赵宁"}, heads=heads, directors={"林悦"}, everyone=everyone, owner_id="陈墨") == told


def test_heads_when_none_is_known_then_the_director_stands_in() -> None:
    assert people_of(Step.HEAD, missing={"苏航"}, heads={}, directors={"林悦"}, everyone=()) == {"林悦"}


@pytest.mark.parametrize(
    ("managers", "inside", "head"),
    [
        ({"a": "b", "b": "c"}, {"a", "b", "c"}, "b"),
        ({"a": "b", "b": "c"}, {"a", "c"}, "c"),
        ({"a": "b", "b": None}, {"a"}, None),
        ({"a": "b", "b": "a"}, {"a"}, None),
        ({}, {"a"}, None),
    ],
)
def test_head_when_looked_for_then_the_nearest_who_is_in_the_line(
    managers: dict[str, str | None], inside: set[str], head: str | None
) -> None:
    assert head_of("a", managers, inside) == head
