"""A task order: what, by when, by whom, with which requirements, and what came of it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from main_lines.seen import mark_of
from main_lines.tasks.rules import State
from workspace.db import Base, Id
from workspace.events.folding import fold_as, fold_under
from workspace.events.kinds import N_, EventKind

BLOCKED_LENGTH = 300
RETURNED_LENGTH = 500
NAME_LENGTH = 80
WRITTEN = (
    "title", "requirements", "phase", "department_id", "owner_id", "site_id", "due_offset", "due_on", "days", "expected", "involved",
)  # fmt: skip
PLANNED = ("phase", "department_id", "owner_id", "due_offset", "due_on", "days")


class TaskOrder(Base):
    """number: counts from 1 within its main line; people say "第 12 号单".

    due_offset: days from D-day, moves with it; due_on: a pinned date. At most one is set; neither = no due day.
    days: calendar days that the work takes, the due day being the last of them.
    revision: counts changes of the requirements; signed_revision: the one that was signed, None before the first.
    blocked_at: None unless the order is blocked; then blocked_reason says why.
    signed_as: what was asked when it was signed last, as ``asked`` gives it; {} before the first signature.
    involved: ids of the departments that take part beside the one that carries it out. They see it in their work and are told.
    expected: names of the deliverables that are asked for; what was laid under each is a ``TaskDeliverable``.
    deliverable: the one that was handed in last: {} or {"kind": "asset" | "link" | "text", …}; an asset is pinned by asset_id,
    version and digest.
    approval_id, approval_seq: the approval that carries the deliverable and the last of its events applied here.
    checklist: [{"text": …, "done": bool, "by": name, "at": ISO instant}]; by and at only where somebody has ticked it.
    """

    __tablename__ = "task_order"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(state.value) for state in State)})", name="state"),
        CheckConstraint("due_offset IS NULL OR due_on IS NULL", name="one_due"),
        CheckConstraint("days BETWEEN 1 AND 366", name="days"),
        CheckConstraint("(blocked_at IS NULL) = (blocked_reason = '')", name="blocked_reason"),
        UniqueConstraint("line_id", "number"),
        Index("ix_task_order_line_state", "line_id", "state"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"))
    number: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(String(120))
    requirements: Mapped[str] = mapped_column(Text, default="")
    phase: Mapped[str] = mapped_column(String(10))
    department_id: Mapped[str] = mapped_column(Id, ForeignKey("department.id"))
    owner_id: Mapped[str | None] = mapped_column(Id, ForeignKey("member.id"), index=True)
    site_id: Mapped[str | None] = mapped_column(Id, ForeignKey("site.id"))
    due_offset: Mapped[int | None] = mapped_column(Integer)
    due_on: Mapped[date | None] = mapped_column(Date)
    days: Mapped[int] = mapped_column(Integer, default=1)
    checklist: Mapped[list[Any]]
    expected: Mapped[list[str]] = mapped_column(default=list)
    involved: Mapped[list[str]] = mapped_column(default=list)

    state: Mapped[str] = mapped_column(String(12), default="draft")
    state_at: Mapped[datetime]
    revision: Mapped[int] = mapped_column(Integer, default=1)
    signed_revision: Mapped[int | None] = mapped_column(Integer)
    signed_at: Mapped[datetime | None]
    signed_by_id: Mapped[str | None] = mapped_column(Id, ForeignKey("member.id"))
    signed_as: Mapped[dict[str, Any]] = mapped_column(default=dict)
    blocked_at: Mapped[datetime | None]
    blocked_reason: Mapped[str] = mapped_column(String(BLOCKED_LENGTH), default="")
    returned_reason: Mapped[str] = mapped_column(String(RETURNED_LENGTH), default="")
    deliverable: Mapped[dict[str, Any]]
    delivered_at: Mapped[datetime | None]
    approval_id: Mapped[str | None] = mapped_column(Id)
    approval_seq: Mapped[int] = mapped_column(Integer, default=0)

    written_by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    written_at: Mapped[datetime]

    @property
    def plan(self) -> dict[str, Any]:
        """What the plan says of it, as events carry it: a baseline is their replay."""
        facts = {name: getattr(self, name) for name in PLANNED}
        return facts | {"due_on": self.due_on.isoformat() if self.due_on else None}

    @property
    def asked(self) -> dict[str, Any]:
        """What a signature stands under."""
        texts = [item["text"] for item in self.checklist]
        return {"title": self.title, "requirements": self.requirements, "checklist": texts, "expected": list(self.expected)}

    @property
    def mark(self) -> str:
        """Another one whenever what is written or handed in changes; a form brings back the one of what it showed."""
        return mark_of(seen_of(self))


def seen_of(order: Any) -> list[Any]:
    """What the mark of an order, or of a row of its columns, is made of."""
    written = [getattr(order, name) for name in WRITTEN]
    return [*written, [item["text"] for item in order.checklist], order.deliverable, order.delivered_at]


class TaskDeliverable(Base):
    """One of the things that an order produces. name: of the expected one that it answers, empty for another.

    content: as ``TaskOrder.deliverable``. asset_id: of an asset, so that its uses are found. line_id: that of the order.
    """

    __tablename__ = "task_deliverable"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    task_id: Mapped[str] = mapped_column(Id, ForeignKey("task_order.id"), index=True)
    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH), default="")
    content: Mapped[dict[str, Any]]
    asset_id: Mapped[str | None] = mapped_column(Id, index=True)
    by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    at: Mapped[datetime]


class TaskEvent(EventKind):
    WRITTEN = "main_lines.task.written", N_("%(actor)s 起草了任务单“%(title)s”（%(department)s）")
    EDITED = "main_lines.task.edited", N_("%(actor)s 修改了任务单“%(title)s”的%(changed)s")
    SUBMITTED = "main_lines.task.submitted", N_("%(actor)s 将任务单“%(title)s”送签")
    SIGNED = "main_lines.task.signed", N_("%(actor)s 签发了任务单“%(title)s”，由%(owner)s执行")
    DECLINED = "main_lines.task.declined", N_("%(actor)s 未签发任务单“%(title)s”：%(reason)s")
    ASSIGNED = "main_lines.task.assigned", N_("%(actor)s 将任务单“%(title)s”交给%(owner)s")
    RELEASED = "main_lines.task.released", N_("%(owner)s离开主线，任务单“%(title)s”等待重新指派")
    STARTED = "main_lines.task.started", N_("%(actor)s 开始执行任务单“%(title)s”")
    DELIVERED = "main_lines.task.delivered", N_("%(by)s 为任务单“%(title)s”交付了%(what)s")
    FILED = "main_lines.task.filed", N_("%(by)s 为任务单“%(title)s”放入了%(what)s")
    UNFILED = "main_lines.task.unfiled", N_("%(actor)s 从任务单“%(title)s”取出了%(what)s")
    WITHDRAWN = "main_lines.task.withdrawn", N_("%(by)s 撤回了任务单“%(title)s”的交付")
    ACCEPTED = "main_lines.task.accepted", N_("%(by)s 验收了任务单“%(title)s”")
    RETURNED = "main_lines.task.returned", N_("%(by)s 退回了任务单“%(title)s”：%(reason)s")
    CLOSED = "main_lines.task.closed", N_("%(actor)s 关闭了任务单“%(title)s”")
    CANCELLED = "main_lines.task.cancelled", N_("%(actor)s 取消了任务单“%(title)s”：%(reason)s")
    BLOCKED = "main_lines.task.blocked", N_("%(actor)s 报告任务单“%(title)s”受阻：%(reason)s")
    UNBLOCKED = "main_lines.task.unblocked", N_("%(actor)s 解除了任务单“%(title)s”的受阻")
    REMINDED = "main_lines.task.reminded", N_("%(actor)s 提醒%(names)s处理任务单“%(title)s”")
    REORDERED = "main_lines.task.reordered", N_("%(actor)s 调整了任务单“%(title)s”清单的顺序")
    CHECKED = "main_lines.task.checked", N_("%(actor)s 更新了任务单“%(title)s”的清单，完成 %(done)s / %(all)s 项")


fold_under(TaskEvent.WRITTEN, TaskEvent.WRITTEN, TaskEvent.SUBMITTED, words=N_("%(actor)s 起草了 %(n)s 张任务单并送签"))
fold_as(TaskEvent.WRITTEN, N_("%(actor)s 起草了 %(n)s 张任务单"))
fold_as(TaskEvent.SUBMITTED, N_("%(actor)s 将 %(n)s 张任务单送签"))
fold_as(TaskEvent.EDITED, N_("%(actor)s 修改了 %(n)s 张任务单"))
fold_as(TaskEvent.SIGNED, N_("%(actor)s 签发了 %(n)s 张任务单"))
fold_as(TaskEvent.ASSIGNED, N_("%(actor)s 将 %(n)s 张任务单交给%(owner)s"))
fold_as(TaskEvent.RELEASED, N_("%(owner)s离开主线，%(n)s 张任务单等待重新指派"))
