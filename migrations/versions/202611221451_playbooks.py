"""Playbooks of the company with their versions and drafts, what a line was opened from, milestones of a line

Revision ID: 202611221451
Revises: 202611221441
Create Date: 2026-11-22 14:10:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "202611221451"
down_revision: str | None = "202611221441"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "playbook",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("made_by_id", sa.String(length=26), nullable=False),
        sa.Column("removed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["made_by_id"], ["member.id"], name=op.f("fk_playbook_made_by_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_playbook")),
    )
    op.create_table(
        "playbook_version",
        sa.Column("playbook_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("content", _JSON, nullable=False),
        sa.Column("changes", _JSON, nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("saved_at", sa.DateTime(), nullable=False),
        sa.Column("saved_by_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["playbook_id"], ["playbook.id"], name=op.f("fk_playbook_version_playbook_id_playbook")),
        sa.ForeignKeyConstraint(["saved_by_id"], ["member.id"], name=op.f("fk_playbook_version_saved_by_id_member")),
        sa.PrimaryKeyConstraint("playbook_id", "number", name=op.f("pk_playbook_version")),
    )
    op.create_table(
        "playbook_draft",
        sa.Column("playbook_id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("body", _JSON, nullable=False),
        sa.Column("saved_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["playbook_id"], ["playbook.id"], name=op.f("fk_playbook_draft_playbook_id_playbook")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_playbook_draft_member_id_member")),
        sa.PrimaryKeyConstraint("playbook_id", "member_id", name=op.f("pk_playbook_draft")),
    )
    op.create_table(
        "line_playbook",
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.Column("playbook", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_line_playbook_line_id_main_line")),
        sa.PrimaryKeyConstraint("line_id", name=op.f("pk_line_playbook")),
    )
    op.create_index(op.f("ix_line_playbook_playbook"), "line_playbook", ["playbook"])
    op.create_table(
        "line_milestone",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("due_offset", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_line_milestone_line_id_main_line")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_milestone")),
    )
    op.create_index(op.f("ix_line_milestone_line_id"), "line_milestone", ["line_id"])


def downgrade() -> None:
    for table in ("line_milestone", "line_playbook", "playbook_draft", "playbook_version", "playbook"):
        op.drop_table(table)
