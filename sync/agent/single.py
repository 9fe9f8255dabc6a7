"""One agent for one state directory: two would send everything twice."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sync.agent.errors import MountFailed


def only_one(state_dir: Path) -> int:
    """Take the lock of a state directory until the descriptor is closed or the process ends. Raises MountFailed."""
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    os.set_inheritable(lock, False)
    try:
        _take(lock)
    except OSError:
        os.close(lock)
        raise MountFailed("同步客户端已在运行", f"another agent uses {state_dir}") from None
    return lock


def _take(lock: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
