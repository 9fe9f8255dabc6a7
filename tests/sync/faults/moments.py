"""Moments at which a real process may die: the boundaries of what it writes and of what it says, each with a name.

Only processes that tests start have them: `agent.py` and `web.py` beside this file put them around the product's own functions
and then run the product. `Moments` is the side of the test, which says where the next death is to be.
"""

from __future__ import annotations

import functools
import os
import signal
import time
from pathlib import Path
from typing import Any

FOLDER = "FAULT_MOMENTS"
"""Environment: the folder through which a test and its processes speak."""

_seen: set[str] = set()
_met: dict[str, int] = {}


def moment(name: str) -> None:
    """The process, or the one that the test named, may be killed here and now."""
    folder = os.environ[FOLDER]
    if name not in _seen:
        _seen.add(name)
        with open(f"{folder}/seen", "a", encoding="utf-8") as file:
            file.write(f"{name}\n")
    try:
        with open(f"{folder}/armed", encoding="utf-8") as file:
            wanted, token, times, pid = file.read().split("\n")
    except (FileNotFoundError, ValueError):
        return
    if wanted != name:
        return
    _met[token] = _met.get(token, 0) + 1
    if _met[token] < int(times):
        return
    try:
        os.rename(f"{folder}/armed", f"{folder}/died")
    except FileNotFoundError:
        return  # another thread was quicker
    os.kill(int(pid) or os.getpid(), signal.SIGKILL)
    if not int(pid):
        time.sleep(60)  # whatever this thread would still do


def around(owner: Any, function: str, before: str | None, after: str | None = None) -> None:
    """Put moments around a function of a module or class."""
    inner = getattr(owner, function)

    @functools.wraps(inner)
    def call(*args: Any, **options: Any) -> Any:
        if before is not None:
            moment(before)
        result = inner(*args, **options)
        if after is not None:
            moment(after)
        return result

    setattr(owner, function, call)


class Moments:
    """Says where the next process dies. folder: of these processes alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._token = 0

    @property
    def environment(self) -> dict[str, str]:
        return {FOLDER: str(self.folder)}

    def arm(self, name: str, *, times: int = 1, pid: int = 0) -> None:
        """Kill at this moment, when it comes the nth time. pid: another process than the one that comes to it."""
        self._token += 1
        (self.folder / "died").unlink(missing_ok=True)
        draft = self.folder / "draft"
        draft.write_text(f"{name}\n{self._token}\n{times}\n{pid}", encoding="utf-8")
        draft.replace(self.folder / "armed")

    @property
    def died(self) -> bool:
        """Whether somebody was killed since `arm`."""
        return (self.folder / "died").exists()

    @property
    def armed(self) -> bool:
        """Whether nobody came to the moment yet."""
        return (self.folder / "armed").exists()

    def disarm(self) -> None:
        (self.folder / "armed").unlink(missing_ok=True)

    def seen(self) -> set[str]:
        """Every moment that a process came to so far."""
        path = self.folder / "seen"
        return set(path.read_text("utf-8").split("\n")) - {""} if path.exists() else set()
