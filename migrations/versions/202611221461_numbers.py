"""Metrics of a main line with targets and actuals, its stock, their sources, drafts of imports and passes for programs

Revision ID: 202611221461
Revises: 202611221451
Create Date: 2026-11-22 14:46:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "202611221461"
down_revision: str | None = "202611221451"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_ID = sa.String(length=26)


def _references(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade() -> None:
    op.create_table(
        "line_metric",
        sa.Column("id", _ID, nullable=False),
        sa.Column("line_id", _ID, nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("unit", sa.String(length=10), nullable=False),
        sa.Column("better", sa.String(length=10), nullable=False),
        sa.Column("adds", sa.Boolean(), nullable=False),
        sa.Column("start_offset", sa.Integer(), nullable=False),
        sa.Column("end_offset", sa.Integer(), nullable=False),
        sa.Column("alert_below", sa.Integer(), nullable=True),
        sa.Column("defined_at", sa.DateTime(), nullable=False),
        sa.Column("defined_by_id", _ID, nullable=False),
        sa.Column("archived_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("better IN ('higher', 'lower')", name=op.f("ck_line_metric_better")),
        sa.CheckConstraint("start_offset <= end_offset", name=op.f("ck_line_metric_time")),
        sa.CheckConstraint("alert_below BETWEEN 0 AND 100", name=op.f("ck_line_metric_alert_below")),
        _references("line_metric", "line_id", "main_line"),
        _references("line_metric", "defined_by_id", "member"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_metric")),
        sa.UniqueConstraint("line_id", "name", name=op.f("uq_line_metric_line_id_name")),
    )
    op.create_table(
        "number_source",
        sa.Column("id", _ID, nullable=False),
        sa.Column("line_id", _ID, nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.Column("by_id", _ID, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("noted_at", sa.DateTime(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind IN ('xlsx', 'csv', 'api', 'typed')", name=op.f("ck_number_source_kind")),
        sa.CheckConstraint("what IN ('numbers', 'stock')", name=op.f("ck_number_source_what")),
        _references("number_source", "line_id", "main_line"),
        _references("number_source", "by_id", "member"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_source")),
        sa.UniqueConstraint("line_id", "what", "digest", name=op.f("uq_number_source_line_id_what_digest")),
    )
    op.create_table(
        "metric_value",
        sa.Column("id", _ID, nullable=False),
        sa.Column("metric_id", _ID, nullable=False),
        sa.Column("source_id", _ID, nullable=False),
        sa.Column("aim", sa.String(length=10), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("scope", sa.String(length=40), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("former", sa.BigInteger(), nullable=True),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.CheckConstraint("aim IN ('target', 'actual')", name=op.f("ck_metric_value_aim")),
        _references("metric_value", "metric_id", "line_metric"),
        _references("metric_value", "source_id", "number_source"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_metric_value")),
    )
    op.create_index("ix_metric_value_metric_current", "metric_value", ["metric_id", "current"])
    op.create_table(
        "stock_count",
        sa.Column("id", _ID, nullable=False),
        sa.Column("line_id", _ID, nullable=False),
        sa.Column("source_id", _ID, nullable=False),
        sa.Column("sku", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("place", sa.String(length=60), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("safety", sa.BigInteger(), nullable=True),
        sa.Column("former", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        _references("stock_count", "line_id", "main_line"),
        _references("stock_count", "source_id", "number_source"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_count")),
    )
    op.create_index("ix_stock_count_line_current", "stock_count", ["line_id", "current"])
    op.create_table(
        "number_draft",
        sa.Column("id", _ID, nullable=False),
        sa.Column("line_id", _ID, nullable=False),
        sa.Column("by_id", _ID, nullable=False),
        sa.Column("what", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("header", _JSON, nullable=False),
        sa.Column("rows", _JSON, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        _references("number_draft", "line_id", "main_line"),
        _references("number_draft", "by_id", "member"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_draft")),
    )
    op.create_index(op.f("ix_number_draft_line_id"), "number_draft", ["line_id"])
    op.create_table(
        "number_pass",
        sa.Column("id", _ID, nullable=False),
        sa.Column("line_id", _ID, nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("made_by_id", _ID, nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(), nullable=True),
        _references("number_pass", "line_id", "main_line"),
        _references("number_pass", "made_by_id", "member"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_pass")),
        sa.UniqueConstraint("digest", name=op.f("uq_number_pass_digest")),
    )
    op.create_index(op.f("ix_number_pass_line_id"), "number_pass", ["line_id"])


def downgrade() -> None:
    for table in ("number_pass", "number_draft", "stock_count", "metric_value", "number_source", "line_metric"):
        op.drop_table(table)
