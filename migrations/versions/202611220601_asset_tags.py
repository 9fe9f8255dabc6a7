"""Tags on assets

Revision ID: 202611220601
Revises: 202611220701
Create Date: 2026-11-22 05:30:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611220601"
down_revision: str | None = "202611220701"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "asset_tag",
        sa.Column("node_id", sa.String(40), sa.ForeignKey("asset_node.id", name="fk_asset_tag_node_id_asset_node"), primary_key=True),
        sa.Column("tag_key", sa.String(800), primary_key=True),
        sa.Column("library_id", sa.String(26), sa.ForeignKey("library.id", name="fk_asset_tag_library_id_library"), nullable=False),
        sa.Column("tag", sa.String(40), nullable=False),
        sa.Column("by_name", sa.String(120), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_asset_tag_library_key", "asset_tag", ["library_id", "tag_key"])


def downgrade() -> None:
    op.drop_table("asset_tag")
