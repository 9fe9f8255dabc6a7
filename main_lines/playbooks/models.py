"""The company's playbooks beside the shipped ones: each version whole, drafts of those who edit, and which one a line came from."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from main_lines.gates.models import GateEvent
from main_lines.plans.models import PlanEvent
from main_lines.tasks.models import TaskEvent
from workspace.db import Base, Id
from workspace.events.folding import fold_under
from workspace.events.kinds import N_, EventKind
from workspace.roles.permissions import Permission

NAME_LENGTH = 80
NOTE_LENGTH = 200


class CompanyPlaybook(Base):
    """version: number of the newest one. removed_at: None while it is offered; lines that were opened from it keep its name."""

    __tablename__ = "playbook"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    kind: Mapped[str] = mapped_column(String(20))
    version: Mapped[int] = mapped_column(Integer)
    made_at: Mapped[datetime]
    made_by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    removed_at: Mapped[datetime | None]


class PlaybookVersion(Base):
    """Never changed once it is there. content: see ``bodies.ContentBody``. changes: of ``rules.Changes``, by title."""

    __tablename__ = "playbook_version"

    playbook_id: Mapped[str] = mapped_column(Id, ForeignKey("playbook.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    kind: Mapped[str] = mapped_column(String(20))
    content: Mapped[dict[str, Any]]
    changes: Mapped[dict[str, Any]]
    note: Mapped[str] = mapped_column(String(NOTE_LENGTH), default="")
    saved_at: Mapped[datetime]
    saved_by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))


class PlaybookDraft(Base):
    """What somebody has not saved as a version yet. base: the version that they began with."""

    __tablename__ = "playbook_draft"
    __unaudited__ = "a draft is its writer's own until it becomes a version, which is recorded"

    playbook_id: Mapped[str] = mapped_column(Id, ForeignKey("playbook.id"), primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), primary_key=True)
    base: Mapped[int] = mapped_column(Integer)
    body: Mapped[dict[str, Any]]
    saved_at: Mapped[datetime]


class LinePlaybook(Base):
    """What a line was opened from. playbook: the key of a shipped one, or an id; name: as it was then."""

    __tablename__ = "line_playbook"

    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), primary_key=True)
    playbook: Mapped[str] = mapped_column(Id, index=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    version: Mapped[int] = mapped_column(Integer)


class PlaybookEvent(EventKind):
    ADDED = "main_lines.playbook.added", N_("%(actor)s 新建了作战手册“%(name)s”，任务单 %(orders)s 张")
    SAVED = "main_lines.playbook.saved", N_("%(actor)s 保存了作战手册“%(name)s”第 %(version)s 版")
    REMOVED = "main_lines.playbook.removed", N_("%(actor)s 删除了作战手册“%(name)s”")
    USED = "main_lines.playbook.used", N_("%(actor)s 按作战手册“%(name)s”第 %(version)s 版开出任务单 %(orders)s 张")
    LEARNT = (
        "main_lines.playbook.learnt",
        N_("%(actor)s 将复盘的 %(lessons)s 条建议写入作战手册“%(name)s”第 %(version)s 版"),
    )
    TAKEN = "main_lines.playbook.taken", N_("%(actor)s 将本主线的任务单存为作战手册“%(name)s”")


class PlaybookPermission(Permission):
    EDIT = "main_lines:playbook:edit", N_("编辑作战手册")


fold_under(
    PlaybookEvent.USED, TaskEvent.WRITTEN, TaskEvent.SUBMITTED, PlanEvent.NEED_ADDED, PlanEvent.MILESTONE_SET, GateEvent.MOVED,
)  # fmt: skip
