"""Making and stopping the secret addresses of one's calendar."""

import secrets
from datetime import datetime

from sqlalchemy import update

from main_lines.calendars.access import get_own_feed, own_feeds
from main_lines.calendars.models import NAME_LENGTH, CalendarEvent, CalendarFeed
from main_lines.calendars.rules import FEEDS_MOST, READ_NOTED
from workspace.db import Database, new_id
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.secrets import token_hash
from workspace.work import Work, open_work


def make_feed(work: Work, *, name: str) -> str:
    """A new address of the actor's calendar. Returns its secret part, which is told this once: only its hash is kept."""
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise InvalidInput(_("请给它起个名字"), fields={"name": _("请填写 1 到 %(n)s 个字", n=NAME_LENGTH)})
    if len(own_feeds(work)) >= FEEDS_MOST:
        raise InvalidInput(_("订阅地址太多"), _("最多 %(n)s 个，请先停用不再使用的。", n=FEEDS_MOST))
    token = secrets.token_urlsafe(32)
    feed = CalendarFeed(id=new_id(), member_id=work.actor.member_id, name=name, token_hash=token_hash(token), made_at=work.now)
    work.session.add(feed)
    _record(work, CalendarEvent.MADE, feed)
    return token


def stop_feed(work: Work, feed_id: str) -> str:
    """From this commit on the address finds nothing. Returns its name."""
    feed = get_own_feed(work, feed_id)
    if feed.stopped_at is None:
        feed.stopped_at = work.now
        _record(work, CalendarEvent.STOPPED, feed)
    return feed.name


def note_reading(database: Database, feed: CalendarFeed, now: datetime) -> None:
    """So that its member sees which addresses are in use; programs ask often, and the hour is enough."""
    if feed.read_at is None or now - feed.read_at >= READ_NOTED:
        with open_work(database, now=now) as work:
            work.session.execute(update(CalendarFeed).where(CalendarFeed.id == feed.id).values(read_at=now))


def _record(work: Work, kind: CalendarEvent, feed: CalendarFeed) -> None:
    """For its member and the audit alone."""
    work.record(kind, subject=f"calendar:{feed.id}", rooms=["audit", f"member:{feed.member_id}"], name=feed.name, feed_id=feed.id)
