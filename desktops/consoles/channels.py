"""The host's end of the channels to the guests. A desktop has no network: what its sync client says to the product
travels over a virtio-serial port, here a unix socket, on which ``sync.core.mux`` carries streams.

A stream names its target; only the names given here are accepted, everything else is refused. Memory is bounded by
the multiplexer's windows: bytes are acknowledged only after they were passed on.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from sync.core.mux import MAX_PAYLOAD, Closed, Data, Down, Event, Mux, MuxError, Opened, Reset, ResetCode, Role, Up, Writable

log = structlog.get_logger("channels")

Targets = Mapping[str, tuple[str, int] | Path]
"""Where a name leads: host and port, or a unix socket, whose owner is first told in a line which desktop is speaking."""
HELLO_S = 1.0
CONNECT_S = 5.0
RETRY_S = (0.1, 0.2, 0.5)
READ_BYTES = 64 * 1024


@dataclass
class _Pipe:
    """One stream of the guest and its connection to the target."""

    inbox: "asyncio.Queue[bytes | None]" = field(default_factory=asyncio.Queue)
    writable: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None


class GuestChannel:
    """The channel of one desktop; ``run`` connects again whenever the guest stops, sleeps or restarts, until cancelled.

    targets: what the guest may reach. on_up: called when the guest has answered.
    """

    def __init__(self, path: Path, targets: Targets, *, name: str = "", on_up: Callable[[], None] = lambda: None) -> None:
        self._path, self._targets, self._name, self._on_up = path, targets, name, on_up
        self._mux = Mux(Role.HOST, nonce=lambda: secrets.randbits(64))
        self._pipes: dict[int, _Pipe] = {}
        self._kick = asyncio.Event()
        self._drained = asyncio.Event()
        self.up = False

    async def run(self) -> None:
        failures = 0
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._path))
            except OSError:  # The guest is off or not there yet.
                await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                failures += 1
                continue
            failures = 0
            try:
                await self._serve(reader, writer)
            finally:
                writer.close()
                self._meet(self._mux.lost())
            await asyncio.sleep(RETRY_S[0])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the channel breaks."""
        self._kick.set()
        tasks = [asyncio.ensure_future(part) for part in (self._receive(reader), self._write(writer), self._greet())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if (error := task.exception()) and not isinstance(error, OSError):
                    raise error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(READ_BYTES):
            self._meet(self._mux.receive(data))
            self._kick.set()
            while not self._mux.wants_input:
                self._drained.clear()
                await self._drained.wait()

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        while True:
            await self._kick.wait()
            self._kick.clear()
            while self._mux.has_output:
                data, events = self._mux.outgoing()
                self._meet(events)
                writer.write(data)
                await writer.drain()
            self._drained.set()

    async def _greet(self) -> None:
        while True:
            await asyncio.sleep(HELLO_S)
            self._mux.repeat_hello()
            self._kick.set()

    def _meet(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Opened(stream, target):
                    self._opened(stream, target)
                case Data(stream, data):
                    if pipe := self._pipes.get(stream):
                        pipe.inbox.put_nowait(data)
                case Writable(stream):
                    if pipe := self._pipes.get(stream):
                        pipe.writable.set()
                case Closed(stream):
                    if pipe := self._pipes.get(stream):
                        pipe.inbox.put_nowait(None)
                case Reset(stream, _):
                    self._drop(stream)
                case Up() | Down():
                    self.up = isinstance(event, Up)
                    if self.up:
                        self._on_up()
                    log.info("channel.up" if self.up else "channel.down", desktop=self._name)

    def _opened(self, stream: int, target: str) -> None:
        address = self._targets.get(target)
        if address is None:
            log.warning("channel.refused", desktop=self._name, target=target)
            self._mux.reset(stream, ResetCode.REFUSED)
            return
        pipe = self._pipes[stream] = _Pipe()
        pipe.task = asyncio.ensure_future(self._pipe(stream, pipe, address))

    def _drop(self, stream: int) -> None:
        pipe = self._pipes.pop(stream, None)
        if pipe and pipe.task:
            pipe.task.cancel()

    async def _connect(self, address: tuple[str, int] | Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if not isinstance(address, Path):
            return await asyncio.open_connection(*address)
        reader, writer = await asyncio.open_unix_connection(str(address))
        writer.write(f"{self._name}\n".encode("ascii"))
        return reader, writer

    async def _pipe(self, stream: int, pipe: _Pipe, address: tuple[str, int] | Path) -> None:
        code = ResetCode.UNREACHABLE
        try:
            reader, writer = await asyncio.wait_for(self._connect(address), CONNECT_S)
            code = ResetCode.CANCELLED
            try:
                await _both(self._to_target(stream, pipe, writer), self._to_guest(stream, pipe, reader))
            finally:
                writer.close()
        except (OSError, TimeoutError, MuxError):
            if self._pipes.get(stream) is pipe:  # After a new conversation the number may be somebody else's.
                self._mux.reset(stream, code)
        finally:
            if self._pipes.get(stream) is pipe:
                del self._pipes[stream]
            self._kick.set()

    async def _to_target(self, stream: int, pipe: _Pipe, writer: asyncio.StreamWriter) -> None:
        while (data := await pipe.inbox.get()) is not None:
            writer.write(data)
            await writer.drain()
            self._mux.consume(stream, len(data))
            self._kick.set()
        writer.write_eof()

    async def _to_guest(self, stream: int, pipe: _Pipe, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(MAX_PAYLOAD):
            rest = memoryview(data)
            while rest:
                rest = rest[self._mux.send(stream, rest) :]
                self._kick.set()
                if rest:
                    pipe.writable.clear()
                    await pipe.writable.wait()
        self._mux.close(stream)
        self._kick.set()


async def _both(*parts: Coroutine[None, None, None]) -> None:
    """Run all to their end; when one fails, the others are stopped and its error raised."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
