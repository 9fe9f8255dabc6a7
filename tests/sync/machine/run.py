"""Runs of the machine: many, each by its seed; a failing one is made smaller until every step of it is needed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.sync.machine.luck import Profile, Step, profile_of, steps_of


class World(Protocol):
    """Agents and a library. steps: how many were carried out."""

    steps: int

    def step(self, step: Step) -> None:
        """Carry out a step; raises Violation."""

    def close(self) -> None:
        """Give everything back."""


Make = Callable[[Path, Profile, int], World]


@dataclass(frozen=True)
class Failure:
    """A run that failed. steps: all of them, or the few that are needed."""

    seed: int
    profile: Profile
    steps: Sequence[Step]
    error: BaseException

    def __str__(self) -> str:
        listed = "\n".join(f"    {step}," for step in self.steps)
        return f"seed {self.seed}, {self.profile}: {type(self.error).__name__}: {self.error}\n[\n{listed}\n]"


def perform(make: Make, profile: Profile, seed: int, steps: Sequence[Step]) -> tuple[int, Failure | None]:
    """Carry out steps in a new world: how many, nested ones counted, and how it failed."""
    with tempfile.TemporaryDirectory(prefix="machine", dir=_memory()) as folder:
        world = make(Path(folder), profile, seed)
        done: list[Step] = []
        try:
            for step in steps:
                done.append(step)
                world.step(step)
        except Exception as error:  # noqa: BLE001 - a mistake of the engine is a finding as much as a violation
            return world.steps, Failure(seed, profile, done, error)
        finally:
            world.close()
        return world.steps, None


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


def run_seed(make: Make, seed: int, count: int) -> tuple[int, Failure | None]:
    """A whole run by its seed."""
    profile = profile_of(seed)
    return perform(make, profile, seed, steps_of(seed, count, profile))


def smaller(make: Make, failure: Failure, within_s: float = 60) -> Failure:
    """Leave out steps for as long as it still fails in the same way."""
    kind, until = _kind(failure), time.monotonic() + within_s
    size = max(1, len(failure.steps) // 2)
    while size and time.monotonic() < until:
        at = 0
        while at < len(failure.steps) and time.monotonic() < until:
            fewer = [*failure.steps[:at], *failure.steps[at + size :]]
            if fewer and fewer[-1].kind != "settle":
                fewer.append(Step("settle"))
            found = perform(make, failure.profile, failure.seed, fewer)[1] if len(fewer) < len(failure.steps) else None
            if found is not None and _kind(found) == kind:
                failure = found
            else:
                at += size
        size //= 2
    return failure


def _kind(failure: Failure) -> str:
    return f"{type(failure.error).__name__} {str(failure.error)[:12]}"
