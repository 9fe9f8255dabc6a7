"""Chunks on the disk: whole or absent, bounded, in the order of their use."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import pytest

from desktops.caching.disk import GIB, ChunkDisk, name_of
from sync.core.hashing import address_of
from sync.core.protocol import ChunkPlace, CodingName

SIZE = 10_000


def chunk() -> tuple[ChunkPlace, bytes]:
    data = secrets.token_bytes(SIZE)
    return ChunkPlace(address_of(data), "pack", 8, SIZE, SIZE, CodingName.RAW), data


def disk_at(folder: Path, chunks: int = 3) -> ChunkDisk:
    return ChunkDisk(folder, limit_bytes=chunks * SIZE, least_free_bytes=0)


def test_get_when_there_is_no_more_room_then_the_least_recently_used_is_gone(tmp_path: Path) -> None:
    disk, kept = disk_at(tmp_path), [chunk() for _ in range(4)]
    for place, data in kept[:3]:
        disk.put(place, data)
    assert disk.get(kept[0][0]) == kept[0][1]
    disk.put(*kept[3])
    assert [disk.get(place) is not None for place, _ in kept] == [True, False, True, True]
    assert disk.used_bytes == 3 * SIZE == sum(path.stat().st_size for path in tmp_path.glob("??/*"))


def test_order_when_the_process_starts_again_then_it_is_that_of_use(tmp_path: Path) -> None:
    disk, kept = disk_at(tmp_path), [chunk() for _ in range(4)]
    for age, (place, data) in enumerate(kept[:3]):
        disk.put(place, data)
        os.utime(tmp_path / place.chunk[3:5] / name_of(place), (1000 + age, 1000 + age))
    disk.get(kept[0][0])
    again = disk_at(tmp_path)
    again.put(*kept[3])
    assert [again.get(place) is not None for place, _ in kept] == [True, False, True, True]


def test_start_when_killed_while_writing_then_nothing_half_written_is_left(tmp_path: Path) -> None:
    disk_at(tmp_path)
    (tmp_path / "new" / "0123").write_bytes(b"half")
    assert disk_at(tmp_path).used_bytes == 0
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("planted", [b"", b"x" * SIZE, b"x"], ids=["empty", "as long", "short"])
def test_get_when_the_bytes_on_the_disk_are_others_then_absent_and_taken_away(tmp_path: Path, planted: bytes) -> None:
    disk, (place, data) = disk_at(tmp_path), chunk()
    disk.put(place, data)
    path = tmp_path / place.chunk[3:5] / name_of(place)
    path.write_bytes(planted)
    assert disk_at(tmp_path).get(place) is None
    assert not path.exists()


def test_put_when_the_disk_is_full_or_cannot_be_written_then_nothing_is_kept_and_nobody_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place, data), (other, more) = chunk(), chunk()
    full = ChunkDisk(tmp_path, limit_bytes=GIB, least_free_bytes=2**60)
    full.put(place, data)
    assert not full.has(place)

    def fail(path: Path, data: bytes) -> int:
        path.open("wb").close()
        raise OSError(28, "No space left on device")

    disk = disk_at(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", fail)
        disk.put(other, more)
    assert not disk.has(other)
    assert list((tmp_path / "new").iterdir()) == []
