"""Consoles: one-time tokens that admit a browser to the gateway, and the sessions that came of them."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class ConsoleToken(Base):
    """Stored hashed; bound to member, desktop and the browser's sign-in session, so leaving ends it."""

    __tablename__ = "console_token"
    __unaudited__ = "lives for a minute; what it opens is recorded"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    desktop_id: Mapped[str] = mapped_column(Id, ForeignKey("desktop.id"))
    sign_in_hash: Mapped[str] = mapped_column(String(64))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ConsoleSession(Base):
    """One connection of a browser through a gateway process; closed_at None = open as far as is known."""

    __tablename__ = "console_session"
    # Few are open among all that ever were, and those are asked for every few seconds.
    __table_args__ = (
        Index("ix_console_session_open", "desktop_id", sqlite_where=text("closed_at IS NULL"), postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), index=True)
    desktop_id: Mapped[str] = mapped_column(Id, ForeignKey("desktop.id"), index=True)
    sign_in_hash: Mapped[str] = mapped_column(String(64))
    gateway: Mapped[str] = mapped_column(String(120))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class GatewaySeen(Base):
    """When a gateway process last reported; while it is silent nobody knows whether people type."""

    __tablename__ = "gateway_seen"
    __unaudited__ = "observed, not decided"

    gateway: Mapped[str] = mapped_column(String(120), primary_key=True)
    at: Mapped[datetime]


class ConsoleEvent(EventKind):
    OPENED = "desktops.console.opened", N_("%(actor)s 连接了云桌面“%(name)s”")
    CLOSED = "desktops.console.closed", N_("%(actor)s 断开了云桌面“%(name)s”")
