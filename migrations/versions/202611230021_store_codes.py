"""Stores have codes, by which tables of other systems name them

Revision ID: 202611230021
Revises: 202611221481
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611230021"
down_revision: str | None = "202611221481"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("site") as table:
        table.add_column(sa.Column("code", sa.String(20), nullable=True))
        table.add_column(sa.Column("code_key", sa.String(60), nullable=True))
        table.create_unique_constraint(op.f("uq_site_code_key"), ["code_key"])
        table.create_check_constraint("code", "kind = 'store' OR code IS NULL")
        table.create_check_constraint("code_key", "(code IS NULL) = (code_key IS NULL)")


def downgrade() -> None:
    with op.batch_alter_table("site") as table:
        table.drop_constraint(op.f("ck_site_code_key"), type_="check")
        table.drop_constraint(op.f("ck_site_code"), type_="check")
        table.drop_constraint(op.f("uq_site_code_key"), type_="unique")
        table.drop_column("code_key")
        table.drop_column("code")
