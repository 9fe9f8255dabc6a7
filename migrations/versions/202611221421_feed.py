"""Posts are numbered in their line, may be about an order, call people, carry files, be withdrawn and be read

Revision ID: 202611221421
Revises: 202611221411
Create Date: 2026-11-22 14:05:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "202611221421"
down_revision: str | None = "202611221411"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    with op.batch_alter_table("progress_post") as table:
        table.add_column(sa.Column("number", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("task_id", sa.String(length=26), nullable=True))
        for name in ("mentions", "told", "files"):
            table.add_column(sa.Column(name, _JSON, nullable=False, server_default=sa.text("'[]'")))
        table.add_column(sa.Column("withdrawn_at", sa.DateTime(), nullable=True))
        # Older posts stand with their words in the log of events, which nothing can change.
        table.add_column(sa.Column("in_audit", sa.Boolean(), nullable=False, server_default=sa.true()))
        table.create_foreign_key(op.f("fk_progress_post_task_id_task_order"), "task_order", ["task_id"], ["id"])
    op.execute(
        "UPDATE progress_post SET number = (SELECT count(*) FROM progress_post AS other"
        " WHERE other.line_id = progress_post.line_id AND other.id <= progress_post.id)"
    )
    with op.batch_alter_table("progress_post") as table:
        table.create_unique_constraint(op.f("uq_progress_post_line_id_number"), ["line_id", "number"])
    op.create_index(op.f("ix_progress_post_task_id"), "progress_post", ["task_id"])
    op.create_table(
        "post_read_cursor",
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_post_read_cursor_line_id_main_line")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_post_read_cursor_member_id_member")),
        sa.PrimaryKeyConstraint("line_id", "member_id", name=op.f("pk_post_read_cursor")),
    )


def downgrade() -> None:
    op.drop_table("post_read_cursor")
    op.drop_index(op.f("ix_progress_post_task_id"), "progress_post")
    with op.batch_alter_table("progress_post") as table:
        table.drop_constraint(op.f("uq_progress_post_line_id_number"), type_="unique")
        table.drop_constraint(op.f("fk_progress_post_task_id_task_order"), type_="foreignkey")
        for name in ("in_audit", "withdrawn_at", "files", "told", "mentions", "task_id", "number"):
            table.drop_column(name)
