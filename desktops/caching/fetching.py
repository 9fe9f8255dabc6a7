"""Chunks for whoever asks: from the disk, from a fetch that is under way for somebody else, or from the store, once."""

import http.client
import ssl
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from urllib.parse import urlsplit

import structlog

from desktops.caching.counts import Counts
from desktops.caching.disk import ChunkDisk, name_of, verified
from sync.core.protocol import ChunkPlace, Download

log = structlog.get_logger("cache")

FETCHES = 8
STORE_S = 20.0


class Failed(Exception):
    """The store did not give the chunk, or gave something else."""


class ChunkCache:
    """Gives each chunk as a future of its stored bytes. Rights were looked at before."""

    def __init__(self, disk: ChunkDisk) -> None:
        self._disk = disk
        self._lock = threading.Lock()
        self._coming: dict[str, Future[bytes]] = {}
        self._pool = ThreadPoolExecutor(FETCHES, thread_name_prefix="fetch")
        self._counts = Counts()

    def counts(self) -> Counts:
        with self._lock:
            return Counts(**{**asdict(self._counts), "used_bytes": self._disk.used_bytes})

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def chunks(self, download: Download, places: Sequence[ChunkPlace]) -> list[Future[bytes]]:
        """A future for each place, in order; raises Failed out of those that cannot be had."""
        found = [self._here_or_coming(place) for place in places]
        run: list[tuple[ChunkPlace, Future[bytes]]] = []
        for place, (future, is_ours) in zip(places, found, strict=True):
            if run and (not is_ours or place.offset != run[-1][0].offset + run[-1][0].stored):
                self._pool.submit(self._fetch, download, run)
                run = []
            if is_ours:
                run.append((place, future))
        if run:
            self._pool.submit(self._fetch, download, run)
        return [future for future, _ in found]

    def _here_or_coming(self, place: ChunkPlace) -> tuple[Future[bytes], bool]:
        """The chunk, and whether it is for us to fetch."""
        name = name_of(place)
        while True:
            with self._lock:
                coming = self._coming.get(name)
                if coming is None and not self._disk.has(place):
                    self._coming[name] = coming = Future()
                    return coming, True
            if coming is not None:
                self._count(hits=1, hit_bytes=place.stored)
                return coming, False
            if (stored := self._disk.get(place)) is not None:  # Else it was spoiled or has just been evicted: look again.
                self._count(hits=1, hit_bytes=place.stored)
                coming = Future()
                coming.set_result(stored)
                return coming, False

    def _fetch(self, download: Download, run: list[tuple[ChunkPlace, Future[bytes]]]) -> None:
        """Fetch neighbouring chunks in one GET; each is handed on as soon as it is whole and verified."""
        places = [place for place, _ in run]
        try:
            with _Ranged(download, places[0].offset, places[-1].offset + places[-1].stored) as body:
                for place, future in run:
                    stored = body.read(place.stored)
                    if not verified(place, stored):
                        raise Failed(f"{place.chunk} is not what lies in {place.pack}")
                    future.set_result(stored)
                    self._count(fetches=1, fetched_bytes=place.stored)
                    self._disk.put(place, stored)
        except (OSError, http.client.HTTPException, Failed) as error:
            log.warning("cache.fetch_failed", pack=places[0].pack, problem=str(error)[:300])
        finally:
            with self._lock:
                for place, _ in run:
                    del self._coming[name_of(place)]
            for _, future in run:
                if not future.done():
                    future.set_exception(Failed("not fetched"))

    def _count(self, **more: int) -> None:
        with self._lock:
            now = asdict(self._counts)
            self._counts = Counts(**{**now, **{name: now[name] + count for name, count in more.items()}})


class _Ranged:
    """A GET of a part of a pack. No redirect is followed and no proxy asked: the address is the one that the library signed."""

    def __init__(self, download: Download, start: int, stop: int) -> None:
        parts = urlsplit(download.url)
        secure = parts.scheme == "https"
        host, port = parts.hostname or "", parts.port or (443 if secure else 80)
        self._line = (
            http.client.HTTPSConnection(host, port, timeout=STORE_S, context=ssl.create_default_context())
            if secure
            else http.client.HTTPConnection(host, port, timeout=STORE_S)
        )
        self._target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self._headers = {**download.headers, "Range": f"bytes={start}-{stop - 1}"}

    def __enter__(self) -> http.client.HTTPResponse:
        try:
            self._line.request("GET", self._target, headers=self._headers)
            answer = self._line.getresponse()
        except BaseException:
            self._line.close()
            raise
        if answer.status != 206:
            self._line.close()
            raise Failed(f"HTTP {answer.status}")
        return answer

    def __exit__(self, *_: object) -> None:
        self._line.close()
