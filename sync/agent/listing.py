"""Open folders of the mount. What is in one is noted when its reading begins, as numbers: the kernel asks for some twenty entries at
a time, and a folder of 10,000 must not be read and sorted for each of these.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sync.agent.index import File, Index

_AT_ONCE = 32


@dataclass
class _Listing:
    folder: int
    inos: Sequence[int] = ()


class Listings:
    """The folders that programs have open, by number. One thread uses it."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._open: dict[int, _Listing] = {}
        self._last = 0

    def open(self, folder: int) -> int:
        """A program is about to read a folder."""
        self._last += 1
        self._open[self._last] = _Listing(folder)
        return self._last

    def close(self, number: int) -> None:
        """It has done with it."""
        del self._open[number]

    def after(self, number: int, ino: int) -> Iterator[File]:
        """What comes behind an inode, 0 for the start: what there was then and still is, and what came since, such as a next save."""
        listing = self._open[number]
        if ino == 0:
            listing.inos = self._index.inos_in(listing.folder)
        inos = listing.inos
        for start in range(bisect_right(inos, ino), len(inos), _AT_ONCE):
            yield from self._index.those_in(listing.folder, inos[start : start + _AT_ONCE])
        yield from self._index.children(listing.folder, after=max(ino, inos[-1] if inos else 0))
