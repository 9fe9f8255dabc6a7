"""Stored replies of commands that carried an ``Idempotency-Key``: a resend gets the first answer, once and for all."""

from datetime import datetime
from typing import Any

from sqlalchemy import Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.work import Work

KEY_LENGTH = 80
KEY_LOCKS = 0x6B65  # Apart from the event table's lock, which has one number and no name.


class Reply(Base):
    """digest: SHA-256 of path and body; the same key with another body is refused."""

    __tablename__ = "idempotent_reply"
    __unaudited__ = "a copy of an answer; the command itself is recorded"

    member_id: Mapped[str] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(KEY_LENGTH), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(Integer)
    content_type: Mapped[str] = mapped_column(String(80))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    location: Mapped[str] = mapped_column(String(300), default="")
    at: Mapped[datetime]


def stored_reply(work: Work, key: str, digest: str) -> Reply | None:
    """The earlier reply; InvalidInput when the key was used for something else.

    A second request with the key that arrives while the first is at work waits for it. On SQLite every writing Work does.
    """
    if len(key) > KEY_LENGTH:
        raise InvalidInput(_("请求标识太长"))
    hold_key(work, key)
    earlier = work.session.get(Reply, (work.actor.member_id, key))
    if earlier is not None and earlier.digest != digest:
        raise InvalidInput(_("这个请求标识已用于另一次操作"), _("请刷新页面后再试。"), code="key_reused")
    return earlier


def hold_key(work: Work, key: str) -> None:
    """Let another Work with the same member and key wait until this one is done; on SQLite every writing Work does."""
    if work.session.get_bind().dialect.name == "postgresql":
        named = {"locks": KEY_LOCKS, "name": f"{work.actor.member_id} {key}"}
        work.session.execute(text("SELECT pg_advisory_xact_lock(:locks, hashtext(:name))"), named)


def store_reply(work: Work, key: str, digest: str, response: Any) -> None:
    work.session.add(
        Reply(
            member_id=work.actor.member_id,
            key=key,
            digest=digest,
            status=response.status_code,
            content_type=response.content_type,
            body=response.get_data(),
            location=response.headers.get("Location", ""),
            at=work.now,
        )
    )
