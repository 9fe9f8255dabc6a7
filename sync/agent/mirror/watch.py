"""Hears what happens in the mirror's folder. The only importer of watchdog.

Events say where to look, never what to do. They may be too many, come late or not at all: then everything is looked at.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from watchdog.events import (
    DirAttribEvent,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileAttribEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from sync.agent.mirror.disk import PRIVATE
from sync.agent.mirror.quiet import Happened, Quiet
from sync.core.paths import stays_local

if sys.platform == "linux":
    from watchdog.observers.inotify import InotifyEmitter
    from watchdog.observers.inotify_c import InotifyEvent, InotifyFD, Mask
    from watchdog.observers.inotify_c import Watch as KernelWatch

log = logging.getLogger("mainline.agent")

RESCAN_S = 600.0
"""A look at everything that often although events come: none is promised to."""
RESCAN_WITHOUT_EVENTS_S = 30.0
_LIMITS = (errno.ENOSPC, errno.EMFILE)
_CHANGES: list[type[FileSystemEvent]] = [
    FileCreatedEvent, FileModifiedEvent, FileClosedEvent, FileAttribEvent, FileMovedEvent, FileDeletedEvent,
    DirCreatedEvent, DirAttribEvent, DirMovedEvent, DirDeletedEvent,
]  # fmt: skip
"""What the system is asked to tell. Opening and reading, which the agent does with each file itself, change nothing; a folder's own
modification only says that a name in it did."""


class Watch:
    """Paths that are due, from events of a watcher thread; and when everything is."""

    def __init__(self, root: Path, wake: Callable[[], None]) -> None:
        self._root = root
        self._wake = wake
        self._lock = threading.Lock()
        self._quiet = Quiet()
        self._observer: BaseObserver | None = None
        self._kernel: _Kernel | None = None
        self._everything_s = 0.0
        self._listens = False
        self.limited: str | None = None
        """Why events are missing, as a code of `words.py`; None while they come."""

    def start(self) -> None:
        """Begin to listen. Where the system's limit of watches is reached, looks at everything stand in for events."""
        self.limited, self._listens = None, True
        try:
            self._observer = self._observe()
            self._observer.schedule(_Handler(self._heard), str(self._root), recursive=True, event_filter=_CHANGES)
            self._observer.start()
        except OSError as error:
            self._cannot(error)
            self.stop()

    def start_again(self) -> None:
        """The folder was away: what the system watches is the one of before. Without a watcher only look."""
        if self._listens:
            self.stop()
            self.start()
        self.look_at_everything()

    def _observe(self) -> BaseObserver:
        if sys.platform != "linux":
            return Observer()
        self._kernel = _Kernel(self)
        self._kernel.start()
        return BaseObserver(InotifyEmitter, inotify_fd=self._kernel)

    def _cannot(self, error: OSError) -> None:
        """A folder cannot be watched, the first or one that was made later."""
        if self.limited is None:
            log.warning("not all events from %s: %s", self._root, error)
            self.look_at_everything()
        self.limited = "watch_limit" if error.errno in _LIMITS else "watch_failed"

    def _lost_events(self) -> None:
        """More happened at once than the system keeps."""
        self.look_at_everything()
        self._wake()

    def stop(self) -> None:
        """End the watcher's threads."""
        observer, self._observer = self._observer, None
        if observer is not None:
            with suppress(OSError, RuntimeError):  # It may never have run.
                observer.stop()
                observer.join(5)
        if self._kernel is not None:
            self._kernel.stop()
            self._kernel = None

    def _heard(self, path: str, happened: Happened) -> None:
        relative = os.path.relpath(path, self._root).replace(os.sep, "/")
        name = relative.rpartition("/")[2]
        if relative in (".", "") or relative.startswith("..") or relative.partition("/")[0] == PRIVATE or stays_local(name):
            return
        with self._lock:
            self._quiet.note(relative, happened, time.monotonic())
        self._wake()

    def look_at(self, path: str) -> None:
        """As if an event had come: it could not be read just now."""
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


if sys.platform == "linux":

    class _Kernel(InotifyFD):
        """watchdog goes on without a word when a folder below the first cannot be watched, or when events were lost."""

        def __init__(self, watch: Watch) -> None:
            super().__init__()
            self._told = watch

        def _get_or_create_watch(self, path: bytes, mask: Mask) -> KernelWatch:
            try:
                return super()._get_or_create_watch(path, mask)
            except OSError as error:
                if error.errno in _LIMITS:
                    self._told._cannot(error)
                raise

        def handle_event(self, event: InotifyEvent) -> None:
            super().handle_event(event)
            if event.is_queue_overflow:
                self._told._lost_events()


class _Handler(FileSystemEventHandler):
    """Turns watchdog's events into paths and what happened there."""

    def __init__(self, heard: Callable[[str, Happened], None]) -> None:
        self._heard = heard

    def on_any_event(self, event: FileSystemEvent) -> None:
        """One of _CHANGES."""
        happened = Happened.NAMED
        if isinstance(event, FileModifiedEvent):
            happened = Happened.WRITTEN
        elif isinstance(event, FileClosedEvent):
            happened = Happened.CLOSED
        for path in (event.src_path, event.dest_path):
            if path:
                self._heard(os.fsdecode(path), happened)
