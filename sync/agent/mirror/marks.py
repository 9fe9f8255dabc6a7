"""The marks by which files are known without their inodes, and by which a look tells a save from a change of dates."""

from __future__ import annotations

from collections.abc import Callable

from sync.agent.mirror.disk import Disk, Seen, is_busy
from sync.agent.mirror.records import Records
from sync.agent.mirror.tree import MirrorTree
from sync.core.hashing import change_mark_of

MARK_MAX_BYTES = 64 * 1024 * 1024
"""Longer files are not read once more only to recognise them without their inode."""


class Marks:
    """Takes them. One thread uses it."""

    def __init__(self, tree: MirrorTree) -> None:
        self._disk: Disk = tree.disk
        self._records: Records = tree.records
        self.again: Callable[[str], None] = lambda path: None
        """Called with what a program has open in such a way that it cannot be read: no event tells when that is over."""

    def of(self, path: str, entry: Seen) -> str | None:
        """The mark of the bytes, None if they are many, are gone, cannot be read, or changed while they were read."""
        if entry.size > MARK_MAX_BYTES:
            return None
        try:
            with self._disk.open(path) as stream:
                mark = change_mark_of(stream)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._records.trouble(path, "file_busy" if is_busy(error) else "cannot_read", str(error))
            if is_busy(error):
                self.again(path)
            return None
        after = self._disk.seen(path)
        return mark if after is not None and after.stands == entry.stands else None
