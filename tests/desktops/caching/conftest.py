"""The cache behind its real socket, a store that counts and fails as told, and the agent's own client in front."""

from __future__ import annotations

import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from desktops.caching.disk import ChunkDisk
from desktops.caching.fetching import ChunkCache
from desktops.caching.server import CacheServer
from sync.agent.remote import Remote
from sync.agent.transport import ChannelDialer, Transport
from sync.core.hashing import address_of
from sync.core.host_cache import PURPOSE, make_voucher
from sync.core.packs import Coding, PackWriter
from sync.core.protocol import ChunkPlace, CodingName, Download
from workspace.secrets import SigningKey

KEY = SigningKey("the key of these tests")
SIGN = partial(KEY.mac, PURPOSE)
LONG_MS = 4_000_000_000_000
MIB = 1024 * 1024


class CountingStore:
    """One pack behind a signed-looking URL. hold: while clear, no GET is answered."""

    def __init__(self, chunks: list[bytes]) -> None:
        writer = PackWriter()
        self.chunks = chunks
        kept = [writer.add(address_of(chunk), chunk) for chunk in chunks]
        codings = {Coding.RAW: CodingName.RAW, Coding.ZSTD: CodingName.ZSTD}
        self.places = [ChunkPlace(p.address, "pack", p.offset, p.stored_bytes, p.size_bytes, codings[p.coding]) for p in kept]
        self.pack = writer.finish()
        self.ranges: list[tuple[int, int]] = []
        self.connections = 0
        self.away = False
        self.hold = threading.Event()
        self.hold.set()
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def setup(self) -> None:
                store.connections += 1
                super().setup()

            def do_GET(self) -> None:
                start, stop = (int(part) for part in re.findall(r"\d+", self.headers["Range"]))
                store.ranges.append((start, stop))
                store.hold.wait(20)
                body = b"" if store.away else store.pack[start : stop + 1]
                self.send_response(503 if store.away else 206)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.download = Download(f"http://127.0.0.1:{self.server.server_address[1]}/bucket/pack?X-Amz-Signature=1", {}, 0)

    @property
    def sent_bytes(self) -> int:
        return sum(stop + 1 - start for start, stop in self.ranges)

    def for_desktop(self, desktop: str, *, until_ms: int = LONG_MS) -> list[ChunkPlace]:
        """The places as the library gives them to a desktop."""
        return [replace(place, voucher=make_voucher(SIGN, desktop, until_ms, self.download, place)) for place in self.places]


@dataclass
class Line:
    """What a guest's streams lead to; stands for the channel and the gateway."""

    desktop: str
    cache: Path

    def dial(self, target: str, timeout_s: float) -> socket.socket:
        if target == "store":
            raise AssertionError("the store is dialled by its address here")
        line = socket.socket(socket.AF_UNIX)
        try:
            line.connect(str(self.cache))
        except OSError:
            line.close()
            raise
        line.sendall(f"{self.desktop}\n".encode())
        return line


class GuestDialer(ChannelDialer):
    """The cache through the line, everything else over TCP; counts how often the store was dialled."""

    def __init__(self, line: Line) -> None:
        super().__init__(line)
        self.stores = 0

    def dial(self, target: str, host: str, port: int, *, secure: bool) -> socket.socket:
        if target == "cache":
            return super().dial(target, host, port, secure=secure)
        self.stores += target == "store"
        return socket.create_connection((host, port), timeout=5)


class Guest:
    """The agent's client in one desktop."""

    def __init__(self, desktop: str, path: Path, api: str = "http://nowhere", token: str | None = None) -> None:
        self.dialer = GuestDialer(Line(desktop, path))
        self.transport = Transport(self.dialer)
        self.remote = Remote(self.transport, api, token)


@dataclass
class Cache:
    """A running cache. restart: with the folder that it has."""

    folder: Path
    path: Path
    limit_bytes: int = 64 * MIB
    server: CacheServer | None = None
    guests: list[Guest] = field(default_factory=list)

    def start(self, **options: Any) -> Cache:
        disk = ChunkDisk(self.folder, limit_bytes=self.limit_bytes, **{"least_free_bytes": 0, **options})
        self.server = CacheServer(self.path, ChunkCache(disk), SIGN)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self) -> None:
        for guest in self.guests:
            guest.transport.close()
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server.cache.close()
            self.path.unlink()
            self.server = None

    def guest(self, desktop: str) -> Guest:
        self.guests.append(Guest(desktop, self.path))
        return self.guests[-1]


@pytest.fixture
def store() -> Iterator[CountingStore]:
    made = CountingStore([secrets.token_bytes(300_000), b"words " * 50_000, secrets.token_bytes(200_000)])
    yield made
    made.hold.set()
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def make_cache(short_tmp: Path, tmp_path: Path) -> Iterator[Callable[..., Cache]]:
    made: list[Cache] = []

    def make(**options: Any) -> Cache:
        made.append(Cache(tmp_path / "chunks", short_tmp / f"{secrets.token_hex(4)}.sock", **options))
        return made[-1]

    yield make
    for cache in made:
        cache.stop()


@pytest.fixture
def cache(make_cache: Callable[..., Cache]) -> Cache:
    return make_cache().start()
