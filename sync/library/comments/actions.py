"""Writing, answering, changing, deleting, resolving comments. Each is heard in the rooms of its asset."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from sync.library.assets.access import get_asset, get_version, library_of
from sync.library.assets.models import Node, Version
from sync.library.comments.access import get_comment, hold_library, may, readers_among, rooms_of_asset
from sync.library.comments.indexing import forget_comment, index_comment
from sync.library.comments.models import KEY_LENGTH, AssetComment, CommentEvent
from sync.library.comments.rules import (
    AT_ONCE_WITHIN,
    MOST_MENTIONS,
    MOST_THREADS,
    Mark,
    Person,
    Refuse,
    Why,
    clean_words,
    decide_change,
    decide_mark,
    decide_pace,
    decide_reply,
    decide_words,
    named_in,
)
from sync.library.comments.words import refusal, unseen
from sync.library.libraries.rules import Right
from sync.library.previews.access import find_previews
from workspace.db import new_id
from workspace.errors import Conflict, InvalidInput
from workspace.i18n import _
from workspace.people.models import Member
from workspace.work import Work


@dataclass(frozen=True)
class Draft:
    """What somebody wants to say. words: as typed. mark: where it points, unchecked. mentions: ids of members. key: see AssetComment."""

    words: str
    key: str
    mark: Mark = Mark()
    mentions: Collection[str] = field(default_factory=tuple)


def add_comment(work: Work, asset_id: str, number: int, draft: Draft) -> AssetComment:
    """A new thread on a version. The same key again brings back what was written first."""
    node, earlier = _ready(work, asset_id, draft)
    if earlier is not None:
        return earlier
    version = get_version(work, asset_id, number)
    mark = _checked(_mark_on(work, version, draft.mark))
    query = select(func.count(), func.max(AssetComment.number)).where(AssetComment.asset_id == node.id, AssetComment.number.is_not(None))
    threads, last = work.session.execute(query).one()
    if threads >= MOST_THREADS:
        raise refusal(Refuse(Why.FULL))
    comment = _new(work, node, draft, version=number)
    comment.thread_id, comment.number = comment.id, (last or 0) + 1
    comment.x, comment.y, comment.w, comment.h, comment.time_ms = mark.x, mark.y, mark.w, mark.h, mark.time_ms
    return _added(work, CommentEvent.ADDED, comment, node, thread=comment)


def reply_to(work: Work, thread_id: str, draft: Draft) -> AssetComment:
    """An answer in a thread that is open."""
    thread, node = get_comment(work, thread_id, to=Right.COMMENT)
    node, earlier = _ready(work, node.id, draft)
    if earlier is not None:
        return earlier
    thread = _first(work, thread)
    work.session.refresh(thread)  # It was read before the library was held.
    query = select(func.count()).where(AssetComment.thread_id == thread.id, AssetComment.id != thread.id)
    replies = int(work.session.scalar(query) or 0)
    gone = thread.deleted_at is not None and not _has_replies(work, thread)
    _raise(decide_reply(resolved=thread.resolved_at is not None, deleted=gone, replies=replies))
    comment = _new(work, node, draft, version=thread.version)
    comment.thread_id = thread.id
    return _added(work, CommentEvent.REPLIED, comment, node, thread=thread)


def edit_comment(work: Work, comment_id: str, *, words: str) -> AssetComment:
    """Its author says it otherwise, for a while. Whose name is taken out is no longer mentioned; nobody new is."""
    comment, node = get_comment(work, comment_id, to=Right.COMMENT, lock=True)
    _raise(_change(work, comment))
    said = clean_words(words)
    _raise(decide_words(said))
    if said == comment.words:
        return comment
    comment.words, comment.edited_at = said, work.now
    kept = named_in(said, [Person(**each) for each in comment.mentions])
    comment.mentions = [{"id": person.id, "name": person.name} for person in kept]
    _index(work, comment, node)
    _record(work, CommentEvent.EDITED, comment, node, thread=_first(work, comment))
    return comment


def delete_comment(work: Work, comment_id: str) -> AssetComment:
    """Its author takes it back, for a while; who manages the library may at any time. What was written is gone for good."""
    comment, node = get_comment(work, comment_id, lock=True)
    if comment.deleted_at is not None:
        return comment
    refused = _change(work, comment) if may(work, node, Right.COMMENT) else Refuse(Why.NOT_OWN)
    if refused is not None and not may(work, node, Right.MANAGE):
        raise refusal(refused)
    comment.words, comment.mentions, comment.deleted_at = "", [], work.now
    comment.x = comment.y = comment.w = comment.h = comment.time_ms = None
    forget_comment(work, comment.id)
    _record(work, CommentEvent.DELETED, comment, node, thread=_first(work, comment))
    return comment


def settle_thread(work: Work, thread_id: str, *, resolved: bool) -> AssetComment:
    """Say that what a thread asked for is done, or that it is not. Saying it twice changes nothing."""
    comment, node = get_comment(work, thread_id, to=Right.COMMENT, lock=True)
    thread = _first(work, comment)
    if (thread.resolved_at is not None) is resolved:
        return thread
    thread.resolved_at, thread.resolved_by_name = (work.now, work.actor.name) if resolved else (None, None)
    _record(work, CommentEvent.RESOLVED if resolved else CommentEvent.REOPENED, thread, node, thread=thread)
    return thread


def _ready(work: Work, asset_id: str, draft: Draft) -> tuple[Node, AssetComment | None]:
    """The asset to write on, held; and what was written with the draft's key before."""
    node = get_asset(work, asset_id, to=Right.COMMENT)
    if not draft.key or len(draft.key) > KEY_LENGTH:
        raise InvalidInput(_("请求标识太长") if draft.key else _("请求有误"), _("请刷新页面后再试。"))
    hold_library(work, node)
    mine = AssetComment.author_id == work.actor.member_id
    earlier = work.session.scalars(select(AssetComment).where(mine, AssetComment.key == draft.key)).one_or_none()
    if earlier is not None and earlier.asset_id != asset_id:
        raise InvalidInput(_("这个请求标识已用于另一次操作"), _("请刷新页面后再试。"), code="key_reused")
    if earlier is not None and clean_words(draft.words) not in ("", earlier.words):
        raise Conflict(_("这条批注已经发出"), _("刷新页面后可以修改它；刚才填写的内容还在这里。"))
    if earlier is None:
        if node.deleted_at is not None:
            raise Conflict(_("这个文件已删除，不能再批注"), _("恢复文件后可以继续。"))
        recent = select(func.count()).where(mine, AssetComment.created_at > work.now - AT_ONCE_WITHIN)
        _raise(decide_pace(int(work.session.scalar(recent) or 0)))
    return node, earlier


def _new(work: Work, node: Node, draft: Draft, *, version: int) -> AssetComment:
    words = clean_words(draft.words)
    _raise(decide_words(words))
    people = _mentioned(work, node, words, draft.mentions)
    return AssetComment(
        id=new_id(), asset_id=node.id, version=version, author_id=work.actor.member_id, author_name=work.actor.name, words=words,
        mentions=[{"id": person.id, "name": person.name} for person in people], key=draft.key, created_at=work.now,
    )  # fmt: skip


def _mentioned(work: Work, node: Node, words: str, member_ids: Collection[str]) -> list[Person]:
    """Those who are named in the words. Each of them may see the asset, or nothing is written."""
    if len(set(member_ids)) > MOST_MENTIONS:
        raise refusal(Refuse(Why.TOO_MANY_MENTIONS))
    query = select(Member.id, Member.name).where(Member.id.in_(list(member_ids)), Member.state == "active").order_by(Member.id)
    people = named_in(words, [Person(row.id, row.name) for row in work.session.execute(query)] if member_ids else [])
    seeing = readers_among(work, node, [person.id for person in people])
    for person in people:
        if person.id not in seeing:
            raise unseen(person.name)
    return [person for person in people if person.id != work.actor.member_id]


def _mark_on(work: Work, version: Version, mark: Mark) -> Mark | Refuse:
    preview = find_previews(work, [version.digest]).get(version.digest)
    is_film = preview is not None and preview.film is not None
    return decide_mark(
        x=mark.x, y=mark.y, w=mark.w, h=mark.h, time_ms=mark.time_ms, has_picture=preview is not None, is_film=is_film
    )  # fmt: skip


def _added(work: Work, kind: CommentEvent, comment: AssetComment, node: Node, *, thread: AssetComment) -> AssetComment:
    work.session.add(comment)
    work.session.flush()
    _index(work, comment, node)
    _record(work, kind, comment, node, thread=thread)
    if comment.mentions:
        people = [each["name"] for each in comment.mentions]
        _record(work, CommentEvent.MENTIONED, comment, node, thread=thread, people=people)
    return comment


def _record(work: Work, kind: CommentEvent, comment: AssetComment, node: Node, *, thread: AssetComment, **facts: Any) -> None:
    work.record(
        kind, subject=f"asset:{node.id}", rooms=rooms_of_asset(work, node), asset=node.name, asset_id=node.id, version=thread.version,
        number=thread.number, comment_id=comment.id, thread_id=thread.id, library_id=node.library_id, library=library_of(work, node).name,
        **facts,
    )  # fmt: skip


def _index(work: Work, comment: AssetComment, node: Node) -> None:
    index_comment(work, comment, node, room=rooms_of_asset(work, node)[0], library_name=library_of(work, node).name)


def _first(work: Work, comment: AssetComment) -> AssetComment:
    """The first comment of its thread."""
    return work.session.get_one(AssetComment, comment.thread_id)


def _has_replies(work: Work, thread: AssetComment) -> bool:
    query = select(AssetComment.id).where(AssetComment.thread_id == thread.id, AssetComment.deleted_at.is_(None)).limit(1)
    return work.session.scalar(query) is not None


def _change(work: Work, comment: AssetComment) -> Refuse | None:
    own = comment.author_id == work.actor.member_id
    return decide_change(own=own, deleted=comment.deleted_at is not None, created_at=comment.created_at, now=work.now)


def _raise(refused: Refuse | None) -> None:
    if refused is not None:
        raise refusal(refused)


def _checked(mark: Mark | Refuse) -> Mark:
    if isinstance(mark, Refuse):
        raise refusal(mark)
    return mark
