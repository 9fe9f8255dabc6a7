"""Signed-in browsers and failed attempts. Tokens are stored as hashes: a copy of the table opens nothing."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class SignInSession(Base):
    __tablename__ = "sign_in_session"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class FailedAttempt(Base):
    """kind: login or address; name: which one."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index("ix_sign_in_failure_name_at", "name", "at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime]
    count: Mapped[int] = mapped_column(Integer, default=1)


class SignInEvent(EventKind):
    SIGNED_IN = "workspace.member.signed_in", N_("%(actor)s 登录")
    SIGNED_OUT = "workspace.member.signed_out", N_("%(actor)s 退出登录")
    REFUSED = "workspace.member.sign_in_refused", N_("账号“%(login)s”登录失败")
