"""The journal: what must still reach the library. Written before anything is acknowledged, read again after a crash.

An operation is `waiting` until its content is known and stored, then `sent`: from that moment it is repeated with the
same op_id, whatever happens to the file, until an answer comes. The library gives the first answer again, so a save is
committed exactly once. Operations go in the order in which they were made.

An operation is about a node, and every question here is asked by it: programs that save give one node to one inode after
another. Inodes stand for folders as places, which keep theirs, and for working copies: which bytes were read and sent.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sync.agent.index import File, Ghost, Index
from sync.core.hashing import Address
from sync.core.paths import name_key


def new_id(now_ms: int | None = None) -> str:
    """A fresh id in the form of UUIDv7: sorted by time, unguessable, good for nodes and operations."""
    stamp = (now_ms if now_ms is not None else int(time.time() * 1000)) & (2**48 - 1)
    time_hex, chance = f"{stamp:012x}", os.urandom(10).hex()
    return f"{time_hex[:8]}-{time_hex[8:]}-7{chance[1:4]}-{'89ab'[int(chance[4], 16) & 3]}{chance[5:8]}-{chance[8:]}"


class Kind(StrEnum):
    """What an operation does; the values are those of the protocol."""

    COMMIT = "commit"
    MAKE_FOLDER = "make_folder"
    RENAME = "rename"
    DELETE = "delete"


class State(StrEnum):
    """See the module."""

    WAITING = "waiting"
    SENT = "sent"


@dataclass(frozen=True)
class Entry:
    """An operation. ino: of the file or folder then; of the deletion of a file, whoever has its bytes, or None. parent, name: the place
    it had when this was written down, so that the library sees names taken and given up in the order in which it happened here.

    dirty: the count of the file `ino` when its content was taken, once it is sent. sent: the request as JSON, to be repeated word for word.
    """

    n: int
    op_id: str
    library: str
    kind: Kind
    ino: int | None
    node: str
    parent: int | None
    name: str | None
    dirty: int
    state: State
    manifest: Address | None
    sent: str | None
    tries: int
    made_ms: int

    @property
    def place(self) -> tuple[int | None, str]:
        """Its place as a key: no two files have it at one time."""
        return self.parent, name_key(self.name or "")


_COLUMNS = "n, op_id, library, kind, ino, node, parent, name, dirty, state, manifest, sent, tries, made_ms"

LONGEST_WAIT_MS = 120_000
"""No operation waits longer than this: one that seems to was written down before somebody set the clock back."""

_WAITS = "not_before_ms BETWEEN ? AND ?"


def _entry(row: tuple[Any, ...]) -> Entry:
    n, op_id, library, kind, ino, node, parent, name, dirty, state, manifest, sent, tries, made = row
    return Entry(n, op_id, library, Kind(kind), ino, node, parent, name, dirty, State(state), manifest, sent, tries, made)


class Journal:
    """The `ops` table of the index. Every change belongs inside a transaction of the index."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._taken: set[int] = set()

    def save(self, file: File) -> None:
        """Write down that the content of a node changed; one that still waits will take it as it then is, of whichever file has the node.

        One whose bytes are being read does not count: it may have passed what has just changed.
        """
        with self._index.transaction():
            same = self._index.rows("SELECT n FROM ops WHERE node=? AND kind='commit' AND state='waiting'", file.node)
            if all(n in self._taken for (n,) in same):
                self._add(file, Kind.COMMIT)

    def take(self, entry: Entry) -> None:
        """The bytes for this operation are about to be read."""
        with self._index.locked():
            self._taken.add(entry.n)

    def make_folder(self, file: File) -> None:
        """Write down a new folder."""
        self._add(file, Kind.MAKE_FOLDER)

    def rename(self, file: File, *, left: File | Ghost) -> None:
        """Write down the place that a file has now. left: the node as it was, at the place that this gives up."""
        self._add(file, Kind.RENAME, left)

    def delete(self, file: File, *, delay_ms: int = 0, bytes_of: int | None = None) -> None:
        """Write down that a node's name is gone. delay_ms: how long the name may still come back.

        bytes_of: the file that holds its bytes now, as a save of another node; that is to be answered first.
        """
        assert file.node is not None, "only what belongs to a library is journaled"
        ino = file.ino if file.is_folder else bytes_of  # a folder waits for what leaves it
        self._insert(file.library, Kind.DELETE, ino, file.node, None, None, delay_ms, left=file)

    def _add(self, file: File, kind: Kind, left: File | Ghost | None = None) -> None:
        assert file.node is not None, "only what belongs to a library is journaled"
        self._insert(file.library, kind, file.ino, file.node, file.parent, file.name, 0, left=left)

    def _insert(
        self,
        library: str,
        kind: Kind,
        ino: int | None,
        node: str,
        parent: int | None,
        name: str | None,
        delay_ms: int,
        *,
        left: File | Ghost | None,
    ) -> None:
        now = int(time.time() * 1000)
        place = (left.parent, name_key(left.name)) if left is not None else (None, None)
        with self._index.transaction() as db:
            db.execute(
                "INSERT INTO ops (op_id, library, kind, ino, node, parent, name, state, not_before_ms, made_ms, left_parent, left_key)"
                " VALUES (?,?,?,?,?,?,?,'waiting',?,?,?,?)",
                (new_id(now), library, kind.value, ino, node, parent, name, now + delay_ms if delay_ms else 0, now, *place),
            )

    def ready(self, now_ms: int, limit: int) -> list[Entry]:
        """The next operations, in order.

        One that must wait holds back later operations on the same file or node, those that take the name that it gives up, those
        that need the folder that it makes, and the deletion of the folder that it leaves: the library would find the name taken, no
        such folder, the folder not empty. Nothing counts as being read any more: the one who sends begins anew.
        """
        with self._index.locked():
            self._taken.clear()
        return [_entry(row) for row in self._free(now_ms, limit)]

    def following(self, library: str, after: int, limit: int) -> list[Entry]:
        """Saves of a library behind an operation, that nothing was sent of and that need not wait."""
        fresh = "kind='commit' AND state='waiting' AND not_before_ms=0"
        rows = self._index.rows(f"SELECT {_COLUMNS} FROM ops WHERE n>? AND library=? AND {fresh} ORDER BY n LIMIT ?", after, library, limit)
        return [_entry(row) for row in rows]

    def has_ready(self, now_ms: int) -> bool:
        """Whether anything could be sent now."""
        return bool(self._free(now_ms, 1))

    def _free(self, now_ms: int, limit: int) -> list[tuple[Any, ...]]:
        if self.next_due_ms(now_ms) is None:  # nothing waits, which is nearly always so
            return self._index.rows(f"SELECT {_COLUMNS} FROM ops ORDER BY n LIMIT ?", limit)
        found: list[tuple[Any, ...]] = []
        held: set[object] = set()
        rows = self._index.rows(
            f"SELECT {_WAITS}, left_parent, left_key, {_COLUMNS} FROM ops ORDER BY n", now_ms + 1, now_ms + LONGEST_WAIT_MS
        )
        for waits, left_parent, left_key, *columns in rows:
            entry = _entry(tuple(columns))
            removed = entry.ino if entry.kind is Kind.DELETE else None
            needs = {entry.ino, entry.node, entry.place, ("made", entry.parent), ("emptied", removed)}
            if waits or held & needs:
                ino = None if entry.kind is Kind.DELETE else entry.ino  # who has the bytes of what goes may go on
                gives = {ino, entry.node, (left_parent, left_key), ("emptied", left_parent)}
                gives |= {("made", entry.ino)} if entry.kind is Kind.MAKE_FOLDER else set()
                held |= gives - {None, (None, None), ("emptied", None)}
            elif len(found) < limit:
                found.append(tuple(columns))
        return found

    def next_due_ms(self, now_ms: int) -> int | None:
        """When the next delayed operation becomes ready."""
        due = f"SELECT MIN(not_before_ms) FROM ops INDEXED BY ops_due WHERE not_before_ms>0 AND {_WAITS}"
        row = self._index.one(due, now_ms + 1, now_ms + LONGEST_WAIT_MS)
        return row[0] if row else None

    def awaits(self, node: str | None, *kinds: Kind) -> bool:
        """Whether operations of these kinds (any, if none is given) on a node are not answered yet, whichever files it was then."""
        wanted = kinds or tuple(Kind)
        return self._index.one(f"SELECT 1 FROM ops WHERE node=? AND kind IN ({','.join('?' * len(wanted))})", node, *wanted) is not None

    def waits_for_earlier(self, entry: Entry) -> bool:
        """Whether an earlier operation on the same node is not answered for good."""
        return self._index.one("SELECT 1 FROM ops WHERE node=? AND n<?", entry.node, entry.n) is not None

    def moves_again(self, entry: Entry) -> bool:
        """Whether a later move of the same node is written down."""
        return self._index.one("SELECT 1 FROM ops WHERE node=? AND kind='rename' AND n>?", entry.node, entry.n) is not None

    def in_flight(self, node: str, kind: Kind) -> bool:
        """Whether such an operation, of whichever file had the node then, may have reached the library, or is being made ready to."""
        found = self._index.rows("SELECT n, state FROM ops WHERE node=? AND kind=?", node, kind)
        return any(state == State.SENT or n in self._taken for n, state in found)

    def is_sent(self, node: str, manifest: Address | None) -> bool:
        """Whether this content is on its way to a node: the library's word of it is the echo of ours."""
        return self._index.one("SELECT 1 FROM ops WHERE node=? AND state='sent' AND manifest=?", node, manifest) is not None

    def sent_save(self, file: File) -> Entry | None:
        """The save of a file's node that may have reached the library and is not answered yet; perhaps of the file that had it before."""
        found = self._index.rows(f"SELECT {_COLUMNS} FROM ops WHERE node=? AND kind='commit' AND state='sent' ORDER BY n DESC", file.node)
        return _entry(found[0]) if found else None

    def bytes_sent(self, ino: int) -> Address | None:
        """What was last sent of a working copy and is not answered yet, whichever node it was then: bytes alone belong to inodes."""
        row = self._index.one("SELECT manifest FROM ops WHERE ino=? AND kind='commit' AND state='sent' ORDER BY n DESC LIMIT 1", ino)
        return row[0] if row else None

    def bytes_of(self, entry: Entry) -> int | None:
        """Whose bytes an operation has sent, as of now: they may have been handed over while it travelled."""
        row = self._index.one("SELECT ino FROM ops WHERE n=?", entry.n)
        return row[0] if row else None

    def hand_over(self, entry: Entry, file: File) -> None:
        """What this operation sent is what another file holds from now on."""
        with self._index.transaction() as db:
            db.execute("UPDATE ops SET ino=? WHERE n=?", (file.ino, entry.n))

    def mark_sent(self, entry: Entry, *, ino: int | None, dirty: int, manifest: Address | None, sent: str) -> None:
        """From now on it is repeated as it is. ino, dirty: whose bytes were read, and when."""
        with self._index.transaction() as db:
            db.execute("UPDATE ops SET state='sent', ino=?, dirty=?, manifest=?, sent=? WHERE n=?", (ino, dirty, manifest, sent, entry.n))

    def unsend(self, entry: Entry) -> None:
        """It was marked, but never left this machine."""
        with self._index.transaction() as db:
            db.execute("UPDATE ops SET state='waiting', manifest=NULL, sent=NULL WHERE n=?", (entry.n,))

    def take_back(self, entry: Entry, *, error: str, delay_ms: int = 0) -> None:
        """The library certainly did not apply it: start it over under a new op_id."""
        now = int(time.time() * 1000)
        with self._index.transaction() as db:
            db.execute(
                "UPDATE ops SET op_id=?, state='waiting', manifest=NULL, sent=NULL, tries=tries+1, error=?, not_before_ms=? WHERE n=?",
                (new_id(now), error, now + delay_ms if delay_ms else 0, entry.n),
            )

    def replace(self, entry: Entry, *, name: str) -> None:
        """The library certainly did not apply it: start it over with another name, at the same place in the order."""
        with self._index.transaction() as db:
            self.take_back(entry, error="")
            db.execute("UPDATE ops SET name=?, error=NULL WHERE n=?", (name, entry.n))

    def drop(self, n: int) -> None:
        """Answered, or no longer needed."""
        with self._index.transaction() as db:
            db.execute("DELETE FROM ops WHERE n=?", (n,))

    def drop_node(self, node: str | None) -> None:
        """Forget everything about a node that the library never heard of. One that its file had before lives on, and so do its moves."""
        with self._index.transaction() as db:
            db.execute("DELETE FROM ops WHERE node=?", (node,))

    def drop_waiting(self, node: str | None, *kinds: Kind) -> None:
        """Forget operations (of these kinds, any if none is given) on a node that the library cannot have seen."""
        wanted = kinds or tuple(Kind)
        marks = ",".join("?" * len(wanted))
        with self._index.transaction() as db:
            db.execute(f"DELETE FROM ops WHERE node=? AND state='waiting' AND kind IN ({marks})", (node, *wanted))

    def move_node(self, old: str, new: str) -> None:
        """The library knows this node under another id."""
        with self._index.transaction() as db:
            db.execute("UPDATE ops SET node=? WHERE node=?", (new, old))

    def removed_folder(self, ino: int | None) -> str | None:
        """The node of a folder that is gone here, as long as its deletion is not answered."""
        row = self._index.one("SELECT node FROM ops WHERE ino=? AND kind='delete'", ino)
        return row[0] if row else None

    def passes_through(self, ino: int | None) -> bool:
        """Whether files are still to be saved in a folder or moved into it, or into one that is made in it."""
        below = "SELECT o.ino FROM ops AS o JOIN below AS b ON o.parent=b.ino WHERE o.kind='make_folder'"
        inside = "SELECT 1 FROM ops AS o JOIN below AS b ON o.parent=b.ino WHERE o.kind<>'make_folder' LIMIT 1"
        return self._index.one(f"WITH RECURSIVE below (ino) AS (VALUES (?) UNION {below}) {inside}", ino) is not None

    def moved_from(self, ino: int) -> str | None:
        """The node that a file was before it was moved onto another one's name, as long as the deletion of that is not answered."""
        row = self._index.one("SELECT node FROM ops WHERE ino=? AND kind='delete'", ino)
        return row[0] if row else None

    def drop_delete(self, node: str) -> None:
        """The node lives on."""
        with self._index.transaction() as db:
            db.execute("DELETE FROM ops WHERE node=? AND kind='delete'", (node,))

    def put_off(self, library: str, *, error: str, delay_ms: int) -> None:
        """The library takes nothing at the moment. Its operations wait together, which keeps their order."""
        with self._index.transaction() as db:
            until = int(time.time() * 1000) + delay_ms
            db.execute("UPDATE ops SET not_before_ms=MAX(not_before_ms, ?), error=? WHERE library=?", (until, error, library))

    def hurry(self) -> None:
        """Nothing waits for its time any more: the desktop is about to stop."""
        with self._index.transaction() as db:
            db.execute("UPDATE ops SET not_before_ms=0")

    def refusal(self) -> str | None:
        """Why the oldest operation that was refused waits."""
        row = self._index.one("SELECT error FROM ops INDEXED BY ops_due WHERE not_before_ms>0 AND error IS NOT NULL ORDER BY n LIMIT 1")
        return row[0] if row else None

    def backlog(self) -> tuple[int, int]:
        """Operations not answered, and the bytes of the saves among them."""
        row = self._index.one(
            "SELECT COUNT(*), COALESCE(SUM(CASE o.kind WHEN 'commit' THEN f.size ELSE 0 END), 0)"
            " FROM ops AS o LEFT JOIN files AS f ON f.node = o.node"
        )
        assert row is not None
        return row[0], row[1]
