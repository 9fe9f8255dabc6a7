"""Pure decisions about a main line: phases and their gates, counting days from D-day, health and its age.

phase      close_phase ->
prepare    execute
execute    review
review     closed
closed     refused
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

HEALTH_FRESH = timedelta(hours=24)
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
"""Of what people plan; what is counted from such a day is a date too."""


class Phase(StrEnum):
    PREPARE = "prepare"
    EXECUTE = "execute"
    REVIEW = "review"
    CLOSED = "closed"


WORK_PHASES = (Phase.PREPARE, Phase.EXECUTE, Phase.REVIEW)
_NEXT = {Phase.PREPARE: Phase.EXECUTE, Phase.EXECUTE: Phase.REVIEW, Phase.REVIEW: Phase.CLOSED}


class LineKind(StrEnum):
    PROMOTION = "promotion"
    LAUNCH = "launch"
    OPENING = "opening"
    OTHER = "other"


class Health(StrEnum):
    """Worst last, unknown apart: nobody has said and nothing is known to be wrong."""

    UNKNOWN = "unknown"
    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True)
class Advance:
    """The gate closes and the line goes on to this phase."""

    to: Phase


class GateHold(StrEnum):
    """Why a gate stays open."""

    LINE_CLOSED = "line_closed"
    NOTE_MISSING = "note_missing"


def gate(phase: Phase, *, open_orders: int, note: str) -> Advance | GateHold:
    """May the phase be closed? Task orders that are still open are carried over only with a written reason."""
    if phase not in _NEXT:
        return GateHold.LINE_CLOSED
    if open_orders and not note.strip():
        return GateHold.NOTE_MISSING
    return Advance(_NEXT[phase])


def signers_of(named: Mapping[str, Sequence[str]], department_id: str) -> Sequence[str]:
    """Who signs an order of this department in the director's place: those named for it, else those for the whole line ("")."""
    return named.get(department_id) or named.get("", ())


def days_from(d_day: date, today: date) -> int:
    """Whole days from D-day: -20 twenty days before it, 0 on it, 3 three days after."""
    return (today - d_day).days


def offset_words(offset: int) -> str:
    """D-30, D+3; D on the day itself."""
    return f"D{offset:+d}" if offset else "D"


class HealthSource(StrEnum):
    """Where the shown health comes from."""

    STATED = "stated"
    FACTS = "facts"
    STALE = "stale"
    NEVER = "never"


@dataclass(frozen=True)
class ShownHealth:
    """What the battle map shows. at: when it was said; None for facts, which are as of now, and when nothing was said."""

    health: Health
    source: HealthSource
    at: datetime | None = None


def shown_health(stated: str, stated_at: datetime | None, *, blocked: int, late: int, now: datetime) -> ShownHealth:
    """The stated health, unless the task orders prove it too kind or it is older than 24 hours.

    Facts alone can make a line amber (late) or red (blocked), never green: green needs a person who said so today.
    """
    facts = Health.RED if blocked else Health.AMBER if late else None
    fresh = bool(stated) and stated_at is not None and now - stated_at <= HEALTH_FRESH
    if fresh and (facts is None or _badness(Health(stated)) >= _badness(facts)):
        return ShownHealth(Health(stated), HealthSource.STATED, stated_at)
    if facts is not None:
        return ShownHealth(facts, HealthSource.FACTS)
    if stated:
        return ShownHealth(Health.UNKNOWN, HealthSource.STALE, stated_at)
    return ShownHealth(Health.UNKNOWN, HealthSource.NEVER)


def _badness(health: Health) -> int:
    return (Health.UNKNOWN, Health.GREEN, Health.AMBER, Health.RED).index(health)
