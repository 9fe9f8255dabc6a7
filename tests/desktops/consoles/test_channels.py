"""The channel to a guest: a real multiplexer as guest on a socket like QEMU's, real TCP targets behind the host's end."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from desktops.consoles.channels import GuestChannel
from desktops.consoles.gateway import targets_of
from sync.core.mux import Closed, Data, Mux, Opened, Reset, ResetCode, Role, Up, Writable
from workspace.settings import Settings

numbers = itertools.count(7)


class Guest:
    """The guest's end behind a socket that, like QEMU's, listens and takes one client."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.up = asyncio.Event()
        self.received: dict[int, bytearray] = {}
        self.closed: set[int] = set()
        self.resets: dict[int, int] = {}
        self.changed = asyncio.Condition()
        self.mux = Mux(Role.GUEST, nonce=lambda: next(numbers))
        self.writer: asyncio.StreamWriter | None = None

    async def __aenter__(self) -> "Guest":
        self.server = await asyncio.start_unix_server(self._serve, str(self.path))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        if self.writer:
            self.writer.close()
        await self.server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        await self.flush()
        try:
            while data := await reader.read(65536):
                for event in self.mux.receive(data):
                    self._meet(event)
                await self.flush()
                async with self.changed:
                    self.changed.notify_all()
        except ConnectionError:
            return

    def _meet(self, event: object) -> None:
        match event:
            case Up():
                self.up.set()
            case Data(stream, data):
                self.received.setdefault(stream, bytearray()).extend(data)
                self.mux.consume(stream, len(data))
            case Closed(stream):
                self.closed.add(stream)
            case Reset(stream, code):
                self.resets[stream] = code
            case Opened() | Writable():
                pass

    async def flush(self) -> None:
        assert self.writer is not None
        while True:
            data, _events = self.mux.outgoing()
            if not data:
                return
            self.writer.write(data)
            await self.writer.drain()

    async def say(self, stream: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self.mux.send(stream, rest) :]
            await self.flush()
            if rest:
                await asyncio.sleep(0.005)  # The window opens again as the other end passes bytes on.

    async def until(self, condition: Callable[[], bool]) -> None:
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(condition), 30)


@asynccontextmanager
async def echo_server(hold: asyncio.Event | None = None) -> Any:
    """A TCP target that sends back what it gets; while ``hold`` is set it reads nothing."""
    seen: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(1)
        while hold is not None and hold.is_set():
            await asyncio.sleep(0.02)
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname(), seen
    finally:
        server.close()


def play(act: Callable[[Guest, Any, Any], Awaitable[None]], path: Path, *, hold: bool = False) -> None:
    async def run() -> None:
        held = asyncio.Event()
        if hold:
            held.set()
        async with Guest(path) as guest, echo_server(held) as (address, seen):
            ups: list[int] = []
            channel = GuestChannel(path, {"api": address, "store": ("127.0.0.1", 1)}, on_up=lambda: ups.append(1))
            running = asyncio.ensure_future(channel.run())
            try:
                await asyncio.wait_for(guest.up.wait(), 10)
                await act(guest, held if hold else seen, ups)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)

    asyncio.run(asyncio.wait_for(run(), 40))


def test_stream_when_opened_to_the_product_then_bytes_go_there_and_back(tmp_path: Path) -> None:
    async def act(guest: Guest, seen: list[int], ups: list[int]) -> None:
        stream = guest.mux.open("api")
        content = bytes(range(256)) * 4096  # 1 MiB: four windows.
        await guest.say(stream, content)
        guest.mux.close(stream)
        await guest.flush()
        await guest.until(lambda: stream in guest.closed)
        assert bytes(guest.received[stream]) == content
        assert ups == [1]

    play(act, tmp_path / "chan")


@pytest.mark.parametrize("target", ["postgres", "127.0.0.1:22", "", "API"])
def test_stream_when_any_other_name_then_refused_and_nothing_is_dialled(tmp_path: Path, target: str) -> None:
    async def act(guest: Guest, seen: list[int], ups: list[int]) -> None:
        stream = guest.mux.open(target)
        await guest.flush()
        await guest.until(lambda: stream in guest.resets)
        assert guest.resets[stream] == ResetCode.REFUSED
        assert seen == []

    play(act, tmp_path / "chan")


def test_stream_when_the_target_is_down_then_unreachable(tmp_path: Path) -> None:
    async def act(guest: Guest, seen: list[int], ups: list[int]) -> None:
        stream = guest.mux.open("store")
        await guest.flush()
        await guest.until(lambda: stream in guest.resets)
        assert guest.resets[stream] == ResetCode.UNREACHABLE

    play(act, tmp_path / "chan")


def test_stream_when_the_target_is_slow_then_the_guest_is_held_back(tmp_path: Path) -> None:
    """Memory stays bounded: what the target has not taken is not acknowledged."""

    async def act(guest: Guest, hold: asyncio.Event, ups: list[int]) -> None:
        stream = guest.mux.open("api")
        sent = 0
        for _try in range(200):
            sent += guest.mux.send(stream, bytes(64 * 1024))
            await guest.flush()
            await asyncio.sleep(0.005)
        assert sent < 12 * 1024 * 1024  # Two windows and what the kernel's own TCP buffers take.
        hold.clear()
        guest.mux.close(stream)
        await guest.flush()
        await guest.until(lambda: stream in guest.closed)
        assert len(guest.received[stream]) == sent

    play(act, tmp_path / "chan", hold=True)


def test_channel_when_the_guest_sleeps_and_wakes_then_up_again_and_old_streams_are_gone(tmp_path: Path) -> None:
    async def act(guest: Guest, seen: list[int], ups: list[int]) -> None:
        stream = guest.mux.open("api")
        await guest.say(stream, b"before")
        await guest.until(lambda: bytes(guest.received.get(stream, b"")) == b"before")
        assert guest.writer is not None
        guest.writer.close()  # The machine is saved: QEMU is gone, the guest knows nothing of it.
        guest.up.clear()
        await asyncio.wait_for(guest.up.wait(), 10)  # It wakes with its former conversation in memory.
        assert stream in guest.resets
        again = guest.mux.open("api")
        await guest.say(again, b"after")
        await guest.until(lambda: bytes(guest.received.get(again, b"")).endswith(b"after"))
        assert len(ups) == 2

    play(act, tmp_path / "chan")


def test_stream_when_opened_to_the_cache_then_its_owner_is_told_which_desktop_speaks(tmp_path: Path) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def run() -> None:
        cache = await asyncio.start_unix_server(echo, str(tmp_path / "cache"))
        async with Guest(tmp_path / "chan") as guest:
            running = asyncio.ensure_future(GuestChannel(guest.path, {"cache": tmp_path / "cache"}, name="desktop7").run())
            await asyncio.wait_for(guest.up.wait(), 10)
            stream = guest.mux.open("cache")
            await guest.say(stream, b"desktop8\n")
            await guest.until(lambda: bytes(guest.received.get(stream, b"")) == b"desktop7\ndesktop8\n")
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        cache.close()

    asyncio.run(asyncio.wait_for(run(), 40))


@pytest.mark.parametrize(
    ("settings", "api", "store"),
    [
        (Settings(), ("127.0.0.1", 8800), ("127.0.0.1", 8803)),
        (Settings(host="0.0.0.0", port=9000), ("127.0.0.1", 9000), ("127.0.0.1", 9003)),
        (Settings(s3_endpoint="minio.example:9000"), ("127.0.0.1", 8800), ("minio.example", 9000)),
        (Settings(s3_endpoint="s3.example", s3_secure=True), ("127.0.0.1", 8800), ("s3.example", 443)),
    ],
    ids=["embedded", "open host", "external store", "external secure store"],
)
def test_targets_when_settings_differ_then_only_web_store_and_cache(
    settings: Settings, api: tuple[str, int], store: tuple[str, int]
) -> None:
    assert targets_of(settings) == {"api": api, "store": store, "cache": settings.run_dir / "cache.sock"}
    assert "cache" not in targets_of(replace(settings, chunk_cache_mib=0))
