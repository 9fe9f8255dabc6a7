"""``mainline verify``: damage is found and named, a repair never writes an object, and reading keeps its pace."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from sync.core.hashing import address_of
from sync.library.content.models import Chunk
from sync.library.recovery.verify import Pace, verify_content
from tests.fakes.store import MemoryStore
from tests.sync.library.agents import manifest_for
from tests.sync.library.conftest import Room
from workspace.db import Database
from workspace.events.models import Event
from workspace.parts import Parts
from workspace.work import open_work

Check = Callable[..., tuple[bool, str]]


@pytest.fixture
def check(parts: Parts, memory: MemoryStore) -> Check:
    """``check()`` gives whether all is sound, and the words."""

    def checked(*, content: str = "all", repair: bool = False) -> tuple[bool, str]:
        said: list[str] = []
        sound = verify_content(parts, said.append, content=content, pace=Pace(0), repair=repair)
        return sound, "\n".join(said)

    return checked


def pack_of(database: Database, content: bytes) -> str:
    with open_work(database, writes=False) as work:
        return str(work.session.scalar(select(Chunk.pack_id).where(Chunk.address == address_of(content))))


def damage(memory: MemoryStore, room: Room, pack_id: str) -> None:
    """Turn a byte of the first chunk."""
    key = f"packs/{room.id}/{pack_id}"
    data = bytearray(memory.objects[key])
    data[9] ^= 1
    memory.objects[key] = bytes(data)


@pytest.mark.parametrize("content", ["sample", "all"])
def test_verify_when_nothing_is_damaged_then_sound(room: Room, check: Check, content: str) -> None:
    room.su.save(room.id, room.root, "a.psd", b"a" * 5000)
    room.su.save(room.id, room.root, "empty.txt", b"")
    sound, words = check(content=content)
    assert sound
    assert "主视觉素材: 2 versions, all of 1 packs read" in words


def test_verify_when_a_byte_has_turned_then_the_version_is_named(room: Room, memory: MemoryStore, company: Database, check: Check) -> None:
    room.su.save(room.id, room.root, "hurt.psd", b"hurt")
    room.su.save(room.id, room.root, "good.psd", b"good")
    damage(memory, room, pack_of(company, b"hurt"))
    sound, words = check()
    assert not sound
    assert "does not hold the bytes that were verified" in words
    assert "hurt.psd, version 1: 1 of 1 chunks cannot be read" in words
    assert "good.psd" not in words


def test_verify_when_a_pack_is_gone_then_even_a_sample_finds_it(
    room: Room, memory: MemoryStore, company: Database, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.library.recovery.verify.SAMPLE_LEAST", 1)
    for number in range(8):
        room.su.save(room.id, room.root, f"{number}.psd", b"%d" % number)
    memory.remove(f"packs/{room.id}/{pack_of(company, b'5')}")
    sound, words = check(content="sample")
    assert not sound
    assert "is not in the bucket" in words
    assert "5.psd, version 1" in words


def test_repair_when_another_pack_holds_the_chunk_then_it_is_served_from_there(
    room: Room, memory: MemoryStore, company: Database, check: Check
) -> None:
    node = room.su.save(room.id, room.root, "a.psd", b"twice").node
    spare = room.chen.put(room.id, [b"other", b"twice"])
    damage(memory, room, pack_of(company, b"twice"))
    before = dict(memory.objects)
    sound, words = check(repair=True)
    assert not sound
    assert "1 chunks are now read from another pack, 0 wait to be sent again" in words
    assert pack_of(company, b"twice") == spare.pack
    assert {key: memory.objects[key] for key in before} == before, "no object was touched"
    assert check()[0]
    assert room.lin.content(room.id, node.manifest).places[0].pack == spare.pack
    with open_work(company, writes=False) as work:
        assert work.session.scalar(select(Event.facts).where(Event.kind == "library.library.repaired"))["moved"] == 1


def test_repair_when_no_copy_is_left_then_the_client_is_asked_again_and_heals_it(
    room: Room, memory: MemoryStore, company: Database, check: Check
) -> None:
    room.su.save(room.id, room.root, "a.psd", b"only")
    damage(memory, room, pack_of(company, b"only"))
    before = dict(memory.objects)
    assert "0 chunks are now read from another pack, 1 wait to be sent again" in check(repair=True)[1]
    assert {key: memory.objects[key] for key in before} == before
    assert room.su.missing(room.id, [chunk.address for chunk in manifest_for(b"only").chunks]).missing
    room.su.upload(room.id, b"only")
    assert check()[0], "whoever still has the file has healed it"


def test_pace_when_a_rate_is_given_then_reading_waits_for_it() -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(10.0, clock=lambda: now[0], sleep=sleep)
    for _read in range(3):
        pace.spend(20)
    assert slept == [2.0, 2.0, 2.0]
    now[0] += 50
    pace.spend(20)
    assert slept[-1] == 2.0, "time in which nothing was read is not saved up"


def test_pace_when_no_rate_is_given_then_it_never_waits() -> None:
    def never(seconds: float) -> Any:
        raise AssertionError(seconds)

    Pace(0, sleep=never).spend(10**12)
