"""Order and limits of the suite: fast tests first, then those with servers, a browser, a guest; and what cannot run here.

A test that lacks its surroundings is left out with the reason in the report. In CI (CI=true) it fails instead: there
set-up has installed everything, and a suite that quietly shrinks would look green. FUSE and guests depend on what the
machine allows, so their absence is reported in CI too, and no more.
"""

import errno
import gc
import getpass
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser import windowless


@dataclass(frozen=True)
class Stage:
    """Tests with one marker. missing: why they cannot run here, or None."""

    marker: str
    missing: Callable[[], str | None]
    required_in_ci: bool


def _lacking(*programs: str) -> str | None:
    absent = [program for program in programs if not shutil.which(program)]
    return f"{', '.join(absent)} not installed" if absent else None


def _no_server() -> str | None:
    if not list(Path("/usr/lib/postgresql").glob("*/bin/postgres")):
        return "PostgreSQL is not installed"
    return _lacking("redis-server") or (None if Path("/usr/sbin/nginx").exists() else "nginx is not installed")


def _no_fuse() -> str | None:
    return _lacking("fusermount3") or (None if os.access("/dev/fuse", os.R_OK | os.W_OK) else "/dev/fuse is not to be opened")


def _no_browser() -> str | None:
    return None if windowless() else _lacking("chromium")


def _no_guest() -> str | None:
    return _lacking("libvirtd", "qemu-system-x86_64", "qemu-img")


STAGES = (
    Stage("fuse", _no_fuse, required_in_ci=False),
    Stage("server", _no_server, required_in_ci=True),
    Stage("browser", _no_browser, required_in_ci=True),
    Stage("guest", _no_guest, required_in_ci=False),
)
GUEST_TIMEOUT_S = 1800
"""On an emulated processor; for the first of them the golden image is built."""


def stage_of(item: pytest.Item) -> int:
    """0 for fast tests, else the place of the last stage whose marker the test carries."""
    return max((place for place, stage in enumerate(STAGES, 1) if item.get_closest_marker(stage.marker)), default=0)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=stage_of)
    missing = {stage.marker: stage.missing() for stage in STAGES}
    in_ci = os.environ.get("CI") == "true"
    for item in items:
        carried = [stage for stage in STAGES if item.get_closest_marker(stage.marker)]
        if item.get_closest_marker("guest"):
            item.add_marker(pytest.mark.timeout(GUEST_TIMEOUT_S))
        for stage in carried:
            reason = missing[stage.marker]
            if reason and not (in_ci and stage.required_in_ci):
                item.add_marker(pytest.mark.skip(reason=f"{stage.marker}: {reason}"))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """``-m guest`` asks for tests of six files: the other five hundred, which do not name the marker, are not imported for it."""
    marker = config.option.markexpr
    if marker.isidentifier() and collection_path.match("test_*.py"):
        return f"mark.{marker}" not in collection_path.read_text("utf-8") or None
    return None


def pytest_collection_finish() -> None:
    """Spare the collector what lives to the end anyway, modules and tests, and let the rest wait until it is worth a walk.

    A fifth of the time went into full collections, one every seven tests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 10, 40)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line a stage what could not run, and why."""
    skipped = Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in terminalreporter.getreports("skipped"))
    for reason, count in skipped.items():
        terminalreporter.write_line(f"Could not run here: {count} tests, {reason}", yellow=True)


def pytest_sessionstart() -> None:
    _unmount_dead_folders()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    _unmount_dead_folders()


def _unmount_dead_folders() -> None:
    """Unmount what a killed agent left in pytest's temporary folders; pytest cannot remove a folder with a dead mount in it.

    Only mounts that answer "not connected" are touched, so those of a session running beside this one stay.
    """
    base = f"{tempfile.gettempdir()}/pytest-of-{getpass.getuser()}/"
    for line in Path("/proc/mounts").read_text().splitlines():
        _source, target, kind = line.split()[:3]
        if kind.startswith("fuse") and target.startswith(base) and _is_dead(target):
            subprocess.run(["fusermount3", "-u", "-z", target], check=False)


def _is_dead(target: str) -> bool:
    try:
        os.statvfs(target)  # Unlike stat, never answered from the kernel's cache.
    except OSError as error:
        return error.errno == errno.ENOTCONN
    return False
