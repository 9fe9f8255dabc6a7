"""Where files to import come from: a folder of this machine, or an existing S3 bucket."""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from sync.library.storage import ObjectStore

RANGE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Found:
    """A file to import. names: folders and its own. modified_ms: None where that is not known."""

    names: tuple[str, ...]
    size_bytes: int
    modified_ms: int | None
    open: Callable[[], BinaryIO]

    @property
    def path(self) -> str:
        return "/".join(self.names)


def files_in(folder: Path) -> Iterator[Found]:
    """Plain files below a folder, in order of their paths; links and devices are none."""
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(where) / name
            if path.is_symlink() or not path.is_file():
                continue
            told = path.stat()
            yield Found(path.relative_to(folder).parts, told.st_size, told.st_mtime_ns // 10**6, partial(_open, path))


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def objects_in(store: ObjectStore, prefix: str) -> Iterator[Found]:
    """Objects below a prefix; keys that end with a slash stand for folders and hold nothing."""
    base = f"{prefix.rstrip('/')}/" if prefix.strip("/") else ""
    for stored in store.list(base):
        names = tuple(part for part in stored.key[len(base) :].split("/") if part)
        if names and not stored.key.endswith("/"):
            ranged = _Ranged(store, stored.key, stored.size_bytes)
            yield Found(names, stored.size_bytes, None, ranged.opened)


class _Ranged(io.RawIOBase):
    """An object read in ranges, so that a large one never lies in memory."""

    def __init__(self, store: ObjectStore, key: str, size_bytes: int) -> None:
        self._store, self._key, self._size_bytes, self._offset = store, key, size_bytes, 0

    def opened(self) -> BinaryIO:
        return cast(BinaryIO, io.BufferedReader(_Ranged(self._store, self._key, self._size_bytes), RANGE_BYTES))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        data = self._store.get_range(self._key, self._offset, min(len(view), self._size_bytes - self._offset))
        view[: len(data)] = data
        self._offset += len(data)
        return len(data)
