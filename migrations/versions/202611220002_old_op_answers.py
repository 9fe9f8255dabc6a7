"""Index the answers to operations by their time

Revision ID: 202611220002
Revises: 202611220001
Create Date: 2026-11-22 01:20:00

"""

from collections.abc import Sequence

from alembic import op

revision: str = "202611220002"
down_revision: str | None = "202611220001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("ix_asset_op_answer_at", "asset_op_answer", ["at"])


def downgrade() -> None:
    op.drop_index("ix_asset_op_answer_at", "asset_op_answer")
