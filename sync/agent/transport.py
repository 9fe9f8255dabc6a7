"""HTTP/1.1 with keep-alive, over plain TCP or over streams of the desktop's channel.

Presigned URLs are signed for the Host in them, so a request always carries the Host of its URL, whatever the bytes
travel through. In a desktop the gateway knows three targets by name: `api` is the product, `store` every presigned URL,
`cache` the chunk cache of the host.
"""

from __future__ import annotations

import http.client
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from sync.agent.errors import Unreachable
from sync.agent.limits import PIECE_BYTES, Limits

API = "api"
STORE = "store"
CACHE = "cache"
ANSWER_MAX_BYTES = 64 * 1024 * 1024
_CONNECT_S = 10.0
_IDLE_PER_HOST = 6
_THIN_LINEAR_TIMEOUTS = 16  # Linux; Python has no name for it.
_STOPPING = "同步客户端正在停止"
_AWAY = {API: "服务暂时无法连接", STORE: "素材存储暂时无法连接", CACHE: "本机缓存暂时无法连接"}


class Dialer(Protocol):
    """Connects to a target; raises Unreachable or OSError."""

    def dial(self, target: str, host: str, port: int, *, secure: bool) -> socket.socket:
        """A connected socket."""


class TcpDialer:
    """Plain TCP, or TLS for https."""

    def dial(self, target: str, host: str, port: int, *, secure: bool) -> socket.socket:
        """Connect to the host of the URL."""
        sock = socket.create_connection((host, port), timeout=_CONNECT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sys.platform == "linux":
            # Few packets are on their way at a time: on a line that loses them, doubling each pause ends in minutes of silence.
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, _THIN_LINEAR_TIMEOUTS, 1)
        if not secure:
            return sock
        import ssl  # a tenth of a second under emulation, and no desktop needs it

        return ssl.create_default_context().wrap_socket(sock, server_hostname=host)


class ChannelDialer:
    """Streams of the desktop's channel. The host and port only go into the Host header."""

    def __init__(self, link: StreamOpener) -> None:
        self._link = link

    def dial(self, target: str, host: str, port: int, *, secure: bool) -> socket.socket:
        """Open a stream to the named target."""
        return self._link.dial(target, _CONNECT_S)


class StreamOpener(Protocol):
    """`sync.agent.link.Link` as seen from here."""

    def dial(self, target: str, timeout_s: float) -> socket.socket:
        """A socket to a named target."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read whole. headers: names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends requests and keeps connections for the next one. Safe from any thread."""

    def __init__(self, dialer: Dialer) -> None:
        self._dialer = dialer
        self.limits = Limits()
        self._lock = threading.Lock()
        self._idle: dict[tuple[str, str], list[http.client.HTTPConnection]] = {}
        self._busy: set[http.client.HTTPConnection] = set()
        self._closed = False

    @property
    def in_desktop(self) -> bool:
        """Whether there is a host around this machine that may have a cache."""
        return isinstance(self._dialer, ChannelDialer)

    def request(
        self, target: str, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None, timeout_s: float
    ) -> Answer:
        """One request; raises Unreachable when no whole answer came.

        A connection that was kept may have been closed by the other end meanwhile, and then mostly all of them were: it is
        tried once more on a new one. Every request of the protocol may be sent twice, so this is safe.
        """
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        key = (target, parts.netloc)
        for attempt in (1, 2):
            connection, kept = self._take(key, parts.scheme == "https", new=attempt == 2)
            try:
                limits = self.limits if target == STORE else None
                answer = _exchange(connection, method, path or "/", headers, body, timeout_s, limits)
            except (OSError, http.client.HTTPException) as error:
                self._discard(connection)
                if kept and attempt == 1 and not isinstance(error, TimeoutError):  # who did not answer will not be quicker
                    continue
                raise Unreachable(_AWAY[target], f"{method} {parts.netloc}{parts.path}: {error!r}") from error
            except BaseException:
                self._discard(connection)
                raise
            self._give_back(key, connection, answer)
            return answer
        raise AssertionError("the second attempt returned or raised")

    def close(self) -> None:
        """End every connection, also those that wait for an answer."""
        with self._lock:
            self._closed = True
            connections = [*self._busy, *(each for idle in self._idle.values() for each in idle)]
            self._idle.clear()
        for connection in connections:
            _hang_up(connection)
        self.limits.stop()

    def _take(self, key: tuple[str, str], secure: bool, *, new: bool) -> tuple[http.client.HTTPConnection, bool]:
        """A connection, and whether it was kept. new: give up those that were kept."""
        with self._lock:
            if self._closed:
                raise Unreachable(_STOPPING)
            given_up = self._idle.pop(key, []) if new else []
            if self._idle.get(key):
                connection = self._idle[key].pop()
                self._busy.add(connection)
                return connection, True
        for each in given_up:
            each.close()
        split = urlsplit(f"//{key[1]}")
        host, port = split.hostname or "", split.port or (443 if secure else 80)
        connection = http.client.HTTPConnection(host, port)
        connection.auto_open = 0
        try:
            connection.sock = self._dialer.dial(key[0], host, port, secure=secure)
        except OSError as error:
            raise Unreachable(_AWAY[key[0]], f"{key[1]}: {error}") from error
        with self._lock:
            if not self._closed:
                self._busy.add(connection)
                return connection, False
        connection.close()  # nobody would end it: `close` has ended those that there were
        raise Unreachable(_STOPPING)

    def _give_back(self, key: tuple[str, str], connection: http.client.HTTPConnection, answer: Answer) -> None:
        with self._lock:
            self._busy.discard(connection)
            idle = self._idle.setdefault(key, [])
            reusable = connection.sock is not None and answer.headers.get("connection", "").lower() != "close"
            if reusable and not self._closed and len(idle) < _IDLE_PER_HOST:
                idle.append(connection)
                return
        connection.close()

    def _discard(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._busy.discard(connection)
        connection.close()


def _hang_up(connection: http.client.HTTPConnection) -> None:
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for the answer
        except OSError:
            pass  # it was closed already
    connection.close()


def _exchange(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes | None,
    timeout_s: float,
    limits: Limits | None,
) -> Answer:
    """Send a request and read its whole answer. timeout_s: for each wait on the line, not for the sum."""
    connection.sock.settimeout(timeout_s)
    if limits is not None and limits.up.rate and body:
        # The length is given, so that pieces do not become chunks of a coding that stores refuse.
        connection.request(method, path, body=limits.pieces(body), headers={**headers, "Content-Length": str(len(body))})
    else:
        connection.request(method, path, body=body, headers=dict(headers))
    with connection.getresponse() as response:
        content = _slowly(response, limits) if limits is not None and limits.down.rate else response.read(ANSWER_MAX_BYTES)
        if response.length and len(content) < ANSWER_MAX_BYTES:  # read with a bound, http.client takes what came for all of it
            raise http.client.IncompleteRead(content, response.length)
        if not response.isclosed():
            raise http.client.HTTPException(f"an answer of more than {ANSWER_MAX_BYTES} bytes")
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, content)


def _slowly(response: http.client.HTTPResponse, limits: Limits) -> bytes:
    parts, size = [], 0
    while size < ANSWER_MAX_BYTES and (piece := response.read(PIECE_BYTES)):
        limits.down.take(len(piece))
        parts.append(piece)
        size += len(piece)
    return b"".join(parts)
