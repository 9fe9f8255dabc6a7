"""Counting requests without Redis."""

import pytest

from workspace import rate_limits
from workspace.rate_limits import ProcessStorage


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_800_000_000 + self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(rate_limits, "time", made)
    return made


def test_window_when_it_moves_on_then_as_many_again_as_have_left_it(clock: Clock) -> None:
    storage = ProcessStorage()
    assert [storage.acquire_entry("a", 2, 60) for _ in range(3)] == [True, True, False]
    assert storage.acquire_entry("b", 2, 60, amount=2), "each key counts for itself"
    assert not storage.acquire_entry("c", 2, 60, amount=3)
    clock.now += 59
    assert not storage.acquire_entry("a", 2, 60)
    assert storage.get_moving_window("a", 2, 60) == (clock.time() - 59, 2)
    clock.now += 1
    assert [storage.acquire_entry("a", 2, 60) for _ in range(3)] == [True, True, False]
    storage.clear("a")
    assert storage.get_moving_window("a", 2, 60) == (clock.time(), 0)


def test_window_when_nobody_comes_any_more_then_it_leaves_nothing_behind(clock: Clock) -> None:
    storage = ProcessStorage()
    storage.acquire_entry("gone", 5, 60)
    clock.now += 61
    storage.acquire_entry("here", 5, 60)
    assert list(storage._windows) == ["here"]
