"""What the feed shows: posts with what their reader may see of them, everything else that happened, whom one can call, what is unread."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, bindparam, case, func, select
from sqlalchemy.orm import aliased

from main_lines.feed.access import READ_UPTO, circle_of, cursor_of, is_unread, readings_of, unread_posts
from main_lines.feed.models import WRITTEN, ProgressPost, ReadCursor
from main_lines.feed.rules import HIDDEN, KINDS_OF, Called, Part, callable_in, decide_withdrawal, readers_of, suggestions
from main_lines.lines.access import is_director
from main_lines.lines.models import LineMember, MainLine
from main_lines.lines.queries import FeedRow, cards_of, feed_rows
from main_lines.tasks.models import TaskOrder
from sync.library.assets.access import visible_nodes
from sync.library.comments.rules import pieces
from sync.library.libraries.access import rooms_of_scope
from sync.library.previews.access import find_previews
from workspace.events.access import EventRow, Told, ToldRow, events_from, in_words, newest_events, newest_told, told_after
from workspace.events.models import Event
from workspace.i18n import _
from workspace.people.queries import MemberRow
from workspace.work import Work, head_seq

FEED_PAGE = 30
FEED_MOST = 200
BEFORE_THE_POST = 5
THREAD_MOST = 200
ACT_PAGE = 200
LOOKED_BACK = 300
POSTS = tuple(str(kind) for kind in WRITTEN)


@dataclass(frozen=True)
class FileView:
    """A file of a post, as its reader may see it. newest: number of a newer version, None when the pinned one is the newest.

    name: "" for who may not see the file: they learn that there is one, and nothing else of it.
    """

    name: str = ""
    version: int = 0
    url: str = ""
    picture: str = ""
    newest: int | None = None


@dataclass(frozen=True)
class PostView:
    """A post as its reader sees it. pieces: (text, whether it calls somebody). task: (id, number, title) of the order it is about.

    read, asked: how many of those who were to read it have; both None for who may not know. is_unread: by this reader.
    """

    id: str
    number: int
    pieces: list[tuple[str, bool]]
    files: list[FileView]
    task: tuple[str, int, str] | None
    withdrawn_at: datetime | None
    may_withdraw: bool
    is_unread: bool
    read: int | None
    asked: int | None


@dataclass(frozen=True)
class PostRow(FeedRow):
    """An event of the feed that is a post."""

    post: PostView


@dataclass(frozen=True)
class ActRow(FeedRow):
    """What one act did many times over. unfold: address of what that was."""

    unfold: str
    lowest: int

    @property
    def first(self) -> int:
        return self.lowest


@dataclass(frozen=True)
class FeedPage:
    """Newest first. older: sequence before which to ask on, None at the beginning of time. newer: after which, None at the present."""

    rows: Sequence[FeedRow]
    older: int | None
    newer: int | None = None

    @property
    def oldest(self) -> int:
        return min((row.first for row in self.rows), default=0)


@dataclass(frozen=True)
class Unread:
    """first: id of the oldest post that the reader has not read, "" when there is none. newest: number of the newest one."""

    count: int
    first: str = ""
    newest: int = 0


def line_events(work: Work, line: MainLine, *, part: Part | None = None, before: int | None = None) -> FeedPage:
    """The newest events one by one, or those before one: for programs. The caller has loaded the line through access."""
    rows = newest_events(work, rooms=_rooms(work, line), limit=FEED_PAGE + 1, before=before, **_shown(part))
    return FeedPage(rows_of(work, line, rows[:FEED_PAGE]), rows[FEED_PAGE - 1].seq if len(rows) > FEED_PAGE else None)


def line_feed(
    work: Work, line: MainLine, *, part: Part | None = None, before: int | None = None, limit: int = FEED_PAGE
) -> FeedPage:  # fmt: skip
    """The newest rows, or those before one: at least ``limit``, acts folded. The caller has loaded the line through access."""
    told = newest_told(work, rooms=_rooms(work, line), limit=limit, before=before, **_shown(part))
    return FeedPage(_told_rows(work, line, told), told.lowest if told.more else None)


def line_feed_since(work: Work, line: MainLine, oldest: int, *, part: Part | None = None) -> FeedPage:
    """Everything from ``oldest`` on (FEED_MOST rows or so), so that a page that is kept fresh leaves no hole before its older rows."""
    told = newest_told(work, rooms=_rooms(work, line), limit=FEED_MOST, since=oldest, **_shown(part))
    return FeedPage(_told_rows(work, line, told), None)


def line_feed_after(work: Work, line: MainLine, after: int, *, part: Part | None = None, lead: int = 0) -> FeedPage:
    """The events that came next after one, with ``lead`` of those before them."""
    after, rooms = min(after, head_seq(work)), _rooms(work, line)
    found = told_after(work, rooms=rooms, after=after, limit=FEED_PAGE, **_shown(part))
    led = newest_told(work, rooms=rooms, limit=max(lead, 1), before=found.lowest or after + 1, **_shown(part))
    newer = found.rows[0].row.seq if found.more else None
    if lead:
        rows, older = [*_told_rows(work, line, found), *_told_rows(work, line, led)], led.lowest if led.more else None
    else:
        rows, older = _told_rows(work, line, found), found.lowest if found.rows and led.rows else None
    return FeedPage(rows, older, newer)


def act_rows(work: Work, line: MainLine, *, kind: str, since: int, before: int) -> tuple[list[FeedRow], int | None]:
    """What a row of the feed unfolds to: events of one kind between two sequences, and from where to ask on, None when that is all."""
    found = events_from(work, rooms=_rooms(work, line), since=since, limit=ACT_PAGE + 1, without=HIDDEN, kinds=(kind,))
    rows = [row for row in found if row.seq < before]
    return rows_of(work, line, rows[:ACT_PAGE]), rows[ACT_PAGE].seq if len(rows) > ACT_PAGE else None


def _told_rows(work: Work, line: MainLine, page: Told) -> list[FeedRow]:
    """An act is no link by itself: what it did is."""
    rows = rows_of(work, line, [told.event for told in page.rows])
    return [_with_act(line, row, told) if told.row.count > 1 else row for row, told in zip(rows, page.rows, strict=True)]


def _with_act(line: MainLine, row: FeedRow, told: ToldRow) -> ActRow:
    known = row.__dict__ | {"seq": told.row.seq, "words": told.words, "url": ""}
    unfold = f"/lines/{line.id}/feed/act?kind={told.row.kind}&since={told.row.first}&before={told.row.seq + 1}"
    return ActRow(**known, unfold=unfold, lowest=told.row.first)


def line_feed_at(work: Work, line: MainLine, post_id: str) -> FeedPage:
    """The page on which a post stands, with a few rows from before it; the newest page when it is not of this line."""
    seq = _seq_of(work, line, post_id)
    return line_feed(work, line) if seq is None else line_feed_after(work, line, seq - 1, lead=BEFORE_THE_POST)


def _seq_of(work: Work, line: MainLine, post_id: str) -> int | None:
    post = work.session.get(ProgressPost, post_id)
    if post is None or post.line_id != line.id:
        return None
    return work.session.scalar(select(Event.seq).where(Event.subject == post.subject, Event.kind.in_(POSTS)))


def _rooms(work: Work, line: MainLine) -> list[str]:
    return rooms_of_scope(work, line.room)


def _shown(part: Part | None) -> dict[str, Any]:
    return {"without": HIDDEN, "kinds": KINDS_OF[part] if part else ()}


def rows_of(work: Work, line: MainLine, events: Iterable[EventRow]) -> list[FeedRow]:
    """Events as rows of this line's feed; posts with what their reader may see of them."""
    rows = feed_rows(events)
    ids = [row.facts["post_id"] for row in rows if row.kind in POSTS and "post_id" in row.facts]
    if not ids:
        return rows
    posts = work.session.scalars(select(ProgressPost).where(ProgressPost.id.in_(ids))).all()
    views = views_of(work, line, posts)
    return [_with_post(row, views.get(row.facts.get("post_id", "")) if row.kind in POSTS else None) for row in rows]


def _with_post(row: FeedRow, view: PostView | None) -> FeedRow:
    if view is None:
        return row
    quote = "".join(text for text, _named in view.pieces)
    words = _("%(name)s 的进度通告已撤回", name=row.actor) if view.withdrawn_at else row.words
    return PostRow(**{**row.__dict__, "words": words, "quote": quote}, post=view)


def views_of(work: Work, line: MainLine, posts: Sequence[ProgressPost]) -> dict[str, PostView]:
    """By id. Who has read a post is for its author and the directors."""
    me, directs = work.actor.member_id, is_director(work, line.id)
    mine = [post for post in posts if post.author_id == me]
    readings = readings_of(work, line.id) if posts and (directs or mine) else []
    joined_at, cursor = _standing(work, line.id)
    files, tasks = _files(work, posts), _tasks(work, posts)
    views = {}
    for post in posts:
        own = post.author_id == me
        read, missing = readers_of(post.number, post.at, post.author_id, readings) if own or directs else ([], [])
        asked = len(read) + len(missing)
        stands = post.withdrawn_at is None
        views[post.id] = PostView(
            id=post.id, number=post.number, pieces=pieces(post.text, [one["name"] for one in post.mentions]) if stands else [],
            files=[files.get((one["asset_id"], one["version"]), FileView()) for one in post.files], task=tasks.get(post.task_id or ""),
            withdrawn_at=post.withdrawn_at,
            may_withdraw=decide_withdrawal(own=own, withdrawn=not stands, in_audit=post.in_audit) is None,
            is_unread=stands and not own and joined_at is not None and post.at >= joined_at and post.number > cursor,
            read=len(read) if stands and asked else None, asked=asked if stands and asked else None,
        )  # fmt: skip
    return views


def _standing(work: Work, line_id: str) -> tuple[datetime | None, int]:
    """Since when the reader is in the line, and how far they have read."""
    membership = work.session.get(LineMember, (line_id, work.actor.member_id)) if work.actor.member_id else None
    return (membership.joined_at if membership else None), cursor_of(work, line_id)


def _files(work: Work, posts: Iterable[ProgressPost]) -> dict[tuple[str, int], FileView]:
    """(asset id, version) -> the file, of those that the reader may see now."""
    pins = {(one["asset_id"], one["version"]): one for post in posts for one in post.files}
    if not pins:
        return {}
    nodes = {node.id: node for node in visible_nodes(work, list(dict.fromkeys(asset_id for asset_id, _version in pins)))}
    pictures = find_previews(work, [pin["digest"] for (asset_id, _version), pin in pins.items() if asset_id in nodes])
    found = {}
    for (asset_id, version), pin in pins.items():
        node = nodes.get(asset_id)
        if node is None or node.purged_at is not None:
            continue
        here = f"/library/assets/{asset_id}"
        picture = f"{here}/versions/{version}/preview" if pin["digest"] in pictures else ""
        newest = node.version if node.version > version else None
        found[asset_id, version] = FileView(pin["name"], version, f"{here}?version={version}", picture, newest)
    return found


def _tasks(work: Work, posts: Iterable[ProgressPost]) -> dict[str, tuple[str, int, str]]:
    ids = {post.task_id for post in posts if post.task_id}
    if not ids:
        return {}
    rows = work.session.execute(select(TaskOrder.id, TaskOrder.number, TaskOrder.title).where(TaskOrder.id.in_(ids)))
    return {row.id: (row.id, row.number, row.title) for row in rows}


def thread_of(work: Work, line: MainLine, task_id: str) -> list[FeedRow]:
    """The posts about an order, the newest first. The caller has loaded the order."""
    query = select(ProgressPost.id).where(ProgressPost.task_id == task_id).order_by(ProgressPost.number.desc()).limit(THREAD_MOST)
    subjects = [f"post:{post_id}" for post_id in work.session.scalars(query)]
    events = select(Event).where(Event.subject.in_(subjects), Event.kind.in_(POSTS)).order_by(Event.seq.desc())
    return rows_of(work, line, [in_words(event) for event in work.session.scalars(events)] if subjects else [])


@dataclass(frozen=True)
class Readers:
    """Who has read a post and who has not, of those who were in the line when it was made."""

    read: list[MemberRow]
    missing: list[MemberRow]


def readers(work: Work, post: ProgressPost) -> Readers:
    """The caller has checked that this reader may know."""
    read, missing = readers_of(post.number, post.at, post.author_id, readings_of(work, post.line_id))
    return Readers(cards_of(work, read), cards_of(work, missing))


def unread_of(work: Work, line_id: str) -> Unread:
    """What the reader has not read in a line, at most 100 of it."""
    found = unread_posts(work, line_id, limit=100)
    return Unread(len(found), found[0].id, found[-1].number) if found else Unread(0)


def _counted_by_line() -> Select[str, int]:
    me, other = bindparam("me", type_=LineMember.member_id.type), aliased(ProgressPost)
    newest = select(func.max(other.number)).where(other.line_id == LineMember.line_id).correlate(LineMember).scalar_subquery()
    cursor = and_(ReadCursor.line_id == LineMember.line_id, ReadCursor.member_id == LineMember.member_id)
    query = select(LineMember.line_id, func.count(ProgressPost.id)).select_from(LineMember).outerjoin(ReadCursor, cursor)
    lately = newest - LOOKED_BACK
    after = case((lately < READ_UPTO, READ_UPTO), else_=lately)  # One bound, which the index of numbers serves.
    query = query.outerjoin(ProgressPost, is_unread(LineMember.line_id, me, after=after)).where(LineMember.member_id == me)
    return query.group_by(LineMember.line_id)


_UNREAD_BY_LINE = _counted_by_line()  # Made once: each page asks it.


def unread_by_line(work: Work) -> dict[str, int]:
    """Page of each of the reader's lines -> how many of its newest posts they have not read; one query.

    It is asked with every page: somebody who never reads a line of thousands of posts must not pay for them each time.
    """
    rows = work.read(_UNREAD_BY_LINE, {"me": work.actor.member_id})
    return {f"/lines/{line_id}": count for line_id, count in rows}


def whom_to_call(work: Work, line_id: str, words: str) -> list[Called]:
    """Who or what in the line fits what was typed behind an @. The caller has loaded the line."""
    circle = circle_of(work, line_id)
    logins = {one.id: one.login for one in circle}
    return suggestions(callable_in(circle), logins, words, reader_id=work.actor.member_id, everybody=_("所有人"))


def names_of(work: Work, member_ids: Collection[str]) -> list[str]:
    return [card.name for card in cards_of(work, member_ids)]
