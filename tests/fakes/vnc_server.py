"""A VNC server of a few lines on a unix socket: greets as RFB 3.8 without authentication, then echoes every byte it is sent.

Echoing shows that the gateway passes bytes on unchanged and in order in both directions.
"""

import asyncio
import struct
from pathlib import Path

GREETING = b"RFB 003.008\n"
SERVER_INIT = struct.pack(">HH16sI", 64, 48, b"\x20\x18\0\1\0\xff\0\xff\0\xff\x10\x08\0\0\0\0", 4) + b"fake"


class FakeVncServer:
    """``async with FakeVncServer(path)``. connections: how many are open; taken: bytes received after the greeting."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.connections = 0
        self.taken = 0
        self.reads = asyncio.Event()  # Cleared: it stops reading, like a screen that is busy.
        self.reads.set()

    async def __aenter__(self) -> "FakeVncServer":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._path))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.reads.set()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            writer.write(GREETING)
            assert await reader.readexactly(12) == GREETING
            writer.write(b"\x01\x01")
            assert await reader.readexactly(1) == b"\x01"
            writer.write(bytes(4))
            await reader.readexactly(1)
            writer.write(SERVER_INIT)
            while True:
                await self.reads.wait()
                data = await reader.read(4096)
                if not data:
                    return
                self.taken += len(data)
                writer.write(data)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            self.connections -= 1
            writer.close()
