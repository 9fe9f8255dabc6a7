"""`script/check-sync`: runs of the machine one after another until there were so many steps, or one fails."""

from __future__ import annotations

import argparse
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import structlog

from tests.sync.machine.library import Server
from tests.sync.machine.pages import PagesWorld, run_pages_seed
from tests.sync.machine.pure.run import explore_until
from tests.sync.machine.real import RealWorld
from tests.sync.machine.run import run_seed, smaller


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/check-sync", description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000, help="end after so many steps")
    parser.add_argument("--runs", type=int, default=10**9, help="end after so many runs")
    parser.add_argument("--length", type=int, default=120, help="steps of one run, without those in the middle of others")
    parser.add_argument("--seed", type=int, default=None, help="of the first run; the next ones count on")
    parser.add_argument("--pages", action="store_true", help="people work on pages as well, where rights come and go")
    parser.add_argument("--away", type=int, default=None, metavar="SECONDS", help="instead: real processes, and the store away for so long")
    parser.add_argument("--kills", action="store_true", help="instead: real processes, killed before and after each of their boundaries")
    parser.add_argument("--plan", action="store_true", help="instead: the plan alone, in memory; a run is a batch of 80")
    options = parser.parse_args()
    if options.away is not None:
        return _with_processes("test_outside.py", "-k", "store_when_away", FAULT_AWAY_S=str(options.away))
    if options.kills:
        return _with_processes("test_kills.py", FAULT_EVERYTHING="1")
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    first = options.seed if options.seed is not None else random.SystemRandom().randrange(10**9)
    print(f"seed {first}", flush=True)
    if options.plan:
        return explore_until(options.steps, first, options.runs)
    with tempfile.TemporaryDirectory(prefix="machine") as folder:
        server = Server(Path(folder) / "server")
        return _run(server, first, options)


def _with_processes(test: str, *words: str, **environment: str) -> int:
    """A test that is shorter in the suite, with its figures."""
    argv = [sys.executable, "-m", "pytest", "-q", "-s", f"tests/sync/faults/{test}", *words]
    return subprocess.run(argv, env={**os.environ, **environment}, check=False).returncode


def _run(server: Server, first: int, options: argparse.Namespace) -> int:
    world, run_it = (PagesWorld, run_pages_seed) if options.pages else (RealWorld, run_seed)

    def make(folder: Path, profile, seed: int) -> RealWorld:
        return world(folder, server, profile, seed)

    done, began = 0, time.monotonic()
    for seed in range(first, first + options.runs):
        steps, failure = run_it(make, seed, options.length)
        done += steps
        if seed % 20 == 0:
            print(f"{done} steps, {done / (time.monotonic() - began):.0f} steps/s", flush=True)
        if failure is not None:
            print(f"after {done} steps:\n{smaller(make, failure)}")
            return 1
        if done >= options.steps:
            break
    took = time.monotonic() - began
    print(f"{done} steps in {seed - first + 1} runs, {took:.0f} s, {done / took:.0f} steps/s: no violation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
