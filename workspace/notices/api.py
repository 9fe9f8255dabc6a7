"""Notices as JSON."""

from datetime import datetime

from flask import request
from pydantic import BaseModel

from workspace.context import nav_counts
from workspace.notices import actions, queries
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("notices_api", __name__, api=True)


class NoticeOut(BaseModel):
    """asks: the reader is expected to act. url: a path of this server."""

    id: str
    words: str
    url: str
    kind: str
    asks: bool
    at: datetime
    is_read: bool


class NoticePage(BaseModel):
    notices: list[NoticeOut]
    unread: int


class NavCounts(BaseModel):
    """counts: path of a page in the navigation, or of one that lies under it -> how much waits there for the reader."""

    counts: dict[str, int]


class ReadCount(BaseModel):
    read: int


@api.get("/notices", needs=SIGNED_IN, returns=NoticePage)
def list_notices(work: Work) -> NoticePage:
    """The reader's notices, newest first, 30 a page; ``before`` = id of the last one known."""
    rows = queries.list_notices(work, unread_only=request.args.get("show") == "unread", before=request.args.get("before"))
    return NoticePage(notices=[NoticeOut(**row.__dict__) for row in rows], unread=queries.unread_count(work))


@api.get("/nav/counts", needs=SIGNED_IN, returns=NavCounts, opens_work=False)
def show_counts() -> NavCounts:
    """The numbers that the navigation shows."""
    return NavCounts(counts=nav_counts())


@api.post("/notices/<notice_id>/read", needs=SIGNED_IN, returns=ReadCount)
def read_notice(work: Work, notice_id: str) -> ReadCount:
    """Mark one as read."""
    actions.read_notice(work, notice_id)
    return ReadCount(read=1)


@api.post("/notices/read", needs=SIGNED_IN, returns=ReadCount)
def read_all(work: Work) -> ReadCount:
    """Mark everything as read."""
    return ReadCount(read=actions.read_all(work))
