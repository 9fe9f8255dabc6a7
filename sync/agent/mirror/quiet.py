"""When a path has come to rest: rules about events, without a clock of their own and without a watcher. Times in seconds.

A name that was closed after writing, or was renamed, made or removed, is looked at after a moment, in which the other steps
of a save pattern come. One that is written to and was not closed waits longer: where the system tells of closing, for
that; elsewhere until nothing has come for a while. Anything is looked at sooner or later, whatever goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SETTLE_S = 0.25
"""After a close, a rename, a deletion: what belongs to one save comes within this."""
GROWING_S = 2.0
"""After a write without a close."""
LONGEST_S = 30.0
"""A file that never rests, such as a log, is looked at this often; the read itself shows whether it stood still."""


class Happened(StrEnum):
    """What an event says about a name."""

    WRITTEN = "written"
    CLOSED = "closed"
    NAMED = "named"


@dataclass
class _Waiting:
    first_s: float
    due_s: float


class Quiet:
    """Paths on which something happened, until each may be looked at."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}

    def note(self, path: str, happened: Happened, now_s: float) -> None:
        """Something happened at a path."""
        rest_s = GROWING_S if happened is Happened.WRITTEN else SETTLE_S
        waiting = self._waiting.get(path)
        if waiting is None:
            self._waiting[path] = _Waiting(now_s, now_s + rest_s)
        else:
            waiting.due_s = min(now_s + rest_s, waiting.first_s + LONGEST_S)

    def due(self, now_s: float) -> list[str]:
        """The paths that are to be looked at now, and are not waiting any more."""
        resting = {path for path, waiting in self._waiting.items() if waiting.due_s <= now_s}
        busy = {
            path.rpartition("/")[0] for path, waiting in self._waiting.items() if path not in resting and waiting.due_s - now_s <= SETTLE_S
        }
        # The other half of a rename or swap may be among the names of the same folder that have only just come.
        ready = [path for path in resting if path.rpartition("/")[0] not in busy or now_s - self._waiting[path].first_s > LONGEST_S]
        for path in ready:
            del self._waiting[path]
        return sorted(ready)

    def next_s(self) -> float | None:
        """When there may be something due."""
        return min((waiting.due_s for waiting in self._waiting.values()), default=None)

    def clear(self) -> None:
        """A look at everything is about to happen."""
        self._waiting.clear()
