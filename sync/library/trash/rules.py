"""How long the trash keeps. Pure."""

from datetime import datetime, timedelta

KEPT = timedelta(days=30)


def days_left(deleted_at: datetime, now: datetime) -> int:
    """Whole days until it leaves the trash, the begun one included; never less than 0."""
    left = deleted_at + KEPT - now
    return max(0, left.days + (1 if left % timedelta(days=1) else 0))
