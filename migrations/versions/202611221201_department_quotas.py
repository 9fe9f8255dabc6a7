"""Quotas of departments

Revision ID: 202611221201
Revises: 202611221101
Create Date: 2026-11-22 08:02:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611221201"
down_revision: str | None = "202611221101"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    for table, column in (("department_quota", "quota_bytes"), ("department_use", "used_bytes")):
        op.create_table(
            table,
            sa.Column("department_id", sa.String(length=26), nullable=False),
            sa.Column(column, sa.BigInteger(), nullable=False),
            sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f(f"fk_{table}_department_id_department")),
            sa.PrimaryKeyConstraint("department_id", name=op.f(f"pk_{table}")),
        )


def downgrade() -> None:
    op.drop_table("department_use")
    op.drop_table("department_quota")
