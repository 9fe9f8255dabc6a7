"""Templates of task orders: what a department writes again and again, kept for the whole company."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from main_lines.seen import mark_of
from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind
from workspace.roles.permissions import Permission


class OrderTemplate(Base):
    """name: how it is found; the rest is what a new order starts with. due_offset: days from D-day, None to be set each time.

    It holds no line and no person: everybody in the company may read it, and a main line is confidential.
    """

    __tablename__ = "order_template"
    __table_args__ = (
        CheckConstraint("phase IN ('prepare', 'execute', 'review')", name="phase"),
        CheckConstraint("days BETWEEN 1 AND 366", name="days"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    department_id: Mapped[str] = mapped_column(Id, ForeignKey("department.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    title: Mapped[str] = mapped_column(String(120))
    requirements: Mapped[str] = mapped_column(Text, default="")
    checklist: Mapped[list[str]]
    expected: Mapped[list[str]]
    involved: Mapped[list[str]]
    phase: Mapped[str] = mapped_column(String(10))
    due_offset: Mapped[int | None] = mapped_column(Integer)
    days: Mapped[int] = mapped_column(Integer, default=1)
    kept_by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    kept_at: Mapped[datetime]

    @property
    def written(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in WRITTEN}

    @property
    def mark(self) -> str:
        """Another one whenever what is written changes."""
        return mark_of(self.written)


WRITTEN = ("department_id", "name", "title", "requirements", "checklist", "expected", "involved", "phase", "due_offset", "days")


class OrderTemplateEvent(EventKind):
    KEPT = "main_lines.order_template.kept", N_("%(actor)s 保存了任务单模板“%(name)s”（%(department)s）")
    CHANGED = "main_lines.order_template.changed", N_("%(actor)s 修改了任务单模板“%(name)s”")
    DROPPED = "main_lines.order_template.dropped", N_("%(actor)s 删除了任务单模板“%(name)s”")


class OrderTemplatePermission(Permission):
    KEEP = "main_lines:order_template:keep", N_("维护任务单模板")
