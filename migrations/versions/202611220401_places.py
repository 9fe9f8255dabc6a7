"""Where files and folders were at any time from now on

Revision ID: 202611220401
Revises: 202611220304
Create Date: 2026-11-22 04:55:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611220401"
down_revision: str | None = "202611220304"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "asset_place",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("node_id", sa.String(40), sa.ForeignKey("asset_node.id", name="fk_asset_place_node_id_asset_node"), nullable=False),
        sa.Column("parent_id", sa.String(40), nullable=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("assumed", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_asset_place_node", "asset_place", ["node_id", "id"])
    op.create_index("ix_asset_place_parent", "asset_place", ["parent_id", "id"])
    # Of what was before, only how it stands now is known, and when it began and was deleted.
    into = "INSERT INTO asset_place (node_id, parent_id, name, deleted, assumed, at)"
    for deleted, at, which in (("false", "created_at", ""), ("true", "deleted_at", " AND deleted_at IS NOT NULL")):
        op.execute(sa.text(f"{into} SELECT id, parent_id, name, {deleted}, true, {at} FROM asset_node WHERE parent_id IS NOT NULL{which}"))


def downgrade() -> None:
    op.drop_table("asset_place")
