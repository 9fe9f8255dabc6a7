"""What members write in the feed of a main line, and how far each of them has read."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Integer, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class ProgressPost(Base):
    """number: counts from 1 within its line; the line's row is held while one is made, so numbers are in the order of commits.

    text: "" once it is withdrawn. task_id: the order that it is about, None for the line as a whole.
    mentions: [{"kind": …, "id": …, "name": …}] as they stand in the text. told: ids of the members to whom it was addressed.
    files: [{"asset_id": …, "version": …, "digest": …, "name": …}]. withdrawn_at: None while it stands.
    in_audit: its words stand in its event too, because it is older than withdrawing; such a one cannot be withdrawn.
    """

    __tablename__ = "progress_post"
    __table_args__ = (UniqueConstraint("line_id", "number"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    task_id: Mapped[str | None] = mapped_column(Id, ForeignKey("task_order.id"), index=True)
    author_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    text: Mapped[str] = mapped_column(Text)
    mentions: Mapped[list[Any]]
    told: Mapped[list[str]]
    files: Mapped[list[Any]]
    at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    in_audit: Mapped[bool] = mapped_column(Boolean, default=False)

    @property
    def subject(self) -> str:
        return f"post:{self.id}"

    @property
    def url(self) -> str:
        """Where it stands in its line's feed."""
        return f"/lines/{self.line_id}?post={self.id}#post-{self.id}"


class ReadCursor(Base):
    """Every post up to this number has been in front of the member. No row: none."""

    __tablename__ = "post_read_cursor"

    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    at: Mapped[datetime]


class PostEvent(EventKind):
    """One event a post, its kind the first that fits: who is mentioned matters more than what it is about.

    Facts: line, line_id, post_id, post (its number), files (how many); people (the names behind the @); task_id, title.
    Neither what was written nor a file's name is a fact: a post can be withdrawn, and not everybody may see each file.
    """

    MENTIONED = "main_lines.post.mentioned", N_("%(actor)s 在进度通告中提到了%(people)s")
    ABOUT_TASK = "main_lines.post.about_task", N_("%(actor)s 就任务单“%(title)s”发布进度通告")
    MADE = "main_lines.post.made", N_("%(actor)s 发布进度通告")
    WITHDRAWN = "main_lines.post.withdrawn", N_("%(actor)s 撤回了自己的进度通告")
    READ = "main_lines.post.read", N_("%(actor)s 读了 %(count)s 条进度通告")


WRITTEN = (PostEvent.MENTIONED, PostEvent.ABOUT_TASK, PostEvent.MADE)
"""The kinds that stand for a post."""
