"""Tables of approvals. ``approval_action`` and ``approval_form`` are insert-only; the state machine is in rules.py."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind
from workspace.roles.permissions import Permission

TITLE_LENGTH = 120
KEY_LENGTH = 80
FEN = Decimal("0.01")


class Money(TypeDecorator[Decimal]):
    """Yuan as an exact decimal with two places, kept as whole fen: SQLite has no decimals, and sums stay exact."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        if value is None:
            return None
        if value != value.quantize(FEN):
            raise ValueError(f"{value} has more than two decimal places")
        return int(value / FEN)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else (Decimal(value) * FEN).quantize(FEN)


class ApprovalTemplate(Base):
    """One immutable version of a form and its rules. definition: see shipped.py; requests keep the version they began with."""

    __tablename__ = "approval_template"
    __table_args__ = (UniqueConstraint("key", "version"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(String(40))
    version: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(60))
    definition: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class Approval(Base):
    """A request. round: 1, + 1 with each resubmission. form_revision: the newest in approval_form.

    applicant_name, applicant_department: as they were on submitting. pin: the asset version that is decided about
    (asset_id, library_id, name, version, digest), or None; it never moves to a later version. amount: yuan.
    actions, log_hash: length and last hash of the log, so that a cut tail is found.
    """

    __tablename__ = "approval"
    __table_args__ = (Index("ix_approval_applicant_id", "applicant_id", "id"), Index("ix_approval_line_id", "line_id", "id"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    template_id: Mapped[str] = mapped_column(Id, ForeignKey("approval_template.id"))
    state: Mapped[str] = mapped_column(String(10), index=True)
    round: Mapped[int] = mapped_column(Integer)
    form_revision: Mapped[int] = mapped_column(Integer)
    applicant_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    applicant_name: Mapped[str] = mapped_column(String(60))
    applicant_department: Mapped[str] = mapped_column(String(60))
    amount: Mapped[Decimal | None] = mapped_column(Money)
    line_id: Mapped[str | None] = mapped_column(Id)
    task_id: Mapped[str | None] = mapped_column(Id, index=True)
    pin: Mapped[dict[str, Any] | None]
    actions: Mapped[int] = mapped_column(Integer)
    log_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    moved_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class ApprovalForm(Base):
    """One submitted revision: title, fields and pinned asset version. Never changed; steps name the one they decide about.

    values: field name -> text; money as a decimal text. digest: SHA-256 over title, values and pin.
    """

    __tablename__ = "approval_form"

    approval_id: Mapped[str] = mapped_column(Id, ForeignKey("approval.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(Integer, primary_key=True)
    title: Mapped[str] = mapped_column(String(TITLE_LENGTH))
    values: Mapped[dict[str, Any]]
    pin: Mapped[dict[str, Any] | None]
    digest: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class ApprovalStep(Base):
    """One holder's turn. node: steps opened together share it. on_behalf_of_id: the principal of a delegate.

    form_revision: what the holder decides about. asks_for: in a countersign, whom its signer wants next.
    """

    __tablename__ = "approval_step"
    __table_args__ = (Index("ix_approval_step_holder", "holder_id", "state"), Index("ix_approval_step_approval", "approval_id", "position"))

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    approval_id: Mapped[str] = mapped_column(Id, ForeignKey("approval.id"))
    position: Mapped[int] = mapped_column(Integer)
    round: Mapped[int] = mapped_column(Integer)
    node: Mapped[str] = mapped_column(Id)
    mode: Mapped[str] = mapped_column(String(8))
    holder_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    holder_name: Mapped[str] = mapped_column(String(60))
    on_behalf_of_id: Mapped[str | None] = mapped_column(Id, ForeignKey("member.id"))
    state: Mapped[str] = mapped_column(String(12))
    form_revision: Mapped[int] = mapped_column(Integer)
    asks_for: Mapped[list[str]]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class ApprovalParticipant(Base):
    """Who may see an approval: applicant, everybody who holds or held a step, and cc. Rows are only ever added."""

    __tablename__ = "approval_participant"
    __table_args__ = (Index("ix_approval_participant_member", "member_id", "part", "approval_id"),)

    approval_id: Mapped[str] = mapped_column(Id, ForeignKey("approval.id"), primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), primary_key=True)
    part: Mapped[str] = mapped_column(String(10), primary_key=True)
    at: Mapped[datetime]


class ApprovalAction(Base):
    """The log. key: the actor's idempotency key; body_digest: SHA-256 of what was asked; reply: what was answered.

    hash covers the predecessor's hash and every other column but ``reply``; it is repeated in the audit event.
    """

    __tablename__ = "approval_action"
    __table_args__ = (UniqueConstraint("actor_id", "key"),)

    approval_id: Mapped[str] = mapped_column(Id, ForeignKey("approval.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    step_id: Mapped[str | None] = mapped_column(Id)
    actor_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    actor_name: Mapped[str] = mapped_column(String(60))
    actor_department: Mapped[str] = mapped_column(String(60))
    on_behalf_of_id: Mapped[str | None] = mapped_column(Id)
    verb: Mapped[str] = mapped_column(String(12))
    comment: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict[str, Any]]
    key: Mapped[str] = mapped_column(String(KEY_LENGTH))
    body_digest: Mapped[str] = mapped_column(String(64))
    reply: Mapped[dict[str, Any]]
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]


class ApprovalEvent(EventKind):
    """Facts: approval_id, title, template, template_name, state, applicant, line_id, task_id, pin, holders (names who hold
    it now), people (names that the verb is about), log_seq, log_hash; comment when a task order was refused or returned."""

    SUBMITTED = "main_lines.approval.submitted", N_("%(actor)s 提交了%(template_name)s“%(title)s”，交给%(holders)s审批")
    PASSED_ON = "main_lines.approval.passed_on", N_("%(actor)s 同意“%(title)s”，流转给%(holders)s")
    SIGNED = "main_lines.approval.signed", N_("%(actor)s 会签同意“%(title)s”，还等%(holders)s")
    APPROVED = "main_lines.approval.approved", N_("%(actor)s 同意并办结“%(title)s”")
    REJECTED = "main_lines.approval.rejected", N_("%(actor)s 拒绝了“%(title)s”")
    RETURNED = "main_lines.approval.returned", N_("%(actor)s 将“%(title)s”退回给%(applicant)s")
    RECALLED = "main_lines.approval.recalled", N_("%(actor)s 撤回了“%(title)s”")
    TRANSFERRED = "main_lines.approval.transferred", N_("%(actor)s 将“%(title)s”转交给%(people)s")
    COPIED = "main_lines.approval.copied", N_("%(actor)s 将“%(title)s”抄送给%(people)s")
    COMMENTED = "main_lines.approval.commented", N_("%(actor)s 评论了“%(title)s”")
    REMINDED = "main_lines.approval.reminded", N_("%(actor)s 就“%(title)s”催办%(people)s")


class ApprovalPermission(Permission):
    MANAGE = "main_lines:approval:manage", N_("管理全部审批")
