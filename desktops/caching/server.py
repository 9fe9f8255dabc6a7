"""The cache's process (``mainline cache``): HTTP on a unix socket that only the gateway of this machine reaches.

The gateway says first, in a line of its own, which desktop is speaking; what follows comes from the guest and is believed in nothing.
A request is answered for the vouchers in it alone, see sync/core/host_cache.py. Threads: there are few guests on a host.
"""

import contextlib
import signal
import socket
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, wait
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import structlog

from desktops.caching.counts import Counts, tell_counts
from desktops.caching.disk import ChunkDisk
from desktops.caching.fetching import ChunkCache, Failed
from sync.core.chunking import CHUNK_MAX_BYTES
from sync.core.codec import BadMessage, from_bytes
from sync.core.host_cache import (
    ANSWER_MAX_BYTES,
    BEAT,
    BEAT_S,
    CHUNK,
    FAILED,
    PATH,
    PURPOSE,
    REQUEST_MAX_BYTES,
    ChunksRequest,
    Mac,
    is_good,
)
from sync.core.protocol import ChunkPlace
from workspace.secrets import SigningKey
from workspace.settings import Settings

log = structlog.get_logger("cache")

CONNECTIONS, CONNECTIONS_EACH = 400, 32
"""At once, in all and of one desktop; each keeps a thread."""
ANSWERS, ANSWERS_EACH = 24, 8
"""At once; each may hold ANSWER_MAX_BYTES. A desktop that reads nothing of its answers takes no place of the others'."""
IDLE_S = 60
COUNTS_EVERY_S = 5.0
MIB = 1024 * 1024


class Turns:
    """Lets so many at once, and so many of each desktop."""

    def __init__(self, most: int, most_each: int) -> None:
        self._most, self._most_each = most, most_each
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    @contextlib.contextmanager
    def of(self, desktop: str) -> Iterator[bool]:
        """Whether there is a turn; it lasts as long as the context."""
        with self._lock:
            free = self._taken.total() < self._most and self._taken[desktop] < self._most_each
            self._taken[desktop] += free
        try:
            yield free
        finally:
            with self._lock:
                self._taken[desktop] -= free
                self._taken += Counter()  # Who has none is not remembered.


class CacheServer(socketserver.ThreadingUnixStreamServer):
    """Listens at ``path``. mac: signs what a voucher says."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path, cache: ChunkCache, mac: Mac) -> None:
        self.cache, self.mac = cache, mac
        self.connections, self.answers = Turns(CONNECTIONS, CONNECTIONS_EACH), Turns(ANSWERS, ANSWERS_EACH)
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Guest)
        path.chmod(0o600)

    def handle_error(self, request: object, client_address: object) -> None:
        log.exception("cache.guest_failed")


class _Guest(BaseHTTPRequestHandler):
    """One connection of one desktop."""

    server: CacheServer
    protocol_version = "HTTP/1.1"
    timeout = IDLE_S
    wbufsize = 64 * 1024

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # The guest went away, or has said nothing for long.
            self.desktop = self.rfile.readline(100).decode("ascii", "replace").strip()
            with self.server.connections.of(self.desktop) as free:
                if free:
                    super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()

    def do_POST(self) -> None:
        request = self._asked()
        if isinstance(request, HTTPStatus):
            self._refuse(request)
            return
        with self.server.answers.of(self.desktop) as free:
            if free:
                chunks = self.server.cache.chunks(request.download, request.places)
                try:
                    self._answer(chunks)
                finally:
                    wait(chunks)  # Who asks and goes away, again and again, waits in their own turn for what that fetches.
            else:
                self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)

    def _asked(self) -> ChunksRequest | HTTPStatus:
        length = self.headers.get("Content-Length", "")
        if self.path != PATH or not (length.isascii() and length.isdigit() and len(length) < 10 and int(length) <= REQUEST_MAX_BYTES):
            return HTTPStatus.NOT_FOUND
        try:
            request = from_bytes(ChunksRequest, self.rfile.read(int(length)))
        except BadMessage:
            return HTTPStatus.BAD_REQUEST
        now_ms = int(time.time() * 1000)
        if not self.desktop or not request.places:
            return HTTPStatus.FORBIDDEN
        if not all(is_good(self.server.mac, self.desktop, now_ms, request.download, place) for place in request.places):
            return HTTPStatus.FORBIDDEN
        return request if _is_bounded(request.places) else HTTPStatus.REQUEST_ENTITY_TOO_LARGE

    def _answer(self, chunks: list[Future[bytes]]) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            stored = self._wait_for(chunk)
            self._frame(FAILED if stored is None else CHUNK, stored or b"")
            if stored is None:
                break
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _wait_for(self, chunk: "Future[bytes]") -> bytes | None:
        while True:
            try:
                return chunk.result(timeout=BEAT_S)
            except TimeoutError:
                self._frame(BEAT)
            except Failed:
                return None

    def _frame(self, kind: bytes, stored: bytes = b"") -> None:
        self.wfile.write(b"%x\r\n%s" % (len(kind) + len(stored), kind))
        self.wfile.write(stored)
        self.wfile.write(b"\r\n")
        self.wfile.flush()

    def _refuse(self, status: HTTPStatus) -> None:
        """The body may not have been read: the connection ends."""
        self.close_connection = True
        self.send_response(status)
        self.send_header("Connection", "close")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def version_string(self) -> str:
        return "cache"

    def log_message(self, *_: object) -> None:
        """Each chunk is not worth a line."""


def _is_bounded(places: tuple[ChunkPlace, ...]) -> bool:
    return all(0 < place.stored <= CHUNK_MAX_BYTES for place in places) and sum(place.stored for place in places) <= ANSWER_MAX_BYTES


def socket_of(settings: Settings) -> Path:
    return settings.run_dir / "cache.sock"


def cache_answers(settings: Settings) -> bool:
    """Whether the process listens."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(1)
        return line.connect_ex(str(socket_of(settings))) == 0


def run_cache(settings: Settings, key: SigningKey) -> None:
    """Run until TERM or INT."""
    disk = ChunkDisk(settings.data_dir / "chunks", limit_bytes=settings.chunk_cache_mib * MIB)
    settings.run_dir.mkdir(parents=True, exist_ok=True)
    cache = ChunkCache(disk)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with CacheServer(socket_of(settings), cache, partial(key.mac, PURPOSE)) as server:
        threading.Thread(target=server.serve_forever, args=(0.1,), name="serve", daemon=True).start()
        told = Counts()
        while not stopping.wait(COUNTS_EVERY_S):
            if (now := cache.counts()) != told:
                tell_counts(settings, now)
                told = now
        server.shutdown()
    cache.close()
