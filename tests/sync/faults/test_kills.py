"""kill -9 at every boundary of the agent, of the server and of the store: what was acknowledged is there, once, and no second head.

Each case is a round of saves by one person, through a real mount, a real web process and a real store. The lists below are all the
boundaries there are: the last test fails when a process came to one that no list names. `script/check-sync --kills` takes both sides
of each, the suite the side before it and what somebody relies on.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sync.faults.scene import Scene
from tests.sync.faults.site import Agent, Site

pytestmark = [pytest.mark.fault, pytest.mark.server, pytest.mark.fuse]

INDEX = (
    "Arrivals.page", "Content._keep", "Departures._commit", "Departures._commit durable",
    "Tree._touch", "Tree.catch_up", "Tree.closed",
    "Tree.create", "Tree.fsync durable", "Tree.make_folder", "Tree.prepare_write", "Tree.rename", "Tree.save", "Tree.trim", "Tree.truncate",
    "Tree.unlink", "recover",
)  # fmt: skip
"""Functions of the agent that open a transaction of its index, which is its tree and its journal."""

SELDOM = (
    "Arrivals.adopt_node", "Arrivals.look_again", "Arrivals.nodes", "Arrivals.released", "Arrivals.revive_folder",
    "Departures._after", "Departures._deleted",
    "Departures._gone_since", "Departures._postpone", "Departures._prepare_delete", "Journal.drop", "Journal.put_off", "Journal.ready",
    "Journal.take",
    "Journal.take_back", "Journal.unsend", "Tree._touch durable", "Tree.truncate durable",
)  # fmt: skip
"""Come when sender and writer meet in a certain way, or a kill left something to put right: no round is sure to come to them."""

DISK = ("create: before", "fetch: before", "flush: before", "truncate: before", "truncate: after", "write: before", "write: after")
LINE = (
    *(f"{what}: {side}" for what in ("content", "feed", "heartbeat", "missing", "ops", "packs") for side in ("before", "after")),
    *(f"{what}: {side}" for what in ("get", "put") for side in ("before", "half", "after")),
)
_BOTH = ("before", "after")
FIRST = tuple(
    f"{what}: {side}" for what in ("line enrol", "index Engine.__init__", "index Arrivals.libraries", "line libraries") for side in _BOTH
)
"""Of the first start on a machine."""

UNUSED = ("line leases: before", "line leases: after", "line children: before", "line children: after")
"""A question whose loss changes nothing on either side."""

AGENT = (
    *(f"index {name}: {side}" for name in INDEX for side in _BOTH),
    *(f"disk {what}" for what in DISK),
    *(f"line {what}" for what in LINE),
)

WEB = (
    "missing: before", "missing: after", "pack check: before", "pack check: after", "packs commit: before", "packs told: after",
    "ops: before", "ops: done", "ops commit: before", "ops commit: after", "ops told: after", "log: before", "log: after",
    "answer: before", "answer: after", "content: before",
)  # fmt: skip


PROMISES = (
    "index Tree.closed: after",
    "index Tree.fsync: after",
    "index Departures._commit: after",
    "line ops: after",
    "line packs: after",
)
"""After these somebody relies on what was written. What follows any other one is what precedes the next."""

EVERYTHING = bool(os.environ.get("FAULT_EVERYTHING"))
IDLE = ("line feed: before", "line heartbeat: before", "line content: before", "disk flush: before", "disk truncate: before")
"""Nothing was written since the moment before them."""
SHORT = [moment for moment in AGENT if EVERYTHING or moment in PROMISES or not (moment.endswith(": after") or moment in IDLE)]


@pytest.mark.parametrize("moment", SHORT)
def test_agent_when_killed_at_a_boundary_then_what_was_saved_arrives_once(moment: str, scene: Scene) -> None:
    scene.round_killed_at(scene.writes.moments, moment)


@pytest.mark.parametrize("moment", WEB)
def test_web_process_when_killed_at_a_boundary_then_what_was_saved_arrives_once(moment: str, scene: Scene) -> None:
    scene.round_killed_at(scene.site.moments, moment)


@pytest.mark.parametrize("moment", ["line put: half", "line get: half"])
def test_store_when_killed_while_bytes_travel_then_what_was_saved_arrives_once(moment: str, scene: Scene) -> None:
    scene.round_killed_at(scene.writes.moments, moment, pid=scene.site.pid_of("store"), mend=scene.site.restart_store)


@pytest.mark.parametrize("moment", ["pack check: before", "log: before"])
def test_store_when_killed_before_the_server_asks_it_then_what_was_saved_arrives_once(moment: str, scene: Scene) -> None:
    scene.round_killed_at(scene.site.moments, moment, pid=scene.site.pid_of("store"), mend=scene.site.restart_store)


def test_agent_when_killed_at_its_first_start_then_the_same_code_serves_again(site: Site, home: Path) -> None:
    agent = Agent(home / "new", site, "林悦", watched=True)
    try:
        for number, moment in enumerate(FIRST):
            agent.become_new(number)
            agent.moments.arm(moment)
            agent.begin_again()
            assert agent.moments.died, moment
            assert agent.folder.is_dir()
    finally:
        agent.clean_up()


def test_product_when_all_this_was_survived_then_everything_is_there_and_sound(scene: Scene) -> None:
    scene.check_everything()
    assert "sound" in scene.site.verify()
    listed = {*AGENT, *FIRST, *UNUSED, *(f"index {name}: {side}" for name in SELDOM for side in ("before", "after"))}
    assert scene.writes.moments.seen() - listed == set(), "a boundary that no list names"
    assert scene.site.moments.seen() - set(WEB) == set(), "a boundary that no list names"
