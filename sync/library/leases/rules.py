"""How long a check-out lasts. Pure."""

from datetime import datetime, timedelta

WAYS = {"hand": timedelta(hours=8), "open": timedelta(minutes=5), "webdav": timedelta(hours=1)}
"""By way. A mount renews every minute or so while the file is open; whoever lost the line frees it after five."""
MOST = 200
"""Check-outs of one member in one library: every page of a feed carries all that are in force."""


def until(way: str, now: datetime, lasts: timedelta | None = None) -> datetime:
    """lasts: what a program asked for; never longer than its way allows."""
    return now + (WAYS[way] if lasts is None else min(lasts, WAYS[way]))


def binds(holder_id: str, member_id: str | None, ends: datetime, now: datetime) -> bool:
    """Whether a check-out keeps this member from changing the asset. One's own never does, on whatever device."""
    return holder_id != member_id and ends > now
