"""What a calendar holds. Pure: days and words in, entries out; ics.py writes them down."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

PAST = timedelta(days=90)
AHEAD = timedelta(days=400)
CANCELLED_SHOWN = timedelta(days=30)
ENTRIES_MOST = 2000
FEEDS_MOST = 10
READ_NOTED = timedelta(hours=1)


@dataclass(frozen=True)
class Entry:
    """One whole day. uid: the same for as long as the thing exists. sequence, at: of the last event that changed it.

    cancelled: shown as struck out, so that a program that keeps what it once read takes it away.
    """

    uid: str
    day: date
    title: str
    note: str
    path: str
    kind: str
    sequence: int
    at: datetime
    cancelled: bool = False


def in_window(day: date, today: date) -> bool:
    return today - PAST <= day <= today + AHEAD
