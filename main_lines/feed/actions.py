"""What members do in the feed: write a post, withdraw their own, read what others wrote. Nothing is ever edited."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any

from main_lines.feed.access import circle_of, get_post, newest_number, told_lately, unread_posts
from main_lines.feed.models import PostEvent, ProgressPost, ReadCursor
from main_lines.feed.rules import (
    MOST_SEEN,
    Called,
    Refuse,
    audience,
    callable_in,
    called_in,
    cursor_after,
    decide_post,
    decide_withdrawal,
    is_loud,
)
from main_lines.feed.words import refusal
from main_lines.lines.access import director_ids, get_line, is_director, line_member_ids
from main_lines.lines.models import LineMember, MainLine
from main_lines.tasks.access import get_task
from main_lines.tasks.models import TaskOrder
from sync.library.assets.access import pin_of
from sync.library.comments.rules import clean_words
from workspace.db import new_id
from workspace.errors import InvalidInput, NotFound
from workspace.i18n import _
from workspace.notices.actions import read_about
from workspace.search.actions import forget_document, index_document
from workspace.work import Work

TITLE_LENGTH = 80


def post_progress(
    work: Work,
    line_id: str,
    *,
    text: str,
    mentions: Collection[str] = (),
    files: Sequence[tuple[str, int]] = (),
    about: str | None = None,
) -> ProgressPost:
    """A progress post in the line's feed; any member may write one.

    mentions: keys ("kind:id") that were picked; the names in the text decide who is called. files: (asset id, version) each.
    about: id of the order of this line that it is about, on whose page it stands too.
    """
    line = get_line(work, line_id, lock=True)  # One number at a time.
    order = get_task(work, about) if about else None
    if order is not None and order.line_id != line.id:
        raise LookupError("an order of another line")
    text = normal_text(text)
    called = called_in(text, callable_in(circle_of(work, line.id)), mentions)
    wanted, told = list(dict.fromkeys(files)), told_of(work, line.id, called, order)
    _raise(decide_post(text, mentions=len(called), files=len(wanted), loud=_loud_before(work, line.id, len(told))))
    post = ProgressPost(
        id=new_id(), line_id=line.id, number=newest_number(work, line.id) + 1, task_id=order.id if order else None,
        author_id=_acting_member(work), text=text, mentions=[{"kind": one.kind.value, "id": one.id, "name": one.name} for one in called],
        told=sorted(told), files=[_pinned(work, *one) for one in wanted], at=work.now, in_audit=False,
    )  # fmt: skip
    work.session.add(post)
    index_document(
        work, subject=post.subject, room=line.room, title=_title(text), note=f"{work.actor.name} · {line.name}", url=post.url, words=text
    )
    kind = PostEvent.MENTIONED if called else PostEvent.ABOUT_TASK if order else PostEvent.MADE
    facts: dict[str, Any] = {"task_id": order.id, "title": order.title} if order else {}
    facts |= {"people": [one.name for one in called]} if called else {}
    _record(work, kind, line, post, files=len(post.files), **facts)
    return post


def normal_text(raw: str) -> str:
    """As it will be kept. The wide ＠ of a Chinese keyboard calls like the narrow one."""
    return clean_words(raw).replace("＠", "@")


def told_of(work: Work, line_id: str, called: Collection[Called], order: TaskOrder | None) -> set[str]:
    """Whom a post tells: those whom it calls and who are in the line, and whoever carries out the order that it is about."""
    told = audience(called, author_id=work.actor.member_id)
    if order is not None and order.owner_id and order.owner_id in line_member_ids(work, line_id):
        told |= {order.owner_id} - {work.actor.member_id or ""}
    return told


def _loud_before(work: Work, line_id: str, told: int) -> int:
    """For a post that would call most of the line: how many such the actor wrote within the last hour. Directors call when they must."""
    inside = len(line_member_ids(work, line_id))
    if not is_loud(told, inside) or is_director(work, line_id):
        return 0
    return sum(is_loud(count, inside) for count in told_lately(work, line_id, since=work.now - timedelta(hours=1)))


def withdraw_post(work: Work, post_id: str) -> ProgressPost:
    """Take one's own post back: what it said is gone everywhere, that there was one stays."""
    post, line = get_post(work, post_id, lock=True)
    own = post.author_id == work.actor.member_id
    _raise(decide_withdrawal(own=own, withdrawn=post.withdrawn_at is not None, in_audit=post.in_audit))
    post.text, post.mentions, post.files, post.withdrawn_at = "", [], [], work.now
    forget_document(work, post.subject)
    _record(work, PostEvent.WITHDRAWN, line, post)
    return post


def read_posts(work: Work, line_id: str, *, seen: Collection[int] = (), upto: int = 0) -> int:
    """The posts of these numbers, or all up to one, have been in front of the actor. Returns how many were news to them.

    Only their authors, the directors and the reader hear of it: told to everybody, each reader would make everybody's page move.
    """
    line, me = get_line(work, line_id), _acting_member(work)
    work.session.get_one(LineMember, (line.id, me), with_for_update=True)  # Two windows of theirs read one after the other.
    unread = unread_posts(work, line.id, limit=MOST_SEEN)
    cursor = min(upto, newest_number(work, line.id)) if upto else cursor_after(0, [post.number for post in unread], seen)
    news = [post for post in unread if post.number <= cursor]
    if not news:
        return 0
    _advance(work, line.id, me, cursor)
    for post in news:
        if me in post.told:
            read_about(work, post.url)
    inside = set(line_member_ids(work, line.id))
    hearers = [me, *sorted(({post.author_id for post in news} | set(director_ids(work, line.id))) & inside - {me})]
    work.record(PostEvent.READ, subject=f"member:{me}", rooms=[f"member:{one}" for one in hearers], count=len(news))
    return len(news)


def _advance(work: Work, line_id: str, member_id: str, number: int) -> None:
    cursor = work.session.get(ReadCursor, (line_id, member_id))
    if cursor is None:
        work.session.add(ReadCursor(line_id=line_id, member_id=member_id, number=number, at=work.now))
    elif cursor.number < number:
        cursor.number, cursor.at = number, work.now
    work.session.flush()


def _pinned(work: Work, asset_id: str, version: int) -> dict[str, Any]:
    """The version as it is kept with the post. The author must see it now."""
    try:
        pin = pin_of(work, asset_id, version)
    except NotFound as error:
        sentence = _("有一个文件找不到了，请去掉后重新选择。")
        raise InvalidInput(_("有内容需要修改"), sentence, fields={"text": sentence}) from error
    return {"asset_id": pin.asset_id, "version": pin.version, "digest": pin.digest, "name": pin.name}


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_LENGTH else f"{line[: TITLE_LENGTH - 1]}…"


def _acting_member(work: Work) -> str:
    """Only people write and read; a job that tried would be a programming mistake."""
    if work.actor.member_id is None:
        raise LookupError("a feed is written by members, not by the system")
    return work.actor.member_id


def _raise(refused: Refuse | None) -> None:
    if refused is not None:
        raise refusal(refused)


def _record(work: Work, kind: PostEvent, line: MainLine, post: ProgressPost, **facts: Any) -> None:
    work.record(kind, subject=post.subject, rooms=[line.room], line=line.name, line_id=line.id, post_id=post.id, post=post.number, **facts)
