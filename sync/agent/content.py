"""Bytes on this machine: whole working copies of files that are written to, and single chunks that were read.

`work/<ino>` is the only place of bytes that are not in the library yet; `chunks/` can be lost at any time. A chunk is
checked against its address when it comes from the network and again when it comes from the disk.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from sync.agent.errors import AgentError, DamagedContent, Refused
from sync.agent.index import File, Index
from sync.agent.remote import Remote
from sync.core import protocol as p
from sync.core.hashing import Address, address_of
from sync.core.manifest import EMPTY, Manifest, manifest_digest, spans

_MEMORY_BYTES = 24 * 1024 * 1024
_WINDOW = 32
_RUN_BYTES = 4 * 1024 * 1024
_EVICT_EVERY_BYTES = 64 * 1024 * 1024


class Chunks:
    """The cache of chunks: a bounded directory, and the last few in memory."""

    def __init__(self, directory: Path, limit_bytes: int) -> None:
        self._directory = directory
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._memory: OrderedDict[Address, bytes] = OrderedDict()
        self._memory_bytes = 0
        self._since_eviction = _EVICT_EVERY_BYTES

    def get(self, address: Address) -> bytes | None:
        """A chunk, if it is here and whole."""
        with self._lock:
            if (data := self._memory.get(address)) is not None:
                self._memory.move_to_end(address)
                return data
        path = self._path(address)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        if address_of(data) != address:
            path.unlink(missing_ok=True)  # a crash or the disk spoiled it; the library has it
            return None
        self._remember(address, data)
        return data

    def put(self, address: Address, data: bytes) -> None:
        """Keep a chunk that was verified."""
        self._remember(address, data)
        path = self._path(address)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{threading.get_ident()}.part")
        try:
            part.write_bytes(data)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)  # a full disk makes the cache useless, not the file unreadable
            return
        with self._lock:
            self._since_eviction += len(data)
            due = self._since_eviction >= _EVICT_EVERY_BYTES
            if due:
                self._since_eviction = 0
        if due:
            self._evict()

    def _remember(self, address: Address, data: bytes) -> None:
        with self._lock:
            if address in self._memory:
                return
            self._memory[address] = data
            self._memory_bytes += len(data)
            while self._memory_bytes > _MEMORY_BYTES:
                _, old = self._memory.popitem(last=False)
                self._memory_bytes -= len(old)

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
            path.unlink(missing_ok=True)
            total -= size


class Content:
    """Reads versions and keeps working copies."""

    def __init__(self, state_dir: Path, index: Index, remote: Remote, *, cache_bytes: int) -> None:
        self._index = index
        self._remote = remote
        self._work = state_dir / "work"
        self._work.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._kept = state_dir / "kept"
        self.chunks = Chunks(state_dir / "chunks", cache_bytes)
        self._fetching: dict[Address, threading.Lock] = {}
        self._lock = threading.Lock()

    # --- working copies -------------------------------------------------------------------------------------------

    def work_path(self, ino: int) -> Path:
        """Where the whole bytes of a file are while it is `local`."""
        return self._work / str(ino)

    def open_work(self, ino: int, *, create: bool = False) -> int:
        """A descriptor of the working copy, for reading and writing."""
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT | os.O_TRUNC if create else 0)
        return os.open(self.work_path(ino), flags, 0o600)

    def drop_work(self, ino: int) -> None:
        """Give the bytes up: the library has them, or nobody wants them."""
        self.work_path(ino).unlink(missing_ok=True)

    def keep_aside(self, file: File, path: str) -> None:
        """Keep bytes that can no longer be sent, out of the mount: only the person can say what is to become of them."""
        self._kept.mkdir(exist_ok=True, mode=0o700)
        kept = self._kept / f"{file.ino} {path.strip('/').replace('/', '_').encode()[-200:].decode(errors='ignore')}"
        kept.unlink(missing_ok=True)
        try:
            os.link(self.work_path(file.ino), kept)
        except FileNotFoundError:
            pass  # its first byte was never written

    def sweep(self) -> None:
        """Remove working copies that nothing refers to, after a crash."""
        known = {str(row[0]) for row in self._index.rows("SELECT ino FROM files WHERE local=1")}
        for path in self._work.iterdir():
            if path.name not in known:
                path.unlink(missing_ok=True)

    def materialise(self, file: File, *, size: int | None = None) -> None:
        """Write the version that a file stands for into its working copy; at most `size` bytes of it.

        Under a temporary name first: a half-fetched file must never look like somebody's save.
        """
        path = self.work_path(file.ino)
        part = path.with_name(f"{path.name}.part")
        wanted = file.size if size is None else min(size, file.size)
        with open(part, "wb") as stream:
            position = 0
            while position < wanted:
                data = self.read(file, position, min(_RUN_BYTES, wanted - position))
                if not data:
                    raise DamagedContent("内容不完整", f"{file.name}: ends at {position} of {file.size} bytes")
                stream.write(data)
                position += len(data)
        part.replace(path)

    # --- versions -------------------------------------------------------------------------------------------------

    def manifest(self, library: str, digest: Address) -> Manifest:
        """The manifest of a version, from here or from the library."""
        if (kept := self._index.manifest(digest)) is not None:
            return kept
        if digest == manifest_digest(EMPTY):
            return EMPTY
        manifest, _ = self._ask(library, digest, 0)
        return manifest

    def read(self, file: File, offset: int, length: int, *, retry: Callable[[AgentError], bool] | None = None) -> bytes:
        """Bytes of the version that a file stands for, shorter only at its end.

        retry: asked after each failure that may pass; without it, or when it says no, the error is raised.
        """
        if file.manifest is None:
            return b""
        while True:
            try:
                return self._read(file.library, file.manifest, offset, length)
            except AgentError as error:
                if not error.retryable or retry is None or not retry(error):
                    raise

    def _read(self, library: str, digest: Address, offset: int, length: int) -> bytes:
        manifest = self.manifest(library, digest)
        parts = []
        for span in spans(manifest, offset, length):
            chunk = self._chunk(library, digest, manifest, span.index)
            parts.append(chunk[span.start : span.stop])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _chunk(self, library: str, digest: Address, manifest: Manifest, index: int) -> bytes:
        address = manifest.chunks[index].address
        if (data := self.chunks.get(address)) is not None:
            return data
        with self._lock:
            fetching = self._fetching.setdefault(digest, threading.Lock())
        with fetching:  # readers of one file do not fetch the same run twice
            if (data := self.chunks.get(address)) is not None:
                return data
            found = self._fetch(library, digest, index)
        with self._lock:
            self._fetching.pop(digest, None)
        if address not in found:
            raise DamagedContent("内容不完整", f"the library did not say where {address} is")
        return found[address]

    def _fetch(self, library: str, digest: Address, index: int) -> dict[Address, bytes]:
        """Fetch the run of neighbouring chunks that begins at `index`."""
        _, answer = self._ask(library, digest, index)
        run = _run(answer.places)
        if not run:
            return {}
        found = dict(self._remote.get_chunks(answer.packs[run[0].pack], run))
        for address, data in found.items():
            self.chunks.put(address, data)
        return found

    def _ask(self, library: str, digest: Address, start: int) -> tuple[Manifest, p.ContentAnswer]:
        answer = self._remote.content(library, p.ContentRequest(digest, start, _WINDOW))
        manifest = answer.manifest or self._index.manifest(digest)
        if manifest is None or manifest_digest(manifest) != digest:
            raise Refused(p.Problem("bad_manifest", "内容清单与版本不符", digest, retryable=True), 200)
        if answer.manifest is not None:
            with self._index.transaction():
                self._index.put_manifest(manifest)
        return manifest, answer


def _run(places: tuple[p.ChunkPlace, ...]) -> list[p.ChunkPlace]:
    """The first places that lie one after another in one pack, up to a few MiB: one ranged GET."""
    run: list[p.ChunkPlace] = []
    for place in places:
        follows = not run or (place.pack == run[-1].pack and place.offset == run[-1].offset + run[-1].stored)
        if not follows or (run and place.offset + place.stored - run[0].offset > _RUN_BYTES):
            break
        run.append(place)
    return run
