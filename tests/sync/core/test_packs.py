"""Packs and manifests: whole round trips, and refusal of everything damaged or dishonest."""

from __future__ import annotations

import hashlib
import random
import struct

import pytest
import zstandard
from blake3 import blake3
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sync.core.chunking import CHUNK_MAX_BYTES, Chunk, Cutter
from sync.core.hashing import address_bytes, address_from_bytes, address_of, is_address
from sync.core.manifest import (
    EMPTY,
    BadManifest,
    Manifest,
    manifest_bytes,
    manifest_digest,
    manifest_from_bytes,
    manifest_of,
    spans,
)
from sync.core.packs import (
    PACK_TARGET_BYTES,
    TRAILER_BYTES,
    BadPack,
    Coding,
    PackWriter,
    decode_chunk,
    encode_chunk,
    index_length,
    read_chunk,
    read_index,
    verify_pack,
)


def pack_of(*contents: bytes) -> bytes:
    writer = PackWriter()
    for content in contents:
        writer.add(address_of(content), content)
    return writer.finish()


def contents_of(pack: bytes) -> list[bytes]:
    return [read_chunk(place, pack[place.offset : place.offset + place.stored_bytes]) for place in verify_pack(pack)]


def test_address_when_known_bytes_then_known_text() -> None:
    assert address_of(b"") == "b3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    assert address_from_bytes(address_bytes(address_of(b"x"))) == address_of(b"x")
    assert not is_address("b3:" + "A" * 64)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=3000), max_size=20))
def test_pack_when_read_back_then_every_chunk_is_there(contents: list[bytes]) -> None:
    pack = pack_of(*contents)
    assert contents_of(pack) == contents
    assert [place.address for place in verify_pack(pack)] == [address_of(content) for content in contents]


def test_pack_when_golden_chunks_then_the_same_bytes_for_ever() -> None:
    pack = pack_of(b"a", b"mainline" * 40, hashlib.shake_128(b"r").digest(500))
    assert read_index(pack, len(pack))[1].coding is Coding.ZSTD
    raw_only = pack_of(b"a", hashlib.shake_128(b"r").digest(500))
    assert address_of(raw_only) == "b3:e87ed6452ef14b8a10123733d61f018c78daa600b69417e713ade975e2524103"


def test_index_when_only_the_tail_is_fetched_then_enough() -> None:
    pack = pack_of(*(bytes([n]) * 1000 for n in range(50)))
    tail = pack[-index_length(pack[-TRAILER_BYTES:]) :]
    assert len(tail) < len(pack)
    assert read_index(tail, len(pack)) == verify_pack(pack)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["flip", "cut", "grow"]))
@example(734, "flip")  # The one bit of a zstd frame that its format tells decoders to ignore.
def test_verify_when_any_byte_is_wrong_then_no_wrong_content_passes(seed: int, harm: str) -> None:
    numbers = random.Random(seed)
    contents = [numbers.randbytes(300), b"text " * 100, b"z"]
    pack = bytearray(pack_of(*contents))
    position = numbers.randrange(len(pack))
    if harm == "flip":
        pack[position] ^= 1 << numbers.randrange(8)
    elif harm == "cut":
        del pack[position : position + 1 + numbers.randrange(20)]
    else:
        pack[position:position] = numbers.randbytes(3)
    try:
        verify_pack(bytes(pack))
    except BadPack:
        return
    assert contents_of(bytes(pack)) == contents


def test_add_when_the_address_is_a_lie_then_verify_refuses() -> None:
    writer = PackWriter()
    writer.add(address_of(b"what he claims"), b"what he sends")
    with pytest.raises(BadPack, match="does not have this address"):
        verify_pack(writer.finish())


@pytest.mark.parametrize(
    ("data", "coding"),
    [(b"word " * 10_000, Coding.ZSTD), (random.Random(1).randbytes(200_000), Coding.RAW), (b"short", Coding.RAW)],
    ids=["text", "random", "short"],
)
def test_encode_when_sampled_then_compressed_only_where_it_pays(data: bytes, coding: Coding) -> None:
    chosen, stored = encode_chunk(data)
    assert chosen is coding
    assert decode_chunk(chosen, stored, len(data)) == data


def test_decode_when_a_bomb_then_refused_without_expanding() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(CHUNK_MAX_BYTES))
    with pytest.raises(BadPack):
        decode_chunk(Coding.ZSTD, bomb, 1000)
    with pytest.raises(BadPack):
        decode_chunk(Coding.ZSTD, bomb, CHUNK_MAX_BYTES + 1)
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(5000))
    with pytest.raises(BadPack):
        decode_chunk(Coding.ZSTD, unsized, 5000)


def test_writer_when_target_is_reached_then_full() -> None:
    writer = PackWriter()
    block = random.Random(2).randbytes(CHUNK_MAX_BYTES)
    while not writer.full:
        writer.add(address_of(block), block)
    assert len(writer) == PACK_TARGET_BYTES // CHUNK_MAX_BYTES
    assert len(verify_pack(writer.finish())) == len(writer)


def test_writer_when_chunks_come_to_little_when_stored_then_full_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.core.packs.UNPACKED_TARGET_BYTES", 300_000)
    writer, zeros = PackWriter(), bytes(100_000)
    while not writer.full:
        writer.add(address_of(zeros), zeros)
    assert len(writer) == 3


def test_verify_when_a_pack_unfolds_to_too_much_then_refused_before_any_of_it_is() -> None:
    zeros = bytes(1000)
    pack = pack_of(zeros, zeros, zeros)
    assert len(verify_pack(pack, unpacked_max_bytes=3000)) == 3
    spoiled = bytearray(pack)
    spoiled[10] ^= 1  # Whoever unfolds the first chunk complains of that.
    with pytest.raises(BadPack, match="3000 bytes in one pack"):
        verify_pack(bytes(spoiled), unpacked_max_bytes=2999)


def test_index_when_records_overlap_then_refused() -> None:
    pack = bytearray(pack_of(b"one", b"two"))
    start = len(pack) - TRAILER_BYTES - 2 * 49
    struct.pack_into("<Q", pack, start + 49 + 32, 8)
    pack[-40:-8] = blake3(pack[start:-TRAILER_BYTES]).digest()
    with pytest.raises(BadPack, match="impossible"):
        verify_pack(bytes(pack))


def some_manifest(*sizes: int) -> Manifest:
    return manifest_of((Chunk(address_of(bytes([n])), size) for n, size in enumerate(sizes)), Cutter.CDC_1M)


def test_manifest_when_round_trip_then_equal_and_golden() -> None:
    manifest = some_manifest(1_000_000, 2_000_000, 5)
    assert manifest_from_bytes(manifest_bytes(manifest)) == manifest
    assert manifest_from_bytes(manifest_bytes(EMPTY)) == EMPTY
    assert manifest_digest(EMPTY) == "b3:5150b73b381b8b81418ae6eb5d56dff30cfc1e1db84d572112d6027094675170"
    assert manifest_digest(manifest) == "b3:ec22eb4cde1ea7b9c69d731c093bc4b9ad80e04ca5493bd0d1acbf107521b7b5"


def test_manifest_when_cut_or_wrong_then_bad_manifest() -> None:
    data = manifest_bytes(some_manifest(10, 20))
    for length in range(len(data)):
        with pytest.raises(BadManifest):
            manifest_from_bytes(data[:length])
    with pytest.raises(BadManifest):
        Manifest(5, Cutter.WHOLE, (Chunk(address_of(b"x"), 4),))
    with pytest.raises(BadManifest):
        Manifest(CHUNK_MAX_BYTES + 1, Cutter.CDC_1M, (Chunk(address_of(b"x"), CHUNK_MAX_BYTES + 1),))


@given(st.lists(st.integers(1, 50), max_size=12), st.integers(0, 400), st.integers(0, 400))
def test_spans_when_a_range_is_asked_then_exactly_these_bytes(sizes: list[int], offset: int, length: int) -> None:
    manifest = some_manifest(*sizes)
    content = [bytes([n]) * size for n, size in enumerate(sizes)]
    got = b"".join(content[span.index][span.start : span.stop] for span in spans(manifest, offset, length))
    assert got == b"".join(content)[offset : offset + length]


def test_manifest_when_of_more_chunks_than_any_cutter_makes_then_refused() -> None:
    chunk = Chunk(address_of(b"x"), 1)
    assert len(manifest_of([chunk] * 64, Cutter.CDC_1M).chunks) == 64
    with pytest.raises(BadManifest):
        manifest_of([chunk] * 65, Cutter.CDC_1M)
