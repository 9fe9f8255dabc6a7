"""Waiting jobs by their key

Revision ID: 202611220901
Revises: 202611220601
Create Date: 2026-11-22 07:20:00

"""

from collections.abc import Sequence

from alembic import op

revision: str = "202611220901"
down_revision: str | None = "202611220601"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # SQLite preferred (state, ...) to (name, key), and read through all jobs that waited before it added one.
    op.drop_index("ix_job_name_key", table_name="job")
    op.create_index("ix_job_waiting_key", "job", ["name", "key", "state"])


def downgrade() -> None:
    op.drop_index("ix_job_waiting_key", table_name="job")
    op.create_index("ix_job_name_key", "job", ["name", "key"])
