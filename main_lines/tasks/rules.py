"""Pure decisions about a task order: which verb leads where, and who may use it.

"No task order, no picture": work starts only on the requirements that the director has signed.

    state         submit   sign    decline  start        deliver    accept    return    withdraw     edit     close   cancel
    draft         waiting  ready   -        unsigned     unsigned   -         -         -            draft    -       cancelled
    waiting       -        ready   draft    unsigned     unsigned   -         -         -            waiting  -       cancelled
    ready         -        -       -        in_progress  delivered  -         -         -            waiting  -       cancelled
    in_progress   -        -       -        -            delivered  -         -         -            waiting  -       cancelled
    delivered     -        -       -        -            delivered  accepted  returned  in_progress  -        -       cancelled
    returned      -        -       -        in_progress  delivered  -         -         -            waiting  -       cancelled
    accepted      -        -       -        -            -          -         returned  -            -        closed  -
    closed        -        -       -        -            -          -         -         -            -        -       -
    cancelled     -        -       -        -            -          -         -         -            -        -       -

"-" is refused as the wrong moment, "unsigned" names the missing signature. ``edit`` stands for a change of the
requirements; a draft has nothing to sign again. ``block`` and ``unblock`` leave the state alone and work in every
open state. A blocked order cannot be started; delivering it ends the block.

Once the plan is frozen, signing, and changing what was signed, are the director's alone: "frozen".
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class State(StrEnum):
    __hash__ = str.__hash__  # That of an enum is a call of its own, and views over a line ask thousands of times.

    DRAFT = "draft"
    WAITING = "waiting"
    READY = "ready"
    IN_PROGRESS = "in_progress"
    DELIVERED = "delivered"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Verb(StrEnum):
    SUBMIT = "submit"
    SIGN = "sign"
    DECLINE = "decline"
    START = "start"
    DELIVER = "deliver"
    ACCEPT = "accept"
    RETURN = "return"
    WITHDRAW = "withdraw"
    EDIT = "edit"
    CLOSE = "close"
    CANCEL = "cancel"
    BLOCK = "block"
    UNBLOCK = "unblock"


FINISHED = frozenset({State.ACCEPTED, State.CLOSED, State.CANCELLED})
OPEN = frozenset(State) - FINISHED
UNSIGNED = frozenset({State.DRAFT, State.WAITING})
HANDED_IN = frozenset({State.DELIVERED, *FINISHED})
OFFSET_MOST = 365
"""Days between D-day and a due day that counts from it."""

_MOVES: dict[State, dict[Verb, State]] = {
    State.DRAFT: {Verb.SUBMIT: State.WAITING, Verb.SIGN: State.READY, Verb.EDIT: State.DRAFT, Verb.CANCEL: State.CANCELLED},
    State.WAITING: {Verb.SIGN: State.READY, Verb.DECLINE: State.DRAFT, Verb.EDIT: State.WAITING, Verb.CANCEL: State.CANCELLED},
    State.READY: {Verb.START: State.IN_PROGRESS, Verb.DELIVER: State.DELIVERED, Verb.EDIT: State.WAITING, Verb.CANCEL: State.CANCELLED},
    State.IN_PROGRESS: {Verb.DELIVER: State.DELIVERED, Verb.EDIT: State.WAITING, Verb.CANCEL: State.CANCELLED},
    State.DELIVERED: {
        Verb.DELIVER: State.DELIVERED,
        Verb.ACCEPT: State.ACCEPTED,
        Verb.RETURN: State.RETURNED,
        Verb.WITHDRAW: State.IN_PROGRESS,
        Verb.CANCEL: State.CANCELLED,
    },
    State.RETURNED: {Verb.START: State.IN_PROGRESS, Verb.DELIVER: State.DELIVERED, Verb.EDIT: State.WAITING, Verb.CANCEL: State.CANCELLED},
    State.ACCEPTED: {Verb.RETURN: State.RETURNED, Verb.CLOSE: State.CLOSED},
    State.CLOSED: {},
    State.CANCELLED: {},
}


class Why(StrEnum):
    """Why a verb is refused, most telling first."""

    NOT_YOURS = "not_yours"
    FROZEN = "frozen"
    UNSIGNED = "unsigned"
    BLOCKED = "blocked"
    WRONG_STATE = "wrong_state"


@dataclass(frozen=True)
class Move:
    to: State


@dataclass(frozen=True)
class Refuse:
    why: Why


@dataclass(frozen=True)
class Standing:
    """What the actor is to this order. works: its owner, or, while nobody owns it, a member of its department in the line.

    signs: named to sign it in the director's place.
    """

    directs: bool = False
    wrote: bool = False
    works: bool = False
    signs: bool = False


# Who may use a verb: any of these standings is enough.
_WHO: dict[Verb, frozenset[str]] = {
    Verb.SUBMIT: frozenset({"directs", "wrote", "works"}),
    Verb.SIGN: frozenset({"directs", "signs"}),
    Verb.DECLINE: frozenset({"directs", "signs"}),
    Verb.START: frozenset({"works"}),
    Verb.DELIVER: frozenset({"works"}),
    Verb.ACCEPT: frozenset({"directs"}),
    Verb.RETURN: frozenset({"directs"}),
    Verb.WITHDRAW: frozenset({"works"}),
    Verb.EDIT: frozenset({"directs", "wrote"}),
    Verb.CLOSE: frozenset({"directs"}),
    Verb.CANCEL: frozenset({"directs"}),
    Verb.BLOCK: frozenset({"directs", "works"}),
    Verb.UNBLOCK: frozenset({"directs", "works"}),
}


_FROZEN_FOR_OTHERS = {Verb.SIGN: UNSIGNED, Verb.EDIT: OPEN - UNSIGNED}


def decide(state: State, verb: Verb, who: Standing, *, blocked: bool, frozen: bool = False) -> Move | Refuse:
    """Where the verb leads, or why it does not. frozen: the plan of the line is."""
    if not any(getattr(who, standing) for standing in _WHO[verb]):
        return Refuse(Why.NOT_YOURS)
    if frozen and not who.directs and state in _FROZEN_FOR_OTHERS.get(verb, ()):
        return Refuse(Why.FROZEN)
    if verb in (Verb.BLOCK, Verb.UNBLOCK):
        fits = state in OPEN and blocked == (verb is Verb.UNBLOCK)
        return Move(state) if fits else Refuse(Why.WRONG_STATE)
    if verb in (Verb.START, Verb.DELIVER) and state in UNSIGNED:
        return Refuse(Why.UNSIGNED)
    if verb not in _MOVES[state]:
        return Refuse(Why.WRONG_STATE)
    if verb is Verb.START and blocked:
        return Refuse(Why.BLOCKED)
    return Move(_MOVES[state][verb])


def allowed_verbs(state: State, who: Standing, *, blocked: bool, frozen: bool = False) -> list[Verb]:
    """The verbs that ``decide`` lets through, in the order of Verb."""
    return [verb for verb in Verb if isinstance(decide(state, verb, who, blocked=blocked, frozen=frozen), Move)]


def decide_filing(state: State, who: Standing) -> Refuse | None:
    """May something be laid beside the other deliverables, or be taken from them, without handing in? None: it may."""
    if not who.works:
        return Refuse(Why.NOT_YOURS)
    if state in UNSIGNED:
        return Refuse(Why.UNSIGNED)
    return None if state in OPEN - HANDED_IN else Refuse(Why.WRONG_STATE)


def still_missing(expected: Iterable[str], filed: Iterable[str]) -> list[str]:
    """Of the deliverables that were named beforehand, those that nothing was laid under yet; each name counts as often as it stands."""
    there = Counter(filed)
    missing = []
    for name in expected:
        if there[name]:
            there[name] -= 1
        else:
            missing.append(name)
    return missing


def asks_more(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether a list of demands says something else than before; another order of the same lines asks for nothing new."""
    return Counter(before) != Counter(after)


def due_day(d_day: date, *, offset: int | None, on: date | None) -> date | None:
    """The day an order is due: pinned, or counted from D-day, or none."""
    if on is not None:
        return on
    return d_day + timedelta(days=offset) if offset is not None else None


def days_late(due: date | None, state: State, today: date) -> int:
    """Whole days past due while the order is not handed in; 0 when in time, handed in, or without a due day."""
    if due is None or state in HANDED_IN:
        return 0
    return max(0, (today - due).days)


class Tone(StrEnum):
    """The eight tones of the look that an order can have, worst first."""

    __hash__ = str.__hash__

    BLOCKED = "blocked"
    LATE = "late"
    WAITING = "waiting"
    RUNNING = "running"
    READY = "ready"
    IDLE = "idle"
    DONE = "done"


RANK = {tone: rank for rank, tone in enumerate(Tone)}
"""The worst tone first."""

_TONES = {
    State.DRAFT: Tone.IDLE,
    State.WAITING: Tone.WAITING,
    State.READY: Tone.READY,
    State.IN_PROGRESS: Tone.RUNNING,
    State.DELIVERED: Tone.WAITING,
    State.RETURNED: Tone.LATE,
    State.ACCEPTED: Tone.DONE,
    State.CLOSED: Tone.DONE,
    State.CANCELLED: Tone.IDLE,
}


def tone_of(state: State, *, blocked: bool, late: bool) -> Tone:
    if blocked and state in OPEN:
        return Tone.BLOCKED
    return Tone.LATE if late else _TONES[state]


def worst(tones: Iterable[Tone]) -> Tone | None:
    """The tone that colours a cell; None for an empty one."""
    return min(tones, key=RANK.__getitem__, default=None)


class Bucket(StrEnum):
    """Where an order stands in "my work". Orders that want nothing of anybody now have none."""

    TODAY = "today"
    WEEK = "week"
    LATER = "later"
    WAITING_OTHERS = "waiting_others"


def bucket(state: State, due: date | None, today: date) -> Bucket | None:
    """For an order that I own: what it wants of me and when. Overdue and returned ones are today's."""
    if state in FINISHED:
        return None
    if state in UNSIGNED or state is State.DELIVERED:
        return Bucket.WAITING_OTHERS
    if state is State.RETURNED or (due is not None and due <= today):
        return Bucket.TODAY
    return Bucket.WEEK if due is not None and due <= today + timedelta(days=6) else Bucket.LATER
