"""Saves that are not in the library yet, while a program writes over them.

A program that saves empties the file first. Until it closes the file again, what it emptied may be the only copy of a save that
was acknowledged: its bytes stay in `last/<ino>.<size>` meanwhile, and a crash before the close puts them back. Where the disk has
no room for that, the program is told so and nothing is emptied. Only emptying is guarded: who changes bytes in place would have to
copy the whole file first, and a draft then has all of it.
"""

from __future__ import annotations

import os
from pathlib import Path


class LastSaves:
    """The folder of such bytes. One thread empties files; any may close them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[int, Path] = {}

    def keep(self, ino: int, work: Path, size_bytes: int) -> None:
        """Keep what a working copy holds, under a second name. OSError where the disk has no room even for that."""
        path = self._folder / f"{ino}.{size_bytes}"
        self._folder.mkdir(exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)
        os.link(work, path)
        self._kept[ino] = path

    def empty(self, work: Path) -> None:
        """Put an empty working copy in the place of the one that is kept. OSError where the disk has no room for it."""
        part = work.with_name(f"{work.name}.part")
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        os.replace(part, work)

    def drop(self, ino: int) -> None:
        """What was written over it is complete, or nobody wants either."""
        path = self._kept.pop(ino, None)
        if path is not None:
            path.unlink(missing_ok=True)

    def kept(self, ino: int) -> Path | None:
        """What is kept of a file, for this run."""
        return self._kept.get(ino)

    def put_back(self, ino: int, path: Path, work: Path) -> None:
        """Give the file back what was kept of it."""
        os.replace(path, work)
        path.unlink(missing_ok=True)  # two names of the same bytes stay two
        self._kept.pop(ino, None)

    def found(self) -> dict[int, Path]:
        """What a crash left, by inode; none whose end a machine without power did not write."""
        left = {}
        for path in self._folder.glob("*.*"):
            ino, _, size_bytes = path.name.partition(".")
            if path.stat().st_size == int(size_bytes):
                left[int(ino)] = path
        return left

    def sweep(self) -> None:
        """Remove what is not needed any more."""
        for path in self._folder.glob("*.*"):
            path.unlink(missing_ok=True)
        self._kept.clear()
