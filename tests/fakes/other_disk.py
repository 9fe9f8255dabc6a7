"""A disk with the rules of Windows or macOS about names, on this machine's own disk.

What is kept: one name in any case (`folds_names`), names turned into NFD when they are made (`decomposes`), names and path
lengths that Windows refuses, files that a program has open. Stated limits: only calls through `Disk` and `program` meet
these rules; times, permissions and the order of listings are those of this machine.
"""

from __future__ import annotations

import errno
import unicodedata
from pathlib import Path
from typing import BinaryIO

from sync.agent.mirror.disk import Disk, Seen
from sync.core.paths import refuse_name


class OtherDisk(Disk):
    """windows: reserved names and `path_max`. busy: paths that a program has open, so that they cannot be moved or read."""

    folds_names = True

    def __init__(self, root: Path, *, decomposes: bool = False, windows: bool = False, path_max: int = 259) -> None:
        super().__init__(root)
        self.decomposes = decomposes
        self.windows = windows
        self.path_max = path_max
        self.busy: set[str] = set()

    def real(self, path: str) -> Path:
        found = self.root
        for name in path.split("/") if path else []:
            found = self._entry(found, name)
        return found

    def where(self, path: str) -> str:
        return str(self.real(path))

    def place(self, path: str) -> Path:
        folder, _, name = path.rpartition("/")
        if self.windows and refuse_name(name) is not None:
            raise OSError(errno.EINVAL, "Windows has no such name", name)
        return self.real(folder) / self._kept(name)

    def _kept(self, name: str) -> str:
        return unicodedata.normalize("NFD", name) if self.decomposes else name

    def _entry(self, folder: Path, name: str) -> Path:
        """The entry that this disk finds under a name, or where it would be."""
        exact = folder / self._kept(name)
        if not folder.is_dir() or exact.exists():
            return exact
        key = self._same(name)
        return next((entry for entry in sorted(folder.iterdir()) if self._same(entry.name) == key), exact)

    def _same(self, name: str) -> str:
        return unicodedata.normalize("NFD", name).casefold() if self.decomposes else name.casefold()

    def refuses(self, path: str) -> str | None:
        return "path_too_long" if self.windows and len(str(self.root / path)) > self.path_max else None

    def open(self, path: str) -> BinaryIO:
        self._check_free(path)
        return super().open(path)

    def rename(self, path: str, target: str) -> None:
        self._check_free(path)
        super().rename(path, target)

    def _retire(self, path: str, expected: Seen) -> Path:
        self._check_free(path)
        return super()._retire(path, expected)

    def _check_free(self, path: str) -> None:
        if path in self.busy:
            error = PermissionError(errno.EACCES, "a program has it open", path)
            error.winerror = 32  # type: ignore[attr-defined]
            raise error
