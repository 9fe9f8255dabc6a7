"""Migrating while others do, and what is there already."""

import threading
import time
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

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
