"""What the notices page and the bell show."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from workspace.events.access import in_words
from workspace.events.models import Event
from workspace.notices.access import my_notices
from workspace.notices.models import Notice
from workspace.work import Work

PAGE = 30


@dataclass(frozen=True)
class NoticeRow:
    """kind: of the event, for its icon. asks: the reader is expected to act."""

    id: str
    words: str
    url: str
    kind: str
    asks: bool
    at: datetime
    is_read: bool


def unread_count(work: Work) -> int:
    unread = my_notices(work).where(Notice.read_at.is_(None)).subquery()
    return int(work.session.scalar(select(func.count()).select_from(unread)) or 0)


def list_notices(work: Work, *, unread_only: bool = False, before: str | None = None, limit: int = PAGE) -> list[NoticeRow]:
    """Newest first; before: id of the last row of the page before."""
    query = my_notices(work).join(Event, Event.seq == Notice.seq).add_columns(Event)
    query = query.where(Notice.read_at.is_(None)) if unread_only else query
    query = query.where(Notice.id < before) if before else query
    rows = work.session.execute(query.order_by(Notice.id.desc()).limit(limit))
    return [
        NoticeRow(notice.id, in_words(event).words, notice.url, event.kind, notice.asks, notice.at, notice.read_at is not None)
        for notice, event in rows
    ]
