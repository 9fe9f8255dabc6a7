"""An ObjectStore in memory that passes the same contract as a real S3 server.

Presigned URLs need somebody to answer them, so a small HTTP server on loopback starts with the first one. ``failing``
makes every verb raise Unavailable, as when the store is away.
"""

import secrets
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlencode, urlsplit

from sync.library.storage import WRITE_ONCE, Presigned, Shown, Stored
from workspace.errors import NotFound, Unavailable


class MemoryStore:
    """public: whether browsers reach it."""

    def __init__(self, *, public: bool = False) -> None:
        self.public = public
        self.objects: dict[str, bytes] = {}
        self.tickets: dict[str, tuple[str, str, datetime]] = {}
        self.shown: dict[str, Shown] = {}
        self.failing = False
        self._guard = threading.Lock()

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        self._reach(key)
        self.objects[key] = data

    def put_pieces(self, key: str, pieces: Iterable[bytes], size_bytes: int, content_type: str = "application/octet-stream") -> None:
        self._reach(key)
        data = b"".join(pieces)
        if len(data) < size_bytes:
            raise Unavailable("the pieces ended early", key)
        self.objects[key] = data[:size_bytes]

    def put_once(self, key: str, data: bytes) -> bool:
        self._reach(key)
        with self._guard:
            if key in self.objects:
                return False
            self.objects[key] = data
        return True

    def get(self, key: str) -> bytes:
        self._reach(key)
        if key not in self.objects:
            raise NotFound("no such object", key)
        return self.objects[key]

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        return self.get(key)[offset : offset + length]

    def list(self, prefix: str) -> Iterator[Stored]:
        self._reach(prefix)
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield Stored(key, len(self.objects[key]))

    def remove(self, key: str) -> None:
        self._reach(key)
        self.objects.pop(key, None)

    def presign_put(self, key: str, valid_for: timedelta) -> Presigned:
        return self._presign("PUT", key, valid_for, WRITE_ONCE)

    def presign_get(self, key: str, valid_for: timedelta) -> Presigned:
        return self._presign("GET", key, valid_for, {})

    def presign_view(self, key: str, valid_for: timedelta, shown: Shown) -> str | None:
        if not self.public:
            return None
        said = f"?{urlencode(shown.parameters)}"  # A part of the ticket: who changes it has none.
        url = self._presign("GET", key, valid_for, {}, said).url
        self.shown[urlsplit(url).path[1:] + said] = shown
        return url

    def close(self) -> None:
        if "_server" in self.__dict__:
            self._server.shutdown()
            self._server.server_close()

    def _reach(self, key: str) -> None:
        if self.failing:
            raise Unavailable("the store is away", key)

    def _presign(self, method: str, key: str, valid_for: timedelta, headers: dict[str, str], said: str = "") -> Presigned:
        token, until = secrets.token_urlsafe(16) + said, datetime.now(UTC) + valid_for
        self.tickets[token] = (method, key, until)
        return Presigned(f"http://127.0.0.1:{self._server.server_port}/{token}", dict(headers), until)

    @cached_property
    def _server(self) -> ThreadingHTTPServer:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answer", (_Answer,), {"store": self}))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server


class _Answer(BaseHTTPRequestHandler):
    store: MemoryStore
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        key = self._admitted("PUT")
        if key is None or self.headers.get("If-None-Match") != "*":
            return self._send(403)
        self._send(200 if self.store.put_once(key, data) else 412)

    def do_GET(self) -> None:
        key = self._admitted("GET")
        if key is None:
            return self._send(403)
        data = self.store.objects.get(key)
        if data is None:
            return self._send(404)
        wanted, shown = self.headers.get("Range", ""), self.store.shown.get(self.path[1:])
        headers = {"Content-Type": shown.content_type, "Content-Disposition": shown.disposition} if shown else {}
        if not wanted:
            return self._send(200, data, headers)
        start, stop = wanted.removeprefix("bytes=").split("-")
        part = data[int(start) : int(stop) + 1 if stop else len(data)]
        self._send(206, part, {**headers, "Content-Range": f"bytes {start}-{int(start) + len(part) - 1}/{len(data)}"})

    def _admitted(self, method: str) -> str | None:
        allowed, key, until = self.store.tickets.get(self.path[1:], ("", "", datetime.min.replace(tzinfo=UTC)))
        return key if allowed == method and until > datetime.now(UTC) and not self.store.failing else None

    def _send(self, status: int, data: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Tests read assertions, not access logs."""
