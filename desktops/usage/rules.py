"""Which usage a state is, and where an interval ends. Pure."""

from datetime import datetime
from enum import StrEnum

from desktops.machines.rules import State


class Usage(StrEnum):
    RUNNING = "running"
    HIBERNATED = "hibernated"


_RUNNING = frozenset({State.BOOTING, State.READY, State.IN_USE, State.IDLE, State.HIBERNATING})


def usage_of(state: State) -> Usage | None:
    """None: nothing is billed. A desktop being woken is billed as running once it is powered on and heard or booting."""
    if state in _RUNNING:
        return Usage.RUNNING
    return Usage.HIBERNATED if state in (State.HIBERNATED, State.WAKING) else None


def ends_at(*, seen_at: datetime, now: datetime, certain_s: float = 30) -> datetime:
    """Where an interval closes: now when the desktop was seen in it a moment ago, else where it was last seen (a crash)."""
    return now if (now - seen_at).total_seconds() <= certain_s else seen_at
