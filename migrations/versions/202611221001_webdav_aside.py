"""What systems put beside files of a network folder.

Revision ID: 202611221001
Revises: 202611220901
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611221001"
down_revision: str | None = "202611220901"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "webdav_aside",
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("folder_id", sa.String(length=40), nullable=False),
        sa.Column("name_key", sa.String(length=255), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["folder_id"], ["asset_node.id"], name=op.f("fk_webdav_aside_folder_id_asset_node")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_webdav_aside_member_id_member")),
        sa.PrimaryKeyConstraint("member_id", "folder_id", "name_key", name=op.f("pk_webdav_aside")),
    )
    op.create_index(op.f("ix_webdav_aside_at"), "webdav_aside", ["at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_webdav_aside_at"), table_name="webdav_aside")
    op.drop_table("webdav_aside")
