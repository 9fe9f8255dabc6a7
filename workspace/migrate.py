"""Runs the Alembic migrations in ``migrations/`` against a database."""

from typing import TYPE_CHECKING

from sqlalchemy.exc import OperationalError

from workspace.db import Database
from workspace.errors import Unavailable
from workspace.settings import ROOT

if TYPE_CHECKING:
    from alembic.config import Config


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
        command.upgrade(alembic_config(database), "head")
    except OperationalError as error:
        address = database.url.render_as_string(hide_password=True)
        raise Unavailable("The database does not answer", f"{address}: {error.orig}") from error
