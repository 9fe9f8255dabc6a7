"""A long file on its way while it is still being read: chunks are asked for, packed and stored as they are cut.

Nothing is promised by it. Packs are registered, so that a crash does not send them again; the end of the file, and whatever did not
find its way, is left to the upload of the batch. If the file changes meanwhile, what no version names is removed by the collection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

from sync.agent.errors import AgentError
from sync.agent.remote import Remote
from sync.core import protocol as p
from sync.core.chunking import Chunk
from sync.core.hashing import Address, address_of
from sync.core.packs import PackWriter

_WINDOW_MOST = 8
"""In packs: a file of which little is new is asked about in few questions."""


class Courier:
    """For one file. The thread that reads calls `watching`; one of `threads` at a time carries what was cut, others PUT."""

    def __init__(
        self,
        remote: Remote,
        threads: ThreadPoolExecutor,
        path: Path,
        ask: tuple[str, tuple[Address, ...]],
        *,
        pack_bytes: int,
        puts_at_once: int,
        bring: Callable[[str, p.Upload, p.StoredPack, bytes], None],
    ) -> None:
        """ask: the library, and the bases of a `MissingRequest`. bring: stores a pack and registers it."""
        self._remote, self._threads, self._path, self._pack_bytes = remote, threads, path, pack_bytes
        self._library, self._bases = ask
        self._puts_at_once, self._bring = puts_at_once, bring
        self._window: list[tuple[Chunk, int]] = []
        self._window_bytes, self._enough_bytes = 0, pack_bytes
        self._carrying: Future[None] | None = None
        self._writer, self._packed = PackWriter(pack_bytes), set[Address]()
        self._uploads: list[p.Upload] = []
        self.stored: set[Address] = set()
        """Chunks that need not be sent any more, once `flying` has landed."""
        self.flying: set[Future[None]] = set()

    def watching(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """The same chunks; what is cut leaves as soon as there is enough for a pack."""
        offset = 0
        for chunk in chunks:
            self._window.append((chunk, offset))
            self._window_bytes += chunk.size_bytes
            offset += chunk.size_bytes
            if self._window_bytes >= self._enough_bytes and (self._carrying is None or self._carrying.done()):
                self._hand_over()
            yield chunk

    def _hand_over(self) -> None:
        if self._carrying is not None:
            self._carrying.result()
        self._carrying = self._threads.submit(self._carry, self._window)
        self._window, self._window_bytes = [], 0
        self._enough_bytes = min(self._enough_bytes * 2, _WINDOW_MOST * self._pack_bytes)

    def finish(self) -> None:
        """Wait until what was handed over is on its way; raises AgentError where it could not be."""
        if self._carrying is not None:
            self._carrying.result()

    def give_up(self) -> None:
        """The file is another one by now."""
        with suppress(AgentError, OSError):
            self.finish()
        wait(self.flying)

    def _carry(self, window: list[tuple[Chunk, int]]) -> None:
        places = {chunk.address: (offset, chunk.size_bytes) for chunk, offset in window if chunk.address not in self.stored | self._packed}
        slots = 1 + sum(size for _, size in places.values()) // self._pack_bytes
        answer = self._remote.missing(self._library, p.MissingRequest(tuple(places), min(slots, p.MAX_UPLOADS), self._bases))
        missing = dict.fromkeys(answer.missing)
        self.stored |= places.keys() - missing.keys()
        self._uploads = [*answer.uploads]
        try:
            stream = open(self._path, "rb", buffering=0)  # noqa: SIM115 - below
        except FileNotFoundError:
            return  # removed, which the one who reads notices
        with stream:
            for address in missing:
                offset, size = places[address]
                stream.seek(offset)
                data = stream.read(size)
                if address_of(data) != address:
                    return  # it is being written to: the one who reads notices
                self._writer.add(address, data)
                self._packed.add(address)
                if self._writer.full and not self._put():
                    return

    def _put(self) -> bool:
        if not self._uploads:
            return False
        while len(self.flying) >= self._puts_at_once:
            landed, self.flying = wait(self.flying, return_when=FIRST_COMPLETED)
            for each in landed:
                each.result()
        upload, pack = self._uploads.pop(0), self._writer.finish()
        stored = p.StoredPack(upload.pack, address_of(pack), len(pack))
        self.flying.add(self._threads.submit(self._bring, self._library, upload, stored, pack))
        self.stored |= self._packed
        self._writer, self._packed = PackWriter(self._pack_bytes), set()
        return True
