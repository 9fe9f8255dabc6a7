"""The reconciler's one table, the idle rule and the deadlines; and a machine that crashes anywhere."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktops.machines.rules import (
    MOVING,
    UP,
    WAIT_S,
    Decision,
    IdleVerdict,
    Power,
    Rest,
    Situation,
    State,
    Step,
    Wanted,
    deadline,
    decide,
    idle_verdict,
    opening_step,
    retry_at,
    up_state,
)  # fmt: skip

NOW = datetime(2026, 10, 1, 2, 0, tzinfo=UTC)
RUN, SLEEP, LEAVE = Wanted.RUNNING, Wanted.HIBERNATED, Wanted.GONE

CASES = {
    # name: (situation, state, step)
    "new": (Situation(State.REQUESTED, RUN, Power.ABSENT, placed=False, disks=False), State.REQUESTED, Step.PLACE),
    "placed": (Situation(State.REQUESTED, RUN, Power.ABSENT, disks=False), State.PLACED, Step.CLONE),
    "cloned": (Situation(State.PLACED, RUN, Power.ABSENT), State.CLONED, Step.DEFINE),
    "defined": (Situation(State.CLONED, RUN, Power.OFF), State.STARTING, Step.START),
    "powered": (Situation(State.STARTING, RUN, Power.RUNNING), State.BOOTING, None),
    "heard": (Situation(State.BOOTING, RUN, Power.RUNNING, heard=True), State.READY, None),
    "simulated is ready when powered": (Situation(State.STARTING, RUN, Power.RUNNING, simulated=True), State.READY, None),
    "in use stays": (Situation(State.IN_USE, RUN, Power.RUNNING, heard=True), State.IN_USE, None),
    "idle stays": (Situation(State.IDLE, RUN, Power.RUNNING, heard=True), State.IDLE, None),
    "hibernate": (Situation(State.IDLE, SLEEP, Power.RUNNING, heard=True), State.HIBERNATING, Step.HIBERNATE),
    "hibernated": (Situation(State.HIBERNATING, SLEEP, Power.SAVED), State.HIBERNATED, None),
    "off is off, not asleep": (Situation(State.READY, SLEEP, Power.OFF), State.STOPPED, None),
    "wake": (Situation(State.HIBERNATED, RUN, Power.SAVED), State.WAKING, Step.WAKE),
    "woken, not heard": (Situation(State.WAKING, RUN, Power.RUNNING), State.WAKING, None),
    "woken": (Situation(State.WAKING, RUN, Power.RUNNING, heard=True), State.READY, None),
    "killed from outside": (Situation(State.IN_USE, RUN, Power.OFF, heard=True), State.STARTING, Step.START),
    "definition lost": (Situation(State.IN_USE, RUN, Power.ABSENT), State.CLONED, Step.DEFINE),
    "crashed": (Situation(State.READY, RUN, Power.CRASHED), State.STARTING, Step.STOP),
    "restart": (Situation(State.READY, RUN, Power.RUNNING, heard=True, restart=True), State.STARTING, Step.STOP),
    "restart drops a saved state": (Situation(State.HIBERNATED, RUN, Power.SAVED, restart=True), State.STARTING, Step.STOP),
    "host silent": (Situation(State.READY, RUN, Power.UNKNOWN), State.READY, None),
    "host silent while hibernating": (Situation(State.HIBERNATING, SLEEP, Power.UNKNOWN), State.HIBERNATING, None),
    "paused for a moment": (Situation(State.HIBERNATING, SLEEP, Power.CHANGING), State.HIBERNATING, None),
    "leave: stop": (Situation(State.READY, LEAVE, Power.RUNNING), State.RETIRING, Step.STOP),
    "leave: remove": (Situation(State.RETIRING, LEAVE, Power.OFF), State.RETIRING, Step.REMOVE),
    "leave: disk left": (Situation(State.RETIRING, LEAVE, Power.ABSENT), State.RETIRING, Step.REMOVE),
    "leave: done": (Situation(State.RETIRING, LEAVE, Power.ABSENT, disks=False), State.GONE, None),
    "leave before placed": (Situation(State.REQUESTED, LEAVE, Power.ABSENT, placed=False), State.GONE, None),
    "leave, host silent": (Situation(State.READY, LEAVE, Power.UNKNOWN), State.RETIRING, None),
    "gone stays gone": (Situation(State.GONE, RUN, Power.RUNNING), State.GONE, None),
}


@pytest.mark.parametrize("case", CASES)
def test_decide_when_observed_then_the_one_state_and_step(case: str) -> None:
    situation, state, step = CASES[case]
    decision = decide(situation)
    assert (decision.state, decision.step) == (state, step)


def test_decide_when_restarting_then_the_debt_is_paid_once() -> None:
    owed = Situation(State.READY, RUN, Power.RUNNING, heard=True, restart=True)
    assert decide(owed) == Decision(State.STARTING, Step.STOP, restart=True)
    assert decide(replace(owed, power=Power.OFF)) == Decision(State.STARTING, Step.START, restart=False)


class World:
    """A host, a desktop's row and a worker that may die between any two of its acts."""

    def __init__(self) -> None:
        self.placed, self.disks, self.power, self.booted = False, False, Power.ABSENT, False
        self.state, self.wanted, self.restart = State.REQUESTED, RUN, False
        self.starts = 0

    def situation(self) -> Situation:
        heard = self.power is Power.RUNNING and self.booted
        return Situation(self.state, self.wanted, self.power, placed=self.placed, disks=self.disks, heard=heard, restart=self.restart)

    def one_pass(self, *, dies_before_writing: bool = False, dies_before_acting: bool = False) -> Decision:
        decision = decide(self.situation())
        if not dies_before_writing:
            self.state, self.restart = decision.state, self.restart and decision.restart
            if not dies_before_acting and decision.step:
                self.act(decision.step)
        return decision

    def act(self, step: Step) -> None:
        if step is Step.PLACE:
            self.placed = True
        elif step is Step.CLONE:
            self.disks = True
        elif step is Step.DEFINE:
            assert self.power is Power.ABSENT
            self.power = Power.OFF
        elif step is Step.START:
            assert self.power is Power.OFF  # Never a second copy, never over a saved state.
            self.power, self.booted, self.starts = Power.RUNNING, True, self.starts + 1
        elif step is Step.HIBERNATE:
            assert self.power is Power.RUNNING
            self.power = Power.SAVED
        elif step is Step.WAKE:
            assert self.power is Power.SAVED
            self.power = Power.RUNNING
        elif step is Step.STOP:
            self.power = Power.OFF
        elif step is Step.REMOVE:
            assert self.power in (Power.OFF, Power.SAVED, Power.ABSENT)
            self.power, self.disks = Power.ABSENT, False


MISFORTUNES = st.sampled_from(["before writing", "before acting", "power cut", "definition lost", "none"])
WISHES = st.sampled_from(["run", "sleep", "restart", "nothing"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(WISHES, MISFORTUNES), max_size=25), st.booleans())
def test_reconciler_when_it_dies_anywhere_then_it_comes_to_rest_at_what_is_wanted(story: list[tuple[str, str]], leaves: bool) -> None:
    world = World()
    for wish, misfortune in story:
        world.wanted = {"run": RUN, "sleep": SLEEP, "restart": RUN}.get(wish, world.wanted)
        world.restart = world.restart or wish == "restart"
        if misfortune == "power cut" and world.power is Power.RUNNING:
            world.power = Power.OFF
        if misfortune == "definition lost" and world.power is Power.OFF:
            world.power = Power.ABSENT
        world.one_pass(dies_before_writing=misfortune == "before writing", dies_before_acting=misfortune == "before acting")
    if leaves:
        world.wanted, world.restart = LEAVE, False
    passes = 0
    while (decision := world.one_pass()).step is not None:
        passes += 1
        assert passes <= 8, "it never comes to rest"
    assert world.one_pass() == decision, "at rest, and yet it goes on writing"
    if leaves:
        assert (world.state, world.power, world.disks) == (State.GONE, Power.ABSENT, False)
    elif world.wanted is RUN:
        assert world.state in UP
        assert world.power is Power.RUNNING
    else:
        assert world.state in (State.HIBERNATED, State.STOPPED)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


IDLE = {
    # name: (now, idle minutes, ready, last input, consoles, gateway seen, verdict)
    "fresh": (at(1), 30, at(0), None, 0, None, IdleVerdict(Rest.BUSY, at(30))),
    "never opened counts from ready": (at(30), 30, at(0), None, 0, None, IdleVerdict(Rest.SLEEP, at(30))),
    "warned a minute before": (at(29.2), 30, at(0), None, 0, None, IdleVerdict(Rest.WARN, at(30))),
    "input moves the end": (at(30), 30, at(0), at(20), 1, at(30), IdleVerdict(Rest.BUSY, at(50))),
    "an open console without input sleeps": (at(50), 30, at(0), at(20), 1, at(50), IdleVerdict(Rest.SLEEP, at(50))),
    "unknown is not idle: gateway silent": (at(60), 30, at(0), at(20), 1, at(50), IdleVerdict(Rest.BUSY)),
    "unknown is not idle: gateway never heard": (at(60), 30, at(0), at(20), 1, None, IdleVerdict(Rest.BUSY)),
    "gateway silent but nobody connected": (at(60), 30, at(0), at(20), 0, None, IdleVerdict(Rest.SLEEP, at(50))),
    "zero is never": (at(9999), 0, at(0), None, 0, None, IdleVerdict(Rest.BUSY)),
    "not ready yet": (at(99), 30, None, None, 0, None, IdleVerdict(Rest.BUSY)),
    "input of before a wake does not count": (at(61), 30, at(60), at(5), 0, None, IdleVerdict(Rest.BUSY, at(90))),
    "one minute: warned for half of it": (at(0.6), 1, at(0), None, 0, None, IdleVerdict(Rest.WARN, at(1))),
    "one minute: not warned at once": (at(0.4), 1, at(0), None, 0, None, IdleVerdict(Rest.BUSY, at(1))),
}


@pytest.mark.parametrize("case", IDLE)
def test_idle_verdict_when_input_is_known_or_not_then_only_certain_idleness_sleeps(case: str) -> None:
    now, idle_minutes, ready_at, last_input_at, consoles_open, gateway_seen_at, verdict = IDLE[case]
    found = idle_verdict(
        now=now,
        idle_minutes=idle_minutes,
        ready_at=ready_at,
        last_input_at=last_input_at,
        consoles_open=consoles_open,
        gateway_seen_at=gateway_seen_at,
    )
    assert found == verdict


@pytest.mark.parametrize(
    ("rest", "consoles", "state"),
    [(Rest.BUSY, 0, State.READY), (Rest.BUSY, 1, State.IN_USE), (Rest.WARN, 1, State.IDLE), (Rest.SLEEP, 0, State.IDLE)],
)
def test_up_state_when_rested_or_watched_then_one_of_three(rest: Rest, consoles: int, state: State) -> None:
    assert up_state(rest, consoles_open=consoles) is state


def test_every_moving_state_has_a_deadline_and_no_resting_one() -> None:
    assert {state for state in State if deadline(state, NOW)} == set(WAIT_S) == MOVING


def test_retries_grow_and_end_with_a_person() -> None:
    assert [retry_at(attempts, NOW) for attempts in (1, 2, 3, 4, 5)] == [NOW + timedelta(seconds=s) for s in (2, 5, 15, 60)] + [None]


def test_opening_step_when_opening_then_it_only_grows() -> None:
    path = [State.REQUESTED, State.PLACED, State.CLONED, State.STARTING, State.BOOTING, State.READY]
    steps = [opening_step(state) for state in path]
    assert steps == sorted(set(steps))
