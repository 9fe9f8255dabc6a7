"""Check-outs

Revision ID: 202611220304
Revises: 202611220303
Create Date: 2026-11-22 04:50:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611220304"
down_revision: str | None = "202611220303"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "asset_lease",
        sa.Column("node_id", sa.String(length=40), nullable=False),
        sa.Column("library_id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("member_name", sa.String(length=60), nullable=False),
        sa.Column("device_id", sa.String(length=26), nullable=True),
        sa.Column("way", sa.String(length=10), nullable=False),
        sa.Column("taken_at", sa.DateTime(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.CheckConstraint("way IN ('hand', 'open', 'webdav')", name=op.f("ck_asset_lease_way")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_asset_lease_library_id_library")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_asset_lease_member_id_member")),
        sa.ForeignKeyConstraint(["node_id"], ["asset_node.id"], name=op.f("fk_asset_lease_node_id_asset_node")),
        sa.PrimaryKeyConstraint("node_id", name=op.f("pk_asset_lease")),
    )
    for column in ("library_id", "device_id", "until"):
        op.create_index(op.f(f"ix_asset_lease_{column}"), "asset_lease", [column], unique=False)


def downgrade() -> None:
    op.drop_table("asset_lease")
