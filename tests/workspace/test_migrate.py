"""Migrating while others do."""

import threading
import time

import pytest
from sqlalchemy import text

from workspace.db import Database
from workspace.migrate import migrate_database

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
