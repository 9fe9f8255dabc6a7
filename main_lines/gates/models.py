"""What a line says of one of its gates: another day than the usual one, and how it was passed."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from main_lines.gates.rules import GateKey
from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind

NOTE_LENGTH = 500


class GateRecord(Base):
    """A gate that nothing was said of has no row. offset: days from D-day, None for the usual ones.

    passed_at: None until it is passed. note: the conclusion, or why it was passed in spite of what stood in its way.
    stood: what that was: obstacle -> how many.
    """

    __tablename__ = "gate_record"
    __table_args__ = (CheckConstraint(f"key IN ({', '.join(repr(key.value) for key in GateKey)})", name="key"),)

    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(10), primary_key=True)
    offset: Mapped[int | None] = mapped_column(Integer)
    passed_at: Mapped[datetime | None]
    passed_by_id: Mapped[str | None] = mapped_column(Id, ForeignKey("member.id"))
    note: Mapped[str] = mapped_column(String(NOTE_LENGTH), default="")
    stood: Mapped[dict[str, Any]]


class GateEvent(EventKind):
    PASSED = "main_lines.gate.passed", N_("%(actor)s 通过了关口“%(gate_words)s”")
    FORCED = "main_lines.gate.forced", N_("%(actor)s 在 %(obstacles)s 项未清时通过了关口“%(gate_words)s”：%(note)s")
    REOPENED = "main_lines.gate.reopened", N_("%(actor)s 重新打开了关口“%(gate_words)s”：%(reason)s")
    REMINDED = "main_lines.gate.reminded", N_("%(actor)s 就关口“%(gate_words)s”催办 %(orders)s 张任务单，提醒 %(people)s 人")
    MOVED = "main_lines.gate.moved", N_("%(actor)s 将关口“%(gate_words)s”定在 %(day)s")
