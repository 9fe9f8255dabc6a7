"""Grants on folders, for groups, departments, places and members

Revision ID: 202611220103
Revises: 202611220102
Create Date: 2026-11-22 04:15:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "202611220103"
down_revision: str | None = "202611220102"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "folder_grant",
        sa.Column("folder_id", sa.String(40), nullable=False),
        sa.Column("subject_kind", sa.String(12), nullable=False),
        sa.Column("subject_id", sa.String(26), nullable=False),
        sa.Column("library_id", sa.String(26), nullable=False),
        sa.Column("right", sa.String(10), nullable=False),
        sa.CheckConstraint("\"right\" IN ('none', 'see', 'comment', 'edit', 'manage')", name=op.f("ck_folder_grant_right")),
        sa.CheckConstraint(
            "subject_kind IN ('group', 'department', 'site', 'member')", name=op.f("ck_folder_grant_subject_kind")
        ),
        sa.ForeignKeyConstraint(["folder_id"], ["asset_node.id"], name=op.f("fk_folder_grant_folder_id_asset_node")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_folder_grant_library_id_library")),
        sa.PrimaryKeyConstraint("folder_id", "subject_kind", "subject_id", name=op.f("pk_folder_grant")),
    )  # fmt: skip
    op.create_index(op.f("ix_folder_grant_library_id"), "folder_grant", ["library_id"])
    op.create_index("ix_folder_grant_subject", "folder_grant", ["subject_kind", "subject_id"])
    op.create_table(
        "content_chunk_bringer",
        sa.Column("library_id", sa.String(26), nullable=False),
        sa.Column("member_id", sa.String(26), nullable=False),
        sa.Column("address", sa.LargeBinary(32), nullable=False),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_content_chunk_bringer_library_id_library")),
        sa.PrimaryKeyConstraint("library_id", "member_id", "address", name=op.f("pk_content_chunk_bringer")),
    )
    op.execute(
        'INSERT INTO folder_grant (folder_id, subject_kind, subject_id, library_id, "right") '
        "SELECT library.root_id, 'group', library_grant.group_id, library.id, library_grant.\"right\" "
        "FROM library_grant JOIN library ON library.id = library_grant.library_id"
    )
    _let_openers_manage()
    op.drop_index(op.f("ix_library_grant_group_id"), "library_grant")
    op.drop_table("library_grant")


def _let_openers_manage() -> None:
    """Nobody managed a library before: who opened it does, and of a main line's library its directors."""
    grant = 'INSERT INTO folder_grant (folder_id, subject_kind, subject_id, library_id, "right") '
    opened = (
        "SELECT DISTINCT library.root_id, 'member', event.actor_id, library.id, 'manage' FROM library "
        "JOIN event ON event.subject = 'library:' || library.id AND event.kind = 'library.library.opened' "
        "WHERE event.actor_id IS NOT NULL"
    )
    directed = (
        "SELECT library.root_id, 'member', line_member.member_id, library.id, 'manage' FROM library "
        "JOIN main_line ON library.scope_room = 'line:' || main_line.id "
        "JOIN line_member ON line_member.line_id = main_line.id AND line_member.role = 'director' "
        "WHERE NOT EXISTS (SELECT 1 FROM folder_grant AS there WHERE there.folder_id = library.root_id "
        "AND there.subject_kind = 'member' AND there.subject_id = line_member.member_id)"
    )
    op.execute(grant + opened)
    op.execute(grant + directed)


def downgrade() -> None:
    """Grants that only the newer release can express are lost."""
    op.create_table(
        "library_grant",
        sa.Column("library_id", sa.String(26), nullable=False),
        sa.Column("group_id", sa.String(26), nullable=False),
        sa.Column("right", sa.String(10), nullable=False),
        sa.CheckConstraint("\"right\" IN ('see', 'comment', 'edit', 'manage')", name=op.f("ck_library_grant_right")),
        sa.ForeignKeyConstraint(["group_id"], ["member_group.id"], name=op.f("fk_library_grant_group_id_member_group")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_library_grant_library_id_library")),
        sa.PrimaryKeyConstraint("library_id", "group_id", name=op.f("pk_library_grant")),
    )
    op.create_index(op.f("ix_library_grant_group_id"), "library_grant", ["group_id"])
    op.execute(
        'INSERT INTO library_grant (library_id, group_id, "right") '
        'SELECT folder_grant.library_id, folder_grant.subject_id, folder_grant."right" FROM folder_grant '
        "JOIN library ON library.root_id = folder_grant.folder_id "
        "WHERE folder_grant.subject_kind = 'group' AND folder_grant.\"right\" <> 'none'"
    )
    op.drop_table("content_chunk_bringer")
    op.drop_index("ix_folder_grant_subject", "folder_grant")
    op.drop_index(op.f("ix_folder_grant_library_id"), "folder_grant")
    op.drop_table("folder_grant")
