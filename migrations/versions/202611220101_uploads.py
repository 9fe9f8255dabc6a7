"""Uploads that resume, and why a version was saved

Revision ID: 202611220101
Revises: 202611220007
Create Date: 2026-11-22 04:00:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
import sqlalchemy.dialects.postgresql
from alembic import op

revision: str = "202611220101"
down_revision: str | None = "202611220007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("asset_version", sa.Column("note", sa.String(500), server_default="", nullable=False))
    op.create_table(
        "asset_upload",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("library_id", sa.String(26), sa.ForeignKey("library.id", name="fk_asset_upload_library_id_library"), nullable=False),
        sa.Column("folder_id", sa.String(40), nullable=False),
        sa.Column("asset_id", sa.String(40), nullable=True),
        sa.Column("member_id", sa.String(26), nullable=False),
        sa.Column("folders", sa.JSON().with_variant(sa.dialects.postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("note", sa.String(500), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("offset_bytes", sa.BigInteger(), nullable=False),
        sa.Column("tail_bytes", sa.Integer(), nullable=False),
        sa.Column("tail_key", sa.String(120), nullable=False),
        sa.Column("node_id", sa.String(40), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
    )
    op.create_index("ix_asset_upload_member_folder", "asset_upload", ["member_id", "folder_id"])
    op.create_index("ix_asset_upload_expires_at", "asset_upload", ["expires_at"])
    upload_key = sa.ForeignKey("asset_upload.id", name="fk_asset_upload_part_upload_id_asset_upload", ondelete="CASCADE")
    op.create_table(
        "asset_upload_part",
        sa.Column("upload_id", sa.String(26), upload_key, primary_key=True),
        sa.Column("offset_bytes", sa.BigInteger(), primary_key=True),
        sa.Column("chunks", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("asset_upload_part")
    op.drop_table("asset_upload")
    op.drop_column("asset_version", "note")
