"""Share links

Revision ID: 202611220301
Revises: 202611220103
Create Date: 2026-11-22 04:30:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611220301"
down_revision: str | None = "202611220103"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "share",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("node_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("creator_id", sa.String(length=26), nullable=False),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("may_download", sa.Boolean(), nullable=False),
        sa.Column("watermark", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.Column("most_views", sa.Integer(), nullable=True),
        sa.Column("views", sa.Integer(), nullable=False),
        sa.Column("viewed_at", sa.DateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failures_since", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["creator_id"], ["member.id"], name=op.f("fk_share_creator_id_member")),
        sa.ForeignKeyConstraint(["node_id"], ["asset_node.id"], name=op.f("fk_share_node_id_asset_node")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_share")),
    )
    op.create_index(op.f("ix_share_creator_id"), "share", ["creator_id"], unique=False)
    op.create_index(op.f("ix_share_node_id"), "share", ["node_id"], unique=False)


def downgrade() -> None:
    op.drop_table("share")
