"""A main line, its confidential membership and its closed gates."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind
from workspace.roles.permissions import Permission


class MainLine(Base):
    """d_day: the day all offsets count from. phase: prepare, execute, review, or closed once the last gate is.

    group_id: the members as grants name them; it always holds the same people as ``line_member``.
    health, health_reason, health_at: what the director last said; empty and None while nothing has been said.
    frozen_at: when the plan was frozen; from then on requirements change by the director's hand alone. None while it is open.
    """

    __tablename__ = "main_line"
    __table_args__ = (
        CheckConstraint("phase IN ('prepare', 'execute', 'review', 'closed')", name="phase"),
        CheckConstraint("health IN ('', 'green', 'amber', 'red')", name="health"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(20))
    goal: Mapped[str] = mapped_column(String(200), default="")
    d_day: Mapped[date] = mapped_column(Date)
    phase: Mapped[str] = mapped_column(String(10), default="prepare")
    group_id: Mapped[str] = mapped_column(Id, ForeignKey("member_group.id"))
    library_id: Mapped[str | None] = mapped_column(Id)
    opened_at: Mapped[datetime]
    opened_by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    health: Mapped[str] = mapped_column(String(10), default="")
    health_reason: Mapped[str] = mapped_column(String(200), default="")
    health_at: Mapped[datetime | None]
    frozen_at: Mapped[datetime | None]

    @property
    def room(self) -> str:
        return f"line:{self.id}"

    @property
    def is_over(self) -> bool:
        """Its last gate is passed: it is read, talked about and learned from, and takes no work."""
        return self.phase == "closed"


class LineMember(Base):
    """role: director (signs task orders, closes gates, keeps the members) or member. A line has one director at least."""

    __tablename__ = "line_member"
    __table_args__ = (CheckConstraint("role IN ('director', 'member')", name="role"),)

    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(String(10), default="member")
    joined_at: Mapped[datetime]


class LineSigner(Base):
    """Who signs task orders in the director's place. department_id: of these orders alone; empty for the whole line.

    Those named for a department take the place of those named for the line. The director may always sign.
    """

    __tablename__ = "line_signer"

    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), primary_key=True)
    department_id: Mapped[str] = mapped_column(Id, primary_key=True, default="")
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), primary_key=True, index=True)


class Gate(Base):
    """A closed phase. open_orders: task orders of the phase that were carried over when it closed."""

    __tablename__ = "line_gate"

    line_id: Mapped[str] = mapped_column(Id, ForeignKey("main_line.id"), primary_key=True)
    phase: Mapped[str] = mapped_column(String(10), primary_key=True)
    closed_at: Mapped[datetime]
    closed_by_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    open_orders: Mapped[int]
    note: Mapped[str] = mapped_column(String(500), default="")


class LineEvent(EventKind):
    OPENED = "main_lines.line.opened", N_("%(actor)s 开启了主线“%(line)s”，D 日 %(d_day)s，成员 %(members)s")
    MEMBER_ADDED = "main_lines.member.added", N_("%(actor)s 将%(member)s加入主线")
    MEMBER_REMOVED = "main_lines.member.removed", N_("%(actor)s 将%(member)s移出主线")
    DIRECTOR_NAMED = "main_lines.director.named", N_("%(actor)s 将%(member)s设为主线负责人")
    DIRECTOR_RELEASED = "main_lines.director.released", N_("%(member)s不再是主线负责人，由%(actor)s变更")
    HEALTH_STATED = "main_lines.health.stated", N_("%(actor)s 判断主线%(health_words)s：%(reason)s")
    PHASE_CLOSED = "main_lines.phase.closed", N_("%(actor)s 关闭了%(phase_words)s阶段，结转未完任务单 %(open_orders)s 张")
    RESCHEDULED = "main_lines.line.rescheduled", N_("%(actor)s 将 D 日从 %(d_day_before)s 改为 %(d_day)s")
    SIGNERS_NAMED = "main_lines.line.signers_named", N_("%(actor)s 指定%(scope)s的任务单由%(people)s签发")


class LinePermission(Permission):
    OPEN = "main_lines:line:open", N_("开启主线")
