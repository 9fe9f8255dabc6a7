"""What is said of an asset, as its page shows it; and whom one can mention there."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from sync.library.assets.access import get_asset, get_version
from sync.library.assets.models import Version
from sync.library.comments.access import may, open_threads, readers_among
from sync.library.comments.models import AssetComment
from sync.library.comments.rules import decide_change, pieces
from sync.library.libraries.rules import Right
from sync.library.previews.access import find_previews
from workspace.db import new_id
from workspace.people.models import Department, Member
from workspace.people.queries import initials
from workspace.work import Work

THREADS_AT_ONCE = 60
PEOPLE_AT_ONCE = 8


@dataclass(frozen=True)
class Author:
    id: str
    name: str

    @property
    def initials(self) -> str:
        return initials(self.name)


@dataclass(frozen=True)
class CommentRow:
    """pieces: (text, whether it is the name of somebody who was mentioned). words: as typed, for its author to change."""

    id: str
    author: Author
    words: str
    pieces: list[tuple[str, bool]]
    at: datetime
    edited: bool
    deleted: bool
    may_edit: bool
    may_delete: bool


@dataclass(frozen=True)
class Thread:
    """place: (x, y) or (x, y, w, h), () for the version as a whole. time_ms: None without an instant."""

    id: str
    number: int
    version: int
    place: tuple[float, ...]
    time_ms: int | None
    first: CommentRow
    replies: list[CommentRow]
    resolved_at: datetime | None
    resolved_by_name: str

    @property
    def instant(self) -> str:
        """The instant of the film, "1:05"; "" without one."""
        if self.time_ms is None:
            return ""
        minutes, seconds = divmod(self.time_ms // 1000, 60)
        return f"{minutes}:{seconds:02d}"

    @property
    def is_gone(self) -> bool:
        """Nothing is left of it."""
        return self.first.deleted and all(reply.deleted for reply in self.replies)


@dataclass(frozen=True)
class VersionThreads:
    """here: whether the version is still there to be looked at."""

    version: int
    here: bool
    open: list[Thread]
    settled: list[Thread]


@dataclass(frozen=True)
class CommentsView:
    """version: the one that the page shows; its threads come first. open: threads that wait, of any version. key: for the next comment.

    can_mark: the version has a picture. older: id before which to ask on, "" when there is no more.
    """

    asset_id: str
    library_id: str
    version: int
    open: int
    may_comment: bool
    can_mark: bool
    is_film: bool
    groups: list[VersionThreads]
    older: str
    key: str


@dataclass(frozen=True)
class PersonRow:
    """sees: whether they may see the asset; who may not cannot be mentioned."""

    id: str
    name: str
    department: str
    sees: bool

    @property
    def initials(self) -> str:
        return initials(self.name)


def comments_view(work: Work, asset_id: str, *, number: int | None = None, before: str = "") -> CommentsView:
    """The threads of an asset, those of the shown version first, then of later and earlier versions, the newest thread first."""
    node = get_asset(work, asset_id)
    version = get_version(work, asset_id, number or node.version)
    threads, older = _threads(work, asset_id, before=before)
    comments, manages = may(work, node, Right.COMMENT) and node.deleted_at is None, may(work, node, Right.MANAGE)
    rows = _rows(work, threads, comments=comments, manages=manages)
    preview = find_previews(work, [version.digest]).get(version.digest)
    return CommentsView(
        asset_id=asset_id, library_id=node.library_id, version=version.number, open=open_threads(work, asset_id), may_comment=comments,
        can_mark=comments and preview is not None, is_film=preview is not None and preview.film is not None,
        groups=_grouped(work, asset_id, rows, version.number), older=older, key=new_id(),
    )  # fmt: skip


def people_to_mention(work: Work, asset_id: str, question: str) -> list[PersonRow]:
    """Members by a part of their name; those who may see the asset first. Who may not write there finds nobody."""
    node = get_asset(work, asset_id, to=Right.COMMENT)
    asked = question.strip()[:40].replace("%", "").replace("_", "").replace("\\", "")
    query = select(Member.id, Member.name, Department.name.label("department")).join(Department, Department.id == Member.department_id)
    query = query.where(Member.state == "active", Member.id != work.actor.member_id)
    if asked:
        query = query.where(or_(Member.name.ilike(f"%{asked}%"), Member.login.ilike(f"{asked}%")))
    rows = work.session.execute(query.order_by(Member.name).limit(PEOPLE_AT_ONCE * 25)).all()
    seeing = readers_among(work, node, [row.id for row in rows])
    people = [PersonRow(row.id, row.name, row.department, row.id in seeing) for row in rows]
    shown = people if asked else [person for person in people if person.sees]
    return sorted(shown, key=lambda person: not person.sees)[:PEOPLE_AT_ONCE]


def _threads(work: Work, asset_id: str, *, before: str) -> tuple[list[AssetComment], str]:
    query = select(AssetComment).where(AssetComment.asset_id == asset_id, AssetComment.number.is_not(None))
    if before:
        query = query.where(AssetComment.id < before)
    found = list(work.session.scalars(query.order_by(AssetComment.id.desc()).limit(THREADS_AT_ONCE + 1)))
    return found[:THREADS_AT_ONCE], found[THREADS_AT_ONCE - 1].id if len(found) > THREADS_AT_ONCE else ""


def _rows(work: Work, threads: list[AssetComment], *, comments: bool, manages: bool) -> list[Thread]:
    replies: dict[str, list[CommentRow]] = defaultdict(list)
    ids = [thread.id for thread in threads]
    query = select(AssetComment).where(AssetComment.thread_id.in_(ids), AssetComment.number.is_(None)).order_by(AssetComment.id)
    for reply in work.session.scalars(query):
        replies[reply.thread_id].append(_row(work, reply, comments=comments, manages=manages))
    return [
        Thread(
            id=thread.id, number=thread.number or 0, version=thread.version, place=_place(thread), time_ms=thread.time_ms,
            first=_row(work, thread, comments=comments, manages=manages), replies=replies[thread.id],
            resolved_at=thread.resolved_at, resolved_by_name=thread.resolved_by_name or "",
        )
        for thread in threads
    ]  # fmt: skip


def _row(work: Work, comment: AssetComment, *, comments: bool, manages: bool) -> CommentRow:
    deleted = comment.deleted_at is not None
    own = comment.author_id == work.actor.member_id
    changes = comments and decide_change(own=own, deleted=deleted, created_at=comment.created_at, now=work.now) is None
    return CommentRow(
        id=comment.id, author=Author(comment.author_id, comment.author_name), words=comment.words,
        pieces=pieces(comment.words, [each["name"] for each in comment.mentions]), at=comment.created_at,
        edited=comment.edited_at is not None, deleted=deleted, may_edit=changes, may_delete=changes or (manages and not deleted),
    )  # fmt: skip


def _place(thread: AssetComment) -> tuple[float, ...]:
    if thread.x is None or thread.y is None:
        return ()
    return (thread.x, thread.y) if thread.w is None or thread.h is None else (thread.x, thread.y, thread.w, thread.h)


def _grouped(work: Work, asset_id: str, threads: list[Thread], shown: int) -> list[VersionThreads]:
    by_version: dict[int, list[Thread]] = defaultdict(list)
    for thread in threads:
        if not thread.is_gone or thread.first.deleted:
            by_version[thread.version].append(thread)
    query = select(Version.number).where(Version.node_id == asset_id, Version.number.in_(list(by_version)))
    here = set(work.session.scalars(query))
    order = sorted(by_version, key=lambda number: (number != shown, -number))
    return [
        VersionThreads(
            number, number in here, [each for each in by_version[number] if each.resolved_at is None],
            [each for each in by_version[number] if each.resolved_at is not None],
        )
        for number in order
    ]  # fmt: skip
