"""The saves that come after a batch, read and stored while the library answers that batch.

Nothing is promised by it: no operation is marked, no pack is registered, and a file that changed since is read again when its turn comes.
What was stored for nothing is removed by the collection, like a pack whose agent was killed before its commit.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass

from sync.agent.errors import AgentError
from sync.agent.index import File
from sync.agent.journal import Entry, Journal
from sync.agent.remote import Remote
from sync.agent.tree import Tree
from sync.core import protocol as p
from sync.core.chunking import WHOLE_MAX_BYTES
from sync.core.hashing import Address, address_of
from sync.core.manifest import Manifest
from sync.core.packs import PackWriter

log = logging.getLogger("mainline.agent")

_OPS = 400
_WORTH_OPS = 16
"""Fewer are no batch, but somebody's saves: each goes as soon as it can, without another question."""
_PACK_BYTES = 8 * 1024 * 1024
"""So much at most, as the files are: one pack, and what is held in memory."""
_LEAST_BYTES = 64 * 1024
"""With less left, nothing more is looked at."""


class Changed(Exception):
    """The file changed while it was read."""


@dataclass(frozen=True)
class Stands:
    """What a file must still be for what was read of it to count. writes: see `Tree.snapshot`."""

    ino: int
    node: str | None
    name: str
    dirty: int
    writes: int

    @classmethod
    def of(cls, file: File, writes: int) -> Stands:
        """As it is now."""
        return cls(file.ino, file.node, file.name, file.dirty, writes)


Read = Callable[[File, int, int], tuple[Manifest, bytes | None]]
"""Reads a file: it, its writes, and up to which length its bytes are wanted as well. Raises Changed."""


class Ahead:
    """Used by the thread that sends, and by no other."""

    def __init__(self, tree: Tree, remote: Remote, read: Read) -> None:
        self._tree, self._remote, self._read = tree, remote, read
        self._journal: Journal = tree.journal
        self.clear()

    def clear(self) -> None:
        """Begin anew: something went wrong, or was long ago."""
        self._library = ""
        self._found: dict[int, tuple[Stands, Manifest, bytes]] = {}
        self._chunks: dict[Address, p.StoredPack | None] = {}

    def take(self, entry: Entry, file: File, writes: int) -> tuple[Manifest, bytes] | None:
        """What was read for an operation, if the file has stood still."""
        found = self._found.pop(entry.n, None)
        if found is None or found[0] != Stands.of(file, writes) or self._tree.writes(file.ino) != writes:
            return None
        return found[1], found[2]

    def stored(self, library: str) -> dict[Address, p.StoredPack | None]:
        """Chunks that need not be sent: the pack that they were put into, None where the library has them."""
        return self._chunks if library == self._library else {}

    def look(self, library: str, after: int, brought: Collection[Address], bases: Callable[[list[File]], tuple[Address, ...]]) -> None:
        """Read what waits behind an operation and store it. brought: chunks that are on their way. What fails is tried in its turn."""
        self.clear()
        entries = self._journal.following(library, after, _OPS)
        if len(entries) < _WORTH_OPS:
            return
        try:
            files = self._read_all(entries)
            chunks = {chunk.address: held for _, manifest, held in self._found.values() for chunk in manifest.chunks}
            self._store(library, {address: held for address, held in chunks.items() if address not in brought}, bases(files))
            self._library = library
        except (AgentError, OSError, sqlite3.OperationalError) as error:
            log.info("nothing sent ahead: %s", error)
            self.clear()

    def _read_all(self, entries: list[Entry]) -> list[File]:
        left, files = _PACK_BYTES, []
        for entry in entries:
            if left < _LEAST_BYTES:
                break
            file, writes = self._tree.snapshot(entry.ino or 0)
            if file is None or file.node != entry.node or not file.dirty or file.unsaved or not file.local:
                continue
            if file.size > min(left, WHOLE_MAX_BYTES):
                continue
            try:
                manifest, held = self._read(file, writes, min(left, WHOLE_MAX_BYTES))
            except (Changed, OSError):
                continue  # its turn comes
            if held is None or not manifest.chunks:
                continue
            self._found[entry.n] = (Stands.of(file, writes), manifest, held)
            files.append(file)
            left -= len(held)
        return files

    def _store(self, library: str, chunks: dict[Address, bytes], bases: tuple[Address, ...]) -> None:
        if not chunks:
            return
        answer = self._remote.missing(library, p.MissingRequest(tuple(chunks), 1, bases))
        missing = dict.fromkeys(answer.missing)
        self._chunks = {address: None for address in chunks if address not in missing}
        if not missing or not answer.uploads:
            return
        writer = PackWriter()
        for address in missing:
            writer.add(address, chunks[address])
        pack, upload = writer.finish(), answer.uploads[0]
        self._remote.put_pack(upload, pack)
        self._chunks |= dict.fromkeys(missing, p.StoredPack(upload.pack, address_of(pack), len(pack)))
