"""Finding a calendar by its address: it shows what its member may see at that instant, never more."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from sqlalchemy import select

from main_lines.calendars.models import CalendarFeed
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.people.models import Member
from workspace.roles.access import permissions_of
from workspace.secrets import token_hash
from workspace.web import web
from workspace.work import Actor, Work, open_work


@contextmanager
def work_of_reader(token: str) -> Iterator[tuple[Work, CalendarFeed, Member]]:
    """Reading with the rights that the calendar's member has now; NotFound when they left, and for an unknown or stopped address."""
    with open_work(web().database, writes=False, parts=web().parts, now=datetime.now(UTC)) as work:
        feed = work.session.scalar(select(CalendarFeed).where(CalendarFeed.token_hash == token_hash(token)))
        member = work.session.get(Member, feed.member_id) if feed and feed.stopped_at is None else None
        if feed is None or member is None or member.state != "active":
            raise over()
        work.actor = Actor(member.id, member.name, permissions_of(work, member.id))
        yield work, feed, member


def own_feeds(work: Work) -> list[CalendarFeed]:
    """Addresses of the actor that still work, newest first."""
    mine = (CalendarFeed.member_id == work.actor.member_id, CalendarFeed.stopped_at.is_(None))
    return list(work.session.scalars(select(CalendarFeed).where(*mine).order_by(CalendarFeed.id.desc())))


def get_own_feed(work: Work, feed_id: str) -> CalendarFeed:
    feed = work.session.get(CalendarFeed, feed_id)
    if feed is None or feed.member_id != work.actor.member_id:
        raise NotFound(_("没有找到这个订阅地址"), _("它可能已被停用。"))
    return feed


def over() -> NotFound:
    return NotFound(_("这个订阅地址已失效"), _("请在“日历订阅”页重新生成。"))
