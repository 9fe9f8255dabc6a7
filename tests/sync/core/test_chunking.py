"""Cutting: the cuts are part of the format, so they are pinned here."""

from __future__ import annotations

import hashlib
import io
import tracemalloc

import pytest

from sync.core.chunking import CHUNK_MAX_BYTES, MIB, Cutter, choose_cutter, chunk_stream, cut_stream


def made_bytes(size: int, seed: bytes = b"mainline") -> bytes:
    """The same bytes on every machine and Python, without a random generator of ours."""
    return hashlib.shake_128(seed).digest(size)


def lengths(data: bytes, cutter: Cutter) -> list[int]:
    return [chunk.size_bytes for chunk in chunk_stream(io.BytesIO(data), cutter)]


GOLDEN = {
    Cutter.CDC_1M: [1518562, 1364645, 621150, 790191, 459800, 373420, 1437765, 1101901, 475923, 257596],
    Cutter.CDC_512K: [
        788799,
        151512,
        578251,
        757611,
        607034,
        273026,
        348124,
        547342,
        242849,
        459800,
        373420,
        671646,
        766119,
        633015,
        661358,
        283451,
        257596,
    ],
}


@pytest.mark.parametrize("cutter", GOLDEN)
def test_cuts_when_golden_bytes_then_exactly_these(cutter: Cutter) -> None:
    assert lengths(made_bytes(8 * MIB + 12345), cutter) == GOLDEN[cutter]


@pytest.mark.parametrize(
    ("name", "size", "cutter"),
    [
        ("a.psd", MIB, Cutter.WHOLE),
        ("a.psd", MIB + 1, Cutter.CDC_512K),
        ("A.PSB", 9 * MIB, Cutter.CDC_512K),
        ("a.indd", 9 * MIB, Cutter.CDC_512K),
        ("a.mp4", 9 * MIB, Cutter.CDC_1M),
        ("psd", 9 * MIB, Cutter.CDC_512K),
        ("无后缀", 9 * MIB, Cutter.CDC_1M),
        ("empty", 0, Cutter.WHOLE),
    ],
)
def test_choose_cutter_when_named_and_sized_then_by_the_rule(name: str, size: int, cutter: Cutter) -> None:
    assert choose_cutter(name, size) is cutter


@pytest.mark.parametrize("cutter", list(Cutter))
@pytest.mark.parametrize("size", [0, 1, 100_000, MIB])
def test_pieces_when_joined_then_are_the_stream(cutter: Cutter, size: int) -> None:
    data = made_bytes(size)
    assert b"".join(bytes(piece) for piece in cut_stream(io.BytesIO(data), cutter)) == data


def test_cuts_when_bytes_are_inserted_in_the_middle_then_few_chunks_change() -> None:
    data = made_bytes(16 * MIB)
    changed = data[: 8 * MIB] + made_bytes(MIB, b"other") + data[8 * MIB :]
    before = {chunk.address for chunk in chunk_stream(io.BytesIO(data), Cutter.CDC_1M)}
    after = list(chunk_stream(io.BytesIO(changed), Cutter.CDC_1M))
    assert sum(chunk.size_bytes for chunk in after if chunk.address not in before) <= 4 * MIB


def test_cuts_when_only_zeros_then_bounded_and_alike() -> None:
    chunks = list(chunk_stream(io.BytesIO(bytes(20 * MIB)), Cutter.CDC_1M))
    assert all(chunk.size_bytes <= CHUNK_MAX_BYTES for chunk in chunks)
    assert len({chunk.address for chunk in chunks}) == 1


class Endless(io.RawIOBase):
    """A stream of a given length that exists nowhere and comes in odd portions."""

    def __init__(self, size: int) -> None:
        self._left, self._block = size, made_bytes(333_333)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        size = min(self._left, len(buffer), len(self._block))
        buffer[:size] = self._block[:size]
        self._left -= size
        return size


def test_memory_when_the_stream_is_long_then_flat() -> None:
    tracemalloc.start()
    total = sum(chunk.size_bytes for chunk in chunk_stream(Endless(200 * MIB), Cutter.CDC_1M))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 200 * MIB
    assert peak < 24 * MIB


def test_whole_when_too_long_then_refused() -> None:
    with pytest.raises(ValueError, match="at most"):
        list(cut_stream(io.BytesIO(bytes(MIB + 1)), Cutter.WHOLE))
