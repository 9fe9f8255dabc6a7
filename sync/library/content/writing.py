"""Putting content in from the server's side (browser uploads): the same cuts and packs as the agent makes."""

from dataclasses import dataclass
from typing import BinaryIO

from sync.core.chunking import Chunk, choose_cutter, cut_stream
from sync.core.hashing import Address, address_of
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


def write_file(store: ObjectStore, library_id: str, *, name: str, stream: BinaryIO, size_bytes: int) -> WrittenFile:
    """Cut, pack and PUT a file. Slow: never inside a Work. What was hashed here needs no second verification."""
    cutter = choose_cutter(name, size_bytes)
    chunks: list[Chunk] = []
    packs: list[CheckedPack] = []
    seen: set[Address] = set()
    writer = PackWriter()
    for piece in cut_stream(stream, cutter):
        address = address_of(piece)
        chunks.append(Chunk(address, len(piece)))
        if address in seen:
            continue
        seen.add(address)
        writer.add(address, piece)
        if writer.full:
            packs.append(_put(store, library_id, writer))
            writer = PackWriter()
    if len(writer):
        packs.append(_put(store, library_id, writer))
    return WrittenFile(manifest_of(chunks, cutter), tuple(packs))


def _put(store: ObjectStore, library_id: str, writer: PackWriter) -> CheckedPack:
    data, pack_id = writer.finish(), new_id()
    store.put_once(pack_key(library_id, pack_id), data)
    return CheckedPack(StoredPack(pack_id, address_of(data), len(data)), PackState.VERIFIED, read_index(data, len(data)))
