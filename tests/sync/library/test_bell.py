"""The bell of the change feed: a commit wakes the agents that it concerns, and no others."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from sync.core.protocol import FeedAnswer
from sync.library.agents_api import feed
from sync.library.agents_api.feed import EVERYONE, Bell, concerned
from sync.library.libraries.actions import open_library
from tests.house import member_named
from tests.product import wait_until
from tests.sync.library.agents import rename
from tests.sync.library.conftest import Room
from workspace.db import Database
from workspace.devices.actions import issue_code
from workspace.devices.models import Device
from workspace.parts import Parts
from workspace.people.actions import make_group
from workspace.wake import Wake


@pytest.mark.parametrize(
    ("kind", "rooms", "changed", "expected"),
    [
        ("library.version.committed", ["library:a", "line:x"], {}, {"a"}),
        ("library.library.opened", ["library:a"], {"join": {"m": ["library:a"]}}, {EVERYONE}),
        ("main_lines.line.member_added", ["line:x"], {"join": {"m": ["line:x", "library:a"]}}, {EVERYONE}),
        ("workspace.device.revoked", ["audit"], {}, {EVERYONE}),
        ("main_lines.task.signed", ["line:x"], {}, set()),
    ],
)
def test_event_when_it_comes_then_its_libraries_are_concerned(
    kind: str, rooms: list[str], changed: dict[str, Any], expected: set[str]
) -> None:
    assert concerned(kind, rooms, changed) == expected


class Waiter(threading.Thread):
    """An agent that waits; looks counts how often it was woken to look, beside the look at the start."""

    def __init__(self, bell: Bell, library_id: str, device_id: str | None = None) -> None:
        super().__init__(daemon=True)
        self.bell, self.library_id, self.device_id, self.looks = bell, library_id, device_id, -1
        self.start()
        wait_until(lambda: self.looks == 0, what="it waits")

    def run(self) -> None:
        with self.bell.place([self.library_id], self.device_id) as rung:
            self.bell.wait_for(rung, self._look, until=time.monotonic() + 60)

    def _look(self) -> FeedAnswer | None:
        self.looks += 1
        return None


@pytest.fixture
def bell(parts: Parts) -> Iterator[Bell]:
    made = Bell(parts.get(Wake), parts.get(Database), places=3)  # type: ignore[type-abstract]
    parts.at_commit(made.hear)
    yield made
    made.close()


def test_wait_when_one_library_changes_then_only_its_agents_look(room: Room, bell: Bell, work_as: Callable[..., Any]) -> None:
    with work_as("林悦") as work:
        group = make_group(work, name="另一组", kind="free", member_ids=[member_named(work, "林悦").id])
        other = open_library(work, name="另一个素材库", scope_room="line:x", group_id=group.id).id
    here, elsewhere = Waiter(bell, room.id), Waiter(bell, other)
    room.su.save(room.id, room.root, "一.txt", b"one")
    wait_until(lambda: here.looks == 1, what="the agent of the changed library looks")
    assert elsewhere.looks == 0
    with work_as("林悦") as work:
        issue_code(work, member_id=member_named(work, "陈墨").id, kind="pc", name="陈墨的电脑")
    wait_until(lambda: (here.looks, elsewhere.looks) == (2, 1), what="everybody looks when a device may have changed")


def test_wait_when_a_device_saves_itself_then_others_look_and_it_looks_when_more_happened_than_it_was_told(
    room: Room, bell: Bell, database: Database
) -> None:
    with database.session(writes=False) as session:
        own = session.scalars(select(Device.id).where(Device.name == "苏航的云桌面")).one()
    here, elsewhere = Waiter(bell, room.id, own), Waiter(bell, room.id, "another")
    saved = room.su.save(room.id, room.root, "一.txt", b"one").node
    wait_until(lambda: elsewhere.looks == 1, what="another device looks")
    assert here.looks == 0, "the answer said it all"
    room.su.op(room.id, rename(saved.id, room.root, "二.txt"))
    wait_until(lambda: (here.looks, elsewhere.looks) == (1, 2), what="both look")
    room.chen.save(room.id, room.root, "三.txt", b"three")
    wait_until(lambda: (here.looks, elsewhere.looks) == (2, 3), what="both look")


def test_wait_when_another_process_commits_then_its_wake_rings_and_what_was_rung_for_does_not_ring_again(
    room: Room, bell: Bell, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "LOOK_AGAIN_S", 60.0)
    here = Waiter(bell, room.id)
    room.su.save(room.id, room.root, "一.txt", b"one")
    wait_until(lambda: here.looks == 1, what="the agent looks after a save")
    wake = parts.get(Wake)  # type: ignore[type-abstract]
    monkeypatch.setattr("workspace.wake.os.getpid", lambda: 1)
    wake()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(parts, "_at_commit", [])
        room.su.save(room.id, room.root, "二.txt", b"two")
    wait_until(lambda: here.looks == 2, what="the agent looks after a save by another process")
    assert bell._told == set()


def test_wait_when_the_bell_is_closed_then_all_leave_at_once(room: Room, bell: Bell) -> None:
    waiting = [Waiter(bell, room.id) for _ in range(3)]
    bell.close()
    for waiter in waiting:
        waiter.join(timeout=5)
        assert not waiter.is_alive()
