"""Locks of network folders

Revision ID: 202611220102
Revises: 202611220101
Create Date: 2026-11-22 04:20:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "202611220102"
down_revision: str | None = "202611220101"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "webdav_lock",
        sa.Column("token", sa.String(length=100), nullable=False),
        sa.Column("root", sa.String(length=4000), nullable=False),
        sa.Column("body", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_webdav_lock")),
    )
    op.create_index(op.f("ix_webdav_lock_expires_at"), "webdav_lock", ["expires_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_webdav_lock_expires_at"), table_name="webdav_lock")
    op.drop_table("webdav_lock")
