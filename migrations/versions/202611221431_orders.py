"""Deliverables, departments involved, what was signed, signers, gates, handovers and templates of task orders

Revision ID: 202611221431
Revises: 202611221421
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "202611221431"
down_revision: str | None = "202611221421"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEEP = "main_lines:order_template:keep"
OPEN = "main_lines:line:open"
_ROLE = sa.table("role", sa.column("id", sa.String()), sa.column("permissions", sa.JSON().with_variant(postgresql.JSONB(), "postgresql")))


def _json() -> sa.types.TypeEngine:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def _id(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length=26), nullable=nullable)


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade() -> None:
    with op.batch_alter_table("task_order") as table:
        table.add_column(sa.Column("expected", _json(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("involved", _json(), nullable=False, server_default="[]"))
        table.add_column(sa.Column("signed_as", _json(), nullable=False, server_default="{}"))
    with op.batch_alter_table("main_line") as table:
        table.add_column(sa.Column("frozen_at", sa.DateTime(), nullable=True))
    _create_deliverables()
    _create_signers_and_gates()
    _create_handovers()
    _create_templates()
    roles = op.get_bind().execute(sa.select(_ROLE.c.id, _ROLE.c.permissions)).all()
    for role_id, permissions in roles:  # Who opens lines keeps the templates that they are written from.
        if OPEN in permissions and KEEP not in permissions:
            op.execute(sa.update(_ROLE).where(_ROLE.c.id == role_id).values(permissions=[*permissions, KEEP]))


def _create_deliverables() -> None:
    op.create_table(
        "task_deliverable",
        _id("id"),
        _id("task_id"),
        _id("line_id"),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("content", _json(), nullable=False),
        _id("asset_id", nullable=True),
        _id("by_id"),
        sa.Column("at", sa.DateTime(), nullable=False),
        _to("task_deliverable", "task_id", "task_order"),
        _to("task_deliverable", "line_id", "main_line"),
        _to("task_deliverable", "by_id", "member"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_deliverable")),
    )
    op.create_index(op.f("ix_task_deliverable_task_id"), "task_deliverable", ["task_id"])
    op.create_index(op.f("ix_task_deliverable_asset_id"), "task_deliverable", ["asset_id"])


def _create_signers_and_gates() -> None:
    op.create_table(
        "line_signer",
        _id("line_id"),
        _id("department_id"),
        _id("member_id"),
        _to("line_signer", "line_id", "main_line"),
        _to("line_signer", "member_id", "member"),
        sa.PrimaryKeyConstraint("line_id", "department_id", "member_id", name=op.f("pk_line_signer")),
    )
    op.create_index(op.f("ix_line_signer_member_id"), "line_signer", ["member_id"])
    op.create_table(
        "gate_record",
        _id("line_id"),
        sa.Column("key", sa.String(length=10), nullable=False),
        sa.Column("offset", sa.Integer(), nullable=True),
        sa.Column("passed_at", sa.DateTime(), nullable=True),
        _id("passed_by_id", nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("stood", _json(), nullable=False),
        sa.CheckConstraint("key IN ('plan', 'freeze', 'go', 'wrap', 'review')", name=op.f("ck_gate_record_key")),
        _to("gate_record", "line_id", "main_line"),
        _to("gate_record", "passed_by_id", "member"),
        sa.PrimaryKeyConstraint("line_id", "key", name=op.f("pk_gate_record")),
    )


def _create_handovers() -> None:
    op.create_table(
        "task_handover",
        _id("id"),
        _id("task_id"),
        _id("line_id"),
        _id("from_department_id"),
        _id("from_id", nullable=True),
        _id("to_department_id"),
        _id("to_id", nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        _id("offered_by_id"),
        sa.Column("offered_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("answer", sa.String(length=500), nullable=False),
        _id("answered_by_id", nullable=True),
        sa.Column("answered_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("state IN ('offered', 'accepted', 'declined', 'withdrawn')", name=op.f("ck_task_handover_state")),
        _to("task_handover", "task_id", "task_order"),
        _to("task_handover", "line_id", "main_line"),
        _to("task_handover", "from_department_id", "department"),
        _to("task_handover", "from_id", "member"),
        _to("task_handover", "to_department_id", "department"),
        _to("task_handover", "to_id", "member"),
        _to("task_handover", "offered_by_id", "member"),
        _to("task_handover", "answered_by_id", "member"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_handover")),
    )
    op.create_index(op.f("ix_task_handover_task_id"), "task_handover", ["task_id"])
    op.create_index(op.f("ix_task_handover_to_id"), "task_handover", ["to_id"])


def _create_templates() -> None:
    op.create_table(
        "order_template",
        _id("id"),
        _id("department_id"),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("requirements", sa.Text(), nullable=False),
        sa.Column("checklist", _json(), nullable=False),
        sa.Column("expected", _json(), nullable=False),
        sa.Column("involved", _json(), nullable=False),
        sa.Column("phase", sa.String(length=10), nullable=False),
        sa.Column("due_offset", sa.Integer(), nullable=True),
        sa.Column("days", sa.Integer(), nullable=False),
        _id("kept_by_id"),
        sa.Column("kept_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("phase IN ('prepare', 'execute', 'review')", name=op.f("ck_order_template_phase")),
        sa.CheckConstraint("days BETWEEN 1 AND 366", name=op.f("ck_order_template_days")),
        _to("order_template", "department_id", "department"),
        _to("order_template", "kept_by_id", "member"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_template")),
    )
    op.create_index(op.f("ix_order_template_department_id"), "order_template", ["department_id"])


def downgrade() -> None:
    for name in ("order_template", "task_handover", "gate_record", "line_signer", "task_deliverable"):
        op.drop_table(name)
    with op.batch_alter_table("main_line") as table:
        table.drop_column("frozen_at")
    with op.batch_alter_table("task_order") as table:
        for name in ("signed_as", "involved", "expected"):
            table.drop_column(name)
