"""Secret addresses of calendars; what members conclude when they look back

Revision ID: 202611221441
Revises: 202611221415
Create Date: 2026-11-22 14:41:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611221441"
down_revision: str | None = "202611221415"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "calendar_feed",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("read_at", sa.DateTime(), nullable=True),
        sa.Column("stopped_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_calendar_feed_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_feed_token_hash")),
    )
    op.create_index(op.f("ix_calendar_feed_member_id"), "calendar_feed", ["member_id"])
    op.create_table(
        "line_conclusion",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("written_by_id", sa.String(length=26), nullable=False),
        sa.Column("written_at", sa.DateTime(), nullable=False),
        sa.Column("edited_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('good', 'improve', 'next')", name=op.f("ck_line_conclusion_kind")),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_line_conclusion_line_id_main_line")),
        sa.ForeignKeyConstraint(["written_by_id"], ["member.id"], name=op.f("fk_line_conclusion_written_by_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_conclusion")),
    )
    op.create_index(op.f("ix_line_conclusion_line_id"), "line_conclusion", ["line_id"])


def downgrade() -> None:
    op.drop_table("line_conclusion")
    op.drop_table("calendar_feed")
