"""An alert of a main line and who has acknowledged it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class Alert(Base):
    """kind: stock, blocked, late or other. closed_at: None while it stands."""

    __tablename__ = "alert"
    __table_args__ = (CheckConstraint("kind IN ('stock', 'blocked', 'late', 'other')", name="kind"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(String(120))
    detail: Mapped[str] = mapped_column(String(500), default="")
    raised_by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    raised_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class AlertAcknowledgement(Base):
    __tablename__ = "alert_acknowledgement"

    alert_id: Mapped[str] = mapped_column(Id, ForeignKey("alert.id"), primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), primary_key=True)
    at: Mapped[datetime]


class AlertEvent(EventKind):
    RAISED = "main_lines.alert.raised", N_("%(actor)s 发出%(kind_words)s预警：%(title)s")
    ACKNOWLEDGED = "main_lines.alert.acknowledged", N_("%(actor)s 确认了预警“%(title)s”（%(acknowledged)s / %(people)s）")
    CLOSED = "main_lines.alert.closed", N_("%(actor)s 解除了预警“%(title)s”")
