"""Migrating while others do, and what is there already."""

import threading
import time
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from workspace.db import Database
from workspace.migrate import alembic_config, migrate_database

WAITING = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.mark.server
def test_migration_when_two_machines_begin_at_once_then_one_after_the_other(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database, inside, may_end = Database(postgres_url), list[str](), threading.Event()

    def upgrade(_config: object, revision: str) -> None:
        inside.append(revision)
        may_end.wait(20)

    monkeypatch.setattr("alembic.command.upgrade", upgrade)
    machines = [threading.Thread(target=migrate_database, args=(database,)) for _ in range(2)]
    for machine in machines:
        machine.start()
    try:
        with database.engine.connect() as connection:
            until = time.monotonic() + 20
            while len(inside) < 2 and not connection.scalar(WAITING) and time.monotonic() < until:
                connection.rollback()
                time.sleep(0.01)
        assert inside == ["head"]
    finally:
        may_end.set()
        for machine in machines:
            machine.join()
    assert inside == ["head", "head"]
    database.dispose()


def test_migration_when_a_table_that_others_point_to_is_made_anew_then_its_rows_and_theirs_stay(tmp_path: Path) -> None:
    """On SQLite it is copied and dropped: with foreign keys on, an alert that somebody had acknowledged stopped the upgrade."""
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    command.upgrade(alembic_config(database), "202611221461")
    with database.engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        raw.execute("PRAGMA foreign_keys = OFF")
        raw.execute(
            "INSERT INTO alert (id, line_id, kind, title, detail, raised_at, escalations)"
            " VALUES ('a', 'l', 'stock', '缺货', '', '2026-11-01 00:00:00', '[]')"
        )
        raw.execute("INSERT INTO alert_acknowledgement (alert_id, member_id, at) VALUES ('a', 'm', '2026-11-01 00:01:00')")
        raw.execute("PRAGMA foreign_keys = ON")
    migrate_database(database)
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT title FROM alert JOIN alert_acknowledgement ON alert_id = alert.id")) == "缺货"
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    database.dispose()


def test_migration_when_stores_get_codes_then_those_that_exist_have_none_and_no_two_may_share_one(tmp_path: Path) -> None:
    _give_codes(Database(f"sqlite:///{tmp_path / 'old.db'}"))


@pytest.mark.server
def test_migration_when_stores_get_codes_in_postgres_then_the_same_holds(postgres_url: str) -> None:
    _give_codes(Database(postgres_url))


def _give_codes(database: Database) -> None:
    command.upgrade(alembic_config(database), "202611221481")
    with database.engine.begin() as connection:
        connection.execute(text("INSERT INTO site (id, kind, name) VALUES ('c', 'city', '上海')"))
        connection.execute(
            text("INSERT INTO site (id, kind, name, parent_id) VALUES ('s', 'store', '淮海路店', 'c'), ('t', 'store', '徐汇店', 'c')")
        )
    migrate_database(database)
    with database.engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM site WHERE code IS NULL AND code_key IS NULL")).scalar() == 3
        connection.execute(text("UPDATE site SET code = 'SH-1', code_key = 'sh-1' WHERE id = 's'"))
    for wrong in (
        "UPDATE site SET code = 'sh-1', code_key = 'sh-1' WHERE id = 't'", "UPDATE site SET code = 'X', code_key = 'x' WHERE id = 'c'",
        "UPDATE site SET code = 'X' WHERE id = 't'",
    ):  # fmt: skip
        with pytest.raises(IntegrityError), database.engine.begin() as connection:
            connection.execute(text(wrong))
    command.downgrade(alembic_config(database), "202611221481")
    with database.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM site")) == 3
    database.dispose()
