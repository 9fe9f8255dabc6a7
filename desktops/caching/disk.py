"""Chunks on the host's disk: bounded, the least recently used go first, and nothing half written is ever found.

A file is named by the chunk's address and the form in which it is stored; it appears by rename. Nothing is synced: what a loss of power
leaves is found out when it is read, because every chunk is verified against its address each time. All of it can be lost.
"""

import contextlib
import os
import secrets
import shutil
import threading
from collections import OrderedDict
from pathlib import Path

from sync.core.packs import BadPack, Coding, Place, read_chunk
from sync.core.protocol import ChunkPlace, CodingName

GIB = 1024**3
MOST_CHUNKS = 200_000
"""What is known of each is in memory: about 40 MB."""
_CODINGS = {CodingName.RAW: Coding.RAW, CodingName.ZSTD: Coding.ZSTD}


def verified(place: ChunkPlace, stored: bytes) -> bool:
    """Whether these stored bytes are the chunk."""
    try:
        read_chunk(Place(place.chunk, place.offset, place.stored, place.size, _CODINGS[place.coding]), stored)
    except BadPack:
        return False
    return True


def name_of(place: ChunkPlace) -> str:
    """The chunk and its stored form: the same content may lie compressed in one pack and plain in another."""
    return f"{place.chunk[3:]}-{place.coding.value}-{place.stored}"


class ChunkDisk:
    """A folder of chunks. least_free_bytes: what the cache leaves on the disk for others. Safe from any thread, of one process."""

    def __init__(self, folder: Path, *, limit_bytes: int, least_free_bytes: int = GIB) -> None:
        self._folder, self._limit, self._least_free = folder, limit_bytes, least_free_bytes
        self._lock = threading.Lock()
        self._known: OrderedDict[str, int] = OrderedDict()
        self._used = 0
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        self._new = folder / "new"
        shutil.rmtree(self._new, ignore_errors=True)  # What was being written when the former process was killed.
        self._new.mkdir()
        found = [(stat.st_mtime_ns, path.name, stat.st_size) for path in folder.glob("[0-9a-f][0-9a-f]/*") for stat in (path.stat(),)]
        for _at, name, size in sorted(found):
            self._note(name, size)

    @property
    def used_bytes(self) -> int:
        return self._used

    def has(self, place: ChunkPlace) -> bool:
        with self._lock:
            return name_of(place) in self._known

    def get(self, place: ChunkPlace) -> bytes | None:
        """The stored bytes of a chunk; None when it is not here, or no longer what it should be."""
        name = name_of(place)
        with self._lock:
            if name not in self._known:
                return None
            self._known.move_to_end(name)
        path = self._path(name)
        try:
            stored = path.read_bytes()
            os.utime(path)  # The order of use outlives the process.
        except OSError:
            stored = b""
        if not verified(place, stored):
            self._forget(name)
            return None
        return stored

    def put(self, place: ChunkPlace, stored: bytes) -> None:
        """Keep a chunk that was verified, if there is room for it."""
        name = name_of(place)
        part = self._new / secrets.token_hex(8)
        try:
            self._make_room(len(stored))
            if self._disk_is_full(len(stored)):
                return
            part.write_bytes(stored)
            path = self._path(name)
            path.parent.mkdir(exist_ok=True)
            part.replace(path)
        except OSError:
            _remove(part)
            return
        self._note(name, len(stored))

    def _note(self, name: str, size_bytes: int) -> None:
        with self._lock:
            self._used += size_bytes - self._known.pop(name, 0)
            self._known[name] = size_bytes
        self._make_room(0)

    def _forget(self, name: str) -> None:
        with self._lock:
            self._used -= self._known.pop(name, 0)
        _remove(self._path(name))

    def _make_room(self, size_bytes: int) -> None:
        while True:
            with self._lock:
                if not self._known or (self._used + size_bytes <= self._limit and len(self._known) <= MOST_CHUNKS):
                    return
                oldest = next(iter(self._known))
            self._forget(oldest)

    def _disk_is_full(self, size_bytes: int) -> bool:
        return shutil.disk_usage(self._folder).free - size_bytes < self._least_free

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name


def _remove(path: Path) -> None:
    """A disk that is full, read-only or failing makes the cache useless, not a file unreadable."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)
