"""What a desktop is and what has to be done next, as pure functions of what is wanted and what was observed.

States and what they mean (waiting states have a deadline in WAIT_S):

| state       | observed                                     | waits for            |
|-------------|----------------------------------------------|----------------------|
| requested   | nothing yet                                  | a host and an image  |
| placed      | host and image chosen                        | its disks            |
| cloned      | disks are there                              | its definition       |
| stopped     | defined, powered off                         | –                    |
| starting    | powered off, being started                   | power                |
| booting     | powered on                                   | its sync client      |
| ready       | its sync client has mounted the library      | –                    |
| in_use      | ready, and a person works in it              | –                    |
| idle        | ready, about to hibernate                    | input or the deadline|
| hibernating | powered on, being saved                      | the saved state      |
| hibernated  | powered off with a saved state               | –                    |
| waking      | saved, or powered on again and not yet heard | its sync client      |
| retiring    | being taken away                             | absence              |
| gone        | absent; the home disk is kept                | –                    |

A timeout is neither success nor failure: passing a deadline only makes the reconciler look and say so in words.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class State(StrEnum):
    REQUESTED = "requested"
    PLACED = "placed"
    CLONED = "cloned"
    STOPPED = "stopped"
    STARTING = "starting"
    BOOTING = "booting"
    READY = "ready"
    IN_USE = "in_use"
    IDLE = "idle"
    HIBERNATING = "hibernating"
    HIBERNATED = "hibernated"
    WAKING = "waking"
    RETIRING = "retiring"
    GONE = "gone"


class Wanted(StrEnum):
    RUNNING = "running"
    HIBERNATED = "hibernated"
    GONE = "gone"


class Power(StrEnum):
    """What the hypervisor shows of the desktop's domain. CHANGING: paused or ending, look again. UNKNOWN: it did not answer."""

    ABSENT = "absent"
    OFF = "off"
    SAVED = "saved"
    RUNNING = "running"
    CRASHED = "crashed"
    CHANGING = "changing"
    UNKNOWN = "unknown"


class Step(StrEnum):
    """One idempotent deed of the worker."""

    PLACE = "place"
    CLONE = "clone"
    DEFINE = "define"
    START = "start"
    HIBERNATE = "hibernate"
    WAKE = "wake"
    STOP = "stop"
    REMOVE = "remove"


UP = frozenset({State.READY, State.IN_USE, State.IDLE})
MOVING = frozenset(
    {State.REQUESTED, State.PLACED, State.CLONED, State.STARTING, State.BOOTING, State.HIBERNATING, State.WAKING, State.RETIRING}
)
# States in which nothing is there yet, or no more.
ABSENT = frozenset({State.REQUESTED, State.GONE})
# States in which the guest's channel may be open; while it is being switched off its sync client still sends what waits.
POWERED = UP | {State.STARTING, State.BOOTING, State.WAKING, State.HIBERNATING, State.RETIRING}
# States in which the guest holds memory of its host, or is about to.
AWAKE = POWERED | {State.PLACED, State.CLONED}

WAIT_S = {
    State.REQUESTED: 900,
    State.PLACED: 180,
    State.CLONED: 60,
    State.STARTING: 180,
    State.BOOTING: 420,
    State.HIBERNATING: 180,
    State.WAKING: 180,
    State.RETIRING: 180,
}
RETRY_S = (2, 5, 15, 60)
WARN_BEFORE_S = 60
GATEWAY_SILENT_S = 30


@dataclass(frozen=True)
class Situation:
    """placed: host and image are chosen. disks: the system disk of this generation is there. heard: the desktop's sync
    client said "mounted" after the last start or wake. simulated: nothing runs inside, so power is all there is."""

    state: State
    wanted: Wanted
    power: Power
    placed: bool = True
    disks: bool = True
    heard: bool = False
    restart: bool = False
    simulated: bool = False


@dataclass(frozen=True)
class Decision:
    """state: what is true now, with ``step`` (None = nothing to do) under way. restart: whether one is still owed."""

    state: State
    step: Step | None = None
    restart: bool = False


def decide(now: Situation) -> Decision:
    """The one table of the reconciler. Deciding again after a step was carried out never undoes it."""
    if now.state is State.GONE:
        return Decision(State.GONE)
    if now.wanted is Wanted.GONE:
        return _retire(now)
    if not now.placed:
        return Decision(State.REQUESTED, Step.PLACE)
    if now.power is Power.UNKNOWN:
        return Decision(now.state, restart=now.restart)
    if now.power is Power.ABSENT:
        return Decision(State.CLONED, Step.DEFINE) if now.disks else Decision(State.PLACED, Step.CLONE)
    if now.power is Power.CRASHED or (now.restart and now.power is not Power.OFF):
        return Decision(State.STARTING, Step.STOP, restart=now.restart)
    if now.power is Power.CHANGING:
        return Decision(now.state)
    return _sleep(now) if now.wanted is Wanted.HIBERNATED else _run(now)


def _retire(now: Situation) -> Decision:
    if not now.placed:
        return Decision(State.GONE)
    if now.power is Power.UNKNOWN:
        return Decision(State.RETIRING)
    if now.power in (Power.RUNNING, Power.CHANGING, Power.CRASHED):
        return Decision(State.RETIRING, Step.STOP)
    if now.power is Power.ABSENT and not now.disks:
        return Decision(State.GONE)
    return Decision(State.RETIRING, Step.REMOVE)


def _sleep(now: Situation) -> Decision:
    if now.power is Power.SAVED:
        return Decision(State.HIBERNATED)
    if now.power is Power.OFF:
        return Decision(State.STOPPED)
    return Decision(State.HIBERNATING, Step.HIBERNATE)


def _run(now: Situation) -> Decision:
    if now.power is Power.OFF:
        return Decision(State.STARTING, Step.START)
    if now.power is Power.SAVED:
        return Decision(State.WAKING, Step.WAKE)
    if now.heard or now.simulated:
        return Decision(now.state if now.state in UP else State.READY)
    return Decision(State.WAKING if now.state is State.WAKING else State.BOOTING)


def deadline(state: State, since: datetime) -> datetime | None:
    """When a waiting state stops being normal; None where nothing is waited for."""
    wait_s = WAIT_S.get(state)
    return None if wait_s is None else since + timedelta(seconds=wait_s)


def retry_at(attempts: int, now: datetime) -> datetime | None:
    """When the next attempt may begin after ``attempts`` failed ones; None = a person has to ask for it."""
    return now + timedelta(seconds=RETRY_S[attempts - 1]) if 1 <= attempts <= len(RETRY_S) else None


class Rest(StrEnum):
    """What the idle rule says of a desktop that is up."""

    BUSY = "busy"
    WARN = "warn"
    SLEEP = "sleep"


@dataclass(frozen=True)
class IdleVerdict:
    """sleeps_at: when it will hibernate without input; None = never by itself."""

    rest: Rest
    sleeps_at: datetime | None = None


def idle_verdict(
    *,
    now: datetime,
    idle_minutes: int,
    ready_at: datetime | None,
    last_input_at: datetime | None,
    consoles_open: int,
    gateway_seen_at: datetime | None,
) -> IdleVerdict:
    """Idle = no key or pointer event through a console for the template's time; a desktop nobody ever opened counts from ready.

    Unknown is not idle: with an open console and a gateway that was not heard for GATEWAY_SILENT_S nobody knows whether
    somebody types, so nothing sleeps. idle_minutes 0 = never.
    """
    known = [at for at in (ready_at, last_input_at) if at is not None]
    if not idle_minutes or not known:
        return IdleVerdict(Rest.BUSY)
    if consoles_open and (gateway_seen_at is None or now - gateway_seen_at > timedelta(seconds=GATEWAY_SILENT_S)):
        return IdleVerdict(Rest.BUSY)
    sleeps_at = max(known) + timedelta(minutes=idle_minutes)
    if now >= sleeps_at:
        return IdleVerdict(Rest.SLEEP, sleeps_at)
    warns = sleeps_at - now <= timedelta(seconds=min(WARN_BEFORE_S, idle_minutes * 30))
    return IdleVerdict(Rest.WARN if warns else Rest.BUSY, sleeps_at)


def up_state(rest: Rest, *, consoles_open: int) -> State:
    """Which of the three "up" states a desktop is in."""
    if rest is Rest.BUSY:
        return State.IN_USE if consoles_open else State.READY
    return State.IDLE


OPENING_STATES = (State.REQUESTED, State.PLACED, State.CLONED, State.STARTING, State.BOOTING, State.READY)


def opening_step(state: State) -> int:
    """How many of OPENING_STATES are behind it, for the progress of opening; waking begins at starting."""
    if state in UP:
        return len(OPENING_STATES)
    return {State.STOPPED: 3, State.HIBERNATED: 3, State.WAKING: 4}.get(
        state, OPENING_STATES.index(state) if state in OPENING_STATES else 0
    )
