"""A member's notices. The words are those of the event, in the reader's language; here is who was told, and where it leads."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class Notice(Base):
    """seq: the event that it tells of; one notice per member and event. asks: the member is expected to act.

    url: a path of our own that opens the thing. read_at: None while unread.
    """

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("member_id", "seq"), Index("ix_notice_unread", "member_id", "read_at"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    seq: Mapped[int] = mapped_column(BigInteger, ForeignKey("event.seq"))
    url: Mapped[str] = mapped_column(String(200))
    asks: Mapped[bool] = mapped_column(Boolean)
    at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class NoticeEvent(EventKind):
    SENT = "workspace.notice.sent", N_("已通知%(people)s")
    SETTLED = "workspace.notice.settled", N_("%(count)s 条通知的事情已经了结")
    READ = "workspace.notice.read", N_("%(actor)s 看了 %(count)s 条通知")
