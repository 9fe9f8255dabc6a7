"""Who put what into the trash, and what has left it

Revision ID: 202611220005
Revises: 202611220004
Create Date: 2026-11-22 02:10:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611220005"
down_revision: str | None = "202611220004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("asset_node") as table:
        table.add_column(sa.Column("deleted_by_name", sa.String(120), nullable=True))
        table.add_column(sa.Column("purged_at", sa.DateTime(), nullable=True))
    op.create_index("ix_asset_node_library_deleted", "asset_node", ["library_id", "deleted_at"])


def downgrade() -> None:
    op.drop_index("ix_asset_node_library_deleted", "asset_node")
    with op.batch_alter_table("asset_node") as table:
        table.drop_column("purged_at")
        table.drop_column("deleted_by_name")
