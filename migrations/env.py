"""Alembic environment: one transaction a migration, on the Database that the caller hands over."""

from alembic import context

import app  # noqa: F401  Imports every feature, so that autogenerate sees all tables.
from workspace.db import Base, Database

database: Database = context.config.attributes["database"]
with database.engine.connect().execution_options(mainline_writes=True) as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=database.is_sqlite,
        transaction_per_migration=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
