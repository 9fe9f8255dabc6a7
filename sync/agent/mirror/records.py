"""What was last seen on the disk: a row for each file of the index that is in the member's folder.

Lives in the agent's index, so that a look at the disk, the change of the tree and the operation it needs are one
transaction. A row has the place and the stat that the file had; `version` and `manifest` are the version whose bytes they
were. `unsettled` lists the files of the index that may differ from the disk; triggers fill it, so nothing is forgotten by a
crash and the work grows with what changed. `troubles` are what could not be stored, here or there, and why.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sync.agent.index import ROOT, Index
from sync.agent.mirror.disk import Seen, aside_name
from sync.core.hashing import Address
from sync.core.paths import name_key
from sync.core.protocol import NodeKind

UNSENT = Address("b3:" + "0" * 64)
"""Stands for bytes on the disk that have no address yet, because nobody has read them for sending."""

_ROWS = 4096
"""So many places are kept at hand beside SQLite."""

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS mirrored (
        ino INTEGER PRIMARY KEY, parent INTEGER NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL,
        file_id TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, ctime_ns INTEGER NOT NULL,
        mark TEXT, version INTEGER NOT NULL DEFAULT 0, manifest TEXT
    )""",
    "CREATE INDEX IF NOT EXISTS mirrored_place ON mirrored (parent, key)",
    "CREATE INDEX IF NOT EXISTS mirrored_file_id ON mirrored (file_id)",
    "CREATE TABLE IF NOT EXISTS unsettled (ino INTEGER PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS troubles (path TEXT PRIMARY KEY, reason TEXT NOT NULL, detail TEXT NOT NULL, at_ms INTEGER NOT NULL)",
    *(
        f"CREATE TRIGGER IF NOT EXISTS unsettle_{when} AFTER {when} ON files BEGIN INSERT OR IGNORE INTO unsettled VALUES ({row}.ino); END"
        for when, row in (("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old"))
    ),
)


class Record(NamedTuple):
    """A `mirrored` row. parent: inode (of the index) of the folder that it was seen in. mark: xxh3 of the bytes, if taken."""

    ino: int
    parent: int
    name: str
    key: str
    kind: NodeKind
    file_id: str
    size: int
    mtime_ns: int
    ctime_ns: int
    mark: str | None
    version: int
    manifest: Address | None

    @property
    def stands(self) -> tuple[str, int, int, int]:
        """As `Seen.stands`."""
        return self.file_id, self.size, self.mtime_ns, self.ctime_ns

    @property
    def seen(self) -> Seen:
        """The file as it was seen."""
        return Seen(self.name, self.kind, self.file_id, self.size, self.mtime_ns, self.ctime_ns)


@dataclass(frozen=True)
class Trouble:
    """reason: a code of `words.py`. at_ms: since when."""

    path: str
    reason: str
    detail: str
    at_ms: int


_KINDS = {kind.value: kind for kind in NodeKind}
_COLUMNS = "ino, parent, name, key, kind, file_id, size, mtime_ns, ctime_ns, mark, version, manifest"


def _record(row: tuple[Any, ...]) -> Record:
    return Record._make((*row[:4], _KINDS[row[4]], *row[5:]))


class Records:
    """The rows. Changes belong inside a transaction of the index."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._places: dict[int, tuple[int, str]] = {}
        """Folder and name of rows that were looked for last: a path is asked for several times, and is mostly folders."""
        self._troubled: bool | None = None
        index.forgets.append(self._forget_at_hand)
        with index.transaction() as db:
            for statement in _SCHEMA:
                db.execute(statement)

    # --- rows -------------------------------------------------------------------------------------------------------

    def get(self, ino: int) -> Record | None:
        """The row of a file of the index."""
        row = self._index.one(f"SELECT {_COLUMNS} FROM mirrored WHERE ino=?", ino)
        return _record(row) if row else None

    def inside(self, parent: int) -> list[Record]:
        """What was seen in a folder."""
        return [_record(row) for row in self._index.rows(f"SELECT {_COLUMNS} FROM mirrored WHERE parent=?", parent)]

    def at(self, parent: int, name: str) -> Record | None:
        """What was seen under a name, in any spelling."""
        row = self._index.one(f"SELECT {_COLUMNS} FROM mirrored WHERE parent=? AND key=?", parent, name_key(name))
        return _record(row) if row else None

    def with_id(self, file_id: str) -> list[Record]:
        """Where this inode of the disk was seen."""
        return [_record(row) for row in self._index.rows(f"SELECT {_COLUMNS} FROM mirrored WHERE file_id=?", file_id)]

    def find(self, path: str) -> Record | None:
        """What was seen at a path."""
        parent, record = ROOT, None
        for name in path.split("/"):
            record = self.at(parent, name)
            if record is None:
                return None
            parent = record.ino
        return record

    def path_of(self, ino: int) -> str | None:
        """Where a file was last seen; None if it was not."""
        parts: list[str] = []
        with self._index.locked():
            while ino != ROOT:
                place = self._places.get(ino)
                if place is None:
                    place = self._index.one("SELECT parent, name FROM mirrored WHERE ino=?", ino)
                    if place is None:
                        return None
                    self._keep(ino, *place)
                ino, name = place
                parts.append(name)
        return "/".join(reversed(parts))

    def _keep(self, ino: int, parent: int, name: str) -> None:
        if len(self._places) >= _ROWS:
            self._places.clear()
        self._places[ino] = (parent, name)

    def _forget_at_hand(self) -> None:
        self._places.clear()
        self._troubled = None

    def folder_path(self, ino: int) -> str | None:
        """The same for a folder; the mirror's own is ""."""
        return "" if ino == ROOT else self.path_of(ino)

    def put(self, ino: int, parent: int, seen: Seen, *, mark: str | None = None, version: int = 0, manifest: Address | None = None) -> None:
        """Write down what is on the disk now."""
        with self._index.transaction() as db:
            db.execute(
                f"INSERT OR REPLACE INTO mirrored ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                (ino, parent, seen.name, name_key(seen.name), seen.kind.value, seen.file_id, seen.size, seen.mtime_ns, seen.ctime_ns,
                 mark, version, manifest),
            )  # fmt: skip
            self._keep(ino, parent, seen.name)

    def restat(self, record: Record, seen: Seen, *, parent: int | None = None, mark: str | None = None) -> None:
        """The same version in another place or with another stat."""
        at = record.parent if parent is None else parent
        self.put(record.ino, at, seen, mark=mark or record.mark, version=record.version, manifest=record.manifest)

    def put_aside(self, record: Record, there: Seen) -> None:
        """It waits under a name of ours for the one that it is to have. there: as the disk shows it."""
        with self._index.transaction():
            self.restat(record, record.seen._replace(name=aside_name(record.ino), file_id=there.file_id, ctime_ns=there.ctime_ns))
            self.unsettle(record.ino)

    def settle_version(self, ino: int, version: int, manifest: Address | None) -> None:
        """The bytes on the disk are this version."""
        with self._index.transaction() as db:
            db.execute("UPDATE mirrored SET version=?, manifest=? WHERE ino=?", (version, manifest, ino))

    def forget(self, ino: int) -> None:
        """It is not on the disk any more, or not ours."""
        with self._index.transaction() as db:
            db.execute("DELETE FROM mirrored WHERE ino=?", (ino,))
            self._places.pop(ino, None)
            db.execute("INSERT OR IGNORE INTO unsettled VALUES (?)", (ino,))

    # --- what is to be done ------------------------------------------------------------------------------------------

    def unsettled(self, limit: int = 1000, *, after: int = 0) -> list[int]:
        """Files of the index that may differ from the disk."""
        return [row[0] for row in self._index.rows("SELECT ino FROM unsettled WHERE ino>? ORDER BY ino LIMIT ?", after, limit)]

    def settled(self, inos: Iterable[int]) -> None:
        """These agree with the disk."""
        with self._index.transaction() as db:
            db.executemany("DELETE FROM unsettled WHERE ino=?", [(ino,) for ino in inos])

    def unsettle(self, *inos: int) -> None:
        """Look at these again, at all of them if none is given."""
        with self._index.transaction() as db:
            if inos:
                db.executemany("INSERT OR IGNORE INTO unsettled VALUES (?)", [(ino,) for ino in inos])
            else:
                db.execute("INSERT OR IGNORE INTO unsettled SELECT ino FROM files UNION SELECT ino FROM mirrored")

    def settle_alike(self) -> None:
        """What is where the index has it, with bytes that came from here, needs no look: many at once after they were sent."""
        alike = (
            "files.parent=mirrored.parent AND files.name=mirrored.name AND files.parked=0 AND files.node IS NOT NULL"
            " AND (files.local=1 OR files.kind='folder')"
        )
        listed = "mirrored.ino IN (SELECT ino FROM unsettled)"
        with self._index.transaction() as db:
            db.execute(
                "UPDATE mirrored SET version=files.version, manifest=files.manifest FROM files"
                f" WHERE files.ino=mirrored.ino AND files.dirty=0 AND {listed} AND {alike}"
            )
            db.execute(
                f"DELETE FROM unsettled WHERE ino IN (SELECT mirrored.ino FROM mirrored JOIN files USING (ino) WHERE {listed} AND {alike})"
            )

    # --- troubles -----------------------------------------------------------------------------------------------------

    def trouble(self, path: str, reason: str, detail: str = "") -> None:
        """Note why this path is not the same here and there."""
        with self._index.transaction() as db:
            self._troubled = True
            db.execute(
                "INSERT INTO troubles VALUES (?,?,?,?) ON CONFLICT (path) DO UPDATE SET reason=excluded.reason, detail=excluded.detail",
                (path, reason, detail, int(time.time() * 1000)),
            )

    def no_trouble(self, path: str) -> None:
        """It is fine now, or gone."""
        with self._index.locked():
            if self._troubled is None:
                self._troubled = self._index.one("SELECT 1 FROM troubles LIMIT 1") is not None
            if not self._troubled or self._index.one("SELECT 1 FROM troubles WHERE path=?", path) is None:
                return
        with self._index.transaction() as db:
            db.execute("DELETE FROM troubles WHERE path=?", (path,))
            self._troubled = None

    def troubles(self) -> list[Trouble]:
        """All of them."""
        return [Trouble(*row) for row in self._index.rows("SELECT path, reason, detail, at_ms FROM troubles ORDER BY path")]
