"""What happened lately in every room that is open to the reader."""

from dataclasses import dataclass
from datetime import datetime

from workspace.events.access import EventRow, newest_told, rooms_of
from workspace.people.queries import initials
from workspace.work import Work

SHOWN = 8
# Members, roles and notices, which repeat what happened; steps of the machinery that nobody took; templates, for which only pages wait.
NOISE = (
    "workspace.", "library.preview.", "desktops.desktop.progressed", "desktops.template.", "main_lines.post.read",
    "main_lines.post.withdrawn",
)  # fmt: skip


@dataclass(frozen=True)
class Face:
    """Who did it, as the feed draws them."""

    id: str
    name: str
    initials: str


@dataclass(frozen=True)
class HomeEvent:
    """An event in words. where: the main line it belongs to, when it names one. face: None for the system."""

    seq: int
    at: datetime
    words: str
    where: str
    face: Face | None


def recent_events(work: Work) -> list[HomeEvent]:
    """The newest events that the actor may see now, of people's work: NOISE is left out, and what only the audit reads."""
    rooms = rooms_of(work) - {"audit"}
    rows = newest_told(work, rooms=rooms, limit=SHOWN, without=NOISE).rows[:SHOWN]
    return [_home_event(told.row.seq, told.words, told.event) for told in rows]


def _home_event(seq: int, words: str, event: EventRow) -> HomeEvent:
    return HomeEvent(seq, event.at, words, str(event.facts.get("line", "")), _face(event.actor_id, event.actor))


def _face(member_id: str | None, name: str) -> Face | None:
    return Face(member_id, name, initials(name)) if member_id else None
