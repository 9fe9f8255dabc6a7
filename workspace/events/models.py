"""The append-only event table: audit trail, activity feed, source of notices and realtime feed in one.

``seq`` is one global sequence in commit order; every row carries the hash of its predecessor, so a changed or
missing row is found by ``mainline verify``. Rows are inserted by Work alone and never updated or deleted.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id

RESTORED_ROOM = "restored"
"""Nobody's room: with an event in it the database was put back, and another epoch of the sequence begins."""

Seq = BigInteger().with_variant(Integer(), "sqlite")


class Event(Base):
    """rooms_changed: {"join": {member_id: [room]}, "leave": {…}} when membership moved with this event."""

    __tablename__ = "event"
    __unaudited__ = "it is the audit"

    seq: Mapped[int] = mapped_column(Seq, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(80), index=True)
    at: Mapped[datetime]
    actor_id: Mapped[str | None] = mapped_column(Id, index=True)
    actor_name: Mapped[str] = mapped_column(String(120))
    subject: Mapped[str] = mapped_column(String(80), index=True)
    rooms: Mapped[list[str]]
    facts: Mapped[dict[str, Any]]
    rooms_changed: Mapped[dict[str, Any]]
    origin: Mapped[dict[str, Any]]
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class EventRoom(Base):
    """One row per room of an event: who may see it is asked by room."""

    __tablename__ = "event_room"
    __unaudited__ = "part of the event"
    __table_args__ = (Index("ix_event_room_room_seq", "room", "seq"),)

    seq: Mapped[int] = mapped_column(Seq, ForeignKey("event.seq"), primary_key=True)
    room: Mapped[str] = mapped_column(String(80), primary_key=True)
