"""The audit: events by number, with filters."""

from sqlalchemy import select

from workspace.events.access import EventRow, in_words, rooms_of
from workspace.events.models import Event, EventRoom
from workspace.work import Work

PAGE = 60


def audit_page(work: Work, *, before: int | None = None, kind: str = "", actor_id: str = "", subject: str = "") -> list[EventRow]:
    """Newest first, at most PAGE; ``before`` is the sequence to go on from. kind: a prefix such as ``main_lines.``.

    An auditor reads what happened in the open and in the auditors' room, but no main line that is closed to them.
    """
    open_to_me = select(EventRoom.seq).where(EventRoom.seq == Event.seq, EventRoom.room.in_(rooms_of(work))).exists()
    query = select(Event).where(open_to_me).order_by(Event.seq.desc()).limit(PAGE)
    if before is not None:
        query = query.where(Event.seq < before)
    if kind:
        query = query.where(Event.kind.startswith(kind, autoescape=True))
    if actor_id:
        query = query.where(Event.actor_id == actor_id)
    if subject:
        query = query.where(Event.subject == subject)
    return [in_words(event) for event in work.session.scalars(query)]
