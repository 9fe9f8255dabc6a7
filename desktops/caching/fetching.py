"""Chunks for whoever asks: from the disk, from a fetch that is under way for somebody else, or from the store, once."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from http import HTTPStatus

import structlog
import urllib3

from desktops.caching.counts import Counts
from desktops.caching.disk import ChunkDisk, name_of, verified
from sync.core.protocol import ChunkPlace, Download

log = structlog.get_logger("cache")

Wanted = tuple[ChunkPlace, Future[bytes]]
FETCHES = 8
CONNECT_S, STORE_S = 5.0, 20.0


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
        self._http = urllib3.PoolManager(
            maxsize=FETCHES, timeout=urllib3.Timeout(connect=CONNECT_S, read=STORE_S), retries=urllib3.Retry(total=1, redirect=0)
        )

    def counts(self) -> Counts:
        with self._lock:
            return Counts(**{**asdict(self._counts), "used_bytes": self._disk.used_bytes})

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._http.clear()

    def chunks(self, download: Download, places: Sequence[ChunkPlace]) -> list[Future[bytes]]:
        """A future for each place, in order; raises Failed out of those that cannot be had."""
        futures: list[Future[bytes]] = []
        ours: list[Wanted] = []
        try:
            for place in places:
                future, is_ours = self._here_or_coming(place)
                futures.append(future)
                if is_ours:
                    ours.append((place, future))
            for run in _runs(ours):
                self._pool.submit(self._fetch, download, run)
                ours = ours[len(run) :]
        finally:
            self._end(ours)  # What nobody will fetch, because something went wrong here, must not be waited for.
        return futures

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

    def _fetch(self, download: Download, run: list[Wanted]) -> None:
        """Fetch neighbouring chunks in one GET; each is handed on as soon as it is whole and verified."""
        places = [place for place, _ in run]
        try:
            with self._get(download, places[0].offset, places[-1].offset + places[-1].stored) as body:
                for place, future in run:
                    stored = body.read(place.stored)
                    if not verified(place, stored):
                        raise Failed(f"{place.chunk} is not what lies in {place.pack}")
                    future.set_result(stored)
                    self._count(fetches=1, fetched_bytes=place.stored)
                    self._disk.put(place, stored)
        except (urllib3.exceptions.HTTPError, Failed) as error:
            log.warning("cache.fetch_failed", pack=places[0].pack, problem=str(error)[:300])
        finally:
            self._end(run)

    def _end(self, run: list[Wanted]) -> None:
        """These are not on their way any more."""
        with self._lock:
            for place, _ in run:
                del self._coming[name_of(place)]
        for _, future in run:
            if not future.done():
                future.set_exception(Failed("not fetched"))

    @contextlib.contextmanager
    def _get(self, download: Download, start: int, stop: int) -> Iterator[urllib3.BaseHTTPResponse]:
        """A part of a pack, as it comes. No redirect is followed: the address is the one that the library signed."""
        headers = {**download.headers, "Range": f"bytes={start}-{stop - 1}"}
        answer = self._http.request("GET", download.url, headers=headers, preload_content=False, decode_content=False, redirect=False)
        try:
            if answer.status != HTTPStatus.PARTIAL_CONTENT:
                raise Failed(f"HTTP {answer.status}")
            yield answer
            answer.release_conn()  # Read to its end: for the next one.
        finally:
            answer.close()

    def _count(self, **more: int) -> None:
        with self._lock:
            now = asdict(self._counts)
            self._counts = Counts(**{**now, **{name: now[name] + count for name, count in more.items()}})


def _runs(wanted: Sequence[Wanted]) -> Iterator[list[Wanted]]:
    """Those that lie one after another in the pack: one GET each."""
    run: list[Wanted] = []
    for place, future in wanted:
        if run and place.offset != run[-1][0].offset + run[-1][0].stored:
            yield run
            run = []
        run.append((place, future))
    if run:
        yield run
