"""A manifest: what a version consists of, as an ordered list of chunks.

Canonical bytes, so that equal content cut the same way has one digest on every machine:

    magic 8 b"MLMANIF\\x01" | cutter length u8, cutter ascii | size u64 | chunks u32 | (address 32, size u32) ...
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from sync.core.chunking import CHUNK_MAX_BYTES, WHOLE_MAX_BYTES, Chunk, Cutter
from sync.core.hashing import Address, address_bytes, address_from_bytes, address_of, is_address

_MAGIC = b"MLMANIF\x01"
_COUNTS = struct.Struct("<QI")
_CHUNK = struct.Struct("<32sI")


_CHUNKS_FEW, _CHUNK_LEAST_BYTES = 64, 16 * 1024
"""Cutters cut no piece shorter than 128 KiB but the last. Whoever does is bounded: a version of many tiny chunks is a long row for each
reader, and a request for each of them."""


class BadManifest(ValueError):
    """The chunks do not describe a version; the text says why."""


@dataclass(frozen=True)
class Manifest:
    """Content of one version. size_bytes: sum of the chunks; an empty file has no chunks."""

    size_bytes: int
    cutter: Cutter
    chunks: tuple[Chunk, ...]

    @cached_property
    def starts(self) -> list[int]:
        """Where each chunk begins: 8 GiB are 8,000 of them, and a reader asks for 128 KiB at a time."""
        return list(accumulate((chunk.size_bytes for chunk in self.chunks[:-1]), initial=0)) if self.chunks else []

    @cached_property
    def body(self) -> bytes:
        """See `manifest_bytes`; a save asks for it several times, as for the digest."""
        tag = self.cutter.value.encode("ascii")
        return b"".join((
            _MAGIC, bytes((len(tag),)), tag, _COUNTS.pack(self.size_bytes, len(self.chunks)),
            *(_CHUNK.pack(address_bytes(chunk.address), chunk.size_bytes) for chunk in self.chunks),
        ))  # fmt: skip

    @cached_property
    def digest(self) -> Address:
        """See `manifest_digest`."""
        return address_of(self.body)

    def __post_init__(self) -> None:
        if len(self.chunks) > _CHUNKS_FEW + self.size_bytes // _CHUNK_LEAST_BYTES:
            raise BadManifest(f"{len(self.chunks)} chunks for {self.size_bytes} bytes")
        for chunk in self.chunks:
            if not is_address(chunk.address):
                raise BadManifest(f"not an address: {chunk.address[:80]!r}")
            if not 0 < chunk.size_bytes <= CHUNK_MAX_BYTES:
                raise BadManifest(f"a chunk of {chunk.size_bytes} bytes")
        if sum(chunk.size_bytes for chunk in self.chunks) != self.size_bytes:
            raise BadManifest("the chunks do not add up to the size")
        if self.cutter is Cutter.WHOLE and (len(self.chunks) > 1 or self.size_bytes > WHOLE_MAX_BYTES):
            raise BadManifest(f"{self.size_bytes} bytes in {len(self.chunks)} chunks are not {Cutter.WHOLE}")


@dataclass(frozen=True)
class Span:
    """A part of one chunk. index: of the chunk in the manifest; start, stop: bytes within that chunk."""

    index: int
    start: int
    stop: int


EMPTY = Manifest(0, Cutter.WHOLE, ())
"""The content of an empty file."""


def manifest_of(chunks: Iterable[Chunk], cutter: Cutter) -> Manifest:
    """The manifest of consecutive chunks."""
    listed = tuple(chunks)
    return Manifest(sum(chunk.size_bytes for chunk in listed), cutter, listed)


def manifest_bytes(manifest: Manifest) -> bytes:
    """The canonical form."""
    return manifest.body


def manifest_from_bytes(data: bytes) -> Manifest:
    """The inverse of `manifest_bytes`; raises BadManifest on anything else."""
    try:
        if data[:8] != _MAGIC:
            raise BadManifest("does not begin like a manifest")
        start = 9 + data[8]
        cutter = Cutter(data[9:start].decode("ascii"))
        size_bytes, count = _COUNTS.unpack_from(data, start)
        start += _COUNTS.size
        if len(data) - start != count * _CHUNK.size:
            raise BadManifest("length and number of chunks disagree")
        pairs = _CHUNK.iter_unpack(memoryview(data)[start:])
        return Manifest(size_bytes, cutter, tuple(Chunk(address_from_bytes(a), n) for a, n in pairs))
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise BadManifest(f"cut short or not a manifest: {error}") from error
    except ValueError as error:
        raise BadManifest(str(error)) from error


def manifest_digest(manifest: Manifest) -> Address:
    """The address of the canonical bytes: two versions with the same digest are the same content."""
    return manifest.digest


def spans(manifest: Manifest, offset: int, length: int) -> list[Span]:
    """Which parts of which chunks hold `length` bytes from `offset`; shorter at the end of the file."""
    wanted: list[Span] = []
    stop = min(offset + length, manifest.size_bytes)
    if offset >= stop:
        return wanted
    for index in range(bisect_right(manifest.starts, offset) - 1, len(manifest.chunks)):
        start = manifest.starts[index]
        if start >= stop:
            break
        wanted.append(Span(index, max(0, offset - start), min(manifest.chunks[index].size_bytes, stop - start)))
    return wanted
