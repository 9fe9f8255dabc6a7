"""What fits into one download of many files, and how its entries are called. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

FILES_MOST = 20_000
BYTES_MOST = 200 * 1024**3
DEPTH_MOST = 100
"""Folders one in another; also a path that no unzip program takes is refused before it is sent."""
OLDEST = datetime(1980, 1, 1)  # noqa: DTZ001 - what the format can say: a local time without a zone.
NEWEST = datetime(2107, 12, 31)  # noqa: DTZ001


@dataclass(frozen=True)
class Entry:
    """A version that goes into the zip. path: names from the zip's top, joined by slashes."""

    path: str
    library_id: str
    digest: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True)
class TooMuch:
    """Why a download is refused: one of the three is above its bound."""

    files: int
    size_bytes: int
    depth: int


def too_much(entries: Iterable[Entry]) -> TooMuch | None:
    listed = list(entries)
    found = TooMuch(len(listed), sum(entry.size_bytes for entry in listed), max((entry.path.count("/") for entry in listed), default=0))
    return found if found.files > FILES_MOST or found.size_bytes > BYTES_MOST or found.depth > DEPTH_MOST else None


def zip_time(local: datetime) -> tuple[int, int, int, int, int, int]:
    """A local time as the format holds it: without zone, in steps of two seconds, from 1980 on."""
    at = min(max(local.replace(tzinfo=None), OLDEST), NEWEST)
    return at.year, at.month, at.day, at.hour, at.minute, at.second
