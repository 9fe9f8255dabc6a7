"""Comments on versions of assets, each in a thread that may point at a place of the picture or an instant of the film."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from sync.library.libraries.models import NODE_ID_LENGTH
from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind

KEY_LENGTH = 80


class AssetComment(Base):
    """One comment. thread_id: the first comment of its thread, its own id for that one; only the first has what follows.

    number: of the thread, counts from 1 within the asset; None for replies. version: on which it was written; the version may
    have been thinned out since. x, y: the point, or the upper left corner, as fractions of the picture's width and height; w, h:
    of a rectangle, None for a point. time_ms: an instant of the film. mentions: [{"id": …, "name": …}].
    key: the author's own, so that a comment that is sent twice is kept once. resolved_at: None while the thread is open.
    """

    __tablename__ = "asset_comment"
    __table_args__ = (
        UniqueConstraint("asset_id", "number"),
        UniqueConstraint("author_id", "key"),
        CheckConstraint("(number IS NULL) = (thread_id <> id)", name="first"),
        Index("ix_asset_comment_asset_thread", "asset_id", "thread_id"),
        Index("ix_asset_comment_author_at", "author_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    asset_id: Mapped[str] = mapped_column(String(NODE_ID_LENGTH), ForeignKey("asset_node.id"))
    version: Mapped[int] = mapped_column(Integer)
    thread_id: Mapped[str] = mapped_column(Id)
    number: Mapped[int | None] = mapped_column(Integer)
    author_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    author_name: Mapped[str] = mapped_column(String(120))
    words: Mapped[str] = mapped_column(Text)
    mentions: Mapped[list[Any]]
    x: Mapped[float | None] = mapped_column(Float)
    y: Mapped[float | None] = mapped_column(Float)
    w: Mapped[float | None] = mapped_column(Float)
    h: Mapped[float | None] = mapped_column(Float)
    time_ms: Mapped[int | None] = mapped_column(Integer)
    key: Mapped[str] = mapped_column(String(KEY_LENGTH))
    created_at: Mapped[datetime]
    edited_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    resolved_by_name: Mapped[str | None] = mapped_column(String(120))


class CommentEvent(EventKind):
    """Facts: asset, asset_id, version, number, comment_id, thread_id, library, library_id; people.

    What was written is no fact: it can be deleted.
    """

    ADDED = "library.comment.added", N_("%(actor)s 批注了“%(asset)s”版本 %(version)s")
    REPLIED = "library.comment.replied", N_("%(actor)s 回复了“%(asset)s”上的批注 %(number)s")
    MENTIONED = "library.comment.mentioned", N_("%(actor)s 在“%(asset)s”的批注 %(number)s 中提到了%(people)s")
    EDITED = "library.comment.edited", N_("%(actor)s 修改了自己在“%(asset)s”上的批注")
    DELETED = "library.comment.deleted", N_("%(actor)s 删除了“%(asset)s”上的一条批注")
    RESOLVED = "library.comment.resolved", N_("%(actor)s 将“%(asset)s”上的批注 %(number)s 标为已解决")
    REOPENED = "library.comment.reopened", N_("%(actor)s 重新打开了“%(asset)s”上的批注 %(number)s")
