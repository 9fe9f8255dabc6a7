"""The kernel, told what changed without it: what makes its long memory of names and pages right."""

from __future__ import annotations

import errno
import logging
import os
import queue
import threading

from sync.agent.fuse import pyfuse3

log = logging.getLogger("mainline.agent")


class Notifier:
    """Tells the kernel what changed, from a thread of its own: it may have to wait for a request that waits for us."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[int, bytes | None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)

    def start(self) -> None:
        """Begin, once the mount is there."""
        self._thread.start()

    def entry_changed(self, parent: int, name: str) -> None:
        """See `arrivals.Kernel`."""
        self._queue.put((parent, os.fsencode(name)))

    def content_changed(self, ino: int) -> None:
        """See `arrivals.Kernel`."""
        self._queue.put((ino, None))

    def stop(self) -> None:
        """End the thread."""
        self._queue.put(None)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            ino, name = item
            try:
                if name is None:
                    pyfuse3.invalidate_inode(ino)
                else:
                    pyfuse3.invalidate_entry(ino, name)
                    pyfuse3.invalidate_inode(ino, attr_only=True)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ENOTDIR):  # ENOENT: the kernel did not know it
                    log.warning("the kernel was not told of a change: %s", error)
