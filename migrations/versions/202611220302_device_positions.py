"""How far devices have read the feeds of libraries

Revision ID: 202611220302
Revises: 202611220301
Create Date: 2026-11-22 04:40:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611220302"
down_revision: str | None = "202611220301"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "device_position",
        sa.Column("device_id", sa.String(length=26), nullable=False),
        sa.Column("library_id", sa.String(length=26), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_position_device_id_device")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_device_position_library_id_library")),
        sa.PrimaryKeyConstraint("device_id", "library_id", name=op.f("pk_device_position")),
    )
    op.create_index(op.f("ix_device_position_library_id"), "device_position", ["library_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_device_position_library_id"), table_name="device_position")
    op.drop_table("device_position")
