"""What orders wait for, how long they take, baselines; a cancelled order is no closed one

Revision ID: 202611221301
Revises: 202611221202
Create Date: 2026-11-22 10:40:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611221301"
down_revision: str | None = "202611221202"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_BEFORE = ("draft", "waiting", "ready", "in_progress", "delivered", "returned", "accepted", "closed")


def upgrade() -> None:
    _states(*_BEFORE, "cancelled")
    with op.batch_alter_table("task_order") as table:
        table.add_column(sa.Column("days", sa.Integer(), nullable=False, server_default="1"))
        table.create_check_constraint("days", "days BETWEEN 1 AND 366")
    op.create_table(
        "task_need",
        sa.Column("task_id", sa.String(length=26), nullable=False),
        sa.Column("needs_id", sa.String(length=26), nullable=False),
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.CheckConstraint("task_id <> needs_id", name=op.f("ck_task_need_not_itself")),
        sa.ForeignKeyConstraint(["task_id"], ["task_order.id"], name=op.f("fk_task_need_task_id_task_order")),
        sa.ForeignKeyConstraint(["needs_id"], ["task_order.id"], name=op.f("fk_task_need_needs_id_task_order")),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_task_need_line_id_main_line")),
        sa.PrimaryKeyConstraint("task_id", "needs_id", name=op.f("pk_task_need")),
    )
    op.create_index(op.f("ix_task_need_needs_id"), "task_need", ["needs_id"])
    op.create_index(op.f("ix_task_need_line_id"), "task_need", ["line_id"])
    op.create_table(
        "line_baseline",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("kept_by_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_line_baseline_line_id_main_line")),
        sa.ForeignKeyConstraint(["kept_by_id"], ["member.id"], name=op.f("fk_line_baseline_kept_by_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_baseline")),
    )
    op.create_index(op.f("ix_line_baseline_line_id"), "line_baseline", ["line_id"])


def downgrade() -> None:
    op.drop_table("line_baseline")
    op.drop_table("task_need")
    with op.batch_alter_table("task_order") as table:
        table.drop_constraint(op.f("ck_task_order_days"), type_="check")
        table.drop_column("days")
    op.execute("UPDATE task_order SET state = 'closed' WHERE state = 'cancelled'")
    _states(*_BEFORE)


def _states(*states: str) -> None:
    with op.batch_alter_table("task_order") as table:
        table.drop_constraint(op.f("ck_task_order_state"), type_="check")
        table.create_check_constraint("state", f"state IN ({', '.join(repr(state) for state in states)})")
