"""Putting content in from the server's side (browser uploads): the same cuts and packs as the agent makes."""

from collections.abc import Container
from dataclasses import dataclass
from typing import BinaryIO

from sync.core.chunking import Chunk, Cutter, Reader, choose_cutter, cut_stream
from sync.core.hashing import Address, Bytes, address_of
from sync.core.manifest import Manifest, manifest_of
from sync.core.packs import PackWriter, read_index
from sync.core.protocol import PackState, StoredPack
from sync.library.content.actions import CheckedPack, pack_key
from sync.library.storage import ObjectStore
from workspace.db import new_id


@dataclass(frozen=True)
class WrittenFile:
    """A file whose bytes are safe in the store. packs: to be recorded with the version that needs them."""

    manifest: Manifest
    packs: tuple[CheckedPack, ...]


class PackingWriter:
    """Takes the pieces of a file in order and PUTs packs as they fill; holds one pack. chunks, packs: what was taken so far.

    known: addresses that the library has already and that need not be stored again.
    """

    def __init__(self, store: ObjectStore, library_id: str, known: Container[Address] = ()) -> None:
        self.chunks: list[Chunk] = []
        self.packs: list[CheckedPack] = []
        self._store, self._library_id, self._known = store, library_id, known
        self._seen: set[Address] = set()
        self._pack = PackWriter()

    def add(self, piece: Bytes) -> None:
        address = address_of(piece)
        self.chunks.append(Chunk(address, len(piece)))
        if address in self._seen or address in self._known:
            return
        self._seen.add(address)
        self._pack.add(address, piece)
        if self._pack.full:
            self.flush()

    def flush(self) -> None:
        """PUT what has collected, however little."""
        if len(self._pack):
            self.packs.append(_put(self._store, self._library_id, self._pack))
            self._pack = PackWriter()


def write_file(store: ObjectStore, library_id: str, *, name: str, stream: BinaryIO, size_bytes: int) -> WrittenFile:
    """Cut, pack and PUT a file. Slow: never inside a Work. What was hashed here needs no second verification."""
    cutter = choose_cutter(name, size_bytes)
    writer = PackingWriter(store, library_id)
    for piece in cut_stream(stream, cutter):
        writer.add(piece)
    writer.flush()
    return WrittenFile(manifest_of(writer.chunks, cutter), tuple(writer.packs))


def write_part(writer: PackingWriter, stream: Reader, cutter: Cutter) -> bytes:
    """Cut what is here of a file that is not yet whole; returns the last piece, whose end more bytes may move.

    A cut depends only on the bytes since the one before it, so a file cut part by part, each time from the last cut on, has the
    cuts of the file cut at once. The whole file's last part is this, and then its returned piece added.
    """
    held = b""
    for piece in cut_stream(stream, cutter):
        if held:
            writer.add(held)
        held = bytes(piece)
    return held


def _put(store: ObjectStore, library_id: str, writer: PackWriter) -> CheckedPack:
    data, pack_id = writer.finish(), new_id()
    store.put_once(pack_key(library_id, pack_id), data)
    return CheckedPack(StoredPack(pack_id, address_of(data), len(data)), PackState.VERIFIED, read_index(data, len(data)))
