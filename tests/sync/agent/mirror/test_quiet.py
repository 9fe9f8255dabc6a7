"""When a path may be looked at, by a clock that the test holds."""

from __future__ import annotations

from sync.agent.mirror.quiet import GROWING_S, LONGEST_S, SETTLE_S, Happened, Quiet


def test_path_when_closed_then_due_after_a_moment_and_once() -> None:
    quiet = Quiet()
    quiet.note("a", Happened.WRITTEN, 0.0)
    quiet.note("a", Happened.CLOSED, 1.0)
    assert quiet.due(1.0) == []
    assert quiet.due(1.0 + SETTLE_S) == ["a"]
    assert quiet.due(100.0) == []
    assert quiet.next_s() is None


def test_path_when_it_grows_then_waits_until_it_rests_but_not_for_ever() -> None:
    quiet = Quiet()
    second = 0.0
    while second < LONGEST_S:
        quiet.note("log", Happened.WRITTEN, second)
        assert quiet.due(second) == []
        second += 1
    assert quiet.due(LONGEST_S) == ["log"]
    quiet.note("log", Happened.WRITTEN, 100.0)
    assert quiet.due(100.0 + GROWING_S - 0.1) == []
    assert quiet.due(100.0 + GROWING_S) == ["log"]


def test_paths_when_of_one_swap_then_due_together() -> None:
    quiet = Quiet()
    for path in ("f", "f.bak", "new"):
        quiet.note(path, Happened.NAMED, 5.0)
    assert quiet.due(5.0 + SETTLE_S) == ["f", "f.bak", "new"]
