"""Chunks on this machine: a bounded cache of those that were read, and those that are pinned.

`chunks/` and `pinned/` can be lost at any time. `pinned/` holds what a member wants to have here always (`pins.py`). A chunk is checked
against its address each time that it comes from the disk.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from sync.core.chunking import Chunk
from sync.core.hashing import Address, address_of

_MEMORY_BYTES = 24 * 1024 * 1024
_EVICT_EVERY_BYTES = 64 * 1024 * 1024


class Chunks:
    """The cache of chunks: a bounded directory, and the last few in memory. Pinned ones lie beside it and are never evicted."""

    def __init__(self, directory: Path, limit_bytes: int) -> None:
        self._directory = directory
        self._pinned = directory.with_name("pinned")
        self.spoiled = 0
        """Counts pinned chunks that proved to be no longer what they were."""
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._memory: OrderedDict[Address, bytes] = OrderedDict()
        self._memory_bytes = 0
        self._since_eviction = _EVICT_EVERY_BYTES

    def in_memory(self, address: Address) -> bytes | None:
        """A chunk, if no disk has to be asked for it."""
        with self._lock:
            return self._memory.get(address)

    def get(self, address: Address) -> bytes | None:
        """A chunk, if it is here and whole."""
        if (data := self.in_memory(address)) is not None:
            return data
        data = self._read(self._pinned_path(address), address)
        if data is None:
            data = self._read(self._path(address), address)
        if data is not None:
            self.remember(address, data)
        return data

    def _read(self, path: Path, address: Address) -> bytes | None:
        try:
            data = path.read_bytes()
        except OSError:
            return None  # not here, or the disk cannot read it: the library has it
        if address_of(data) != address:
            _remove(path)  # a crash or the disk spoiled it
            self.spoiled += path.is_relative_to(self._pinned)
            return None
        return data

    def has(self, address: Address) -> bool:
        """Whether a chunk seems to be here; it is not looked into."""
        return self.in_memory(address) is not None or self._path(address).exists() or self._pinned_path(address).exists()

    def keep(self, address: Address, data: bytes) -> None:
        """Write a chunk that was verified to the disk."""
        path = self._path(address)
        part = path.with_name(f"{path.name}.{threading.get_ident()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            part.replace(path)
        except OSError:
            _remove(part)  # a full disk makes the cache useless, not the file unreadable
            return
        with self._lock:
            self._since_eviction += len(data)
            due = self._since_eviction >= _EVICT_EVERY_BYTES
            if due:
                self._since_eviction = 0
        if due:
            self._evict()

    def remember(self, address: Address, data: bytes) -> None:
        """Have a chunk that was verified at hand, until so many came after it.

        Whether it was asked for meanwhile does not count: of a file that is read from its start to its end, those before the reader would
        stay, and those that were fetched ahead would go.
        """
        with self._lock:
            if address in self._memory:
                return
            self._memory[address] = data
            self._memory_bytes += len(data)
            while self._memory_bytes > _MEMORY_BYTES:
                _, old = self._memory.popitem(last=False)
                self._memory_bytes -= len(old)

    def is_pinned(self, chunk: Chunk) -> bool:
        """Whether a chunk is among those that are never evicted, as far as its length tells."""
        try:
            return self._pinned_path(chunk.address).stat().st_size == chunk.size_bytes
        except OSError:
            return False

    def pin(self, chunk: Chunk, data: bytes | None = None) -> bool:
        """Never evict a chunk: the given one, or the one in the cache. Returns whether there is one; a full disk is an OSError."""
        if self.is_pinned(chunk):
            return True
        path, cached = self._pinned_path(chunk.address), self._path(chunk.address)
        if data is None and self._read(cached, chunk.address) is None:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        if data is None:
            try:
                cached.replace(path)
            except FileNotFoundError:  # Evicted at this moment, or pinned for another file that it is in, too.
                return self.is_pinned(chunk)
            return True
        part = path.with_name(f"{path.name}.{threading.get_ident()}.part")
        try:
            part.write_bytes(data)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        return True

    def unpin_all_but(self, wanted: set[Address]) -> None:
        """Give the others back to the cache, where they are evicted in their turn."""
        names, moved = {address[3:] for address in wanted}, False
        for path in self._pinned.glob("*/*"):
            if path.name.endswith(".part"):
                path.unlink(missing_ok=True)  # of a run that was killed
            elif path.name not in names:
                target = self._directory / path.name[:2] / path.name
                target.parent.mkdir(parents=True, exist_ok=True)
                with suppress(FileNotFoundError):  # Somebody reads it, and found it spoiled.
                    path.replace(target)
                moved = True
        if moved:
            self._evict()

    def _pinned_path(self, address: Address) -> Path:
        return self._pinned / address[3:5] / address[3:]

    def _path(self, address: Address) -> Path:
        return self._directory / address[3:5] / address[3:]

    def _evict(self) -> None:
        """Remove the oldest until a tenth of the limit is free."""
        kept = []
        for path in self._directory.glob("*/*"):
            try:
                stat = path.stat()
            except FileNotFoundError:
                continue
            kept.append((stat.st_mtime_ns, stat.st_size, path))
        total = sum(size for _, size, _ in kept)
        if total <= self._limit:
            return
        for _, size, path in sorted(kept):
            if total <= self._limit * 9 // 10:
                break
            _remove(path)
            total -= size


def _remove(path: Path) -> None:
    """Remove what the cache can do without, if the disk lets us."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
