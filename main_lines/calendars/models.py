"""Secret addresses under which a member's own calendar can be read by programs that know no sign-in."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind

NAME_LENGTH = 40


class CalendarFeed(Base):
    """token_hash: of the address, which is shown once and kept nowhere. read_at: when a program last fetched it, to the hour."""

    __tablename__ = "calendar_feed"
    __unaudited__ = "each reading moves read_at; making and stopping an address is recorded"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), index=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]


class CalendarEvent(EventKind):
    MADE = "main_lines.calendar.made", N_("%(actor)s 生成了日历订阅地址“%(name)s”")
    STOPPED = "main_lines.calendar.stopped", N_("%(actor)s 停用了日历订阅地址“%(name)s”")
