"""What is written in documents

Revision ID: 202611220701
Revises: 202611220201
Create Date: 2026-11-22 05:40:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611220701"
down_revision: str | None = "202611220201"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "document_words",
        sa.Column("digest", sa.String(length=67), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_document_words")),
    )


def downgrade() -> None:
    op.drop_table("document_words")
