"""What this machine knows: the trees of all libraries, what is cached, and the journal's rows, in one SQLite file.

One connection behind one lock: statements are short, and a change of the tree and the operation that it needs are one
transaction, so that a kill -9 between them cannot happen. Inode numbers are never used again.

A `files` row is a name in the mount. `node` is the library's id for it, None while it is for this machine only;
`version` and `manifest` are the version it was last known to equal; `local` means that `work/<ino>` holds its whole
bytes; `dirty` counts the changes that are not in the library yet; `unsaved` means that a program was writing and has not
closed the file. `head` and `head_size` are the content of `version` in the library, also while the file here has other
bytes. `manifest` is what the file held before a program began to write, if the library has those bytes: another one than
`head` came with a move onto another file's name and was not sent yet; None as soon as other bytes were closed. `parked`
rows wait for their name to become free. A `held` row is what the library said about a file that is being written here or
not sent yet; it waits for the release or the answer.
A `ghosts` row is a node whose name is gone here and whose deletion is on its way: if the name comes back, as programs do
when they save, the node continues under it.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sync.agent.tables import ROOT as ROOT
from sync.agent.tables import Tables
from sync.core.hashing import Address
from sync.core.manifest import Manifest, manifest_bytes, manifest_from_bytes
from sync.core.paths import name_key
from sync.core.protocol import Library, Node, NodeKind, Right

_ROWS = 4096
"""So many files are kept at hand beside SQLite: folders, and what is open or being made, are asked for several times a request."""


class File(NamedTuple):
    """A `files` row; see the module. size in bytes, of the content now. A tuple, because each request makes several."""

    ino: int
    parent: int | None
    name: str
    kind: NodeKind
    library: str
    node: str | None
    version: int
    manifest: Address | None
    size: int
    modified_ms: int
    author: str
    local: bool
    dirty: int
    parked: bool
    head_of: str | None
    unsaved: bool
    head: Address | None
    head_size: int

    @property
    def is_folder(self) -> bool:
        """Folder or library, not a file."""
        return self.kind is NodeKind.FOLDER


@dataclass(frozen=True)
class Ghost:
    """A `ghosts` row; see the module."""

    node: str
    library: str
    parent: int
    name: str
    version: int
    head: Address | None
    head_size: int


@dataclass(frozen=True)
class KnownLibrary:
    """A `libraries` row. ino: of its folder in the mount. cursor: everything up to it is in the index."""

    id: str
    name: str
    ino: int
    root: str
    editable: bool
    cursor: int


_COLUMNS = ", ".join(File._fields)
_KINDS = {kind.value: kind for kind in NodeKind}
_UNSAID: dict[str, Any] = {
    "node": None, "version": 0, "manifest": None, "size": 0, "author": "", "local": False, "dirty": 0, "parked": False,
    "head_of": None, "unsaved": False, "head": None, "head_size": 0,
}  # fmt: skip
"""What a new row has where nothing is said, as in the schema."""


def _file(row: tuple[Any, ...] | None) -> File | None:
    return None if row is None else File._make((*row[:3], _KINDS[row[3]], *row[4:]))


def version_columns(node: Node) -> dict[str, object]:
    """What a `files` row says about the version that the library has."""
    return {"version": node.version, "author": node.author, "head": node.manifest, "head_size": node.size_bytes}


class Index(Tables):
    """The index. Methods may be called from any thread; changes only inside `transaction`."""

    def __init__(self, path: Path) -> None:
        self._files: dict[int, File] = {}
        self._granted: dict[str, bool] = {}
        self._editable: dict[str, bool] = {}
        self._roots: dict[str, str] = {}
        self._inos: dict[str, int] = {}
        self.forgets: list[Callable[[], None]] = []
        """Called with `forget`: who keeps rows of this index at hand."""
        super().__init__(path)

    # --- files --------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Keep nothing at hand: `files` or `libraries` were changed by other statements than those below, or not changed after all."""
        with self._lock:
            self._files.clear()
            self._granted.clear()
            self._editable.clear()
            self._roots.clear()
            self._inos.clear()
            for each in self.forgets:
                each()

    def file(self, ino: int) -> File | None:
        """The file with this inode."""
        with self._lock:
            found = self._files.get(ino)
            if found is None:
                found = _file(self._db.execute(f"SELECT {_COLUMNS} FROM files WHERE ino=?", (ino,)).fetchone())
                if found is not None:
                    self._keep(found)
            return found

    def _keep(self, file: File) -> None:
        if len(self._files) >= _ROWS:
            self._files.clear()
            self._inos.clear()
        self._files[file.ino] = file
        if file.node is not None:
            self._inos[file.node] = file.ino

    def child(self, parent: int, name: str) -> File | None:
        """The file of this name, in any case or Unicode form."""
        return _file(self.one(f"SELECT {_COLUMNS} FROM files WHERE parent=? AND name_key=? AND parked=0", parent, name_key(name)))

    def children(self, parent: int, *, after: int = 0, parked: bool = False) -> list[File]:
        """The files in a folder, by inode, so that reading a folder can be continued after any of them."""
        only = "" if parked else " AND parked=0"
        found = self.rows(f"SELECT {_COLUMNS} FROM files WHERE parent=? AND ino>?{only} ORDER BY ino", parent, after)
        return [file for row in found if (file := _file(row))]

    def inos_in(self, parent: int) -> Sequence[int]:
        """The inodes in a folder, in order: little enough to be kept while it is read."""
        return array("q", (ino for (ino,) in self.rows("SELECT ino FROM files WHERE parent=? AND parked=0 ORDER BY ino", parent)))

    def those_in(self, parent: int, inos: Sequence[int]) -> list[File]:
        """Those of some files that are in a folder still."""
        return self.matching(f"ino IN ({','.join('?' * len(inos))}) AND parent=? AND parked=0", *inos, parent)

    def by_node(self, node: str) -> File | None:
        """The file that is this node of a library."""
        with self._lock:
            kept = self._files.get(self._inos.get(node, 0))
            if kept is not None and kept.node == node:  # it may have been given to another file since
                return kept
            found = _file(self._db.execute(f"SELECT {_COLUMNS} FROM files WHERE node=?", (node,)).fetchone())
            if found is not None:
                self._keep(found)
            return found

    def matching(self, condition: str, *arguments: object) -> list[File]:
        """Files by an SQL condition."""
        found = self.rows(f"SELECT {_COLUMNS} FROM files WHERE {condition} ORDER BY ino", *arguments)
        return [file for row in found if (file := _file(row))]

    def add(self, parent: int, name: str, kind: NodeKind, library: str, modified_ms: int, **values: object) -> File:
        """A new file; returns it with its inode."""
        columns = {
            "parent": parent, "name": name, "name_key": name_key(name), "kind": kind.value, "library": library,
            "modified_ms": modified_ms, **values,
        }  # fmt: skip
        marks = ",".join("?" * len(columns))
        with self._lock:
            ino = self._db.execute(f"INSERT INTO files ({','.join(columns)}) VALUES ({marks})", tuple(columns.values())).lastrowid
            assert ino is not None
            added = File(ino, parent, name, kind, library, modified_ms=modified_ms, **{**_UNSAID, **values})
            self._keep(added)
            return added

    def add_or_park(self, parent: int, name: str, kind: NodeKind, library: str, modified_ms: int, **values: object) -> File:
        """A new file; parked, if something has its name."""
        try:
            return self.add(parent, name, kind, library, modified_ms, **values)
        except sqlite3.IntegrityError:
            return self.add(parent, name, kind, library, modified_ms, parked=1, **values)

    def change(self, ino: int, **values: object) -> None:
        """Set columns of a file."""
        sets = ",".join(f"{column}=?" for column in values)
        more = ",name_key=?" if "name" in values else ""
        key = (name_key(str(values["name"])),) if more else ()
        with self._lock:
            self._db.execute(f"UPDATE files SET {sets}{more} WHERE ino=?", (*values.values(), *key, ino))
            if (kept := self._files.get(ino)) is not None:
                self._files[ino] = kept._replace(**values)  # type: ignore[arg-type]

    def note_writing(self, ino: int) -> None:
        """A program is about to change the bytes of a file."""
        with self._lock:
            self._files.pop(ino, None)
            self._db.execute("UPDATE files SET dirty=dirty+1, unsaved=1 WHERE ino=?", (ino,))

    def note_size(self, ino: int, least: int) -> None:
        """A file that is being written has become at least so long."""
        with self._lock:
            self._files.pop(ino, None)
            self._db.execute("UPDATE files SET size=MAX(size, ?) WHERE ino=?", (least, ino))

    def remove(self, ino: int) -> None:
        """Forget a file."""
        with self._lock:
            self._files.pop(ino, None)
            self._db.execute("DELETE FROM files WHERE ino=?", (ino,))

    def path_of(self, ino: int) -> str:
        """Where a file is in the mount, for a person to read."""
        parts: list[str] = []
        file = self.file(ino)
        while file is not None and file.ino != ROOT:
            parts.append(file.name)
            file = self.file(file.parent) if file.parent is not None else None
        return "/" + "/".join(reversed(parts))

    def at_path(self, path: str) -> File | None:
        """What is at a path that begins with a library's name, in any spelling."""
        file: File | None = None
        for name in path.split("/"):
            file = self.child(file.ino if file is not None else ROOT, name)
            if file is None:
                return None
        return file

    def note_access(self, ino: int, right: Right | None) -> None:
        """Keep what the member may do in a folder; None: what they may do in the library."""
        with self._lock:
            if self._db.execute("UPDATE files SET access=? WHERE ino=? AND access IS NOT ?", (right, ino, right)).rowcount:
                self._granted.clear()

    def access(self, folder: File) -> Right | None:
        """What the member may do in a folder, where that is not what they may do in its library; None where it is."""
        if not self.has_grants(folder.library):
            return None
        row = self.one(
            "WITH RECURSIVE up (parent, access, depth) AS (SELECT parent, access, 0 FROM files WHERE ino=? UNION ALL"
            " SELECT f.parent, f.access, up.depth + 1 FROM up JOIN files AS f ON f.ino=up.parent WHERE up.access IS NULL)"
            " SELECT access FROM up WHERE access IS NOT NULL ORDER BY depth LIMIT 1",
            folder.ino,
        )
        return Right(row[0]) if row else None

    def has_grants(self, library: str) -> bool:
        """Whether folders of a library say for themselves what the member may do in them, or are hidden."""
        with self._lock:
            if library not in self._granted:
                granted = self.one("SELECT 1 FROM files WHERE library=? AND access IS NOT NULL LIMIT 1", library)
                self._granted[library] = granted is not None
            return self._granted[library]

    # --- libraries, manifests, facts ----------------------------------------------------------------------------

    def libraries(self) -> list[KnownLibrary]:
        """The libraries in the mount."""
        found = self.rows("SELECT id, name, ino, root, editable, cursor FROM libraries ORDER BY name")
        return [KnownLibrary(i, name, ino, root, bool(editable), cursor) for i, name, ino, root, editable, cursor in found]

    def library(self, library: str) -> KnownLibrary | None:
        """A library in the mount."""
        row = self.one("SELECT id, name, ino, root, editable, cursor FROM libraries WHERE id=?", library)
        return KnownLibrary(row[0], row[1], row[2], row[3], bool(row[4]), row[5]) if row else None

    def root_of(self, library: str) -> str | None:
        """The node of a library's own folder; None where it is no library of the member's."""
        with self._lock:
            if library not in self._roots:
                known = self.library(library)
                if known is None:
                    return None
                self._roots[library] = known.root
            return self._roots[library]

    def is_editable(self, library: str) -> bool:
        """Whether the member may change a library; not where it is no library of theirs."""
        with self._lock:
            if library not in self._editable:
                known = self.library(library)
                self._editable[library] = known is not None and known.editable
            return self._editable[library]

    def put_library(self, library: Library, ino: int) -> None:
        """Add a library or take over its name and rights; its cursor stays."""
        editable = int(Right.EDIT in library.rights)
        with self._lock:
            self._db.execute(
                "INSERT INTO libraries (id, name, ino, root, editable) VALUES (?,?,?,?,?)"
                " ON CONFLICT (id) DO UPDATE SET name=excluded.name, editable=excluded.editable",
                (library.id, library.name, ino, library.root, editable),
            )
            self._editable.clear()

    def put_manifest(self, manifest: Manifest) -> Address:
        """Keep a manifest; returns its digest."""
        self.put_manifests([manifest])
        return manifest.digest

    def put_manifests(self, manifests: Iterable[Manifest]) -> None:
        """Keep several."""
        with self._lock:
            rows = [(manifest.digest, manifest_bytes(manifest)) for manifest in manifests]
            self._db.executemany("INSERT OR IGNORE INTO manifests VALUES (?,?)", rows)

    def manifest(self, digest: Address) -> Manifest | None:
        """A kept manifest."""
        row = self.one("SELECT body FROM manifests WHERE digest=?", digest)
        return manifest_from_bytes(row[0]) if row else None

    def fact(self, name: str) -> str | None:
        """A kept setting, such as the tag of the list of libraries."""
        row = self.one("SELECT value FROM facts WHERE name=?", name)
        return row[0] if row else None

    def put_fact(self, name: str, value: str) -> None:
        """Keep a setting."""
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO facts VALUES (?,?)", (name, value))

    # --- ghosts -------------------------------------------------------------------------------------------------

    def ghost(self, node: str) -> Ghost | None:
        """The ghost of a node."""
        row = self.one("SELECT node, library, parent, name, version, head, head_size FROM ghosts WHERE node=?", node)
        return Ghost(*row) if row else None

    def ghost_at(self, parent: int, name: str) -> Ghost | None:
        """The ghost that last had this name."""
        row = self.one(
            "SELECT node, library, parent, name, version, head, head_size FROM ghosts WHERE parent=? AND name_key=? ORDER BY rowid DESC",
            parent, name_key(name),
        )  # fmt: skip
        return Ghost(*row) if row else None
