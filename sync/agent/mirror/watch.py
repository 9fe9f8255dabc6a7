"""Hears what happens in the mirror's folder. The only importer of watchdog.

Events say where to look, never what to do. They may be too many, come late or not at all: then everything is looked at.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from watchdog.events import (
    DirModifiedEvent,
    FileClosedEvent,
    FileClosedNoWriteEvent,
    FileModifiedEvent,
    FileOpenedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from sync.agent.mirror.disk import PRIVATE
from sync.agent.mirror.quiet import Happened, Quiet
from sync.core.paths import stays_local

log = logging.getLogger("mainline.agent")

RESCAN_S = 600.0
"""A look at everything that often although events come: none is promised to."""
RESCAN_WITHOUT_EVENTS_S = 30.0
_LIMITS = (errno.ENOSPC, errno.EMFILE)


class Watch:
    """Paths that are due, from events of a watcher thread; and when everything is."""

    def __init__(self, root: Path, wake: Callable[[], None]) -> None:
        self._root = os.path.normcase(str(root))
        self._real_root = root
        self._wake = wake
        self._lock = threading.Lock()
        self._quiet = Quiet()
        self._observer: BaseObserver | None = None
        self._everything_s = 0.0
        self.limited: str | None = None
        """Why there are no events, as a code of `words.py`; None while there are."""

    def start(self) -> None:
        """Begin to listen. Where the system's limit of watches is reached, looks at everything stand in for events."""
        observer = Observer()
        try:
            observer.schedule(_Handler(self._heard), str(self._real_root), recursive=True)
            observer.start()
        except OSError as error:
            self.limited = "watch_limit" if error.errno in _LIMITS else "watch_failed"
            log.warning("no events from %s: %s", self._real_root, error)
            try:
                observer.stop()
            except (OSError, RuntimeError):
                pass  # it never ran
            return
        self.limited = None
        self._observer = observer

    def stop(self) -> None:
        """End the watcher's threads."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(5)
            self._observer = None

    def _heard(self, path: str, happened: Happened) -> None:
        relative = os.path.relpath(path, self._real_root).replace(os.sep, "/")
        name = relative.rpartition("/")[2]
        if relative in (".", "") or relative.startswith("..") or relative.partition("/")[0] == PRIVATE or stays_local(name):
            return
        with self._lock:
            self._quiet.note(relative, happened, time.monotonic())
        self._wake()

    def look_at(self, path: str) -> None:
        """As if an event had come: something could not be read just now."""
        with self._lock:
            self._quiet.note(path, Happened.WRITTEN, time.monotonic())

    def look_at_everything(self) -> None:
        """The next `due` is everything."""
        self._everything_s = 0.0

    def due(self) -> list[str] | None:
        """The paths to look at now; None for everything."""
        now_s = time.monotonic()
        with self._lock:
            if now_s >= self._everything_s:
                self._everything_s = now_s + (RESCAN_S if self.limited is None else RESCAN_WITHOUT_EVENTS_S)
                self._quiet.clear()
                return None
            return self._quiet.due(now_s)

    def next_s(self) -> float:
        """In how many seconds something may be due."""
        with self._lock:
            due = self._quiet.next_s()
        return max(0.0, min(self._everything_s, self._everything_s if due is None else due) - time.monotonic())


class _Handler(FileSystemEventHandler):
    """Turns watchdog's events into paths and what happened there."""

    def __init__(self, heard: Callable[[str, Happened], None]) -> None:
        self._heard = heard

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Opening and reading change nothing; a folder's own modification only says that a name in it did."""
        if isinstance(event, FileOpenedEvent | FileClosedNoWriteEvent | DirModifiedEvent):
            return
        happened = Happened.NAMED
        if isinstance(event, FileModifiedEvent):
            happened = Happened.WRITTEN
        elif isinstance(event, FileClosedEvent):
            happened = Happened.CLOSED
        for path in (event.src_path, event.dest_path):
            if path:
                self._heard(os.fsdecode(path), happened)
