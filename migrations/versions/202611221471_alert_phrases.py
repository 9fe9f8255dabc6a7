"""Alerts that a rule has raised keep phrases, so that each reader sees them in their own language

Revision ID: 202611221471
Revises: 202611221461
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "202611221471"
down_revision: str | None = "202611221461"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    with op.batch_alter_table("alert") as table:  # Older ones stay as they were put in words.
        table.add_column(sa.Column("said", json, nullable=False, server_default=sa.text("'{}'")))


def downgrade() -> None:
    with op.batch_alter_table("alert") as table:
        table.drop_column("said")
