"""Create the first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "202611210001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "approval_template",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("definition", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_template")),
        sa.UniqueConstraint("key", "version", name=op.f("uq_approval_template_key_version")),
    )
    op.create_table(
        "asset_log_entry",
        sa.Column("library_id", sa.String(length=26), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("library_id", "seq", name=op.f("pk_asset_log_entry")),
    )
    op.create_table(
        "asset_op_answer",
        sa.Column("device_id", sa.String(length=26), nullable=False),
        sa.Column("library_id", sa.String(length=26), nullable=False),
        sa.Column("op_id", sa.String(length=40), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "library_id", "op_id", name=op.f("pk_asset_op_answer")),
    )
    op.create_table(
        "content_manifest",
        sa.Column("digest", sa.String(length=67), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_content_manifest")),
    )
    op.create_table(
        "department",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("parent_id", sa.String(length=26), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["department.id"], name=op.f("fk_department_parent_id_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department")),
        sa.UniqueConstraint("name", name=op.f("uq_department_name")),
    )
    op.create_table(
        "desktop_template",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("audience", sa.String(length=120), nullable=False),
        sa.Column("image_name", sa.String(length=60), nullable=False),
        sa.Column("memory_mib", sa.Integer(), nullable=False),
        sa.Column("vcpus", sa.Integer(), nullable=False),
        sa.Column("home_gib", sa.Integer(), nullable=False),
        sa.Column("idle_minutes", sa.Integer(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desktop_template")),
        sa.UniqueConstraint("name", name=op.f("uq_desktop_template_name")),
    )
    op.create_table(
        "event",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor_id", sa.String(length=26), nullable=True),
        sa.Column("actor_name", sa.String(length=120), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("rooms", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("rooms_changed", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("origin", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_event")),
    )
    op.create_index(op.f("ix_event_actor_id"), "event", ["actor_id"], unique=False)
    op.create_index(op.f("ix_event_kind"), "event", ["kind"], unique=False)
    op.create_index(op.f("ix_event_subject"), "event", ["subject"], unique=False)
    op.create_table(
        "gateway_seen",
        sa.Column("gateway", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", name=op.f("pk_gateway_seen")),
    )
    op.create_table(
        "idempotent_reply",
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("content_type", sa.String(length=80), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("location", sa.String(length=300), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("member_id", "key", name=op.f("pk_idempotent_reply")),
    )
    op.create_table(
        "image_version",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=80), nullable=False),
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.Column("facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.Column("gone_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image_version")),
        sa.UniqueConstraint("digest", name=op.f("uq_image_version_digest")),
        sa.UniqueConstraint("name", "number", name=op.f("uq_image_version_name_number")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=160), nullable=True),
        sa.Column("lane", sa.String(length=20), nullable=False),
        sa.Column("args", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("run_at", sa.DateTime(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
    )
    op.create_index("ix_job_due", "job", ["state", "lane", "run_at"], unique=False)
    op.create_index("ix_job_name_key", "job", ["name", "key"], unique=False)
    op.create_table(
        "library",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("scope_room", sa.String(length=80), nullable=True),
        sa.Column("root_id", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("quota_bytes", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library")),
        sa.UniqueConstraint("root_id", name=op.f("uq_library_root_id")),
    )
    op.create_index(op.f("ix_library_scope_room"), "library", ["scope_room"], unique=False)
    op.create_table(
        "member_group",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_group")),
    )
    op.create_table(
        "periodic_run",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("last_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_periodic_run")),
    )
    op.create_table(
        "preview",
        sa.Column("digest", sa.String(length=67), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("state IN ('made', 'failed')", name=op.f("ck_preview_state")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_preview")),
    )
    op.create_table(
        "role",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("permissions", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
        sa.UniqueConstraint("name", name=op.f("uq_role_name")),
    )
    op.create_table(
        "search_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("room", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("url", sa.String(length=200), nullable=False),
        sa.Column("grams", sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_entry")),
        sa.UniqueConstraint("subject", name=op.f("uq_search_entry_subject")),
    )
    op.create_index(op.f("ix_search_entry_room"), "search_entry", ["room"], unique=False)
    op.create_table(
        "sign_in_failure",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failure")),
    )
    op.create_index("ix_sign_in_failure_name_at", "sign_in_failure", ["name", "at"], unique=False)
    op.create_table(
        "site",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("parent_id", sa.String(length=26), nullable=True),
        sa.CheckConstraint("kind IN ('city', 'store')", name=op.f("ck_site_kind")),
        sa.ForeignKeyConstraint(["parent_id"], ["site.id"], name=op.f("fk_site_parent_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
    )
    op.create_table(
        "asset_node",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("library_id", sa.String(length=26), nullable=False),
        sa.Column("parent_id", sa.String(length=40), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("name_key", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=67), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.DateTime(), nullable=False),
        sa.Column("author_id", sa.String(length=26), nullable=True),
        sa.Column("author_name", sa.String(length=120), nullable=False),
        sa.Column("head_of", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('file', 'folder')", name=op.f("ck_asset_node_kind")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_asset_node_library_id_library")),
        sa.ForeignKeyConstraint(["parent_id"], ["asset_node.id"], name=op.f("fk_asset_node_parent_id_asset_node")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset_node")),
    )
    op.create_index("ix_asset_node_library_seq", "asset_node", ["library_id", "seq"], unique=False)
    op.create_index(op.f("ix_asset_node_parent_id"), "asset_node", ["parent_id"], unique=False)
    op.create_index(
        "uq_asset_node_live_name",
        "asset_node",
        ["parent_id", "name_key"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "content_pack",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("library_id", sa.String(length=26), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("address", sa.LargeBinary(length=32), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("state IN ('verified', 'corrupt')", name=op.f("ck_content_pack_state")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_content_pack_library_id_library")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_pack")),
    )
    op.create_index(op.f("ix_content_pack_library_id"), "content_pack", ["library_id"], unique=False)
    op.create_table(
        "event_room",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("room", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["event.seq"], name=op.f("fk_event_room_seq_event")),
        sa.PrimaryKeyConstraint("seq", "room", name=op.f("pk_event_room")),
    )
    op.create_index("ix_event_room_room_seq", "event_room", ["room", "seq"], unique=False)
    op.create_table(
        "host",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("uri", sa.String(length=300), nullable=False),
        sa.Column("site_id", sa.String(length=26), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("accepts_new", sa.Boolean(), nullable=False),
        sa.Column("facts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("probed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_host_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_host")),
        sa.UniqueConstraint("name", name=op.f("uq_host_name")),
        sa.UniqueConstraint("uri", name=op.f("uq_host_uri")),
    )
    op.create_table(
        "library_grant",
        sa.Column("library_id", sa.String(length=26), nullable=False),
        sa.Column("group_id", sa.String(length=26), nullable=False),
        sa.Column("right", sa.String(length=10), nullable=False),
        sa.CheckConstraint("\"right\" IN ('see', 'comment', 'edit', 'manage')", name=op.f("ck_library_grant_right")),
        sa.ForeignKeyConstraint(["group_id"], ["member_group.id"], name=op.f("fk_library_grant_group_id_member_group")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_library_grant_library_id_library")),
        sa.PrimaryKeyConstraint("library_id", "group_id", name=op.f("pk_library_grant")),
    )
    op.create_index(op.f("ix_library_grant_group_id"), "library_grant", ["group_id"], unique=False)
    op.create_table(
        "member",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("login", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("department_id", sa.String(length=26), nullable=False),
        sa.Column("site_id", sa.String(length=26), nullable=False),
        sa.Column("manager_id", sa.String(length=26), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("state IN ('active', 'left')", name=op.f("ck_member_state")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_member_department_id_department")),
        sa.ForeignKeyConstraint(["manager_id"], ["member.id"], name=op.f("fk_member_manager_id_member")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_member_site_id_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("login", name=op.f("uq_member_login")),
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("template_id", sa.String(length=26), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("form_revision", sa.Integer(), nullable=False),
        sa.Column("applicant_id", sa.String(length=26), nullable=False),
        sa.Column("applicant_name", sa.String(length=60), nullable=False),
        sa.Column("applicant_department", sa.String(length=60), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("line_id", sa.String(length=26), nullable=True),
        sa.Column("task_id", sa.String(length=26), nullable=True),
        sa.Column("pin", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("actions", sa.Integer(), nullable=False),
        sa.Column("log_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("moved_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["applicant_id"], ["member.id"], name=op.f("fk_approval_applicant_id_member")),
        sa.ForeignKeyConstraint(["template_id"], ["approval_template.id"], name=op.f("fk_approval_template_id_approval_template")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    op.create_index("ix_approval_applicant_id", "approval", ["applicant_id", "id"], unique=False)
    op.create_index("ix_approval_line_id", "approval", ["line_id", "id"], unique=False)
    op.create_index(op.f("ix_approval_state"), "approval", ["state"], unique=False)
    op.create_index(op.f("ix_approval_task_id"), "approval", ["task_id"], unique=False)
    op.create_table(
        "asset_version",
        sa.Column("node_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("library_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=67), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("author_id", sa.String(length=26), nullable=True),
        sa.Column("author_name", sa.String(length=120), nullable=False),
        sa.Column("device_id", sa.String(length=26), nullable=True),
        sa.Column("modified_at", sa.DateTime(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["digest"], ["content_manifest.digest"], name=op.f("fk_asset_version_digest_content_manifest")),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_asset_version_library_id_library")),
        sa.ForeignKeyConstraint(["node_id"], ["asset_node.id"], name=op.f("fk_asset_version_node_id_asset_node")),
        sa.PrimaryKeyConstraint("node_id", "number", name=op.f("pk_asset_version")),
    )
    op.create_index("ix_asset_version_library_at", "asset_version", ["library_id", "at"], unique=False)
    op.create_index("ix_asset_version_library_digest", "asset_version", ["library_id", "digest"], unique=False)
    op.create_table(
        "content_chunk",
        sa.Column("library_id", sa.String(length=26), nullable=False),
        sa.Column("address", sa.LargeBinary(length=32), nullable=False),
        sa.Column("pack_id", sa.String(length=26), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("stored_bytes", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("coding", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["library_id"], ["library.id"], name=op.f("fk_content_chunk_library_id_library")),
        sa.ForeignKeyConstraint(["pack_id"], ["content_pack.id"], name=op.f("fk_content_chunk_pack_id_content_pack")),
        sa.PrimaryKeyConstraint("library_id", "address", name=op.f("pk_content_chunk")),
    )
    op.create_index(op.f("ix_content_chunk_pack_id"), "content_chunk", ["pack_id"], unique=False)
    op.create_table(
        "desktop",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("template_id", sa.String(length=26), nullable=False),
        sa.Column("host_id", sa.String(length=26), nullable=True),
        sa.Column("image_id", sa.String(length=26), nullable=True),
        sa.Column("memory_mib", sa.Integer(), nullable=False),
        sa.Column("vcpus", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("wanted", sa.String(length=12), nullable=False),
        sa.Column("restart", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("deadline_at", sa.DateTime(), nullable=True),
        sa.Column("booted_at", sa.DateTime(), nullable=True),
        sa.Column("ready_at", sa.DateTime(), nullable=True),
        sa.Column("problem", sa.String(length=400), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("retry_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "state IN ('requested', 'placed', 'cloned', 'stopped', 'starting', 'booting', 'ready', 'in_use', 'idle', 'hibernating', 'hibernated', 'waking', 'retiring', 'gone')",
            name=op.f("ck_desktop_state"),
        ),
        sa.CheckConstraint("wanted IN ('running', 'hibernated', 'gone')", name=op.f("ck_desktop_wanted")),
        sa.ForeignKeyConstraint(["host_id"], ["host.id"], name=op.f("fk_desktop_host_id_host")),
        sa.ForeignKeyConstraint(["image_id"], ["image_version.id"], name=op.f("fk_desktop_image_id_image_version")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_desktop_member_id_member")),
        sa.ForeignKeyConstraint(["template_id"], ["desktop_template.id"], name=op.f("fk_desktop_template_id_desktop_template")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desktop")),
        sa.UniqueConstraint("number", name=op.f("uq_desktop_number")),
    )
    op.create_index(op.f("ix_desktop_host_id"), "desktop", ["host_id"], unique=False)
    op.create_index(op.f("ix_desktop_image_id"), "desktop", ["image_id"], unique=False)
    op.create_index(op.f("ix_desktop_member_id"), "desktop", ["member_id"], unique=False)
    op.create_index(
        "uq_desktop_living",
        "desktop",
        ["member_id", "template_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'gone'"),
        postgresql_where=sa.text("state <> 'gone'"),
    )
    op.create_table(
        "device",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("desktop_id", sa.String(length=26), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('desktop', 'pc')", name=op.f("ck_device_kind")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_device_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_device_token_hash")),
    )
    op.create_index(op.f("ix_device_desktop_id"), "device", ["desktop_id"], unique=False)
    op.create_index(op.f("ix_device_member_id"), "device", ["member_id"], unique=False)
    op.create_table(
        "enrolment_code",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("desktop_id", sa.String(length=26), nullable=True),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.Column("nonce_hash", sa.String(length=64), nullable=True),
        sa.Column("device_id", sa.String(length=26), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_enrolment_code_member_id_member")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_enrolment_code")),
    )
    op.create_table(
        "host_seen",
        sa.Column("host_id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=True),
        sa.Column("trouble", sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(["host_id"], ["host.id"], name=op.f("fk_host_seen_host_id_host")),
        sa.PrimaryKeyConstraint("host_id", name=op.f("pk_host_seen")),
    )
    op.create_table(
        "main_line",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("goal", sa.String(length=200), nullable=False),
        sa.Column("d_day", sa.Date(), nullable=False),
        sa.Column("phase", sa.String(length=10), nullable=False),
        sa.Column("group_id", sa.String(length=26), nullable=False),
        sa.Column("library_id", sa.String(length=26), nullable=True),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("opened_by_id", sa.String(length=26), nullable=False),
        sa.Column("health", sa.String(length=10), nullable=False),
        sa.Column("health_reason", sa.String(length=200), nullable=False),
        sa.Column("health_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("health IN ('', 'green', 'amber', 'red')", name=op.f("ck_main_line_health")),
        sa.CheckConstraint("phase IN ('prepare', 'execute', 'review', 'closed')", name=op.f("ck_main_line_phase")),
        sa.ForeignKeyConstraint(["group_id"], ["member_group.id"], name=op.f("fk_main_line_group_id_member_group")),
        sa.ForeignKeyConstraint(["opened_by_id"], ["member.id"], name=op.f("fk_main_line_opened_by_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_main_line")),
    )
    op.create_table(
        "member_group_member",
        sa.Column("group_id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["member_group.id"], name=op.f("fk_member_group_member_group_id_member_group")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_member_group_member_member_id_member")),
        sa.PrimaryKeyConstraint("group_id", "member_id", name=op.f("pk_member_group_member")),
    )
    op.create_index(op.f("ix_member_group_member_member_id"), "member_group_member", ["member_id"], unique=False)
    op.create_table(
        "member_role",
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("role_id", sa.String(length=26), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_member_role_member_id_member")),
        sa.ForeignKeyConstraint(["role_id"], ["role.id"], name=op.f("fk_member_role_role_id_role")),
        sa.PrimaryKeyConstraint("member_id", "role_id", name=op.f("pk_member_role")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.String(length=200), nullable=False),
        sa.Column("asks", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("read_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_notice_member_id_member")),
        sa.ForeignKeyConstraint(["seq"], ["event.seq"], name=op.f("fk_notice_seq_event")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("member_id", "seq", name=op.f("uq_notice_member_id_seq")),
    )
    op.create_index("ix_notice_unread", "notice", ["member_id", "read_at"], unique=False)
    op.create_table(
        "sign_in_session",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_sign_in_session_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_in_session_token_hash")),
    )
    op.create_index(op.f("ix_sign_in_session_member_id"), "sign_in_session", ["member_id"], unique=False)
    op.create_table(
        "alert",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("raised_by_id", sa.String(length=26), nullable=False),
        sa.Column("raised_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('stock', 'blocked', 'late', 'other')", name=op.f("ck_alert_kind")),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_alert_line_id_main_line")),
        sa.ForeignKeyConstraint(["raised_by_id"], ["member.id"], name=op.f("fk_alert_raised_by_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index(op.f("ix_alert_line_id"), "alert", ["line_id"], unique=False)
    op.create_table(
        "approval_action",
        sa.Column("approval_id", sa.String(length=26), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("step_id", sa.String(length=26), nullable=True),
        sa.Column("actor_id", sa.String(length=26), nullable=False),
        sa.Column("actor_name", sa.String(length=60), nullable=False),
        sa.Column("actor_department", sa.String(length=60), nullable=False),
        sa.Column("on_behalf_of_id", sa.String(length=26), nullable=True),
        sa.Column("verb", sa.String(length=12), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("payload", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("body_digest", sa.String(length=64), nullable=False),
        sa.Column("reply", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["member.id"], name=op.f("fk_approval_action_actor_id_member")),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_approval_action_approval_id_approval")),
        sa.PrimaryKeyConstraint("approval_id", "seq", name=op.f("pk_approval_action")),
        sa.UniqueConstraint("actor_id", "key", name=op.f("uq_approval_action_actor_id_key")),
    )
    op.create_table(
        "approval_form",
        sa.Column("approval_id", sa.String(length=26), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("values", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("pin", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_approval_form_approval_id_approval")),
        sa.PrimaryKeyConstraint("approval_id", "revision", name=op.f("pk_approval_form")),
    )
    op.create_table(
        "approval_participant",
        sa.Column("approval_id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("part", sa.String(length=10), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_approval_participant_approval_id_approval")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_approval_participant_member_id_member")),
        sa.PrimaryKeyConstraint("approval_id", "member_id", "part", name=op.f("pk_approval_participant")),
    )
    op.create_index("ix_approval_participant_member", "approval_participant", ["member_id", "part", "approval_id"], unique=False)
    op.create_table(
        "approval_step",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("approval_id", sa.String(length=26), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("node", sa.String(length=26), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("holder_id", sa.String(length=26), nullable=False),
        sa.Column("holder_name", sa.String(length=60), nullable=False),
        sa.Column("on_behalf_of_id", sa.String(length=26), nullable=True),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("form_revision", sa.Integer(), nullable=False),
        sa.Column("asks_for", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["approval_id"], ["approval.id"], name=op.f("fk_approval_step_approval_id_approval")),
        sa.ForeignKeyConstraint(["holder_id"], ["member.id"], name=op.f("fk_approval_step_holder_id_member")),
        sa.ForeignKeyConstraint(["on_behalf_of_id"], ["member.id"], name=op.f("fk_approval_step_on_behalf_of_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_step")),
    )
    op.create_index("ix_approval_step_approval", "approval_step", ["approval_id", "position"], unique=False)
    op.create_index("ix_approval_step_holder", "approval_step", ["holder_id", "state"], unique=False)
    op.create_table(
        "console_session",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("desktop_id", sa.String(length=26), nullable=False),
        sa.Column("sign_in_hash", sa.String(length=64), nullable=False),
        sa.Column("gateway", sa.String(length=120), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["desktop_id"], ["desktop.id"], name=op.f("fk_console_session_desktop_id_desktop")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_console_session_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_console_session")),
    )
    op.create_index(op.f("ix_console_session_desktop_id"), "console_session", ["desktop_id"], unique=False)
    op.create_index(op.f("ix_console_session_member_id"), "console_session", ["member_id"], unique=False)
    op.create_table(
        "console_token",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("desktop_id", sa.String(length=26), nullable=False),
        sa.Column("sign_in_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["desktop_id"], ["desktop.id"], name=op.f("fk_console_token_desktop_id_desktop")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_console_token_member_id_member")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_console_token")),
    )
    op.create_table(
        "desktop_activity",
        sa.Column("desktop_id", sa.String(length=26), nullable=False),
        sa.Column("last_input_at", sa.DateTime(), nullable=True),
        sa.Column("channel_up_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["desktop_id"], ["desktop.id"], name=op.f("fk_desktop_activity_desktop_id_desktop")),
        sa.PrimaryKeyConstraint("desktop_id", name=op.f("pk_desktop_activity")),
    )
    op.create_table(
        "device_seen",
        sa.Column("device_id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("status", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_device_seen_device_id_device")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_seen")),
    )
    op.create_table(
        "line_gate",
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.Column("phase", sa.String(length=10), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=False),
        sa.Column("closed_by_id", sa.String(length=26), nullable=False),
        sa.Column("open_orders", sa.Integer(), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["closed_by_id"], ["member.id"], name=op.f("fk_line_gate_closed_by_id_member")),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_line_gate_line_id_main_line")),
        sa.PrimaryKeyConstraint("line_id", "phase", name=op.f("pk_line_gate")),
    )
    op.create_table(
        "line_member",
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("joined_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("role IN ('director', 'member')", name=op.f("ck_line_member_role")),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_line_member_line_id_main_line")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_line_member_member_id_member")),
        sa.PrimaryKeyConstraint("line_id", "member_id", name=op.f("pk_line_member")),
    )
    op.create_index(op.f("ix_line_member_member_id"), "line_member", ["member_id"], unique=False)
    op.create_table(
        "progress_post",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.Column("author_id", sa.String(length=26), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["member.id"], name=op.f("fk_progress_post_author_id_member")),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_progress_post_line_id_main_line")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_progress_post")),
    )
    op.create_index(op.f("ix_progress_post_line_id"), "progress_post", ["line_id"], unique=False)
    op.create_table(
        "task_order",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("requirements", sa.Text(), nullable=False),
        sa.Column("phase", sa.String(length=10), nullable=False),
        sa.Column("department_id", sa.String(length=26), nullable=False),
        sa.Column("owner_id", sa.String(length=26), nullable=True),
        sa.Column("site_id", sa.String(length=26), nullable=True),
        sa.Column("due_offset", sa.Integer(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("checklist", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("state_at", sa.DateTime(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("signed_revision", sa.Integer(), nullable=True),
        sa.Column("signed_at", sa.DateTime(), nullable=True),
        sa.Column("signed_by_id", sa.String(length=26), nullable=True),
        sa.Column("blocked_at", sa.DateTime(), nullable=True),
        sa.Column("blocked_reason", sa.String(length=300), nullable=False),
        sa.Column("returned_reason", sa.String(length=500), nullable=False),
        sa.Column("deliverable", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("delivered_at", sa.DateTime(), nullable=True),
        sa.Column("approval_id", sa.String(length=26), nullable=True),
        sa.Column("approval_seq", sa.Integer(), nullable=False),
        sa.Column("written_by_id", sa.String(length=26), nullable=False),
        sa.Column("written_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("(blocked_at IS NULL) = (blocked_reason = '')", name=op.f("ck_task_order_blocked_reason")),
        sa.CheckConstraint(
            "state IN ('draft', 'waiting', 'ready', 'in_progress', 'delivered', 'returned', 'accepted', 'closed')",
            name=op.f("ck_task_order_state"),
        ),
        sa.CheckConstraint("due_offset IS NULL OR due_on IS NULL", name=op.f("ck_task_order_one_due")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_task_order_department_id_department")),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_task_order_line_id_main_line")),
        sa.ForeignKeyConstraint(["owner_id"], ["member.id"], name=op.f("fk_task_order_owner_id_member")),
        sa.ForeignKeyConstraint(["signed_by_id"], ["member.id"], name=op.f("fk_task_order_signed_by_id_member")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_task_order_site_id_site")),
        sa.ForeignKeyConstraint(["written_by_id"], ["member.id"], name=op.f("fk_task_order_written_by_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_order")),
        sa.UniqueConstraint("line_id", "number", name=op.f("uq_task_order_line_id_number")),
    )
    op.create_index("ix_task_order_line_state", "task_order", ["line_id", "state"], unique=False)
    op.create_index(op.f("ix_task_order_owner_id"), "task_order", ["owner_id"], unique=False)
    op.create_table(
        "usage_interval",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("desktop_id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("department_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('running', 'hibernated')", name=op.f("ck_usage_interval_kind")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_usage_interval_department_id_department")),
        sa.ForeignKeyConstraint(["desktop_id"], ["desktop.id"], name=op.f("fk_usage_interval_desktop_id_desktop")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_usage_interval_member_id_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_interval")),
    )
    op.create_index(op.f("ix_usage_interval_desktop_id"), "usage_interval", ["desktop_id"], unique=False)
    op.create_index(
        "uq_usage_interval_open",
        "usage_interval",
        ["desktop_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "alert_acknowledgement",
        sa.Column("alert_id", sa.String(length=26), nullable=False),
        sa.Column("member_id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_alert_acknowledgement_alert_id_alert")),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name=op.f("fk_alert_acknowledgement_member_id_member")),
        sa.PrimaryKeyConstraint("alert_id", "member_id", name=op.f("pk_alert_acknowledgement")),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute('CREATE VIRTUAL TABLE search_grams USING fts5(grams, tokenize = "unicode61 remove_diacritics 0")')
    else:
        op.execute("CREATE INDEX ix_search_entry_grams ON search_entry USING gin (grams)")
