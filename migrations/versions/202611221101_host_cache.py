"""What a host's chunk cache counted.

Revision ID: 202611221101
Revises: 202611221002
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "202611221101"
down_revision: str | None = "202611221002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("host_seen", sa.Column("cache", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("host_seen") as batch:
        batch.drop_column("cache")
