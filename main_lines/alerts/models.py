"""Alerts of a main line, who has acknowledged them, and by which rules and stairs the line is watched where it has its own."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from main_lines.alerts.rules import REPORTED, AlertKind, Severity
from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind

TITLE_LENGTH = 120
DETAIL_LENGTH = 500
SUBJECT_LENGTH = 120
STANDS = text("closed_at IS NULL")
CAUSE_STANDS = text("rule <> '' AND cause_gone_at IS NULL")


class Alert(Base):
    """closed_at: None while it stands. raised_by_id: None when a rule has raised it.

    title, detail: in the words of who raised it. said: for a rule, their phrases by these names, which each reader gets to see in their
    own language (see workspace.phrases); title and detail are then the same in Chinese.
    rule, subject: what has caused it; both empty when somebody raised it by hand. cause_gone_at: None while that cause stands, also
    when somebody has closed the alert; the index lets only one such alert be.
    escalates_at: when the next step of its stair is due, None when there is none left. escalations: steps taken, as
    {"step": …, "at": …, "told": [names], "missing": number}.
    """

    __tablename__ = "alert"
    __table_args__ = (
        CheckConstraint(f"kind IN ({', '.join(repr(kind.value) for kind in AlertKind)})", name="kind"),
        CheckConstraint(f"severity IN ({', '.join(repr(severity.value) for severity in Severity)})", name="severity"),
        Index("uq_alert_cause", "line_id", "rule", "subject", unique=True, sqlite_where=CAUSE_STANDS, postgresql_where=CAUSE_STANDS),
        Index("ix_alert_standing", "line_id", sqlite_where=STANDS, postgresql_where=STANDS),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    severity: Mapped[str] = mapped_column(String(10), default=Severity.WARNING.value)
    rule: Mapped[str] = mapped_column(String(20), default="")
    subject: Mapped[str] = mapped_column(String(SUBJECT_LENGTH), default="")
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    detail: Mapped[str] = mapped_column(String(DETAIL_LENGTH), default="")
    said: Mapped[dict[str, Any]] = mapped_column(default=dict)
    raised_by_id: Mapped[str | None] = mapped_column(Id, ForeignKey("member.id"))
    raised_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by_id: Mapped[str | None] = mapped_column(Id, ForeignKey("member.id"))
    cause_gone_at: Mapped[datetime | None]
    escalates_at: Mapped[datetime | None] = mapped_column(index=True)
    escalations: Mapped[list[Any]]

    @property
    def task_id(self) -> str:
        """The order that it is about, empty when it is about none. What a program calls by a name of its own is none of ours."""
        return self.subject.removeprefix("task:") if self.subject.startswith("task:") and self.rule != REPORTED else ""

    @property
    def about(self) -> str:
        """Where to do something about it, empty for nowhere."""
        if self.task_id:
            return f"/tasks/{self.task_id}"
        kind, _colon, rest = self.subject.partition(":") if self.rule != REPORTED else ("", "", "")
        here = f"/lines/{self.line_id}"
        return {"gate": f"{here}/gates", "metric": f"/numbers/{rest}", "stock": f"{here}/stock?show=short"}.get(kind, "")

    @property
    def url(self) -> str:
        return f"/alerts/{self.id}"


class AlertAcknowledgement(Base):
    __tablename__ = "alert_acknowledgement"

    alert_id: Mapped[str] = mapped_column(Id, ForeignKey("alert.id"), primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), primary_key=True)
    at: Mapped[datetime]


class LineRule(Base):
    """How a line is watched by one rule, where its director has said so; without a row it is watched as rules.DEFAULTS says."""

    __tablename__ = "alert_rule"

    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), primary_key=True)
    rule: Mapped[str] = mapped_column(String(20), primary_key=True)
    enabled: Mapped[bool] = mapped_column(Boolean)
    threshold: Mapped[int] = mapped_column(Integer)
    severity: Mapped[str] = mapped_column(String(10))


class LineStair(Base):
    """Minutes to each step, for alerts of one severity; without a row as rules.STAIRS says."""

    __tablename__ = "alert_stair"

    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), primary_key=True)
    severity: Mapped[str] = mapped_column(String(10), primary_key=True)
    remind: Mapped[int] = mapped_column(Integer)
    head: Mapped[int] = mapped_column(Integer)
    director: Mapped[int] = mapped_column(Integer)
    everyone: Mapped[int] = mapped_column(Integer)


class AlertEvent(EventKind):
    RAISED = "main_lines.alert.raised", N_("%(actor)s 发出%(kind_words)s预警：%(title)s")
    ACKNOWLEDGED = "main_lines.alert.acknowledged", N_("%(actor)s 确认了预警“%(title)s”（%(acknowledged)s / %(people)s）")
    REMINDED = "main_lines.alert.reminded", N_("%(actor)s 提醒 %(missing)s 人确认预警“%(title)s”：%(names)s")
    ESCALATED = "main_lines.alert.escalated", N_("%(step_words)s：预警“%(title)s”还有 %(missing)s 人未确认（%(names)s）")
    CLOSED = "main_lines.alert.closed", N_("%(actor)s 解除了预警“%(title)s”")
    CLEARED = "main_lines.alert.cleared", N_("起因已消除，预警“%(title)s”自动解除")
    REPLACED = "main_lines.alert.replaced", N_("预警“%(title)s”有了新的情况，由下一条预警接替")
    RULES_CHANGED = "main_lines.alert.rules_changed", N_("%(actor)s 修改了预警规则")
