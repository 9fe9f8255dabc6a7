"""Runs the Alembic migrations in ``migrations/`` against a database."""

from alembic import command
from alembic.config import Config

from workspace.db import Database
from workspace.settings import ROOT

MIGRATION_LOCK = 0x4D494752


def alembic_config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.attributes["database"] = database
    return config


def migrate_database(database: Database) -> None:
    """Upgrade to the newest revision; does nothing when it is there already."""
    command.upgrade(alembic_config(database), "head")
