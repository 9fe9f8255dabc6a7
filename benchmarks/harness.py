"""What every benchmark shares: rows of figures, the machine they were measured on, the table, the JSON and the plot.

A benchmark is a module in this folder with a docstring (its first line is the title) and ``measure(quick) -> list[Row]``;
``script/bench NAME`` runs it. One that can measure a part of itself takes ``only`` or ``alone`` as well. Peers are measured in
the same run, since only figures from one run may be compared. What could not be measured stands in the module's ``LEFT_OUT``,
with the reason.
"""

import importlib
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks.plot import draw

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Row:
    """One figure. ours, peers and goal are in ``unit``; goal None = nothing to beat."""

    id: str
    what: str
    unit: str
    better: Literal["lower", "higher"]
    ours: float
    peers: dict[str, float] = field(default_factory=dict)
    goal: float | None = None

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.ours <= self.goal if self.better == "lower" else self.ours >= self.goal

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met}


def run(name: str, *, quick: bool, **chosen: Any) -> list[Row]:
    """Measure, print, and write the results: kept in benchmarks/results, or, for a quick run or a part, in artefacts/.

    chosen: what ``measure`` is to measure of the whole.
    """
    module = importlib.import_module(f"benchmarks.{name}")
    title = (module.__doc__ or name).splitlines()[0]
    before, started = machine(), time.monotonic()
    rows: list[Row] = module.measure(quick, **chosen)
    told: dict[str, str] = getattr(module, "LEFT_OUT", {})
    left_out = {what: why.replace(f"{ROOT}/", "") for what, why in told.items()}  # It is kept, and names no place of this machine.
    folder = ROOT / "artefacts" / "benchmarks" if quick or chosen else ROOT / "benchmarks" / "results"
    folder.mkdir(parents=True, exist_ok=True)
    shown = [row.as_json() for row in rows]
    result = {
        "name": name,
        "title": title,
        "quick": quick,
        "machine": before,
        "seconds": round(time.monotonic() - started, 1),
        "rows": shown,
        "left_out": left_out,
    }
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (folder / f"{name}.svg").write_text(draw(title, shown), "utf-8")
    print(table(title, rows))
    for what, why in left_out.items():
        print(f"left out: {what}: {why}")
    print(f"\n{(folder / f'{name}.json').relative_to(ROOT)}, {name}.svg beside it; {result['seconds']} s")
    return rows


def machine() -> dict[str, Any]:
    """What the figures depend on. load: running processes over the last minute, before the benchmark began."""
    cpu = next((line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    memory_kib = next(int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_mib": memory_kib // 1024,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "commit": commit.stdout.strip(),
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "load": round(os.getloadavg()[0], 2),
    }


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()


def table(title: str, rows: Sequence[Row]) -> str:
    """The rows as text; a peer's figure is followed by how many times better ours is."""
    lines = [title, ""]
    for row in rows:
        peers = ", ".join(f"{name} {figure_text(value)} ({_times_better(row, value)})" for name, value in row.peers.items())
        goal = (
            ""
            if row.goal is None
            else f"  goal {'≤' if row.better == 'lower' else '≥'} {figure_text(row.goal)} {'met' if row.met else 'MISSED'}"
        )
        lines.append(f"{row.id:<18} {row.what:<52} {figure_text(row.ours):>9} {row.unit:<6}{goal}")
        if peers:
            lines.append(f"{'':<18} {peers}")
    return "\n".join(lines)


def figure_text(value: float) -> str:
    """Three figures that mean something: 0.012, 1.23, 12.3, 123, 12 345."""
    if value >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}"


def _times_better(row: Row, peer: float) -> str:
    ratio = peer / row.ours if row.better == "lower" else row.ours / peer
    return f"{ratio:.2g}×"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median_of(repeats: int, once: Callable[[], float]) -> float:
    """Median of several measurements of the same thing."""
    return statistics.median(once() for _ in range(repeats))


class Stopwatch(AbstractContextManager["Stopwatch"]):
    """``with Stopwatch() as watch: …`` then ``watch.seconds``."""

    seconds = 0.0

    def __enter__(self) -> "Stopwatch":
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.seconds = time.perf_counter() - self._started


def resident_mib(*pids: int) -> float:
    """Proportional set size of the processes together: what they cost, shared pages counted once."""
    total_kib = 0
    for pid in pids:
        total_kib += next(int(line.split()[1]) for line in _lines(f"/proc/{pid}/smaps_rollup") if line.startswith("Pss:"))
    return total_kib / 1024
