"""Index the console sessions that are open

Revision ID: 202611220001
Revises: 202611210001
Create Date: 2026-11-22 00:55:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611220001"
down_revision: str | None = "202611210001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    still_open = sa.text("closed_at IS NULL")
    op.create_index("ix_console_session_open", "console_session", ["desktop_id"], sqlite_where=still_open, postgresql_where=still_open)


def downgrade() -> None:
    op.drop_index("ix_console_session_open", "console_session")
