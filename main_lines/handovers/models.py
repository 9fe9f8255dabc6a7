"""An order on its way from one department or person to another."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from main_lines.handovers.rules import State
from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind

NOTE_LENGTH = 500


class Handover(Base):
    """from_id: who held the order when it was offered, None for its department. to_id: None leaves it to whoever of the department
    takes it. answer: why it was declined. answered_at: None while it is offered; at most one of an order is.
    """

    __tablename__ = "task_handover"
    __table_args__ = (CheckConstraint(f"state IN ({', '.join(repr(state.value) for state in State)})", name="state"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    task_id: Mapped[str] = mapped_column(Id, ForeignKey("task_order.id"), index=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"))
    from_department_id: Mapped[str] = mapped_column(Id, ForeignKey("department.id"))
    from_id: Mapped[str | None] = mapped_column(Id, ForeignKey("member.id"))
    to_department_id: Mapped[str] = mapped_column(Id, ForeignKey("department.id"))
    to_id: Mapped[str | None] = mapped_column(Id, ForeignKey("member.id"), index=True)
    note: Mapped[str] = mapped_column(String(NOTE_LENGTH), default="")
    offered_by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    offered_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(10), default="offered")
    answer: Mapped[str] = mapped_column(String(NOTE_LENGTH), default="")
    answered_by_id: Mapped[str | None] = mapped_column(Id, ForeignKey("member.id"))
    answered_at: Mapped[datetime | None]


class HandoverEvent(EventKind):
    OFFERED = "main_lines.task.offered", N_("%(actor)s 将任务单“%(title)s”移交给%(to)s：%(note)s")
    TAKEN = "main_lines.task.taken", N_("%(actor)s 接收了任务单“%(title)s”")
    REFUSED = "main_lines.task.refused", N_("%(actor)s 没有接收任务单“%(title)s”：%(reason)s")
    RECALLED = "main_lines.task.recalled", N_("%(actor)s 收回了任务单“%(title)s”的移交")
