"""Folders that a program looks into before the feed has brought them.

A machine that meets a large library takes it in page by page. Who opens a path meanwhile does not wait for the whole: what
is in its folders is asked for, a folder at a time, and applied like any rows of an answer. The feed brings them once more.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sync.agent.arrivals import Arrivals
from sync.agent.errors import AgentError, Unreachable
from sync.agent.index import File
from sync.agent.remote import Remote

log = logging.getLogger("mainline.agent")

_STEP_S = 0.05
"""From one folder of a path to the next, and from the last one to the bytes: who looks is not done before so long."""
_GIVE_WAY_S = 1.0
"""So long in all does everything else wait for them. Who walks through the whole library is served best by the feed."""


class Glimpse:
    """Asks once for each folder. caught_up: whether the index has all that the library had when we started."""

    def __init__(self, remote: Remote, arrivals: Arrivals, caught_up: Callable[[], bool]) -> None:
        self._remote = remote
        self._arrivals = arrivals
        self._caught_up = caught_up
        self._lock = threading.Lock()
        self._asked: dict[str, threading.Lock] = {}
        self._known: set[str] = set()
        self._asking = 0
        self._asked_at = time.monotonic() - _STEP_S
        self._patience_s = _GIVE_WAY_S
        self.away = False
        """Whether the library did not answer: until the feed has, what is known here is all there is, and nobody waits for more."""

    def is_needed(self, folder: File) -> bool:
        """Whether a folder may hold more than the index says, because the feed is still on its way."""
        return folder.is_folder and folder.node is not None and folder.node not in self._known and not self.away and not self._caught_up()

    def take(self, folder: File) -> None:
        """Ask for what is in a folder. When that fails the folder stays as it is: the feed comes in any case."""
        if folder.node is None:
            return
        with self._lock:
            asking = self._asked.setdefault(folder.node, threading.Lock())
        with self._looking(), asking:  # whoever else looks into it waits for the same answer
            if folder.node in self._known:
                return
            try:
                self._arrivals.nodes(self._remote.children(folder.library, folder.node))
            except AgentError as error:
                log.info("%s is not looked into ahead: %s", folder.name, error)
                self.away = isinstance(error, Unreachable)
                if self.away:
                    return
            self._known.add(folder.node)

    @contextmanager
    def _looking(self) -> Iterator[None]:
        with self._lock:
            self._asking += 1
        try:
            yield
        finally:
            with self._lock:
                self._asking -= 1
                self._asked_at = time.monotonic()

    def expect(self) -> None:
        """The libraries have just become known here: who waited for them looks into one in this moment."""
        self._asked_at = time.monotonic()

    def give_way(self) -> None:
        """Let those go first who look into folders: whatever else is asked, or taken in, takes the library and the processor from them."""
        while self._patience_s > 0 and (self._asking or time.monotonic() < self._asked_at + _STEP_S):
            before = time.monotonic()
            time.sleep(_STEP_S / 10)
            self._patience_s -= time.monotonic() - before
