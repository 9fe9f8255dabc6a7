"""kill -9 and lost answers: nothing acknowledged is lost, and each save is committed exactly once."""

from __future__ import annotations

import os
import random
import time

import pytest

from sync.core.chunking import MIB
from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.conftest import Agent, read, until

pytestmark = pytest.mark.fuse


@pytest.mark.parametrize("seed", range(6))
def test_kill_when_at_a_random_moment_of_a_save_then_committed_exactly_once(seed: int, lin: Agent, fake: FakeLibrary, library: str) -> None:
    numbers = random.Random(seed)
    path = lin.library / "海报.psd"
    written: list[bytes] = []
    for _ in range(3):
        content = numbers.randbytes(numbers.choice([10, 70_000, 3 * MIB]))
        path.write_bytes(content)
        written.append(content)
        time.sleep(numbers.random() * 0.06)  # the moment is the point: anywhere from before reading to after the answer
        lin.kill()
        lin.start()
        assert path.read_bytes() == content
    until(lambda: lin.status()["pending_ops"] == 0 and "海报.psd" in fake.live(library), "at rest")
    live = fake.live(library)
    assert set(live) == {"海报.psd"}
    assert fake.bytes_of(library, live["海报.psd"]) == written[-1]
    versions = [fake.bytes_of(library, version) for version in fake.versions(library, "海报.psd")]
    assert len(versions) == len(set(versions)), "the same save twice"


@pytest.mark.parametrize("path", ["/ops", "/missing", "/packs", "/content", "/feed"])
def test_answer_when_lost_then_repeated_and_done_once(path: str, lin: Agent, chen: Agent, fake: FakeLibrary, library: str) -> None:
    fake.faults.lose, fake.faults.lose_count = path, 3
    content = os.urandom(18 * MIB)
    (lin.library / "f").write_bytes(content)
    until(lambda: read(chen.library / "f") == content, "visible elsewhere")
    (lin.library / "f").write_bytes(b"two")
    until(lambda: read(chen.library / "f") == b"two", "visible elsewhere")
    assert [node.version for node in fake.versions(library, "f")] == [1, 2]
    assert set(fake.live(library)) == {"f"}


def test_library_when_unreachable_then_saves_wait_and_arrive(lin: Agent, fake: FakeLibrary, library: str) -> None:
    fake.faults.refuse_everything = True
    for number in range(5):
        (lin.library / f"{number}.txt").write_bytes(b"%d" % number)
    (lin.library / "0.txt").rename(lin.library / "null.txt")
    (lin.library / "1.txt").unlink()
    until(lambda: lin.status()["error"] is not None, "telling that it cannot reach the library")
    assert (lin.library / "null.txt").read_bytes() == b"0"
    lin.kill()
    fake.faults.refuse_everything = False
    lin.start()
    wanted = {"null.txt", "2.txt", "3.txt", "4.txt"}
    until(lambda: set(fake.live(library)) == wanted, f"{wanted}, but {set(fake.live(library))}")
    assert fake.bytes_of(library, fake.live(library)["null.txt"]) == b"0"


def test_upload_when_killed_halfway_then_only_the_rest_is_sent_again(lin: Agent, fake: FakeLibrary, library: str) -> None:
    content = os.urandom(128 * MIB)
    (lin.library / "big.bin").write_bytes(content)

    def stored_bytes() -> int:
        return sum(size for where, size in fake.received if where.startswith("/store/"))

    until(lambda: stored_bytes() >= 64 * MIB, "half sent")
    lin.kill()
    lin.start()
    until(lambda: "big.bin" in fake.live(library), "committed")
    assert fake.bytes_of(library, fake.live(library)["big.bin"]) == content
    again = stored_bytes() - 128 * MIB
    assert again <= 20 * MIB, f"{again / MIB:.0f} MiB sent again: more than the pack that was under way"
