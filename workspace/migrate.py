"""Runs the Alembic migrations in ``migrations/`` against a database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from workspace.db import Database
from workspace.errors import Unavailable
from workspace.settings import ROOT

if TYPE_CHECKING:
    from alembic.config import Config


MIGRATION_LOCK = 0x4D494752  # PostgreSQL advisory lock.


def alembic_config(database: Database) -> "Config":
    from alembic.config import Config  # Loaded here alone: one process of five migrates.

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["database"] = database
    return config


def migrate_database(database: Database) -> None:
    """Upgrade to the newest revision; does nothing when it is there already. Unavailable when no database answers."""
    from alembic import command

    try:
        with _alone(database):
            command.upgrade(alembic_config(database), "head")
    except OperationalError as error:
        address = database.url.render_as_string(hide_password=True)
        raise Unavailable("The database does not answer", f"{address}: {error.orig}") from error


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Nobody else migrates inside the block: machines that start together would all find the same tables missing, and all but one fail."""
    if database.is_sqlite:
        yield  # One machine, and one supervisor that migrates before it starts anything.
        return
    with database.engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        yield
