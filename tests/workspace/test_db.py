"""Writing to SQLite while another process does."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy.exc
from sqlalchemy import text

from workspace import db
from workspace.db import Database


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.db"


@pytest.fixture
def here(file: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{file}")
    with made.session(writes=True) as session:
        session.execute(text("CREATE TABLE word (said TEXT)"))
        session.commit()
    yield made
    made.dispose()


@pytest.fixture
def elsewhere(here: Database, file: Path) -> Iterator[sqlite3.Connection]:
    """Another process in the middle of a change."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield connection


def say(database: Database, word: str) -> None:
    with database.session(writes=True) as session:
        session.execute(text("INSERT INTO word VALUES (:said)"), {"said": word})
        session.commit()


def test_write_when_another_process_writes_then_it_begins_as_soon_as_that_has_committed(
    here: Database, elsewhere: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 20:
            elsewhere.execute("COMMIT")

    monkeypatch.setattr(db.time, "sleep", pause)
    say(here, "one")
    assert pauses == [db.SQLITE_TRY_AGAIN_S] * 20, "no longer from try to try"
    assert elsewhere.execute("SELECT said FROM word").fetchall() == [("one",)]


def test_write_when_another_process_does_not_end_then_refused_and_the_next_one_is_taken(
    here: Database, elsewhere: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "SQLITE_BUSY_TIMEOUT_S", 0.01)
    with pytest.raises(sqlalchemy.exc.OperationalError, match="locked"):
        say(here, "one")
    elsewhere.execute("ROLLBACK")
    say(here, "two")
    assert elsewhere.execute("SELECT said FROM word").fetchall() == [("two",)]
