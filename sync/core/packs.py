"""Packs: the S3 objects that hold chunks.

Bytes of a pack, little-endian, immutable once written:

    magic   8   b"MLPACK\\x00\\x01"
    bodies      the stored bytes of each chunk, one after another, without gaps
    index       one record a chunk, in order of the bodies:
                address 32 | offset u64 | stored u32 | size u32 | coding u8 (0 raw, 1 zstd)
    trailer     records u32 | zero u32 | BLAKE3 of the index 32 | magic 8 b"MLPKEND\\x01"

The index is at the end so that a pack is written in one pass, and a reader needs only the tail and then ranges. Nothing
outside the pack is needed to read it: the catalogue can be rebuilt from the packs and the commit log alone.
About 16 MiB is large enough that 10,000 small files are a dozen objects, and small enough to be the unit of resuming.
"""

from __future__ import annotations

import struct
import threading
from dataclasses import dataclass
from enum import IntEnum

import zstandard
from blake3 import blake3

from sync.core.chunking import CHUNK_MAX_BYTES
from sync.core.hashing import Address, Bytes, address_bytes, address_from_bytes, address_of

PACK_TARGET_BYTES = 16 * 1024 * 1024
"""A pack is closed once its bodies reach this size."""
PACK_MAX_BYTES = PACK_TARGET_BYTES + CHUNK_MAX_BYTES + 1024 * 1024
"""Longest pack a reader accepts: target, one more chunk, and the index of the smallest chunks."""
PACK_MAX_CHUNKS = 16_384
UNPACKED_TARGET_BYTES = 512 * 1024 * 1024
"""A pack is closed too once its chunks come to this much, however little they are when stored."""
UNPACKED_MAX_BYTES = 1024 * 1024 * 1024
"""What a server unpacks of one pack that somebody brings, a quarter of a second of a processor: 3 MiB can be made to hold 64 GiB."""

HEAD = b"MLPACK\x00\x01"
TAIL = b"MLPKEND\x01"
_RECORD = struct.Struct("<32sQIIB")
_TRAILER = struct.Struct("<II32s8s")
TRAILER_BYTES = _TRAILER.size

_SAMPLE_BYTES = 64 * 1024
_WORTH_IT = 0.9
_LEVEL = 1


class _Codecs(threading.local):
    """What packs and unpacks, one of each for a thread: making one for each chunk took longer than a small chunk itself."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_codecs = _Codecs()


class BadPack(ValueError):
    """These bytes are not a whole, honest pack; the text says what is wrong with them."""


class Coding(IntEnum):
    """How a chunk's bytes are stored."""

    RAW = 0
    ZSTD = 1


@dataclass(frozen=True)
class Place:
    """Where one chunk is in a pack. offset, stored_bytes: in the pack; size_bytes: of the chunk itself."""

    address: Address
    offset: int
    stored_bytes: int
    size_bytes: int
    coding: Coding


def encode_chunk(data: Bytes) -> tuple[Coding, Bytes]:
    """The bytes to store for a chunk: zstd where a sample saves more than 10 %, otherwise as they are.

    What was compressed is decompressed again and compared before it may replace the only other copy.
    """
    if len(data) < 128:
        return Coding.RAW, data
    compressor = _codecs.compressor
    if len(data) > _SAMPLE_BYTES:
        middle = (len(data) - _SAMPLE_BYTES) // 2
        if len(compressor.compress(memoryview(data)[middle : middle + _SAMPLE_BYTES])) > _SAMPLE_BYTES * _WORTH_IT:
            return Coding.RAW, data
    packed = compressor.compress(data)
    if len(packed) > len(data) * _WORTH_IT or decode_chunk(Coding.ZSTD, packed, len(data)) != data:
        return Coding.RAW, data
    return Coding.ZSTD, packed


def decode_chunk(coding: Coding, stored: Bytes, size_bytes: int) -> bytes:
    """The bytes of a chunk. Never produces more than `size_bytes`; raises BadPack if it is not exactly that many."""
    if size_bytes > CHUNK_MAX_BYTES:
        raise BadPack(f"a chunk of {size_bytes} bytes is longer than {CHUNK_MAX_BYTES}")
    if coding is Coding.RAW:
        data = bytes(stored)
    else:
        data = _decompress(stored, size_bytes)
    if len(data) != size_bytes:
        raise BadPack(f"chunk has {len(data)} bytes, the index says {size_bytes}")
    return data


def _decompress(stored: Bytes, size_bytes: int) -> bytes:
    try:
        # The frame's own claim is checked first: with it present, the library would allocate whatever it says.
        if zstandard.frame_content_size(stored) != size_bytes:
            raise BadPack("zstd frame and index disagree about the size")
        return _codecs.decompressor.decompress(stored, max_output_size=size_bytes)
    except zstandard.ZstdError as error:
        raise BadPack(f"zstd: {error}") from error


def read_chunk(place: Place, stored: Bytes) -> bytes:
    """Decode the stored bytes of one chunk and verify them against its address; raises BadPack."""
    if len(stored) != place.stored_bytes:
        raise BadPack(f"{place.address}: {len(stored)} stored bytes instead of {place.stored_bytes}")
    data = decode_chunk(place.coding, stored, place.size_bytes)
    if address_of(data) != place.address:
        raise BadPack(f"{place.address}: content does not have this address")
    return data


class PackWriter:
    """Collects chunks into one pack in memory (at most PACK_MAX_BYTES). target_bytes: full from here on, up to PACK_TARGET_BYTES."""

    def __init__(self, target_bytes: int = PACK_TARGET_BYTES) -> None:
        self._target_bytes = target_bytes
        self._bytes = bytearray(HEAD)
        self._places: list[Place] = []
        self._unpacked_bytes = 0

    def __len__(self) -> int:
        return len(self._places)

    @property
    def places(self) -> tuple[Place, ...]:
        """The chunks so far, in order."""
        return tuple(self._places)

    @property
    def full(self) -> bool:
        """Whether the pack reached its target and should be finished."""
        filled = len(self._bytes) >= self._target_bytes or self._unpacked_bytes >= UNPACKED_TARGET_BYTES
        return filled or len(self._places) >= PACK_MAX_CHUNKS

    def add(self, address: Address, data: Bytes) -> Place:
        """Append a chunk whose address the caller computed from these very bytes."""
        coding, stored = encode_chunk(data)
        place = Place(address, len(self._bytes), len(stored), len(data), coding)
        self._bytes += stored
        self._places.append(place)
        self._unpacked_bytes += len(data)
        return place

    def finish(self) -> bytes:
        """The whole pack. The writer must not be used afterwards."""
        index = b"".join(_RECORD.pack(address_bytes(p.address), p.offset, p.stored_bytes, p.size_bytes, p.coding) for p in self._places)
        self._bytes += index + _TRAILER.pack(len(self._places), 0, blake3(index).digest(), TAIL)
        return bytes(self._bytes)


def index_length(trailer: Bytes) -> int:
    """Bytes of index plus trailer, from the last TRAILER_BYTES of a pack: what to fetch to read the index."""
    records, _, _ = _read_trailer(trailer)
    return records * _RECORD.size + TRAILER_BYTES


def _read_trailer(trailer: Bytes) -> tuple[int, int, bytes]:
    if len(trailer) != TRAILER_BYTES:
        raise BadPack("shorter than a trailer")
    records, zero, digest, magic = _TRAILER.unpack(trailer)
    if magic != TAIL or zero != 0:
        raise BadPack("does not end like a pack")
    if records > PACK_MAX_CHUNKS:
        raise BadPack(f"{records} chunks are more than {PACK_MAX_CHUNKS}")
    return records, zero, digest


def read_index(tail: Bytes, pack_bytes: int) -> tuple[Place, ...]:
    """The places in a pack of `pack_bytes`, from its tail (`index_length` bytes or more).

    Raises BadPack unless the index is whole and describes gapless bodies that end where it starts.
    """
    view = memoryview(tail)
    records, _, digest = _read_trailer(view[-TRAILER_BYTES:])
    length = records * _RECORD.size
    if len(view) < length + TRAILER_BYTES:
        raise BadPack("the tail is shorter than its index")
    index = view[len(view) - TRAILER_BYTES - length : len(view) - TRAILER_BYTES]
    if blake3(index).digest() != digest:
        raise BadPack("the index is damaged")
    return _gapless(index, body_end=pack_bytes - TRAILER_BYTES - length)


def _gapless(index: memoryview, *, body_end: int) -> tuple[Place, ...]:
    places: list[Place] = []
    expected = len(HEAD)
    for digest, offset, stored, size, coding in _RECORD.iter_unpack(index):
        if offset != expected or coding not in (0, 1) or not 0 < size <= CHUNK_MAX_BYTES:
            raise BadPack(f"record {len(places)} of the index is impossible")
        places.append(Place(address_from_bytes(digest), offset, stored, size, Coding(coding)))
        expected += stored
    if expected != body_end:
        raise BadPack(f"bodies end at {expected}, the index starts at {body_end}")
    return tuple(places)


def verify_pack(pack: Bytes, *, unpacked_max_bytes: int | None = None) -> tuple[Place, ...]:
    """The places of a pack after checking every byte: shape, index, and the hash of each chunk. Raises BadPack.

    unpacked_max_bytes: what is more is refused before any of it is unpacked.
    """
    view = memoryview(pack)
    if len(view) > PACK_MAX_BYTES:
        raise BadPack(f"{len(view)} bytes are more than {PACK_MAX_BYTES}")
    if bytes(view[: len(HEAD)]) != HEAD:
        raise BadPack("does not begin like a pack")
    places = read_index(view, len(view))
    if unpacked_max_bytes is not None and (unpacked := sum(place.size_bytes for place in places)) > unpacked_max_bytes:
        raise BadPack(f"{unpacked} bytes in one pack are more than {unpacked_max_bytes}")
    for place in places:
        read_chunk(place, view[place.offset : place.offset + place.stored_bytes])
    return places
