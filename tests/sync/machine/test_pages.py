"""The state machine while people work on pages as well: some generated runs, and what they found.

``PAGES_SEED=N`` here or ``script/check-sync --pages --seed N --runs 1`` repeats a run.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.machine.library import Server
from tests.sync.machine.luck import Profile, Step
from tests.sync.machine.pages import PagesWorld, run_pages_seed
from tests.sync.machine.run import World, perform, smaller

pytestmark = pytest.mark.slow

STEPS = 80
SEEDS = range(1, 4)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("machine") / "server")
    yield made
    made.parts.stop()


@pytest.fixture
def make(server: Server):
    def made(folder: Path, profile: Profile, seed: int) -> World:
        return PagesWorld(folder, server, profile, seed)

    return made


def test_machine_when_people_work_on_pages_too_then_no_property_is_violated(make) -> None:
    chosen = os.environ.get("PAGES_SEED")
    for seed in [int(chosen)] if chosen else [*SEEDS, random.SystemRandom().randrange(10**9)]:
        print(f"PAGES_SEED={seed}")
        _steps, failure = run_pages_seed(make, seed, STEPS)
        assert failure is None, f"PAGES_SEED={seed}, made smaller: {smaller(make, failure, 30)}"


BOTH = Profile(agents=2, writers=2)
IN_BOTH = [Step("write"), Step("mkdir"), Step("send"), Step("feed", 1)]
"""A file and a folder at the top, and everybody knows them."""
CLOSED = Step("page_right", 0, 0, 1, 0)
"""The other member may not see the first folder any more."""
LIBRARY_CLOSED = Step("page_library", 0, 0, 1, 0)
ONTO = [*IN_BOTH, Step("write", 0, 1, 2, 5), Step("send"), Step("feed", 1), CLOSED, Step("rename", 1, 0, 2, 1)]
FOUND: dict[str, tuple[Profile, list[Step]]] = {
    "a folder is closed that a file was moved into here": (BOTH, [*IN_BOTH, Step("rename", 1, 0, 0, 1), CLOSED, Step("feed", 1)]),
    "a folder is closed that a file was moved into here, and the first page of the feed tells of both": (
        BOTH,
        [*IN_BOTH, Step("mkdir", 1, 1, 1), CLOSED, Step("rename", 1, 0, 0, 2)],
    ),
    "a folder is closed that was removed here": (BOTH, [*IN_BOTH, Step("rmdir", 1), CLOSED]),
    "a file is closed that was moved and removed here": (
        BOTH,
        [*IN_BOTH, Step("rename", 0, 0, 0, 1), Step("send"), Step("feed", 1), Step("rename", 1, 0, 2, 0), Step("unlink", 1), CLOSED],
    ),
    "a folder is closed, and a file in it had another one moved onto it here": (BOTH, [*ONTO, Step("send", 1)]),
    "the same, and the feed is quicker": (BOTH, [*ONTO, Step("feed", 1)]),
    "a library is closed while the agent does not run": (BOTH, [Step("kill", 1), LIBRARY_CLOSED]),
}
"""Counterexamples of mistakes that were mended, as small as they could be made."""


@pytest.mark.parametrize("name", FOUND)
def test_counterexample_on_pages_when_run_again_then_it_holds(name: str, make) -> None:
    profile, steps = FOUND[name]
    failure = perform(make, profile, 0, [*steps, Step("settle")])[1]
    assert failure is None, str(failure)


LOOKED_AT = [
    *[*IN_BOTH, Step("rename", 0, 0, 0, 1), Step("mkdir", 0, 1, 1), Step("send"), Step("feed", 1)],
    Step("page_right", 0, 0, 1, 2),
]
"""The folder holds the file and another folder, and the other member may only look at it."""


@pytest.mark.parametrize(
    "done",
    [[Step("rename", 1, 0, 2, 0)], [Step("unlink", 1), Step("tick", 1, 4)], [Step("move_folder", 1, 1, 0, 2)], [Step("rmdir", 1, 1)]],
    ids=["a file moved", "a file removed", "a folder moved", "a folder removed"],
)
def test_place_when_it_may_only_be_looked_at_then_what_was_done_there_before_is_taken_back(
    done: list[Step], server: Server, tmp_path: Path
) -> None:
    world = PagesWorld(tmp_path, server, BOTH, 0)
    try:
        for step in [*LOOKED_AT, *done]:
            world.step(step)
        (pc,) = world.pcs[1:]
        for _turn in range(4):
            world.step(Step("tick", 1, 4))
            world._turn(pc)
        assert world._unrest(pc) is None
        world._check_replica(pc, {node.id: node for node in world.library.nodes() if node.deleted_at is None})
    finally:
        world.close()


def test_folder_when_something_in_it_is_closed_then_its_move_is_taken_back(server: Server, tmp_path: Path) -> None:
    world = PagesWorld(tmp_path, server, BOTH, 0)
    try:
        for step in [*LOOKED_AT[:-1], Step("mkdir", 0, 0, 2), Step("send"), Step("page_right", 0, 1, 1, 0), Step("feed", 1)]:
            world.step(step)
        for step in [Step("move_folder", 1, 0, 2, 0), Step("settle")]:
            world.step(step)
    finally:
        world.close()
