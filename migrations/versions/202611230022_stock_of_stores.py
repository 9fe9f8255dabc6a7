"""A count of stock knows its store

Revision ID: 202611230022
Revises: 202611230021
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611230022"
down_revision: str | None = "202611230021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("stock_count") as table:  # Older ones know it by what the file called it.
        table.add_column(sa.Column("site_id", sa.String(26), nullable=True))
        table.create_foreign_key(op.f("fk_stock_count_site_id_site"), "site", ["site_id"], ["id"])


def downgrade() -> None:
    # As the release before it keeps them: by the name of the store.
    op.execute("UPDATE stock_count SET place = (SELECT name FROM site WHERE site.id = site_id) WHERE site_id IS NOT NULL")
    with op.batch_alter_table("stock_count") as table:
        table.drop_constraint(op.f("fk_stock_count_site_id_site"), type_="foreignkey")
        table.drop_column("site_id")
