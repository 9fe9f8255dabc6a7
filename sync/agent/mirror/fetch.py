"""Fetches versions into files beside the member's: several at once, resumable, and only what is not here yet.

Chunks that an older version on the disk already has are taken from there, verified like those from the network. What was
fetched before a crash lies in the chunk cache and is not fetched again.
"""

from __future__ import annotations

import logging
import os
import queue
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import xxhash

from sync.agent.disk_errors import disk_reason
from sync.agent.errors import AgentError, NotEnrolled
from sync.agent.mirror.settle import Wanted
from sync.agent.mirror.tree import MirrorTree
from sync.core.hashing import Address, address_of
from sync.core.manifest import Manifest

log = logging.getLogger("mainline.agent")

AT_ONCE = 4
_LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True)
class Fetched:
    """A finished fetch. part: None when it failed; it is asked for again. error: why; reason: the same as a code of `words.py`."""

    wanted: Wanted
    part: Path | None
    mark: str = ""
    error: str | None = None
    reason: str = "not_fetched"


class Fetcher:
    """A few threads that fetch. `take` gives what is finished."""

    def __init__(self, tree: MirrorTree, finished: Callable[[], None], progress: Callable[[Wanted, int], None]) -> None:
        self._tree = tree
        self._finished = finished
        self._progress = progress
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="fetch")
        self._under_way: dict[int, Wanted] = {}
        self._not_before: dict[int, tuple[float, float]] = {}
        self._done: queue.SimpleQueue[Fetched] = queue.SimpleQueue()
        self._stop = threading.Event()

    @property
    def under_way(self) -> int:
        """How many are being fetched or wait for a thread."""
        return len(self._under_way)

    def begin(self, wanted: Wanted) -> None:
        """Fetch a version, unless this file is being fetched, or failed a moment ago."""
        not_before, _ = self._not_before.get(wanted.ino, (0.0, 0.0))
        if wanted.ino in self._under_way or time.monotonic() < not_before:
            return
        self._under_way[wanted.ino] = wanted
        self._pool.submit(self._run, wanted)

    def take(self) -> list[Fetched]:
        """What finished since the last time."""
        done = []
        while not self._done.empty():
            fetched = self._done.get()
            self._under_way.pop(fetched.wanted.ino, None)
            if fetched.error is None:
                self._not_before.pop(fetched.wanted.ino, None)
            else:
                _, pause = self._not_before.get(fetched.wanted.ino, (0.0, 0.5))
                pause = min(pause * 2, _LONGEST_PAUSE_S)
                self._not_before[fetched.wanted.ino] = (time.monotonic() + pause * random.uniform(0.5, 1), pause)
            done.append(fetched)
        return done

    def hurry(self) -> None:
        """Whatever failed may be tried again now."""
        self._not_before.clear()

    def close(self) -> None:
        """Stop; what is half fetched stays in the chunk cache. After the transport is closed, so that nobody waits for it."""
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)

    def _run(self, wanted: Wanted) -> None:
        part = self._tree.disk.part()
        try:
            mark = self._write(wanted, part)
            self._done.put(Fetched(wanted, part, mark))
        except (AgentError, OSError) as error:
            log.info("%s was not fetched: %s", wanted.file.name, error)
            title = error.title if isinstance(error, AgentError) and not isinstance(error, NotEnrolled) else str(error)
            self._failed(wanted, part, title, disk_reason(error, "not_fetched") if isinstance(error, OSError) else "not_fetched")
        except Exception as error:  # A mistake of ours: said aloud, and this file is not forgotten for ever.
            log.exception("%s was not fetched", wanted.file.name)
            self._failed(wanted, part, str(error), "not_fetched")
        self._finished()

    def _failed(self, wanted: Wanted, part: Path, why: str, reason: str) -> None:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        self._done.put(Fetched(wanted, None, error=why or "?", reason=reason))

    def _write(self, wanted: Wanted, part: Path) -> str:
        content, mark = self._tree.content, xxhash.xxh3_128()
        manifest = content.manifest(wanted.file.library, wanted.manifest)
        with closing(_Donor(wanted, self._tree)) as donor, open(part, "wb") as stream:
            position = 0
            for chunk in manifest.chunks:
                if self._stop.is_set():
                    raise AgentError("同步客户端正在停止")
                data = donor.get(chunk.address)
                if data is None:
                    data = content.read(wanted.file, position, chunk.size_bytes)
                stream.write(data)
                mark.update(data)
                position += chunk.size_bytes
                self._progress(wanted, position * 100 // manifest.size_bytes)
            stream.flush()
            os.fsync(stream.fileno())
        if position != manifest.size_bytes or part.stat().st_size != manifest.size_bytes:
            raise AgentError("内容不完整", wanted.file.name)
        return mark.hexdigest()


class _Donor:
    """The older version on the disk: chunks by address, none that does not prove to be what it was."""

    def __init__(self, wanted: Wanted, tree: MirrorTree) -> None:
        self._places: dict[Address, tuple[int, int]] = {}
        self._stream = None
        old = self._manifest(wanted, tree)
        if old is None or wanted.donor is None:
            return
        try:
            self._stream = open(wanted.donor, "rb", buffering=0)  # noqa: SIM115 - closed by `close`
        except OSError:
            return  # the member has it open, or it is gone: the library has every byte
        offset = 0
        for chunk in old.chunks:
            self._places[chunk.address] = (offset, chunk.size_bytes)
            offset += chunk.size_bytes

    @staticmethod
    def _manifest(wanted: Wanted, tree: MirrorTree) -> Manifest | None:
        return tree.index.manifest(wanted.donor_manifest) if wanted.donor_manifest is not None else None

    def get(self, address: Address) -> bytes | None:
        """A chunk, if the old version has it."""
        place = self._places.get(address)
        if place is None or self._stream is None:
            return None
        try:
            self._stream.seek(place[0])
            data = self._stream.read(place[1])
        except OSError:
            return None  # a bad sector of the old one is no reason not to have the new one
        return data if data is not None and address_of(data) == address else None

    def close(self) -> None:
        """Give the file back to the member."""
        if self._stream is not None:
            self._stream.close()
