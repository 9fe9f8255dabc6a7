"""Heads: plain objects that hold a version whole

Revision ID: 202611221202
Revises: 202611221201
Create Date: 2026-11-22 10:42:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611221202"
down_revision: str | None = "202611221201"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "library_head",
        sa.Column("key", sa.String(length=400), nullable=False),
        sa.Column("library_id", sa.String(length=26), nullable=False),
        sa.Column("node_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=67), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("doomed_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("state IN ('making', 'made', 'removing')", name=op.f("ck_library_head_state")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_library_head_library_id_library")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_library_head")),
    )
    with op.batch_alter_table("library_head") as batch:
        batch.create_index(op.f("ix_library_head_library_id"), ["library_id"])
        batch.create_index("ix_library_head_version", ["node_id", "number"])


def downgrade() -> None:
    op.drop_table("library_head")
