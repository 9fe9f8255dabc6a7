"""Pure decisions about the gates of a main line: which there are, when, what stands in their way, and whether they may be passed.

    gate      usual day   phase     in its way
    plan      D-30        prepare   blocked unsigned undated
    freeze    D-7         prepare   blocked unsigned late
    go        D-1         prepare   blocked unsigned late open     (closes the phase)
    wrap      D+3         execute   blocked unsigned late open     (closes the phase)
    review    D+10        review    blocked unsigned late open     (closes the phase)

Beside these, every critical alert that stands is in the way of each. A gate is passed in its phase, once; in spite of what stands in its
way only with a reason. A line may do without one of the inner gates: that those before it were not passed is shown and hinders nothing.
The last one may be opened again: a line that is over takes no work, and there may be some left.
Passing freeze freezes the plan.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol, TypeVar

from main_lines.lines.rules import Phase
from main_lines.tasks.rules import FINISHED, UNSIGNED, State, Tone

OFFSET_MOST = 365


class GateKey(StrEnum):
    PLAN = "plan"
    FREEZE = "freeze"
    GO = "go"
    WRAP = "wrap"
    REVIEW = "review"


class Obstacle(StrEnum):
    """Why an order stands in the way, most telling first; an order counts once."""

    BLOCKED = "blocked"
    UNSIGNED = "unsigned"
    LATE = "late"
    UNDATED = "undated"
    OPEN = "open"


USUAL_DAY = {GateKey.PLAN: -30, GateKey.FREEZE: -7, GateKey.GO: -1, GateKey.WRAP: 3, GateKey.REVIEW: 10}
PHASE_OF = {
    GateKey.PLAN: Phase.PREPARE,
    GateKey.FREEZE: Phase.PREPARE,
    GateKey.GO: Phase.PREPARE,
    GateKey.WRAP: Phase.EXECUTE,
    GateKey.REVIEW: Phase.REVIEW,
}
CLOSING = {Phase.PREPARE: GateKey.GO, Phase.EXECUTE: GateKey.WRAP, Phase.REVIEW: GateKey.REVIEW}
"""The gate with which a phase is closed."""
LAST = CLOSING[Phase.REVIEW]
"""The gate with which a line ends; opened again, the line goes on."""
_ALWAYS = frozenset({Obstacle.BLOCKED, Obstacle.UNSIGNED})
_ASKS = {
    GateKey.PLAN: _ALWAYS | {Obstacle.UNDATED},
    GateKey.FREEZE: _ALWAYS | {Obstacle.LATE},
    GateKey.GO: _ALWAYS | {Obstacle.LATE, Obstacle.OPEN},
    GateKey.WRAP: _ALWAYS | {Obstacle.LATE, Obstacle.OPEN},
    GateKey.REVIEW: _ALWAYS | {Obstacle.LATE, Obstacle.OPEN},
}


class Order(Protocol):
    """What a gate needs to know of an order."""

    @property
    def phase(self) -> str: ...
    @property
    def state(self) -> State: ...
    @property
    def tone(self) -> Tone: ...
    @property
    def late_days(self) -> int: ...
    @property
    def due(self) -> date | None: ...


OrderT = TypeVar("OrderT", bound=Order)


def obstacle_of(gate: GateKey, order: Order) -> Obstacle | None:
    """How the order stands in the way of this gate; None when it does not."""
    if order.phase != PHASE_OF[gate] or order.state in FINISHED:
        return None
    shown = {
        Obstacle.BLOCKED: order.tone is Tone.BLOCKED,
        Obstacle.UNSIGNED: order.state in UNSIGNED,
        Obstacle.LATE: order.late_days > 0,
        Obstacle.UNDATED: order.due is None,
        Obstacle.OPEN: True,
    }
    return next((found for found in Obstacle if found in _ASKS[gate] and shown[found]), None)


def in_the_way(gate: GateKey, orders: Iterable[OrderT]) -> dict[Obstacle, list[OrderT]]:
    """The orders that stand in the way, by why, most telling first; each once."""
    found: dict[Obstacle, list[OrderT]] = {obstacle: [] for obstacle in Obstacle}
    for order in orders:
        obstacle = obstacle_of(gate, order)
        if obstacle is not None:
            found[obstacle].append(order)
    return {obstacle: orders for obstacle, orders in found.items() if orders}


def gates_before(gate: GateKey, passed: Iterable[GateKey]) -> list[GateKey]:
    """Gates of the same phase that come before this one and have not been passed."""
    done = set(passed)
    earlier = list(GateKey)[: list(GateKey).index(gate)]
    return [one for one in earlier if PHASE_OF[one] is PHASE_OF[gate] and one not in done]


class Hold(StrEnum):
    """Why a gate is not passed."""

    PASSED = "passed"
    OTHER_PHASE = "other_phase"
    REASON_MISSING = "reason_missing"


@dataclass(frozen=True)
class Pass:
    """The gate is passed. closes: the phase that ends with it, None for a gate inside one. freezes: the plan is frozen with it."""

    closes: Phase | None
    freezes: bool


def decide_pass(gate: GateKey, phase: Phase, *, passed: bool, obstacles: int, reason: str) -> Pass | Hold:
    """phase: of the line now. obstacles: orders and alerts in its way."""
    if passed:
        return Hold.PASSED
    if PHASE_OF[gate] is not phase:
        return Hold.OTHER_PHASE
    if obstacles and not reason.strip():
        return Hold.REASON_MISSING
    return Pass(closes=phase if CLOSING[phase] is gate else None, freezes=gate is GateKey.FREEZE)


def may_reopen(gate: GateKey, phase: Phase, *, passed: bool) -> bool:
    """A gate inside the phase that goes on, or the last one of a line that is over; any other phase that was closed stays closed."""
    if phase is Phase.CLOSED:
        return passed and gate is LAST
    return passed and PHASE_OF[gate] is phase and CLOSING[phase] is not gate


class Standing(StrEnum):
    """How a gate looks. OVER: its phase is closed and nobody has passed it."""

    PASSED = "passed"
    OVER = "over"
    LATE = "late"
    TODAY = "today"
    AHEAD = "ahead"


_ORDER = (Phase.PREPARE, Phase.EXECUTE, Phase.REVIEW, Phase.CLOSED)


def standing_of(gate: GateKey, phase: Phase, day: date, today: date, *, passed: bool) -> Standing:
    """phase: of the line now. day: on which the gate is to be passed."""
    if passed:
        return Standing.PASSED
    if _ORDER.index(PHASE_OF[gate]) < _ORDER.index(phase):
        return Standing.OVER
    if day == today:
        return Standing.TODAY
    return Standing.LATE if day < today else Standing.AHEAD
