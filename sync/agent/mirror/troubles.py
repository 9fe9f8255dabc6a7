"""What could not be stored, here or in the library, and whether it still cannot. The reasons' words are in `words.py`."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable

from sync.agent.index import Index
from sync.agent.mirror.disk import Disk, Seen
from sync.agent.mirror.records import Record, Records, Trouble
from sync.agent.mirror.tree import MirrorTree
from sync.core.paths import name_key
from sync.core.protocol import NodeKind

_OF_THE_LIBRARY = frozenset({
    "path_too_long", "cannot_write", "file_busy", "not_fetched", "disk_full", "disk_read_only", "disk_failing",
})  # fmt: skip
"""Reasons why something is not here; all others are about something that is."""
_ERRNO_REASONS = {
    errno.EROFS: "library_read_only", errno.ENAMETOOLONG: "name_too_long", errno.EILSEQ: "name_not_unicode",
}  # fmt: skip


def is_text(name: str) -> bool:
    """Whether a name of the disk is text: Linux allows any bytes, which Python hands over as lone surrogates."""
    return not any("\udc80" <= character <= "\udcff" for character in name)


def in_text(name: str) -> str:
    """A name for showing."""
    return os.fsencode(name).decode(errors="replace")


class Troubles:
    """Notes and judges them. One thread uses it."""

    def __init__(self, tree: MirrorTree) -> None:
        self._index: Index = tree.index
        self._records: Records = tree.records
        self._disk: Disk = tree.disk

    def not_text(self, path: str) -> None:
        """A name whose bytes are no UTF-8; no index can hold it."""
        if os.path.lexists(self._disk.real(path)):
            self._records.trouble(in_text(path), "name_not_unicode")

    def volume_is_missing(self, record: Record, path: str, entry: Seen) -> bool:
        """Whether this is the empty place on which another volume was mounted: its files are not gone. Noted, and over when it is back."""
        if record.seen.volume == entry.volume:
            return False
        known = {inside.key for inside in self._records.inside(record.ino)}
        missing = bool(known) and not any(name_key(found.name) in known for found in self._listing(path))
        if missing:
            self._records.trouble(path, "volume_missing")
        return missing

    def told(self, path: str, act: Callable[[], object]) -> bool:
        """Tell the tree; what it refuses is listed with the reason."""
        try:
            act()
        except OSError as error:
            if error.errno == errno.ESTALE:
                return False  # its folder is gone in the library: the settler comes first, and asks for another look
            known = _ERRNO_REASONS.get(error.errno or 0)
            if known is None and error.errno not in (errno.EINVAL, errno.EACCES):
                raise
            self._records.trouble(path, known or str(error.strerror))
            return False
        self._records.no_trouble(path)
        return True

    def forget_those_over(self) -> None:
        """Forget what is fine by now, or gone."""
        for trouble in self._records.troubles():
            if self._is_over(trouble):
                self._records.no_trouble(trouble.path)

    def _is_over(self, trouble: Trouble) -> bool:
        """Whether what could not be stored is not there any more, in the library or on the disk."""
        path = trouble.path
        if trouble.reason in _OF_THE_LIBRARY:
            file = self._index.at_path(path)
            return file is None or (trouble.reason == "file_busy" and file.local and self._can_be_read(path))
        if trouble.reason == "case_clash":
            record = self._records.find(path)
            return self._disk.seen(path) is None or (record is not None and record.name == path.rpartition("/")[2])
        if trouble.reason == "cannot_read":
            return self._can_be_read(path)
        if trouble.reason == "not_a_file":
            return not self._disk.is_odd(path)
        if trouble.reason == "name_not_unicode":
            folder, _, name = path.rpartition("/")
            return not any(in_text(entry.name) == name for entry in self._listing(folder) if not is_text(entry.name))
        if trouble.reason == "volume_missing":
            record, there = self._records.find(path), self._disk.seen(path)
            return record is None or there is None or there.volume == record.seen.volume
        return self._disk.seen(path) is None

    def _can_be_read(self, path: str) -> bool:
        """Whether a file or folder can be read now, or is gone: the next look at it takes it in."""
        try:
            there = self._disk.seen(path)
            if there is not None and there.kind is NodeKind.FOLDER:
                next(iter(self._disk.listing(path)), None)
            elif there is not None:
                with self._disk.open(path) as stream:
                    stream.read(1)
        except OSError:
            return False
        return True

    def _listing(self, folder: str) -> Iterable[Seen]:
        try:
            return list(self._disk.listing(folder))
        except OSError:
            return ()
