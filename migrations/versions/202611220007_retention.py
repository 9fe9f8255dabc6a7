"""Retention plans of libraries, and versions kept by hand

Revision ID: 202611220007
Revises: 202611220006
Create Date: 2026-11-22 04:00:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611220007"
down_revision: str | None = "202611220006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "library_retention",
        sa.Column("library_id", sa.String(26), nullable=False),
        sa.Column("mode", sa.String(10), nullable=False),
        sa.Column("all_days", sa.Integer(), nullable=False),
        sa.Column("daily_days", sa.Integer(), nullable=False),
        sa.Column("weekly_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("mode IN ('thin', 'all', 'paused')", name=op.f("ck_library_retention_mode")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_library_retention_library_id_library")),
        sa.PrimaryKeyConstraint("library_id", name=op.f("pk_library_retention")),
    )
    op.create_table(
        "asset_kept_version",
        sa.Column("node_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("library_id", sa.String(26), nullable=False),
        sa.Column("label", sa.String(60), nullable=False),
        sa.Column("by_name", sa.String(120), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["node_id", "number"], ["asset_version.node_id", "asset_version.number"],
            name=op.f("fk_asset_kept_version_node_id_asset_version"),
        ),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_asset_kept_version_library_id_library")),
        sa.PrimaryKeyConstraint("node_id", "number", name=op.f("pk_asset_kept_version")),
    )  # fmt: skip
    op.create_index(op.f("ix_asset_kept_version_library_id"), "asset_kept_version", ["library_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_asset_kept_version_library_id"), "asset_kept_version")
    op.drop_table("asset_kept_version")
    op.drop_table("library_retention")
