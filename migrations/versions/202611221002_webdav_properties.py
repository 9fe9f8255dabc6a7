"""What programs note about files and folders of a network folder.

Revision ID: 202611221002
Revises: 202611221001
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611221002"
down_revision: str | None = "202611221001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "webdav_property",
        sa.Column("node_id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["node_id"], ["asset_node.id"], name=op.f("fk_webdav_property_node_id_asset_node")),
        sa.PrimaryKeyConstraint("node_id", "name", name=op.f("pk_webdav_property")),
    )


def downgrade() -> None:
    op.drop_table("webdav_property")
