"""Runs of state machine (b): Hypothesis makes up the steps from a seed, and makes those that fail smaller."""

from __future__ import annotations

import time

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.sync.machine.ledger import Violation
from tests.sync.machine.pure.machine import PlanMachine

EXAMPLES = 80
LENGTH = 50

Story = list[tuple[str, dict[str, object]]]


def explore(chosen: int, examples: int = EXAMPLES) -> int:
    """Runs from a seed, the same ones each time; returns how many steps they had. Raises with a smallest failing run in its notes."""
    before = PlanMachine.steps
    run_state_machine_as_test(
        seed(chosen)(PlanMachine),
        settings=settings(
            max_examples=examples, stateful_step_count=LENGTH, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck), report_multiple_bugs=False, print_blob=False,
        ),
    )  # fmt: skip
    return PlanMachine.steps - before


def tell(machine: type[PlanMachine], story: Story) -> Violation | None:
    """One run, step by step as Hypothesis prints it; returns what it violated."""
    world = machine()
    try:
        for name, arguments in [*story, ("settle", {})]:
            getattr(world, name)(**arguments)
            world.whole()
    except Violation as violation:
        return violation
    return None


def explore_until(steps: int, first: int, runs: int) -> int:
    """`script/check-sync --plan`: one batch after another until there were so many steps; the status."""
    done, began, number = 0, time.process_time(), first
    for number in range(first, first + runs):
        try:
            done += explore(number)
        except Exception as error:  # noqa: BLE001 - a mistake of the plan is a finding as much as a violation
            notes = "\n".join(getattr(error, "__notes__", []))
            print(f"seed {number}, after {done} steps: {type(error).__name__}: {error}\n{notes}")
            return 1
        if done >= steps:
            break
    took = time.process_time() - began
    print(f"{done} steps of the plan in {number - first + 1} batches of {EXAMPLES} runs, {took:.0f} s of CPU: no violation")
    return 0
