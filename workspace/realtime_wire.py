"""How a realtime process writes to its clients' WebSockets.

A frame is written whole: the library leaves out what a full buffer does not take, and the client could read nothing more. A line
on which nothing was heard for as long as a ping and its answer may take is given up, also while something waits to be written to it.
And what is the same for many is framed once.
"""

from contextlib import suppress
from functools import lru_cache
from typing import Any

from engineio.async_drivers.gevent import WebSocketWSGI
from flask_socketio import SocketIO

_TEXT = 0x81  # The last frame of a message, and a text (RFC 6455, 5.2); servers mask nothing.


class Wire(WebSocketWSGI):
    """One WebSocket, as engineio speaks to it."""

    @property
    def socket(self) -> Any:
        """engineio sets its timeout: the interval between pings, and the time in which one must be answered."""
        return self.ws.sock

    def send(self, message: str) -> None:
        if not self.ws.connected:
            raise OSError("closed")
        self.ws.sock.sendall(text_frame(message))

    def close(self) -> None:
        with suppress(OSError):  # It is gone already, or does not take even that.
            super().close()


@lru_cache(maxsize=16)
def text_frame(message: str) -> bytes:
    """The message as an unmasked frame that is not deflated."""
    payload = message.encode()
    size = len(payload)
    if size < 126:
        return bytes((_TEXT, size)) + payload
    if size < 1 << 16:
        return bytes((_TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_TEXT, 127)) + size.to_bytes(8, "big") + payload


def use_wire(socketio: SocketIO) -> None:
    """engineio has no setting for it: it takes its parts from a table, and here is another."""
    socketio.server.eio._async = {**socketio.server.eio._async, "websocket": Wire}
