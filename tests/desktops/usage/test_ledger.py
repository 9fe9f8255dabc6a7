"""The usage ledger's rules."""

from datetime import UTC, datetime, timedelta

import pytest

from desktops.machines.rules import State
from desktops.usage.rules import Usage, ends_at, usage_of

NOW = datetime(2026, 10, 1, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "usage"),
    [
        (State.REQUESTED, None), (State.PLACED, None), (State.CLONED, None), (State.STOPPED, None), (State.STARTING, None),
        (State.BOOTING, Usage.RUNNING), (State.READY, Usage.RUNNING), (State.IN_USE, Usage.RUNNING), (State.IDLE, Usage.RUNNING),
        (State.HIBERNATING, Usage.RUNNING), (State.HIBERNATED, Usage.HIBERNATED), (State.WAKING, Usage.HIBERNATED),
        (State.RETIRING, None), (State.GONE, None),
    ],
)  # fmt: skip
def test_usage_when_in_a_state_then_what_is_billed(state: State, usage: Usage | None) -> None:
    assert usage_of(state) is usage


@pytest.mark.parametrize(("silent_s", "ends_s"), [(0, 0), (30, 0), (31, -31), (86_400, -86_400)])
def test_end_when_not_seen_for_long_then_at_the_last_certain_moment(silent_s: int, ends_s: int) -> None:
    assert ends_at(seen_at=NOW - timedelta(seconds=silent_s), now=NOW) == NOW + timedelta(seconds=ends_s)
