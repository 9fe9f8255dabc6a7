"""Telling members, and marking what they have read."""

from collections.abc import Collection

from sqlalchemy import select

from workspace.db import new_id
from workspace.events.models import Event
from workspace.notices.access import get_notice, my_notices
from workspace.notices.models import Notice, NoticeEvent
from workspace.people.models import Member
from workspace.work import Work


def send_notices(work: Work, event: Event, member_ids: Collection[str], *, url: str, asking: Collection[str] = ()) -> int:
    """Tell these members of the event, once each; asking: those of them who are expected to act. Returns how many were new.

    Called from reactions, which run at least once: who has been told already is left out.
    """
    told = set(work.session.scalars(select(Notice.member_id).where(Notice.seq == event.seq)))
    active = select(Member.id, Member.name).where(Member.id.in_(list(member_ids)), Member.state == "active").order_by(Member.id)
    new = [row for row in work.session.execute(active) if row.id not in told]
    for row in new:
        work.session.add(Notice(id=new_id(), member_id=row.id, seq=event.seq, url=url, asks=row.id in asking, at=work.now, read_at=None))
    if new:
        # It stays readable to them for good, so it names neither the thing nor where it is.
        rooms = [f"member:{row.id}" for row in new]
        work.record(NoticeEvent.SENT, subject=f"event:{event.seq}", rooms=rooms, people=[row.name for row in new])
    return len(new)


def read_notice(work: Work, notice_id: str) -> str:
    """Mark one as read; returns where it leads."""
    notice = get_notice(work, notice_id)
    if notice.read_at is None:
        notice.read_at = work.now
        _record_read(work, 1)
    return notice.url


def read_all(work: Work) -> int:
    """Mark everything as read; returns how many were unread."""
    unread = list(work.session.scalars(my_notices(work).where(Notice.read_at.is_(None))))
    for notice in unread:
        notice.read_at = work.now
    if unread:
        _record_read(work, len(unread))
    return len(unread)


def read_about(work: Work, url: str) -> None:
    """Mark what leads to ``url`` as read: its reader has just dealt with it.

    Also what they may not see any more, which nobody is told: to ask for the rooms of now cost more than the act itself.
    """
    mine = select(Notice).where(Notice.member_id == work.actor.member_id, Notice.read_at.is_(None), Notice.url == url)
    unread = list(work.session.scalars(mine))
    for notice in unread:
        notice.read_at = work.now
    if unread:
        _record_read(work, len(unread))


def nothing_to_do(work: Work, url: str, member_ids: Collection[str]) -> int:
    """What leads to ``url`` is over: it waits for none of these members any more. Returns how many notices were unread."""
    unread = select(Notice).where(Notice.member_id.in_(list(member_ids)), Notice.read_at.is_(None), Notice.url == url)
    notices = list(work.session.scalars(unread.order_by(Notice.id)))
    for notice in notices:
        notice.read_at = work.now
    if notices:
        rooms = sorted({f"member:{notice.member_id}" for notice in notices})
        work.record(NoticeEvent.SETTLED, subject=f"notices:{url}", rooms=rooms, count=len(notices))
    return len(notices)


def _record_read(work: Work, count: int) -> None:
    work.record(NoticeEvent.READ, subject=f"member:{work.actor.member_id}", rooms=[f"member:{work.actor.member_id}"], count=count)
