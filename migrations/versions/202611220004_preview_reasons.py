"""Keep why a preview was refused, and how a film can be watched

Revision ID: 202611220004
Revises: 202611220002
Create Date: 2026-11-22 01:50:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611220004"
down_revision: str | None = "202611220002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("preview", sa.Column("reason", sa.String(length=30), nullable=True))
    op.add_column("preview", sa.Column("film", sa.String(length=10), nullable=True))
    op.add_column("preview", sa.Column("duration_ms", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("preview", sa.Column("film_bytes", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    for name in ("film_bytes", "duration_ms", "film", "reason"):
        op.drop_column("preview", name)
