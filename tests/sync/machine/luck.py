"""One seed decides everything: the steps of a run, and within a step every fault, crash and interleaving.

A step carries its own `luck`, so that a run can be made smaller by leaving steps out: the others keep their faults.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One step of a run. agent: who does it. a, b, c: choices, each taken modulo what there is to choose from."""

    kind: str
    agent: int = 0
    a: int = 0
    b: int = 0
    c: int = 0
    luck: int = 0

    def __str__(self) -> str:
        return f'Step("{self.kind}", {self.agent}, {self.a}, {self.b}, {self.c}, {self.luck})'


WEIGHTS = {
    "write": 14, "patch": 4, "hold": 4, "close": 5, "fsync": 2, "unlink": 5, "rename": 8, "mkdir": 3, "rmdir": 2, "move_folder": 2,
    "temp_save": 4, "swap_save": 3, "read": 4, "send": 20, "feed": 18, "tick": 5, "jump": 1, "kill": 2, "power": 1, "late": 3, "ship": 1,
    "check_out": 2, "check_in": 1,
}  # fmt: skip
"""How often each kind of step comes. `settle`, at which the properties are checked, comes by itself."""

USER = frozenset({
    "write", "patch", "hold", "close", "fsync", "unlink", "rename", "mkdir", "rmdir", "move_folder", "temp_save", "swap_save", "read",
    "check_out", "check_in",
})  # fmt: skip


@dataclass(frozen=True)
class Profile:
    """What kind of run this is. writers: how many of the agents write (1: then there must be no conflict copy).

    line, crash, disk, nest: how likely a request is lost, an agent is killed at a boundary, the disk fails, and something else
    happens in the middle of a step. leases: whether files are checked out, by whoever writes. ahead: even a single save is read and
    stored while a batch before it is answered.
    """

    agents: int = 2
    writers: int = 2
    line: float = 0.0
    crash: float = 0.0
    disk: float = 0.0
    nest: float = 0.0
    jumps: bool = False
    power: bool = False
    leases: bool = False
    ahead: bool = False


def profile_of(seed: int) -> Profile:
    """The kind of a run, by its seed: from calm ones to ones in which everything goes wrong."""
    numbers = random.Random(f"profile {seed}")
    agents = numbers.choice([2, 2, 3])
    return Profile(
        agents=agents,
        writers=numbers.choice([1, agents, agents]),
        line=numbers.choice([0.0, 0.1, 0.3]),
        crash=numbers.choice([0.0, 0.0, 0.01, 0.04]),
        disk=numbers.choice([0.0, 0.0, 0.02]),
        nest=numbers.choice([0.0, 0.2, 0.5]),
        jumps=numbers.random() < 0.3,
        power=numbers.random() < 0.3,
        leases=numbers.random() < 0.3,
        ahead=numbers.random() < 0.5,
    )


def steps_of(seed: int, count: int, profile: Profile) -> list[Step]:
    """The steps of a run."""
    numbers = random.Random(f"steps {seed}")
    kinds, weights = list(WEIGHTS), list(WEIGHTS.values())
    steps = []
    for number in range(count):
        kind = numbers.choices(kinds, weights)[0]
        if not {"jump": profile.jumps, "power": profile.power, "check_out": profile.leases, "check_in": profile.leases}.get(kind, True):
            kind = "tick"
        agent = numbers.randrange(profile.writers if kind in USER - {"read"} else profile.agents)
        steps.append(Step(kind, agent, *(numbers.randrange(1000) for _ in range(3)), numbers.randrange(2**32)))
        if number % 120 == 119:
            steps.append(Step("settle", luck=numbers.randrange(2**32)))
    return [*steps, Step("settle")]
