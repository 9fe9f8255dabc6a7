"""The feed of a main line as JSON: the same reads and actions as the pages."""

from datetime import datetime

from flask import request
from pydantic import BaseModel

from main_lines.feed import actions, queries
from main_lines.feed.bodies import PostBody, ReadBody
from main_lines.feed.queries import PostRow
from main_lines.feed.rules import Part
from main_lines.lines.access import get_line
from main_lines.lines.api import Created, Done
from main_lines.lines.bodies import sequence
from main_lines.lines.queries import FeedRow
from main_lines.tasks.access import get_task
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("feed_api", __name__, api=True)


class FileOut(BaseModel):
    """name and url: "" for who may not see the file. newest: number of a newer version, null when this is the newest."""

    name: str
    version: int
    url: str
    newest: int | None


class PostOut(BaseModel):
    """number: within the line. text: "" once withdrawn. read, asked: so many of so many have read it; null for who may not know."""

    id: str
    number: int
    text: str
    withdrawn: bool
    unread: bool
    task_id: str | None
    files: list[FileOut]
    read: int | None
    asked: int | None


class FeedItem(BaseModel):
    """post: what was written, for an event that is a post."""

    seq: int
    at: datetime
    kind: str
    actor: str
    words: str
    facts: dict[str, object]
    post: PostOut | None


class FeedOut(BaseModel):
    """Newest first. older: pass it as ``before`` for the next page; null at the beginning."""

    events: list[FeedItem]
    older: int | None


class ThreadOut(BaseModel):
    posts: list[FeedItem]


class ReadOut(BaseModel):
    """read: how many posts were news. unread: how many are left in the line, at most 100."""

    read: int
    unread: int


@api.get("/lines/<line_id>/feed", needs=SIGNED_IN, returns=FeedOut)
def get_feed(work: Work, line_id: str) -> FeedOut:
    """The feed, newest first, paged by ``before``; ``show`` = posts, approvals, tasks, assets or alerts for a part of it."""
    shown = request.args.get("show", "")
    part = Part(shown) if shown in list(Part) else None
    page = queries.line_events(work, get_line(work, line_id), part=part, before=request.args.get("before", type=sequence))
    return FeedOut(events=[_item(row) for row in page.rows], older=page.older)


@api.post("/lines/<line_id>/posts", needs=SIGNED_IN, body=PostBody, returns=Created)
def post_progress(work: Work, line_id: str, body: PostBody) -> tuple[Created, int]:
    """Write a progress post."""
    return Created(id=actions.post_progress(work, line_id, text=body.text, mentions=body.mentions, files=body.chosen()).id), 201


@api.post("/lines/<line_id>/posts/read", needs=SIGNED_IN, body=ReadBody, returns=ReadOut)
def read_posts(work: Work, line_id: str, body: ReadBody) -> ReadOut:
    """Posts have been in front of the reader; the cursor goes on as far as none was left out."""
    read = actions.read_posts(work, line_id, seen=body.seen, upto=body.upto)
    return ReadOut(read=read, unread=queries.unread_of(work, line_id).count)


@api.get("/tasks/<task_id>/posts", needs=SIGNED_IN, returns=ThreadOut)
def get_thread(work: Work, task_id: str) -> ThreadOut:
    """What was said about an order, newest first."""
    order = get_task(work, task_id)
    return ThreadOut(posts=[_item(row) for row in queries.thread_of(work, get_line(work, order.line_id), order.id)])


@api.post("/tasks/<task_id>/posts", needs=SIGNED_IN, body=PostBody, returns=Created)
def post_about_task(work: Work, task_id: str, body: PostBody) -> tuple[Created, int]:
    """Write a post about an order."""
    order = get_task(work, task_id)
    post = actions.post_progress(work, order.line_id, text=body.text, mentions=body.mentions, files=body.chosen(), about=order.id)
    return Created(id=post.id), 201


@api.post("/posts/<post_id>/withdrawal", needs=SIGNED_IN, returns=Done)
def withdraw_post(work: Work, post_id: str) -> Done:
    """Take one's own post back: its text is gone, that there was one stays."""
    actions.withdraw_post(work, post_id)
    return Done()


def _item(row: FeedRow) -> FeedItem:
    words = f"{row.words}：{row.quote}" if row.quote else row.words
    post = _post(row) if isinstance(row, PostRow) else None
    return FeedItem(seq=row.seq, at=row.at, kind=row.kind, actor=row.actor, words=words, facts=row.facts, post=post)


def _post(row: PostRow) -> PostOut:
    view = row.post
    files = [FileOut(name=one.name, version=one.version, url=one.url, newest=one.newest) for one in view.files]
    return PostOut(
        id=view.id, number=view.number, text=row.quote, withdrawn=view.withdrawn_at is not None, unread=view.is_unread,
        task_id=view.task[0] if view.task else None, files=files, read=view.read, asked=view.asked,
    )  # fmt: skip
