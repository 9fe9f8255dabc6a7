"""Whether a link may still be opened. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

DAYS = (1, 7, 30, 90)
LONGEST = timedelta(days=max(DAYS))
MOST_VIEWS = 10_000
MOST_LINKS = 100
"""Live links to one file or folder: as many as its page shows."""
FAILURES_MAX = 10
FAILURES_WINDOW = timedelta(minutes=15)
VISIT = timedelta(hours=12)
"""How long somebody who opened a link may go on looking; the end of the link ends it too."""


class State(StrEnum):
    LIVE = "live"
    REVOKED = "revoked"
    EXPIRED = "expired"
    USED_UP = "used_up"


@dataclass(frozen=True)
class Limits:
    expires_at: datetime
    revoked_at: datetime | None
    most_views: int | None
    views: int


def state_of(limits: Limits, now: datetime) -> State:
    """Of a link as it is now. Used up stops new visitors; those who are inside may finish (``may_go_on``)."""
    if limits.revoked_at is not None:
        return State.REVOKED
    if limits.expires_at <= now:
        return State.EXPIRED
    if limits.most_views is not None and limits.views >= limits.most_views:
        return State.USED_UP
    return State.LIVE


def may_go_on(limits: Limits, now: datetime) -> bool:
    """Whether a visitor who was let in before still may look."""
    return state_of(limits, now) in (State.LIVE, State.USED_UP)


def must_wait(failures: int, since: datetime | None, now: datetime) -> bool:
    """Whether too many wrong passwords came too quickly."""
    return failures >= FAILURES_MAX and since is not None and now - since < FAILURES_WINDOW
