"""State machine (b): generated runs over the plan alone, and the bugs planted into it.

A failing run prints its seed and its fewest steps; ``MACHINE_SEED=N`` here or ``script/check-sync --plan --seed N --runs 1`` repeats
it. For many runs: ``script/check-sync --plan --steps 100000``.
"""

from __future__ import annotations

import os
import random

import pytest

from tests.sync.machine.pure.machine import PlanMachine
from tests.sync.machine.pure.planted import PLANTED, machine_with
from tests.sync.machine.pure.run import explore, tell
from tests.sync.machine.pure.stories import MEETS


def test_machine_when_agents_are_only_a_plan_then_no_property_is_violated() -> None:
    chosen = int(os.environ.get("MACHINE_SEED") or random.SystemRandom().randrange(10**9))
    print(f"MACHINE_SEED={chosen}")
    explore(chosen)


@pytest.mark.parametrize("bug", PLANTED)
def test_bug_when_planted_into_the_plan_then_caught(bug: str) -> None:
    assert tell(PlanMachine, MEETS[bug]) is None, "this fails without the bug"
    assert tell(machine_with(PLANTED[bug]), MEETS[bug]) is not None
