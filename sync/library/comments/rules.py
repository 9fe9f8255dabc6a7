"""What a comment may say and where it may point, and until when its author may take it back. Pure."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from workspace.texts import shown

WORDS_LENGTH = 2000
CHANGEABLE_FOR = timedelta(minutes=30)
"""Long enough for a slip of the pen; afterwards others may have acted on it."""
MOST_MENTIONS = 20
MOST_REPLIES = 200
MOST_THREADS = 500
AT_ONCE = 20
AT_ONCE_WITHIN = timedelta(minutes=1)
LONGEST_FILM_MS = 24 * 3600 * 1000
SMALLEST = 0.005
"""Of the picture's width and height: a smaller rectangle was meant as a point."""

_BLANK_LINES = re.compile(r"\n{3,}")


class Why(Enum):
    """Why something is refused."""

    EMPTY = "empty"
    TOO_LONG = "too long"
    NO_PLACE = "no place"
    NO_PICTURE = "no picture"
    NO_FILM = "no film"
    TOO_MANY_MENTIONS = "too many mentions"
    TOO_MANY = "too many"
    FULL = "full"
    RESOLVED = "resolved"
    NOT_OWN = "not own"
    TOO_LATE = "too late"
    GONE = "gone"


@dataclass(frozen=True)
class Refuse:
    why: Why


@dataclass(frozen=True)
class Mark:
    """Where a comment points: see models.AssetComment. All None: at the version as a whole."""

    x: float | None = None
    y: float | None = None
    w: float | None = None
    h: float | None = None
    time_ms: int | None = None


def clean_words(raw: str) -> str:
    """Plain text: no control characters, none that turn the direction of what follows, no more than one blank line in a row."""
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    lines = "\n".join(line.rstrip() for line in shown(text).split("\n"))
    return _BLANK_LINES.sub("\n\n", lines).strip()


def decide_words(words: str) -> Refuse | None:
    """words: cleaned."""
    if not words:
        return Refuse(Why.EMPTY)
    return Refuse(Why.TOO_LONG) if len(words) > WORDS_LENGTH else None


def decide_mark(
    *, x: float | None, y: float | None, w: float | None, h: float | None, time_ms: int | None, has_picture: bool, is_film: bool
) -> Mark | Refuse:
    """The place as it will be kept: inside the picture, a rectangle with an extent, or a point."""
    if time_ms is not None and not 0 <= time_ms <= LONGEST_FILM_MS:
        return Refuse(Why.NO_PLACE)
    if time_ms is not None and not is_film:
        return Refuse(Why.NO_FILM)
    if x is None and y is None and w is None and h is None:
        return Mark(time_ms=time_ms)
    if x is None or y is None or not (_is_fraction(x) and _is_fraction(y)) or (w is None) is not (h is None):
        return Refuse(Why.NO_PLACE)
    if not (has_picture or is_film):
        return Refuse(Why.NO_PICTURE)
    if w is None or h is None:
        return Mark(x, y, time_ms=time_ms)
    if not (_is_fraction(w) and _is_fraction(h)):
        return Refuse(Why.NO_PLACE)
    width, height = min(w, 1 - x), min(h, 1 - y)
    if width < SMALLEST or height < SMALLEST:
        return Mark(x, y, time_ms=time_ms)
    return Mark(x, y, width, height, time_ms)


def _is_fraction(value: float) -> bool:
    return math.isfinite(value) and 0 <= value <= 1


def decide_pace(recent: int) -> Refuse | None:
    """recent: comments of this author within AT_ONCE_WITHIN."""
    return Refuse(Why.TOO_MANY) if recent >= AT_ONCE else None


def decide_reply(*, resolved: bool, deleted: bool, replies: int) -> Refuse | None:
    """deleted: the first comment of the thread, with no reply left."""
    if deleted:
        return Refuse(Why.GONE)
    if resolved:
        return Refuse(Why.RESOLVED)
    return Refuse(Why.FULL) if replies >= MOST_REPLIES else None


def decide_change(*, own: bool, deleted: bool, created_at: datetime, now: datetime) -> Refuse | None:
    """Whether somebody may change or delete a comment now. A manager of the library deletes any: asked elsewhere."""
    if deleted:
        return Refuse(Why.GONE)
    if not own:
        return Refuse(Why.NOT_OWN)
    return Refuse(Why.TOO_LATE) if now - created_at > CHANGEABLE_FOR else None


@dataclass(frozen=True)
class Person:
    id: str
    name: str


def named_in(words: str, people: Iterable[Person]) -> list[Person]:
    """Those of the people whose ``@name`` stands in the words: a name that was deleted again calls nobody."""
    return [person for person in dict.fromkeys(people) if f"@{person.name}" in words]


def excerpt(words: str, length: int = 80) -> str:
    """The beginning in one line."""
    line = " ".join(words.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def pieces(words: str, names: Sequence[str]) -> list[tuple[str, bool]]:
    """The words cut into (text, whether it is the name of somebody who was mentioned), longest names first."""
    if not names:
        return [(words, False)]
    pattern = "|".join(re.escape(f"@{name}") for name in sorted(names, key=len, reverse=True))
    cut = re.split(f"({pattern})", words)
    return [(part, bool(place % 2)) for place, part in enumerate(cut) if part]
