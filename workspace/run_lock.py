"""The lock of a run folder: one supervisor at a time, and healing after one was killed.

The lock itself is flock(2), which the kernel gives back when its holder dies, so it is never stale. Beside it
``supervisor.json`` says who holds it and what runs, for people and for ``read_status``. Every child carries
the holder's token in its environment: when a start finds the file of a killed predecessor, it ends whatever
still carries that token, and nothing else.
"""

import fcntl
import json
import os
import secrets
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from workspace.errors import Conflict

TOKEN_VARIABLE = "SUPERVISOR_TOKEN"


class AlreadyRunning(Conflict):
    code = "already_running"


class RunLock:
    """Context manager; ``token`` marks the children of this run."""

    def __init__(self, run_dir: Path, tell: Callable[[str], None]) -> None:
        self._run_dir, self._tell = run_dir, tell
        self.token = secrets.token_hex(16)
        self._started_at = time.time()

    def __enter__(self) -> Self:
        self._run_dir.mkdir(parents=True, exist_ok=True)
        self._file = open(self._run_dir / "supervisor.lock", "a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise self._already_running() from error
        self._heal()
        self.publish({})
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        _status_file(self._run_dir).unlink(missing_ok=True)
        self._file.close()

    def publish(self, children: dict[str, dict[str, object]]) -> None:
        """Replace the status file: who runs, since when, and each child's state, pid and restarts."""
        status = {"pid": os.getpid(), "token": self.token, "started_at": self._started_at, "children": children}
        target = _status_file(self._run_dir)
        draft = target.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(status, indent=1))
        draft.replace(target)

    def _already_running(self) -> AlreadyRunning:
        status = read_status(self._run_dir) or {}
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(status.get("started_at", time.time())))
        return AlreadyRunning(
            f"It is already running here: process {status.get('pid', 'unknown')}, since {since}",
            f"Stop that one with Ctrl-C in its window or `kill {status.get('pid', 'PID')}`, or give this one another data folder.",
        )

    def _heal(self) -> None:
        status = read_status(self._run_dir)
        if status and (ended := _end_carriers(status["token"])):
            self._tell(f"The last run was killed; ended {ended} of its processes that were left.")


def read_status(run_dir: Path) -> dict[str, Any] | None:
    """What the supervisor of ``run_dir`` last published; None when none runs or none was killed."""
    try:
        status = json.loads(_status_file(run_dir).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return status if isinstance(status, dict) and status.get("token") else None


def _status_file(run_dir: Path) -> Path:
    return run_dir / "supervisor.json"


def _end_carriers(token: str, within_s: float = 5.0) -> int:
    """Kill every process whose environment holds the token, and wait until they are gone. Returns how many."""
    ended = 0
    deadline = time.monotonic() + within_s
    while (pids := _carriers(token)) and time.monotonic() < deadline:
        ended = max(ended, len(pids))
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # It ended by itself meanwhile.
        time.sleep(0.05)
    return ended


def _carriers(token: str) -> list[int]:
    wanted = f"{TOKEN_VARIABLE}={token}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue  # Gone meanwhile, or another user's, which ours cannot be.
        if wanted in environment.split(b"\0"):
            found.append(int(entry.name))
    return found
