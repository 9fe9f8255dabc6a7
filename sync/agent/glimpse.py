"""Folders that a program looks into before the feed has brought them.

A machine that meets a large library takes it in page by page. Who opens a path meanwhile does not wait for the whole: what
is in its folders is asked for, a folder at a time, and applied like any rows of an answer. The feed brings them once more.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sync.agent.arrivals import Arrivals
from sync.agent.errors import AgentError, Unreachable
from sync.agent.index import File
from sync.agent.remote import Remote

log = logging.getLogger("mainline.agent")


class Glimpse:
    """Asks once for each folder. caught_up: whether the index has all that the library had when we started."""

    def __init__(self, remote: Remote, arrivals: Arrivals, caught_up: Callable[[], bool]) -> None:
        self._remote = remote
        self._arrivals = arrivals
        self._caught_up = caught_up
        self._lock = threading.Lock()
        self._asked: dict[str, threading.Lock] = {}
        self._known: set[str] = set()
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
        with asking:  # whoever else looks into it waits for the same answer
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
