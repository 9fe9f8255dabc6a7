"""Store checklists and the sheet of each store

Revision ID: 202611221415
Revises: 202611221431
Create Date: 2026-11-22 14:15:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "202611221415"
down_revision: str | None = "202611221431"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "store_check",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.Column("task_id", sa.String(length=26), nullable=True),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("department_id", sa.String(length=26), nullable=False),
        sa.Column("items", _JSON, nullable=False),
        sa.Column("scope", sa.String(length=10), nullable=False),
        sa.Column("scope_ids", _JSON, nullable=False),
        sa.Column("due_offset", sa.Integer(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("made_by_id", sa.String(length=26), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("reminded_at", sa.DateTime(), nullable=True),
        sa.Column("reminded_on", sa.Date(), nullable=True),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.Column("closed_by_id", sa.String(length=26), nullable=True),
        sa.Column("closed_reason", sa.String(length=500), nullable=False),
        sa.CheckConstraint("scope IN ('all', 'cities', 'stores')", name=op.f("ck_store_check_scope")),
        sa.CheckConstraint("(due_offset IS NULL) <> (due_on IS NULL)", name=op.f("ck_store_check_one_due")),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_store_check_line_id_main_line")),
        sa.ForeignKeyConstraint(["task_id"], ["task_order.id"], name=op.f("fk_store_check_task_id_task_order")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_store_check_department_id_department")),
        sa.ForeignKeyConstraint(["made_by_id"], ["member.id"], name=op.f("fk_store_check_made_by_id_member")),
        sa.ForeignKeyConstraint(["closed_by_id"], ["member.id"], name=op.f("fk_store_check_closed_by_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_check")),
    )
    op.create_index(op.f("ix_store_check_line_id"), "store_check", ["line_id"])
    op.create_index(op.f("ix_store_check_task_id"), "store_check", ["task_id"])
    op.create_table(
        "store_sheet",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("check_id", sa.String(length=26), nullable=False),
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.Column("site_id", sa.String(length=26), nullable=False),
        sa.Column("answers", _JSON, nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.Column("done_by_id", sa.String(length=26), nullable=True),
        sa.ForeignKeyConstraint(["check_id"], ["store_check.id"], name=op.f("fk_store_sheet_check_id_store_check")),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_store_sheet_line_id_main_line")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_store_sheet_site_id_site")),
        sa.ForeignKeyConstraint(["done_by_id"], ["member.id"], name=op.f("fk_store_sheet_done_by_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_sheet")),
        sa.UniqueConstraint("check_id", "site_id", name=op.f("uq_store_sheet_check_id_site_id")),
    )
    op.create_index(op.f("ix_store_sheet_line_id"), "store_sheet", ["line_id"])


def downgrade() -> None:
    op.drop_table("store_sheet")
    op.drop_table("store_check")
