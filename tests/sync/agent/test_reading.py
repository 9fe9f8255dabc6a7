"""Reading versions: what is fetched, how often the library is asked, and that bytes are right whatever goes wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from sync.agent import content as reading
from sync.agent.content import Content
from sync.agent.errors import Unreachable
from sync.agent.index import File, Index
from sync.core import protocol as p
from sync.core.chunking import MIB, Chunk, Cutter
from sync.core.hashing import Address, address_of
from sync.core.manifest import Manifest, manifest_digest
from sync.core.protocol import NodeKind

CHUNKS = 80


class FakeRemote:
    """A library with one version of CHUNKS chunks of 1 MiB, all in one pack."""

    def __init__(self) -> None:
        self.bodies = [bytes([number]) * MIB for number in range(CHUNKS)]
        self.chunks = [Chunk(address_of(body), MIB) for body in self.bodies]
        self.manifest = Manifest(CHUNKS * MIB, Cutter.CDC_1M, tuple(self.chunks))
        self.asked: list[int] = []
        self.fetched: list[Address] = []
        self.fails = 0

    def content(self, library: str, request: p.ContentRequest) -> p.ContentAnswer:
        self.asked.append(request.start)
        numbers = range(request.start, min(CHUNKS, request.start + request.count))
        places = tuple(p.ChunkPlace(self.chunks[n].address, "pack", n * MIB, MIB, MIB, p.CodingName.RAW) for n in numbers)
        return p.ContentAnswer(self.manifest if request.start == 0 else None, places, {"pack": p.Download("http://store", {}, 0)})

    def get_chunks(self, download: p.Download, places: Sequence[p.ChunkPlace]) -> list[tuple[Address, bytes]]:
        if self.fails:
            self.fails -= 1
            raise Unreachable("away")
        self.fetched += [place.chunk for place in places]
        return [(place.chunk, self.bodies[place.offset // MIB]) for place in places]


@pytest.fixture
def remote() -> FakeRemote:
    return FakeRemote()


@pytest.fixture
def content(tmp_path: Path, remote: FakeRemote) -> Iterator[Content]:
    index = Index(tmp_path / "index.db")
    made = Content(tmp_path, index, remote, cache_bytes=64 * MIB)  # type: ignore[arg-type]
    yield made
    made.close()
    index.close()


@pytest.fixture
def film(content: Content, remote: FakeRemote) -> File:
    digest = manifest_digest(remote.manifest)
    return File(
        2, 1, "片.mov", NodeKind.FILE, "lib", "node", 1, digest, remote.manifest.size_bytes, 0, "", False, 0, False, None, False, digest, 0
    )  # fmt: skip


def test_read_when_it_goes_through_the_file_then_each_chunk_comes_once_and_places_are_asked_for_by_the_window(
    content: Content, remote: FakeRemote, film: File
) -> None:
    found = b"".join(content.read(film, offset, MIB // 2) for offset in range(0, film.size, MIB // 2))
    assert found == b"".join(remote.bodies)
    assert sorted(remote.fetched) == sorted(chunk.address for chunk in remote.chunks)
    assert remote.asked == [0, 32], "the manifest with the first window of places, and the second"


def test_read_when_the_start_was_read_then_the_next_run_is_there_before_it_is_asked_for(
    content: Content, remote: FakeRemote, film: File
) -> None:
    content.read(film, 0, 1)
    deadline = time.monotonic() + 10
    while content.read_from_memory(film, 5 * MIB, 1) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_read_when_somebody_jumps_about_then_nothing_more_is_fetched(content: Content, remote: FakeRemote, film: File) -> None:
    content.read(film, 20 * MIB, 1)
    content.close()  # Waits for whatever runs.
    assert len(remote.fetched) <= 4


def test_read_when_the_store_failed_then_the_next_try_gets_every_byte(content: Content, remote: FakeRemote, film: File) -> None:
    content.read(film, 0, 1)
    content.close()
    remote.fails = 1
    with pytest.raises(Unreachable):
        content.read(film, 16 * MIB, MIB)
    assert content.read(film, 16 * MIB, MIB) == remote.bodies[16]


def test_places_when_they_are_old_then_the_library_is_asked_again(
    content: Content, remote: FakeRemote, film: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_LOCATED_S", 0.0)
    content.read(film, 0, 1)
    before = len(remote.asked)
    content.read(film, 20 * MIB, 1)
    content.read(film, 30 * MIB, 1)
    assert len(remote.asked) >= before + 2, "a right that was taken back must be noticed"


def told_of(remote: FakeRemote, number: int) -> p.ContentAnswer:
    """A small version that is this chunk alone, as the feed tells where it lies."""
    chunk = remote.chunks[number]
    place = p.ChunkPlace(chunk.address, "pack", number * MIB, MIB, MIB, p.CodingName.RAW)
    return p.ContentAnswer(Manifest(MIB, Cutter.WHOLE, (chunk,)), (place,), {"pack": p.Download("http://store", {}, 0)})


def test_read_when_the_feed_told_where_it_lies_then_the_library_is_not_asked(content: Content, remote: FakeRemote, film: File) -> None:
    told = told_of(remote, 7)
    assert told.manifest is not None
    content.told(told)
    assert content.read(film._replace(manifest=manifest_digest(told.manifest), size=MIB), 0, MIB) == remote.bodies[7]
    assert remote.asked == []


@pytest.mark.parametrize("was_read", [True, False])
def test_next_version_when_the_one_before_was_read_here_then_it_is_fetched_unasked(
    content: Content, remote: FakeRemote, film: File, was_read: bool
) -> None:
    if was_read:
        content.read(film, 0, 1)
    told = told_of(remote, 39)
    assert told.manifest is not None
    content.told(told)
    content.fetch_next(film, manifest_digest(told.manifest))
    content.close()
    assert (content.chunks.in_memory(remote.chunks[39].address) is not None) == was_read
