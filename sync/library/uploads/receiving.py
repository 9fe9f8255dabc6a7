"""Bytes of a request into packs, while they arrive. Slow: never inside a Work.

Memory stays flat whatever the file's length: a pack, a chunk and the tail that is not cut yet. What arrived before a line broke
counts, so that a weak line gets through; only a request with a checksum counts whole or not at all.
"""

import hashlib
import time
from collections.abc import Callable, Container
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO

from flask import Request
from werkzeug.exceptions import ClientDisconnected

from sync.core.chunking import Chunk, choose_cutter
from sync.core.hashing import Address
from sync.library.content.actions import CheckedPack
from sync.library.content.writing import PackingWriter, write_part
from sync.library.grants.chunks import missing_for
from sync.library.grants.rules import View
from sync.library.storage import ObjectStore
from sync.library.uploads.models import Upload
from sync.library.uploads.rules import PART_LEAST_BYTES, PART_MOST_S
from workspace.db import new_id
from workspace.work import Work

Checksum = tuple[str, bytes]


class BadChecksum(ValueError):
    """The bytes are not those that the client sent."""


@dataclass(frozen=True)
class Received:
    """What became of a request's bytes. count: how many arrived. tail_key: the object with what is not cut, "" when nothing is left."""

    count: int
    chunks: tuple[Chunk, ...]
    packs: tuple[CheckedPack, ...]
    tail_bytes: int
    tail_key: str


class _Body:
    """What was kept from before, then the request's body, as one stream that ends early where the line breaks."""

    def __init__(self, kept: bytes, stream: IO[bytes], length: int, checksum: Checksum | None) -> None:
        self.count = 0
        self._kept, self._stream, self._left = kept, stream, length
        self._until = time.monotonic() + PART_MOST_S
        self._checksum = checksum
        self._hash = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None

    def read(self, size: int = -1, /) -> bytes:
        """As many bytes as wanted, fewer only at the end: a short answer would look like one."""
        wanted = size if size >= 0 else len(self._kept) + self._left
        pieces = [self._kept[:wanted]]
        self._kept = self._kept[wanted:]
        wanted -= len(pieces[0])
        while wanted > 0 and (piece := self._arriving(min(wanted, self._left))):
            pieces.append(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def _arriving(self, most: int) -> bytes:
        if most <= 0 or time.monotonic() > self._until:
            return b""
        try:
            piece = self._stream.read(min(most, 1024 * 1024))
        except (ClientDisconnected, OSError):
            piece = b""
        self._left = self._left - len(piece) if piece else 0
        self.count += len(piece)
        if self._hash is not None:
            self._hash.update(piece)
        return piece

    def check(self) -> None:
        if self._checksum is not None and self._hash is not None and self._hash.digest() != self._checksum[1]:
            raise BadChecksum


class KnownChunks(Container[Address]):
    """Chunks that the library has already, and that need not be stored twice.

    view: of the uploader. Where they see only a part of the library, those that they did not bring themselves count as unknown.
    """

    def __init__(self, opens: Callable[[], AbstractContextManager[Work]], view: View) -> None:
        self._opens, self._view = opens, view

    def __contains__(self, address: object) -> bool:
        with self._opens() as work:
            return not missing_for(work, self._view, [Address(str(address))])


def receive(store: ObjectStore, known: Container[Address], upload: Upload, request: Request, checksum: Checksum | None) -> Received:
    """Store the body of a request as the upload's next bytes. BadChecksum when they are not what was sent."""
    body = _Body(store.get(upload.tail_key) if upload.tail_key else b"", request.stream, request.content_length or 0, checksum)
    writer = PackingWriter(store, upload.library_id, known)
    tail = write_part(writer, body, choose_cutter(upload.name, upload.size_bytes))
    body.check()
    if upload.offset_bytes + body.count == upload.size_bytes:
        if tail:
            writer.add(tail)
        tail = b""
    elif body.count < PART_LEAST_BYTES:
        return Received(0, (), (), upload.tail_bytes, upload.tail_key)
    writer.flush()
    key = f"uploads/{upload.id}/{new_id()}" if tail else ""
    if tail:
        store.put(key, tail)
    return Received(body.count, tuple(writer.chunks), tuple(writer.packs), len(tail), key)
