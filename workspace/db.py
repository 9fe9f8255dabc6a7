"""The database: engine, declarative base, types and identifiers. No table of a feature lives here.

SQLite runs in WAL mode and every write transaction starts with BEGIN IMMEDIATE: a plain BEGIN that upgrades
later loses to "database is locked" at once, however long the busy timeout (measured: 473-512 of 800 lost).
Inside one process writers queue in order of arrival, because SQLite's own retry is unfair (tail up to 2.2 s).
"""

import json
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from sqlalchemy import JSON, DateTime, Engine, Insert, MetaData, String, Table, create_engine, event, insert
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, Dialect, make_url
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLITE_BUSY_TIMEOUT_S = 15.0
SQLITE_TRY_AGAIN_S = 0.001
ID_LENGTH = 26

Json = JSON().with_variant(JSONB(), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python, naive UTC in the database: SQLite has no zones and sorts text."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was given where aware UTC is required")
        return value.astimezone(UTC).replace(tzinfo=None)

    def bind_processor(self, dialect: Any) -> Any:
        """As given by ``process_bind_param``. The rows of a transaction say the same instant again and again: it is put in words once."""
        inner = cast(Any, super().bind_processor(dialect))
        last: tuple[datetime | None, Any] = (None, None)

        def process(value: datetime | None) -> Any:
            nonlocal last
            known, words = last  # In one step: other threads bind too.
            if value is None or value is not known:
                words = inner(value)
                last = (value, words)
            return words

        return process

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """``__unaudited__`` on a model says why its rows may change without an event (see Work)."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: Json, list[str]: Json, list[Any]: Json}
    __unaudited__ = ""


Id = String(ID_LENGTH)


def insert_into(model: type[Base]) -> Insert:
    """Rows of a model's table as they are, without entities."""
    return insert(cast(Table, model.__table__))


@dataclass(frozen=True)
class Bulk:
    """An insertion as the driver takes it. The compiler's way of binding looks at each value of each row several times."""

    sql: str
    takes: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    """Column and what puts its values in the database's words, in the order of the placeholders."""

    def values_of(self, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        return [tuple([row[name] if into is None else into(row[name]) for name, into in self.takes]) for row in rows]


@lru_cache(maxsize=256)
def bulk_of(statement: Insert, columns: tuple[str, ...], dialect: Dialect) -> Bulk:
    """For rows that give these columns, on a database whose placeholders have no names. Made once for each statement."""
    compiled = statement.compile(dialect=dialect, column_keys=list(columns), for_executemany=True)
    if compiled.insert_prefetch or set(compiled.positiontup or ()) != set(columns):
        raise ValueError(f"{statement.table.name}: rows must give each column that has a default")
    into = compiled._bind_processors
    return Bulk(compiled.string, tuple((name, cast(Any, into.get(name))) for name in compiled.positiontup or ()))


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


_last_id = 0
_id_guard = threading.Lock()


def new_id() -> str:
    """26 characters of Crockford base 32: 48 bits of milliseconds, then 80 random bits (ULID).

    Sorts by time of making, inside one process strictly: within a millisecond the next one is the last one plus one.
    """
    global _last_id
    number = (int(time.time() * 1000) << 80) | int.from_bytes(os.urandom(10), "big")
    with _id_guard:
        _last_id = number = number if number >> 80 > _last_id >> 80 else _last_id + 1
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


class FairLock:
    """A mutex that serves its waiters first come, first served."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        turn = threading.Event()
        with self._guard:
            if self._held:
                self._waiting.append(turn)
            else:
                self._held = True
                turn.set()
        turn.wait()
        try:
            yield
        finally:
            with self._guard:
                if self._waiting:
                    self._waiting.popleft().set()
                else:
                    self._held = False


class Database:
    """An engine and how to open sessions on it. One per process."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._write_queue = FairLock()
        self.engine = (
            _sqlite_engine(url) if self.is_sqlite else create_engine(_psycopg(url), pool_size=20, max_overflow=20, pool_pre_ping=True)
        )

    @contextmanager
    def session(self, *, writes: bool) -> Iterator[Session]:
        """A session that begins its transaction at its first statement and is NOT committed on exit: the caller commits.

        Anything left uncommitted is rolled back. A writing session on SQLite holds the process's write queue.
        """
        if writes and self.is_sqlite:
            with self._write_queue(), self._open(writes=True) as session:
                yield session
        else:
            with self._open(writes=writes) as session:
                yield session

    @contextmanager
    def _open(self, *, writes: bool) -> Iterator[Session]:
        connecting = self.engine.connect().execution_options(mainline_writes=writes)
        with connecting as connection, Session(connection, expire_on_commit=False) as session:
            yield session

    def dispose(self) -> None:
        self.engine.dispose()


def _psycopg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1) if url.startswith("postgresql://") else url


_EMPTY_JSON = {"[]": list, "{}": dict}


def _from_json(text: str) -> Any:
    """Most JSON columns of most rows hold nothing, and parsing that was a fifth of reading a thousand orders."""
    empty = _EMPTY_JSON.get(text)
    return json.loads(text) if empty is None else empty()


def _sqlite_engine(url: str) -> Engine:
    path = make_url(url).database
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).touch(mode=0o600)
    pool = {"poolclass": StaticPool} if path in (None, "", ":memory:") else {}
    engine = create_engine(
        url, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_S, "check_same_thread": False}, json_deserializer=_from_json, **pool
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # We emit BEGIN ourselves; sqlite3's own emits a deferred one, late.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("mainline_writes", True)
        if not writes:
            connection.connection.cursor().execute("BEGIN")  # It waits for nobody, and every request says it several times.
        elif not _begin_in_turn(connection):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _begin_in_turn(connection: Connection) -> bool:
    """Begin to write as soon as the other process that writes has committed; False when it has not in time.

    SQLite itself sleeps longer from try to try, 1 to 100 ms, while the transactions that it waits for take a few.
    """
    raw = connection.connection.cursor()
    until = time.monotonic() + SQLITE_BUSY_TIMEOUT_S
    raw.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < until:
            try:
                raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    return False  # Whoever tries once more is told what is wrong, in the words of SQLAlchemy.
                time.sleep(SQLITE_TRY_AGAIN_S)
            else:
                return True
        return False
    finally:
        raw.execute(f"PRAGMA busy_timeout={int(SQLITE_BUSY_TIMEOUT_S * 1000)}")
        raw.close()
