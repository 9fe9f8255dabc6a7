"""Where files are cut.

Content-defined cutting (FastCDC 2020, the `pyfastcdc` implementation) so that an insertion moves one or two cuts
and not all that follow. Cuts decide what is sent again, so they are part of the format: every cutter has a tag that is
kept in the manifest, and golden tests pin the boundaries. A changed boundary needs a new tag.
Runs of zeros and other low-entropy data have no cut points; `max_bytes` bounds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Protocol

from sync.core.hashing import Address, address_of

KIB = 1024
MIB = 1024 * KIB

WHOLE_MAX_BYTES = MIB
"""Files up to this size are one chunk."""

LAYERED_SUFFIXES = frozenset({"psd", "psb", "ai", "indd"})


def is_layered(name: str) -> bool:
    """Whether this is a file that people work in for hours: large, and saved again and again."""
    return name.rpartition(".")[2].casefold() in LAYERED_SUFFIXES


class Cutter(StrEnum):
    """Version tag of a way of cutting; kept in every manifest."""

    WHOLE = "whole-1"
    CDC_1M = "fastcdc-1m-1"
    CDC_512K = "fastcdc-512k-1"


@dataclass(frozen=True)
class _Sizes:
    """Bounds of a content-defined cutter, in bytes."""

    least: int
    average: int
    most: int


_SIZES = {
    Cutter.CDC_1M: _Sizes(256 * KIB, MIB, 4 * MIB),
    Cutter.CDC_512K: _Sizes(128 * KIB, 512 * KIB, 2 * MIB),
}
CHUNK_MAX_BYTES = 4 * MIB
"""No cutter makes a longer chunk; readers refuse one."""


@dataclass(frozen=True)
class Chunk:
    """A piece of a file. size_bytes: 1 to CHUNK_MAX_BYTES."""

    address: Address
    size_bytes: int


class Reader(Protocol):
    """The one method of a binary file that cutting needs."""

    def read(self, size: int = -1, /) -> bytes:
        """Up to `size` bytes, empty at the end."""


def choose_cutter(name: str, size_bytes: int) -> Cutter:
    """The cutter for a file of this name and size."""
    if size_bytes <= WHOLE_MAX_BYTES:
        return Cutter.WHOLE
    suffix = name.rpartition(".")[2].casefold()
    return Cutter.CDC_512K if suffix in LAYERED_SUFFIXES else Cutter.CDC_1M


def cut_stream(stream: Reader | BinaryIO, cutter: Cutter) -> Iterator[bytes | memoryview]:
    """The consecutive pieces of a stream; together they are the stream, an empty stream has none.

    Holds a small multiple of the longest chunk whatever the length. A piece may be a view that is only
    valid until the next one is taken: hash or copy it first.
    """
    if cutter is Cutter.WHOLE:
        data = stream.read(WHOLE_MAX_BYTES + 1)
        if len(data) > WHOLE_MAX_BYTES:
            raise ValueError(f"cutter {cutter} is for at most {WHOLE_MAX_BYTES} bytes")
        if data:
            yield data
        return
    from pyfastcdc import FastCDC  # not before something is cut: it loads much that nobody else needs

    sizes = _SIZES[cutter]
    engine = FastCDC(avg_size=sizes.average, min_size=sizes.least, max_size=sizes.most, normalized_chunking=1)
    for piece in engine.cut_stream(stream):
        yield piece.data


def chunk_stream(stream: Reader | BinaryIO, cutter: Cutter) -> Iterator[Chunk]:
    """Address and length of each piece, in order, in flat memory."""
    for piece in cut_stream(stream, cutter):
        yield Chunk(address_of(piece), len(piece))
