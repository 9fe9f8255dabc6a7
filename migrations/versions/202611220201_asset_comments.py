"""Comments on versions of assets

Revision ID: 202611220201
Revises: 202611220401
Create Date: 2026-11-22 04:30:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlalchemy.dialects.postgresql
from alembic import op

revision: str = "202611220201"
down_revision: str | None = "202611220401"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "asset_comment",
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("asset_id", sa.String(40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.String(26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("author_id", sa.String(26), nullable=False),
        sa.Column("author_name", sa.String(120), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("mentions", sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("x", sa.Float(), nullable=True),
        sa.Column("y", sa.Float(), nullable=True),
        sa.Column("w", sa.Float(), nullable=True),
        sa.Column("h", sa.Float(), nullable=True),
        sa.Column("time_ms", sa.Integer(), nullable=True),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("edited_at", sa.DateTime(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(), nullable=True),
        sa.Column("resolved_by_name", sa.String(120), nullable=True),
        sa.CheckConstraint("(number IS NULL) = (thread_id <> id)", name="ck_asset_comment_first"),
        sa.ForeignKeyConstraint(["asset_id"], ["asset_node.id"], name="fk_asset_comment_asset_id_asset_node"),
        sa.ForeignKeyConstraint(["author_id"], ["member.id"], name="fk_asset_comment_author_id_member"),
        sa.PrimaryKeyConstraint("id", name="pk_asset_comment"),
        sa.UniqueConstraint("asset_id", "number", name="uq_asset_comment_asset_id_number"),
        sa.UniqueConstraint("author_id", "key", name="uq_asset_comment_author_id_key"),
    )
    op.create_index("ix_asset_comment_asset_thread", "asset_comment", ["asset_id", "thread_id"])
    op.create_index("ix_asset_comment_author_at", "asset_comment", ["author_id", "created_at"])


def downgrade() -> None:
    op.drop_table("asset_comment")
