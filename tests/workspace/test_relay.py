"""The relay dies between a commit and its frame, and another begins: nothing is missed, and nobody is bothered without need."""

import contextlib
from collections.abc import Sequence
from typing import Any

import pytest

from tests.house import NOW
from workspace.db import Database
from workspace.people.models import PeopleEvent
from workspace.realtime_rooms import Client, Hall
from workspace.relay import Relay
from workspace.settings import Settings
from workspace.wake import make_wake
from workspace.work import head_seq, open_work


class Line:
    """To a hall with one client; what it was sent is kept. away: nobody listens at the other end."""

    def __init__(self) -> None:
        self.hall, self.sent, self.away = Hall(), list[tuple[str, Any]](), False

    def publish(self, frames: Sequence[dict[str, Any]]) -> None:
        if self.away:
            raise OSError("away")
        for frame in frames:
            self.sent += [(message, body.get("seq")) for sids, message, body in self.hall.route(frame) if "a-1" in sids]

    def close(self) -> None:
        pass


@pytest.fixture
def line(company: Database, settings: Settings) -> Line:
    """A relay has said everything so far, and has died."""
    made = Line()
    Relay(company, made, make_wake(settings)).relay_once()
    made.hall.admit(Client("a-1", "a", {"line:1"}, made.hall.head, made.hall.epoch))
    return made


def record(database: Database, times: int) -> list[int]:
    """Sequences of the new events."""
    for _ in range(times):
        with open_work(database, now=NOW) as work:
            work.record(PeopleEvent.SITE_ADDED, subject="site:x", rooms=["line:1"], name="武汉")
    with open_work(database, writes=False) as work:
        head = head_seq(work)
    return list(range(head - times + 1, head + 1))


def test_relay_when_another_died_before_it_said_what_was_committed_then_it_says_it(
    company: Database, settings: Settings, line: Line
) -> None:
    missed = record(company, 3)
    Relay(company, line, make_wake(settings)).relay_once()
    assert line.sent == [("frame", seq) for seq in missed]


def test_relay_when_the_other_end_is_away_then_the_rows_wait(company: Database, settings: Settings, line: Line) -> None:
    relay = Relay(company, line, make_wake(settings))
    relay.relay_once()
    missed, line.away = record(company, 2), True
    with contextlib.suppress(OSError):
        relay.relay_once()
    line.away = False
    relay.relay_once()
    assert line.sent == [("frame", seq) for seq in missed]


def test_relay_when_too_much_was_missed_then_all_come_again(
    company: Database, settings: Settings, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workspace.relay.SAID_AGAIN", 2)
    record(company, 5)
    Relay(company, line, make_wake(settings)).relay_once()
    assert line.sent == [("again", None)]
