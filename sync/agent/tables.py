"""The SQLite file of the index: its form from version to version, and transactions that may lie one in another.

What its rows mean is in `index.py`.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlite_utils import Database

ROOT = 1
_LONG_LOG_BYTES = 8 * 1024 * 1024
_LOG_PAGES = 16_384
"""Where nobody calls `checkpoint` in time, whoever commits does it from so many pages (64 MiB) on."""

_SCHEMA = (
    """
CREATE TABLE files (
    ino INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER, name TEXT NOT NULL, name_key TEXT NOT NULL,
    kind TEXT NOT NULL, library TEXT NOT NULL, node TEXT, version INTEGER NOT NULL DEFAULT 0, manifest TEXT,
    size INTEGER NOT NULL DEFAULT 0, modified_ms INTEGER NOT NULL, author TEXT NOT NULL DEFAULT '',
    local INTEGER NOT NULL DEFAULT 0, dirty INTEGER NOT NULL DEFAULT 0, parked INTEGER NOT NULL DEFAULT 0,
    head_of TEXT
);
CREATE UNIQUE INDEX files_name ON files (parent, name_key) WHERE parent IS NOT NULL AND parked = 0;
CREATE UNIQUE INDEX files_node ON files (node) WHERE node IS NOT NULL;
CREATE INDEX files_parked ON files (parked) WHERE parked = 1;
CREATE INDEX files_dirty ON files (dirty) WHERE dirty > 0;
CREATE TABLE libraries (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, ino INTEGER NOT NULL, root TEXT NOT NULL, editable INTEGER NOT NULL,
    cursor INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE manifests (digest TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE ghosts (
    node TEXT PRIMARY KEY, library TEXT NOT NULL, parent INTEGER NOT NULL, name_key TEXT NOT NULL, version INTEGER NOT NULL
);
CREATE TABLE held (node TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE strays (node TEXT PRIMARY KEY, parent TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX strays_parent ON strays (parent);
CREATE TABLE ops (
    n INTEGER PRIMARY KEY AUTOINCREMENT, op_id TEXT NOT NULL UNIQUE, library TEXT NOT NULL, kind TEXT NOT NULL,
    ino INTEGER, node TEXT, parent INTEGER, name TEXT, dirty INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL,
    manifest TEXT, sent TEXT,
    not_before_ms INTEGER NOT NULL DEFAULT 0, made_ms INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, error TEXT
);
CREATE INDEX ops_ino ON ops (ino);
CREATE INDEX ops_node ON ops (node);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
""",
    """
ALTER TABLE files ADD COLUMN unsaved INTEGER NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN head TEXT;
ALTER TABLE files ADD COLUMN head_size INTEGER NOT NULL DEFAULT 0;
UPDATE files SET head = manifest, head_size = size;
ALTER TABLE ghosts ADD COLUMN head TEXT;
ALTER TABLE ghosts ADD COLUMN head_size INTEGER NOT NULL DEFAULT 0
""",
    """
ALTER TABLE ops ADD COLUMN left_parent INTEGER;
ALTER TABLE ops ADD COLUMN left_key TEXT
""",
    """
ALTER TABLE files ADD COLUMN access TEXT;
CREATE INDEX files_access ON files (library) WHERE access IS NOT NULL
""",
    """
ALTER TABLE ghosts ADD COLUMN name TEXT NOT NULL DEFAULT ''
""",
    "CREATE TABLE pins (node TEXT PRIMARY KEY)",
    "CREATE INDEX ops_due ON ops (not_before_ms) WHERE not_before_ms > 0",
)
"""Each step of the index's form; `user_version` counts those that were taken."""


class _Transaction:
    """What `Tables.transaction` gives: a class, because several open for each request, and a generator costs more than its statements."""

    __slots__ = ("_durable", "_outer", "_tables")

    def __init__(self, tables: Tables, durable: bool) -> None:
        self._tables, self._durable, self._outer = tables, durable, False

    def __enter__(self) -> sqlite3.Connection:
        self._outer = self._tables.begin()
        return self._tables.connection

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._tables.end(outer=self._outer, durable=self._durable, well=kind is None)


class Tables:
    """The index as SQLite knows it: its form, transactions and plain queries. `Index` knows what the rows mean."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path
        self._log_fd: int | None = None
        self.connection = self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self._lock = threading.RLock()
        self._depth = 0
        self._afterwards: list[Callable[[], None]] = []
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
        self._db.execute(f"PRAGMA journal_size_limit={_LONG_LOG_BYTES // 2}")  # a log that was long once would be so for ever
        self._migrate()

    def _migrate(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > len(_SCHEMA):
            raise RuntimeError(f"the index was written by a newer agent (schema {version})")
        if version == len(_SCHEMA):
            return
        with self.transaction():
            for statement in ";".join(_SCHEMA[version:]).split(";"):
                self._db.execute(statement)
            self._db.execute(
                "INSERT OR IGNORE INTO files (ino, name, name_key, kind, library, modified_ms) VALUES (?, '', '', 'folder', '', ?)",
                (ROOT, int(time.time() * 1000)),
            )
            self._db.execute(f"PRAGMA user_version={len(_SCHEMA)}")

    @property
    def database(self) -> Database:
        """The same file for `sqlite-utils`, to look into it."""
        from sqlite_utils import Database  # a third of a second on a small machine, which starting does not need

        return Database(self._db)

    def transaction(self, *, durable: bool = False) -> AbstractContextManager[sqlite3.Connection]:
        """All or nothing; nested ones join the outer. durable: on the disk, not only in the file, when it returns."""
        return _Transaction(self, durable)

    def begin(self) -> bool:
        """See `transaction`; returns whether it is the outer one. The lock is held until `end`."""
        self._lock.acquire()
        if self._depth:
            return False
        try:
            self._db.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._lock.release()
            raise
        self._depth = 1
        return True

    def end(self, *, outer: bool, durable: bool, well: bool) -> None:
        """See `transaction`. Nobody waits for the lock while the disk takes what is to be durable."""
        try:
            if outer:
                self._end_outer(well=well)
        finally:
            self._lock.release()
        if outer and durable and well:
            self._flush()

    def _flush(self) -> None:
        """Have the write-ahead log on the disk: the transactions in it stand from now on, whatever happens to the machine."""
        if self._log_fd is None:
            self._log_fd = os.open(f"{self._path}-wal", os.O_RDWR | os.O_CLOEXEC)
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        os.fdatasync(self._log_fd)

    def _end_outer(self, *, well: bool) -> None:
        try:
            if well:
                self._db.execute("COMMIT")
                self._depth = 0
                while self._afterwards:
                    self._afterwards.pop(0)()
            else:
                self._undo()
        except BaseException:
            self._undo()
            raise
        finally:
            self._depth = 0

    def _undo(self) -> None:
        self._afterwards.clear()
        self.forget()
        if self._db.in_transaction:  # a full disk may have ended it already
            self._db.execute("ROLLBACK")

    def afterwards(self, call: Callable[[], None]) -> None:
        """Call when the transaction stands, at once outside of one; never if it comes to nothing."""
        with self._lock:
            if self._depth:
                self._afterwards.append(call)
                return
        call()

    def locked(self) -> AbstractContextManager[object]:
        """What a transaction holds, without one."""
        return self._lock

    def checkpoint(self) -> None:
        """Move a long log into the file, through a connection of its own: whoever is in a transaction does not wait for the disk."""
        if os.stat(f"{self._path}-wal").st_size >= _LONG_LOG_BYTES:
            with closing(sqlite3.connect(self._path, timeout=0)) as other:
                other.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
            if self._log_fd is not None:
                os.close(self._log_fd)
                self._log_fd = None

    def one(self, sql: str, *arguments: object) -> tuple[Any, ...] | None:
        """The first row of a query."""
        with self._lock:
            row: tuple[Any, ...] | None = self._db.execute(sql, arguments).fetchone()
            return row

    def rows(self, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._lock:
            return self._db.execute(sql, arguments).fetchall()

    def changes(self) -> int:
        """Counts up with every changed row: whoever counted rows knows whether to count them again."""
        with self._lock:
            return self._db.total_changes

    def forget(self) -> None:
        """Keep nothing at hand beside SQLite: what was done last was undone."""
