"""An ObjectStore in memory that passes the same contract as a real S3 server.

Presigned URLs need somebody to answer them, so a small HTTP server on loopback starts with the first one. ``failing``
makes every verb raise Unavailable, as when the store is away.
"""

import secrets
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sync.library.storage import WRITE_ONCE, Presigned, Stored
from workspace.errors import NotFound, Unavailable


class MemoryStore:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.tickets: dict[str, tuple[str, str, datetime]] = {}
        self.failing = False
        self._guard = threading.Lock()

    def put(self, key: str, data: bytes, content_type: str = "application/octet-stream") -> None:
        self._reach(key)
        self.objects[key] = data

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

    def close(self) -> None:
        if "_server" in self.__dict__:
            self._server.shutdown()
            self._server.server_close()

    def _reach(self, key: str) -> None:
        if self.failing:
            raise Unavailable("the store is away", key)

    def _presign(self, method: str, key: str, valid_for: timedelta, headers: dict[str, str]) -> Presigned:
        token, until = secrets.token_urlsafe(16), datetime.now(UTC) + valid_for
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
        wanted = self.headers.get("Range", "")
        if not wanted:
            return self._send(200, data)
        start, stop = wanted.removeprefix("bytes=").split("-")
        self._send(206, data[int(start) : int(stop) + 1])

    def _admitted(self, method: str) -> str | None:
        allowed, key, until = self.store.tickets.get(self.path[1:], ("", "", datetime.min.replace(tzinfo=UTC)))
        return key if allowed == method and until > datetime.now(UTC) and not self.store.failing else None

    def _send(self, status: int, data: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Tests read assertions, not access logs."""
