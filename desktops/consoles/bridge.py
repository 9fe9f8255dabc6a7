"""One console: bytes between a browser's WebSocket and a VNC server's unix socket, in this process, with back-pressure."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from desktops.consoles.rfb import InputCounter

READ_BYTES = 64 * 1024
NO_SCREEN = 4404
"""Close code: the desktop has no screen at the moment; the page looks at its state and comes again."""


async def bridge(browser: ServerConnection, screen: Path, on_input: Callable[[], None]) -> None:
    """Until either side ends. on_input is called when the browser's bytes held a key or pointer event."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(screen))
    except OSError:
        await browser.close(NO_SCREEN, "no screen")
        return
    # The third part sees the connection's end also while the first two wait for a screen that does not read.
    parts = (_to_screen(browser, writer, on_input), _to_browser(reader, browser), browser.wait_closed())
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        writer.close()
        await browser.close()


async def _to_screen(browser: ServerConnection, writer: asyncio.StreamWriter, on_input: Callable[[], None]) -> None:
    counter = InputCounter()
    try:
        async for message in browser:
            if isinstance(message, str):  # RFB is binary; text would be somebody else's protocol.
                return
            if counter.feed(message):
                on_input()
            writer.write(message)
            await writer.drain()
    except (ConnectionClosed, OSError):
        return


async def _to_browser(reader: asyncio.StreamReader, browser: ServerConnection) -> None:
    try:
        while data := await reader.read(READ_BYTES):
            await browser.send(data)
    except (ConnectionClosed, OSError):
        return
