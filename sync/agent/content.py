"""Bytes on this machine: whole working copies of files that are written to, and what versions are read from.

`work/<ino>` is the only place of bytes that are not in the library yet. Chunks that were read are kept by `chunks.py`; each is checked
against its address when it comes from the network and again when it comes from the disk. Over 400 lines because working
copies are filled from what is read, and both share one lock.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Container
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sync.agent.chunks import Chunks
from sync.agent.disk_errors import disk_errno
from sync.agent.errors import AgentError, DamagedContent, Refused
from sync.agent.index import File, Index
from sync.agent.lasts import LastSaves
from sync.agent.remote import Remote
from sync.core import protocol as p
from sync.core.hashing import Address
from sync.core.manifest import EMPTY, Manifest, manifest_digest, spans

_WINDOW, _NEXT_WINDOW = 32, 256
"""So many places are asked for at first, and of who has come to the end of those."""
_RUN_BYTES = 4 * 1024 * 1024
_AHEAD_BYTES = 8 * 1024 * 1024
"""Somebody waits for the first run; who then goes through the file is better served by fewer, longer ones."""
_MANIFESTS = 16
_LOCATED_S = 10.0
"""How long an answer about places is good for: a right that was taken back must not outlive this by much."""
_RUNS_AHEAD = 2
_LEAD_BYTES = 16 * 1024 * 1024
"""No farther ahead of a reader than what is kept in memory until they come to it."""
_PATIENCE_S = 30.0

log = logging.getLogger("mainline.agent")

T = TypeVar("T")


@dataclass(frozen=True)
class _Located:
    """Where chunks of a version lie, as the library said at a monotonic instant."""

    answer: p.ContentAnswer
    at_s: float

    def places_from(self, address: Address) -> tuple[p.ChunkPlace, ...]:
        """The places from this chunk on; none if it is not among them, or the answer is old."""
        if time.monotonic() - self.at_s > _LOCATED_S:
            return ()
        found = next((n for n, place in enumerate(self.answer.places) if place.chunk == address), None)
        return () if found is None else self.answer.places[found:]

    def ends_before(self, manifest: Manifest, index: int) -> bool:
        """Whether these are the places right up to a chunk."""
        return index > 0 and bool(self.answer.places) and self.answer.places[-1].chunk == manifest.chunks[index - 1].address


@dataclass
class _Reading:
    """A way through a version. front: what comes before it, from `start` on, is here or on its way. steady: whether somebody goes through.

    busy: runs that are fetched ahead now. claiming: the extent of the last one of them is not known yet.
    """

    start: int
    front: int
    steady: bool
    busy: int = 0
    claiming: bool = False

    def leads_on_at(self, index: int) -> bool:
        """Whether a reader at this chunk goes through the file and will want what comes next. One who jumps about does not."""
        return index < self.front and (index >= self.start if self.steady else index > self.start)


def patience(name: str) -> Callable[[AgentError], bool]:
    """Whether to ask the library once more: a short cut of the line is waited out."""
    deadline = time.monotonic() + _PATIENCE_S

    def again(error: AgentError) -> bool:
        log.info("reading %s again: %s", name, error)
        time.sleep(0.2)
        return time.monotonic() < deadline

    return again


class Content:
    """Reads versions and keeps working copies."""

    def __init__(self, state_dir: Path, index: Index, remote: Remote, *, cache_bytes: int) -> None:
        self._index = index
        self._remote = remote
        self._work = state_dir / "work"
        self._work.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.aside = state_dir / "kept"
        """Where `keep_aside` keeps bytes."""
        self.lasts = LastSaves(state_dir / "last")
        self.chunks = Chunks(state_dir / "chunks", cache_bytes)
        self._coming: dict[Address, Future[dict[Address, bytes]]] = {}
        self._lock = threading.Lock()
        self._manifests: OrderedDict[Address, Manifest] = OrderedDict()
        self._located: OrderedDict[Address, _Located] = OrderedDict()
        self._readings: OrderedDict[Address, _Reading] = OrderedDict()
        self._ahead = ThreadPoolExecutor(_RUNS_AHEAD, thread_name_prefix="ahead")

    def close(self) -> None:
        """Fetch nothing ahead any more. After the transport is closed, so that nobody waits for an answer."""
        self._ahead.shutdown(cancel_futures=True)

    # --- working copies -------------------------------------------------------------------------------------------

    def work_path(self, ino: int) -> Path:
        """Where the whole bytes of a file are while it is `local`."""
        return self._work / str(ino)

    def open_work(self, ino: int, *, create: bool = False, writable: bool = True) -> int:
        """A descriptor of the working copy, for reading and writing, or for reading alone: a read-only disk allows that."""
        flags = (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC | (os.O_CREAT | os.O_TRUNC if create else 0)
        return os.open(f"{self._work}/{ino}", flags, 0o600)

    def drop_work(self, ino: int) -> None:
        """Give the bytes up: the library has them, or nobody wants them. Not before the index says so for good."""

        def drop() -> None:
            self.work_path(ino).unlink(missing_ok=True)
            self.lasts.drop(ino)

        self._index.afterwards(drop)

    def keep_aside(self, file: File, path: str) -> None:
        """Keep bytes that can no longer be sent, out of the mount: only the person can say what is to become of them."""
        self.aside.mkdir(exist_ok=True, mode=0o700)
        kept = self.aside / f"{file.ino} {path.strip('/').replace('/', '_').encode()[-200:].decode(errors='ignore')}"
        kept.unlink(missing_ok=True)
        try:
            os.link(self.work_path(file.ino), kept)
        except FileNotFoundError:
            pass  # its first byte was never written

    def kept_aside(self) -> int:
        """How many there are, of all runs."""
        try:
            return len(os.listdir(self.aside))
        except FileNotFoundError:
            return 0

    def sweep(self) -> None:
        """Remove working copies that nothing refers to, after a crash."""
        known = {str(row[0]) for row in self._index.rows("SELECT ino FROM files WHERE local=1")}
        for path in self._work.iterdir():
            if path.name not in known:
                path.unlink(missing_ok=True)
        self.lasts.sweep()

    def materialise(self, file: File, *, size: int | None = None, retry: Callable[[AgentError], bool] | None = None) -> Path:
        """Write the version that a file stands for beside its working copy, at most `size` bytes of it. retry: as of `read`.

        Returns where; nothing is left when it fails. Under a name of its own: half of it must never look like somebody's save, and
        a program may empty the file and write it anew meanwhile.
        """
        fetched = self._work / f"{file.ino}.{threading.get_ident()}.fetched"
        wanted = file.size if size is None else min(size, file.size)
        try:
            with open(fetched, "wb") as stream:
                position = 0
                while position < wanted:
                    data = self.read(file, position, min(_RUN_BYTES, wanted - position), retry=retry)
                    if not data:
                        raise DamagedContent("内容不完整", f"{file.name}: ends at {position} of {file.size} bytes")
                    stream.write(data)
                    position += len(data)
        except BaseException:
            fetched.unlink(missing_ok=True)  # on a full disk the room that it took is what others wait for
            raise
        return fetched

    # --- whole versions that stay here ------------------------------------------------------------------------------

    def is_kept(self, file: File) -> bool:
        """Whether every chunk of a file's version is among those that are never evicted."""
        manifest = self._index.manifest(file.manifest) if file.manifest is not None else None
        return manifest is not None and all(self.chunks.is_pinned(chunk) for chunk in manifest.chunks)

    def keep_whole(self, file: File) -> None:
        """Bring every chunk of a file's version among those that are never evicted. Raises OSError when the disk is full."""
        assert file.manifest is not None
        manifest = self.manifest(file.library, file.manifest)
        for index, chunk in enumerate(manifest.chunks):
            if not self.chunks.pin(chunk):
                data = self._chunk(file.library, file.manifest, manifest, index)
                if not self.chunks.pin(chunk):  # evicted again at once, or never written: the disk is full
                    self.chunks.pin(chunk, data)

    # --- versions -------------------------------------------------------------------------------------------------

    def manifest(self, library: str, digest: Address) -> Manifest:
        """The manifest of a version, from here or from the library."""
        with self._lock:
            if (kept := self._manifests.get(digest)) is not None:
                self._manifests.move_to_end(digest)
                return kept
        kept = self._index.manifest(digest)
        if kept is None:
            kept = EMPTY if digest == manifest_digest(EMPTY) else self._ask(library, digest, 0, _WINDOW)[0]
        with self._lock:
            _remember(self._manifests, digest, kept)
        return kept

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

    def read_from_memory(self, file: File, offset: int, length: int) -> bytes | None:
        """The same, if no line and no disk has to be asked for the bytes: for whoever must not wait."""
        if file.manifest is None:
            return b""
        with self._lock:
            manifest = self._manifests.get(file.manifest)
        if manifest is None:
            return None
        parts = []
        for span in spans(manifest, offset, length):
            chunk = self.chunks.in_memory(manifest.chunks[span.index].address)
            if chunk is None:
                return None
            if len(chunk) != manifest.chunks[span.index].size_bytes:
                return None
            parts.append(chunk[span.start : span.stop])
            self._look_ahead(file.library, file.manifest, manifest, span.index)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def told(self, answer: p.ContentAnswer) -> None:
        """The library says with its feed where a small new version lies: whoever reads it need not ask."""
        if answer.manifest is None:
            return
        with self._index.transaction():
            digest = self._index.put_manifest(answer.manifest)
        with self._lock:
            _remember(self._manifests, digest, answer.manifest)
            _remember(self._located, digest, _Located(answer, time.monotonic()))

    def fetch_next(self, file: File, digest: Address) -> None:
        """Fetch the next version of a small file at once if the one that is here was read: it will be asked for."""
        former = self._index.manifest(file.manifest) if file.manifest is not None else None
        if former is None or not former.chunks or not self.chunks.has(former.chunks[0].address):
            return
        with self._lock:
            manifest = self._manifests.get(digest)
        if manifest is None or not manifest.chunks:
            return
        try:
            self._ahead.submit(self._fetch_ahead, file.library, digest, manifest, _Reading(0, 0, steady=True))
        except RuntimeError:
            pass  # the agent is stopping

    def _read(self, library: str, digest: Address, offset: int, length: int) -> bytes:
        manifest = self.manifest(library, digest)
        parts = []
        for span in spans(manifest, offset, length):
            chunk = self._chunk(library, digest, manifest, span.index)
            if len(chunk) != manifest.chunks[span.index].size_bytes:
                raise DamagedContent("内容不完整", f"{manifest.chunks[span.index]} has {len(chunk)} bytes")
            parts.append(chunk[span.start : span.stop])
            self._look_ahead(library, digest, manifest, span.index)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _chunk(self, library: str, digest: Address, manifest: Manifest, index: int, *, ahead: _Reading | None = None) -> bytes:
        """A chunk, from here or fetched. ahead: it is fetched before a reader of this way comes to it."""
        address = manifest.chunks[index].address
        while True:
            if (data := self.chunks.get(address)) is not None:
                return data
            with self._lock:
                coming = self._coming.get(address)
                if coming is None and (data := self.chunks.in_memory(address)) is not None:
                    return data  # it came between the two questions
                if coming is None:
                    ours = self._coming[address] = Future[dict[Address, bytes]]()
                    break
            if address in (found := coming.result()):  # readers of one file do not fetch the same run twice
                return found[address]
        found = {}
        try:
            try:
                found = self._fetch(library, digest, manifest, index, ours, ahead)
            finally:
                ours.set_result(found)
            for each, body in found.items():  # who waits for these chunks has them by now
                self.chunks.keep(each, body)
        finally:
            with self._lock:
                for each in [each for each, future in self._coming.items() if future is ours]:
                    del self._coming[each]
        if address not in found:
            raise DamagedContent("内容不完整", f"the library did not say where {address} is")
        return found[address]

    def _look_ahead(self, library: str, digest: Address, manifest: Manifest, index: int) -> None:
        """Have the next runs fetched while a reader who goes through the file is at this one."""
        with self._lock:
            reading = self._readings.get(digest)
            if reading is None or reading.front >= len(manifest.chunks) or not reading.leads_on_at(index):
                return
            far = manifest.starts[reading.front] - manifest.starts[index] >= _LEAD_BYTES
            if far or reading.claiming or reading.busy >= _RUNS_AHEAD:
                return
            reading.steady = reading.claiming = True
            reading.busy += 1
        try:
            self._ahead.submit(self._fetch_ahead, library, digest, manifest, reading)
        except RuntimeError:
            pass  # the agent is stopping

    def _fetch_ahead(self, library: str, digest: Address, manifest: Manifest, reading: _Reading) -> None:
        start = reading.front
        try:
            self._chunk(library, digest, manifest, start, ahead=reading)
        except AgentError as error:
            log.info("nothing fetched ahead: %s", error)  # whoever reads on meets it, and says so
        with self._lock:
            reading.busy -= 1
            reading.claiming = False
            reading.front = max(reading.front, start + 1)  # it may have been in the cache

    def _fetch(
        self, library: str, digest: Address, manifest: Manifest, index: int, ours: Future[dict[Address, bytes]], ahead: _Reading | None
    ) -> dict[Address, bytes]:
        """Fetch the run of neighbouring chunks that begins at `index`, up to those that are coming already."""
        with self._lock:
            located = self._located.get(digest)
        places = located.places_from(manifest.chunks[index].address) if located is not None else ()
        if located is None or not places:
            goes_on = located is not None and located.ends_before(manifest, index)
            _, located = self._ask(library, digest, index, _NEXT_WINDOW if goes_on else _WINDOW)
            places = located.answer.places
        with self._lock:
            run = _run(places, _AHEAD_BYTES if ahead else _RUN_BYTES, self._coming)
            if not run:
                return {}
            self._coming |= {place.chunk: ours for place in run}
            self._claim(digest, manifest, index, {place.chunk for place in run}, ahead)
        try:
            found = dict(self._remote.get_chunks(located.answer.packs[run[0].pack], run))
        except AgentError:
            with self._lock:
                self._located.pop(digest, None)  # the next try asks anew
                self._readings.pop(digest, None)
            raise
        for address, data in found.items():
            self.chunks.remember(address, data)
        return found

    def _claim(self, digest: Address, manifest: Manifest, index: int, coming: set[Address], ahead: _Reading | None) -> None:
        stop = index
        while stop < len(manifest.chunks) and manifest.chunks[stop].address in coming:
            stop += 1
        if ahead is None:
            _remember(self._readings, digest, _Reading(index, stop, steady=index == 0))
            return
        ahead.front, ahead.claiming = stop, False
        if self._readings.get(digest) is not ahead:
            _remember(self._readings, digest, ahead)

    def _keep(self, manifest: Manifest) -> None:
        try:
            with self._index.transaction():
                self._index.put_manifest(manifest)
        except (sqlite3.OperationalError, OSError) as error:
            if disk_errno(error) is None:
                raise
            log.info("a manifest is asked for again next time: %s", error)

    def _ask(self, library: str, digest: Address, start: int, count: int) -> tuple[Manifest, _Located]:
        """The manifest and the places of a window of chunks; whoever asks for the first one need not ask for its place again."""
        answer = self._remote.content(library, p.ContentRequest(digest, start, count))
        manifest = answer.manifest or self._index.manifest(digest)
        if manifest is None or manifest_digest(manifest) != digest:
            raise Refused(p.Problem("bad_manifest", "内容清单与版本不符", digest, retryable=True), 200)
        if answer.manifest is not None:
            self._keep(manifest)
        located = _Located(answer, time.monotonic())
        with self._lock:
            _remember(self._located, digest, located)
        return manifest, located


def _remember(known: OrderedDict[Address, T], digest: Address, value: T) -> None:
    """Keep a value of a version, and of the last few others."""
    known[digest] = value
    known.move_to_end(digest)
    while len(known) > _MANIFESTS:
        known.popitem(last=False)


def _run(places: tuple[p.ChunkPlace, ...], most_bytes: int, coming: Container[Address]) -> list[p.ChunkPlace]:
    """The first places that lie one after another in one pack, one at least, up to one that is coming already: one ranged GET."""
    run: list[p.ChunkPlace] = []
    for place in places:
        follows = not run or (place.pack == run[-1].pack and place.offset == run[-1].offset + run[-1].stored)
        if not follows or (run and (place.offset + place.stored - run[0].offset > most_bytes or place.chunk in coming)):
            break
        run.append(place)
    return run
