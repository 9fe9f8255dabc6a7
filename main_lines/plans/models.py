"""What the plan of a main line adds to its task orders: who waits for whom, and instants that somebody wants to compare with."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.folding import fold_as
from workspace.events.kinds import N_, EventKind, make_quiet

BASELINE_NAME_LENGTH = 40
MILESTONE_NAME_LENGTH = 40


class TaskNeed(Base):
    """The order waits for ``needs_id``: it is planned to begin on the day after that one is handed in. Never a circle."""

    __tablename__ = "task_need"
    __table_args__ = (CheckConstraint("task_id <> needs_id", name="not_itself"),)

    task_id: Mapped[str] = mapped_column(Id, ForeignKey("task_order.id"), primary_key=True)
    needs_id: Mapped[str] = mapped_column(Id, ForeignKey("task_order.id"), primary_key=True, index=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), index=True)


class Baseline(Base):
    """A named instant. The plan as it stood then is not kept here: it is a replay of the events up to ``at``."""

    __tablename__ = "line_baseline"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), index=True)
    name: Mapped[str] = mapped_column(String(BASELINE_NAME_LENGTH))
    at: Mapped[datetime]
    kept_by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))


class LineMilestone(Base):
    """A day that everybody looks at, such as a gate. due_offset: days from D-day, with which it moves."""

    __tablename__ = "line_milestone"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), index=True)
    name: Mapped[str] = mapped_column(String(MILESTONE_NAME_LENGTH))
    due_offset: Mapped[int] = mapped_column(Integer)


class PlanEvent(EventKind):
    NEED_ADDED = "main_lines.plan.need_added", N_("%(actor)s 让任务单“%(title)s”等待“%(needs)s”")
    NEED_DROPPED = "main_lines.plan.need_dropped", N_("%(actor)s 让任务单“%(title)s”不再等待“%(needs)s”")
    BASELINE_KEPT = "main_lines.plan.baseline_kept", N_("%(actor)s 记下了计划基线“%(name)s”")
    BASELINE_DROPPED = "main_lines.plan.baseline_dropped", N_("%(actor)s 删除了计划基线“%(name)s”")
    MILESTONE_SET = "main_lines.plan.milestone_set", N_("%(actor)s 定下了里程碑“%(name)s”（%(day)s）")
    MILESTONE_DROPPED = "main_lines.plan.milestone_dropped", N_("%(actor)s 删除了里程碑“%(name)s”")


make_quiet(PlanEvent.NEED_ADDED, PlanEvent.NEED_DROPPED)


fold_as(PlanEvent.NEED_ADDED, N_("%(actor)s 安排了 %(n)s 处先后等待"))
