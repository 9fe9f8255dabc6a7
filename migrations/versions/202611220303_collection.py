"""Marks of collection on chunks and packs

Revision ID: 202611220303
Revises: 202611220302
Create Date: 2026-11-22 04:20:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611220303"
down_revision: str | None = "202611220302"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MARKED = sa.text("marked_at IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("content_chunk") as table:
        table.add_column(sa.Column("marked_at", sa.DateTime(), nullable=True))
    with op.batch_alter_table("content_pack") as table:
        table.add_column(sa.Column("doomed_at", sa.DateTime(), nullable=True))
        table.add_column(sa.Column("removed_at", sa.DateTime(), nullable=True))
    op.create_index("ix_content_chunk_marked", "content_chunk", ["library_id", "marked_at"], sqlite_where=MARKED, postgresql_where=MARKED)


def downgrade() -> None:
    op.drop_index("ix_content_chunk_marked", "content_chunk")
    with op.batch_alter_table("content_pack") as table:
        table.drop_column("removed_at")
        table.drop_column("doomed_at")
    with op.batch_alter_table("content_chunk") as table:
        table.drop_column("marked_at")
