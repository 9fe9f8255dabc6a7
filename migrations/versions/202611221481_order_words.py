"""Task orders written earlier are found by their checklists and expected deliverables too

Revision ID: 202611221481
Revises: 202611221471
Create Date: 2026-11-22 18:00:00

"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "202611221481"
down_revision: str | None = "202611221471"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JOB = sa.table(
    "job",
    *(sa.column(name, sa.String()) for name in ("id", "name", "key", "lane", "state")),
    *(sa.column(name, sa.DateTime()) for name in ("run_at", "created_at")),
    sa.column("args", sa.JSON().with_variant(postgresql.JSONB(), "postgresql")),
    sa.column("attempts", sa.Integer()),
)


def upgrade() -> None:
    if op.get_bind().execute(sa.text("SELECT 1 FROM task_order LIMIT 1")).first() is None:
        return
    now = datetime.now(UTC).replace(tzinfo=None)
    name = "main_lines.index_orders"
    row = {"id": uuid.uuid4().hex[:26].upper(), "name": name, "key": name, "lane": "quick", "state": "waiting"}
    op.execute(sa.insert(_JOB).values(**row, args={}, attempts=0, run_at=now, created_at=now))


def downgrade() -> None:
    op.execute(sa.delete(_JOB).where(_JOB.c.name == "main_lines.index_orders"))
