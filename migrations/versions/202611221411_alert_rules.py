"""Alerts have a severity, a cause and a stair; lines their own rules

Revision ID: 202611221411
Revises: 202611221301
Create Date: 2026-11-22 14:00:00

"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "202611221411"
down_revision: str | None = "202611221301"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_BEFORE = ("stock", "blocked", "late", "other")
_NOW = ("stock", "sales", "blocked", "late", "sign_off", "gate", "other")
_STANDS = sa.text("closed_at IS NULL")
_CAUSE_STANDS = sa.text("rule <> '' AND cause_gone_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("alert") as table:
        table.drop_constraint(op.f("ck_alert_kind"), type_="check")
        table.create_check_constraint("kind", _among("kind", _NOW))
        table.alter_column("raised_by_id", existing_type=sa.String(length=26), nullable=True)
        table.add_column(sa.Column("severity", sa.String(length=10), nullable=False, server_default="warning"))
        table.create_check_constraint("severity", _among("severity", ("critical", "warning", "info")))
        table.add_column(sa.Column("rule", sa.String(length=20), nullable=False, server_default=""))
        table.add_column(sa.Column("subject", sa.String(length=120), nullable=False, server_default=""))
        table.add_column(sa.Column("closed_by_id", sa.String(length=26), nullable=True))
        table.create_foreign_key(op.f("fk_alert_closed_by_id_member"), "member", ["closed_by_id"], ["id"])
        table.add_column(sa.Column("cause_gone_at", sa.DateTime(), nullable=True))
        table.add_column(sa.Column("escalates_at", sa.DateTime(), nullable=True))
        table.add_column(
            sa.Column("escalations", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, server_default="[]")
        )
    op.create_index(op.f("ix_alert_escalates_at"), "alert", ["escalates_at"])
    op.create_index("ix_alert_standing", "alert", ["line_id"], sqlite_where=_STANDS, postgresql_where=_STANDS)
    op.create_index(
        "uq_alert_cause",
        "alert",
        ["line_id", "rule", "subject"],
        unique=True,
        sqlite_where=_CAUSE_STANDS,
        postgresql_where=_CAUSE_STANDS,
    )
    op.create_table(
        "alert_rule",
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.Column("rule", sa.String(length=20), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_alert_rule_line_id_main_line")),
        sa.PrimaryKeyConstraint("line_id", "rule", name=op.f("pk_alert_rule")),
    )
    op.create_table(
        "alert_stair",
        sa.Column("line_id", sa.String(length=26), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("remind", sa.Integer(), nullable=False),
        sa.Column("head", sa.Integer(), nullable=False),
        sa.Column("director", sa.Integer(), nullable=False),
        sa.Column("everyone", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["line_id"], ["main_line.id"], name=op.f("fk_alert_stair_line_id_main_line")),
        sa.PrimaryKeyConstraint("line_id", "severity", name=op.f("pk_alert_stair")),
    )


def downgrade() -> None:
    op.drop_table("alert_stair")
    op.drop_table("alert_rule")
    op.drop_index("uq_alert_cause", "alert")
    op.drop_index("ix_alert_standing", "alert")
    op.drop_index(op.f("ix_alert_escalates_at"), "alert")
    op.execute("DELETE FROM alert_acknowledgement WHERE alert_id IN (SELECT id FROM alert WHERE raised_by_id IS NULL)")
    op.execute("DELETE FROM alert WHERE raised_by_id IS NULL")
    op.execute("UPDATE alert SET kind = 'other' WHERE kind IN ('sales', 'sign_off', 'gate')")
    with op.batch_alter_table("alert") as table:
        table.drop_constraint(op.f("ck_alert_kind"), type_="check")
        table.create_check_constraint("kind", _among("kind", _BEFORE))
        table.drop_constraint(op.f("ck_alert_severity"), type_="check")
        table.drop_constraint(op.f("fk_alert_closed_by_id_member"), type_="foreignkey")
        table.alter_column("raised_by_id", existing_type=sa.String(length=26), nullable=False)
        for column in ("escalations", "escalates_at", "cause_gone_at", "closed_by_id", "subject", "rule", "severity"):
            table.drop_column(column)


def _among(column: str, values: Sequence[str]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"
