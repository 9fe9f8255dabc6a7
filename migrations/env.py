"""Alembic environment: one transaction a migration, on the Database that the caller hands over."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import JSON, Text, TypeDecorator

import wiring  # noqa: F401  Imports every feature, so that autogenerate sees all tables.
from workspace.db import Base, Database


def render_type(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Migrations name plain database types: they must still run when our Python types have changed."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    if kind == "type" and isinstance(item, Text) and "postgresql" in item._variant_mapping:
        autogen_context.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.Text().with_variant(postgresql.TSVECTOR(), "postgresql")'
    if kind == "type" and isinstance(item, JSON):
        autogen_context.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


database: Database = context.config.attributes["database"]
with database.engine.connect().execution_options(mainline_writes=True) as connection:
    raw = connection.connection.dbapi_connection
    assert raw is not None
    if database.is_sqlite:  # A table that others point to is made anew only so: https://sqlite.org/lang_altertable.html#otheralter
        raw.execute("PRAGMA foreign_keys = OFF")  # Outside of the transaction; within one it does nothing.
    try:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=True,
            transactional_ddl=True,  # Alembic assumes SQLite has none; it has, since we emit BEGIN ourselves.
            compare_type=True,
            render_item=render_type,
        )
        with context.begin_transaction():
            context.run_migrations()
    finally:
        if database.is_sqlite:
            connection.rollback()
            raw.execute("PRAGMA foreign_keys = ON")
