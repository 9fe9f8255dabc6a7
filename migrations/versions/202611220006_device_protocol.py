"""Devices that open the libraries as network folders

Revision ID: 202611220006
Revises: 202611220005
Create Date: 2026-11-22 04:00:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611220006"
down_revision: str | None = "202611220005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("device", sa.Column("protocol", sa.String(10), server_default="sync", nullable=False))


def downgrade() -> None:
    op.execute(sa.text("UPDATE device SET revoked_at = created_at WHERE protocol = 'webdav'"))
    with op.batch_alter_table("device") as table:
        table.drop_column("protocol")
