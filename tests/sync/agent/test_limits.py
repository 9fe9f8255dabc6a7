"""The limit on bytes a second: how long a thread is kept waiting, and that contents are whole behind it."""

from __future__ import annotations

import os
from pathlib import Path

from sync.agent.limits import Bucket
from sync.agent.transport import TcpDialer, Transport
from sync.core.chunking import KIB, MIB
from tests.contracts.library_contract import Client, Subject
from tests.fakes.library_server import FakeLibrary


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def test_bucket_when_more_is_taken_than_the_rate_then_it_takes_as_long_as_the_rate_says() -> None:
    clock = Clock()
    bucket = Bucket(clock=lambda: clock.now_s, sleep=clock.sleep)
    bucket.limit(100 * KIB)
    for _ in range(64):
        bucket.take(64 * KIB)
    assert abs((clock.now_s - 100.0) - 64 * 64 / 100) < 0.01


def test_bucket_when_it_was_idle_then_at_most_half_a_second_passes_at_once() -> None:
    clock = Clock()
    bucket = Bucket(clock=lambda: clock.now_s, sleep=clock.sleep)
    bucket.limit(1000)
    clock.now_s += 3600
    bucket.take(500)
    assert clock.now_s == 3700.0
    bucket.take(1000)
    assert clock.now_s == 3701.0


def test_bucket_when_without_a_limit_then_nobody_waits() -> None:
    clock = Clock()
    bucket = Bucket(clock=lambda: clock.now_s, sleep=clock.sleep)
    bucket.take(10**12)
    assert clock.now_s == 100.0


def test_transport_when_limited_then_contents_pass_slowly_and_whole(fake: FakeLibrary, library: str, tmp_path: Path) -> None:
    subject = Subject(fake.api, library, fake.issue_code, grant=lambda *_: None)
    client = Client(subject, "林悦")
    content, taken = os.urandom(MIB - 7), {"up": 0, "down": 0}
    limits = client.transport.limits

    def counting(direction: str) -> Bucket:
        bucket = Bucket(sleep=lambda seconds: None)
        bucket.limit(1)
        take = bucket.take

        def count(size_bytes: int) -> None:
            taken[direction] += size_bytes
            take(size_bytes)

        bucket.take = count  # type: ignore[method-assign]
        return bucket

    limits.up, limits.down = counting("up"), counting("down")
    node = client.commit("f", content).node
    assert node is not None
    assert node.manifest is not None
    assert client.read(node.manifest) == content
    assert taken["up"] >= len(content)
    assert taken["down"] >= len(content)
    client.transport.close()


def test_transport_when_made_then_without_a_limit() -> None:
    limits = Transport(TcpDialer()).limits
    assert (limits.up.rate, limits.down.rate) == (0, 0)
