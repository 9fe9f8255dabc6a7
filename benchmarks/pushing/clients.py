"""Many Socket.IO clients in one process, as light as they can be: python -m benchmarks.pushing.clients PLAN.json RESULT.

They speak WebSocket over bare sockets in one epoll loop and look into no message but for the time at which it was sent, so that on a
machine with few cores the clients take little from what is measured. PLAN: {"ports": […], "origin": …, "auths": […]}: a client for
each auth, on the ports in turn. Prints "connected" when all are, ends when a line arrives on standard input, and writes RESULT: the
microseconds that each message was underway to each client, as an array of unsigned 32-bit integers.
"""

import json
import selectors
import socket
import sys
import time
from array import array
from pathlib import Path
from typing import Any

from benchmarks.pushing.limits import open_many_files

SENT = b'"sent_ns":'
PING, PONG = b"2", b"3"
TEXT = 0x81  # A whole message; the server masks nothing and, asked so, deflates nothing.
MASK = b"\x00\x00\x00\x00"  # A mask of zeros is a mask.
# As a browser asks, which offers to have everything deflated.
HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin}\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
)


class Refused(Exception):
    """The server did not let a client in."""


class Client:
    """One connection, open and not yet admitted. taken: what has arrived and is not a whole frame yet."""

    def __init__(self, port: int, origin: str, auth: dict[str, Any]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(HANDSHAKE.format(port=port, origin=origin).encode())
        head, _mark, self.taken = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n", 1)[0] or b"permessage-deflate" in head:
            raise Refused(head.decode("latin-1"))
        self.send(b"40" + json.dumps(auth).encode())

    def _until(self, mark: bytes) -> bytes:
        found = b""
        while mark not in found:
            more = self.socket.recv(4096)
            if not more:
                raise Refused(found.decode("latin-1"))
            found += more
        return found

    def send(self, text: bytes) -> None:
        size = len(text)
        head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
        self.socket.sendall(head + MASK + text)

    def wait_admitted(self) -> None:
        while True:
            for text in self.read():
                if text.startswith(b"40"):
                    self.socket.setblocking(False)
                    return
                if text.startswith(b"44"):
                    raise Refused(text.decode())

    def read(self) -> list[bytes]:
        """The texts of the frames that are whole now."""
        more = self.socket.recv(65536)
        if not more:
            raise ConnectionError("the server closed a connection")
        data, at, texts = self.taken + more, 0, []
        while len(data) - at >= 2:
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, start = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if len(data) < start + size:
                break
            if data[at] == TEXT:
                texts.append(data[start : start + size])
            at = start + size
        self.taken = data[at:]
        return texts


class Crowd:
    """All clients of this process. underway_us: what was measured, message by message."""

    def __init__(self) -> None:
        self.underway_us = array("I")
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)

    def let_in(self, client: Client) -> None:
        client.wait_admitted()
        self._selector.register(client.socket, selectors.EVENT_READ, client)

    def listen(self, timeout_s: float | None = None) -> bool:
        """Read what has come, answer pings; False when a line has arrived on standard input."""
        for key, _events in self._selector.select(timeout_s):
            if key.data is None:
                return False
            texts = key.data.read()
            now_ns = time.monotonic_ns()
            for text in texts:
                at = text.find(SENT)
                if at >= 0:
                    sent_ns = int(text[at + len(SENT) : at + len(SENT) + 20].split(b"}", 1)[0].split(b",", 1)[0])
                    self.underway_us.append((now_ns - sent_ns) // 1000)
                elif text == PING:
                    key.data.send(PONG)
        return True


def main() -> None:
    plan, result = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
    open_many_files()
    crowd = Crowd()
    for number, auth in enumerate(plan["auths"]):
        crowd.let_in(Client(plan["ports"][number % len(plan["ports"])], plan["origin"], auth))
        if number % 20 == 0:
            crowd.listen(0)
    print("connected", flush=True)
    while crowd.listen():
        pass
    result.write_bytes(crowd.underway_us.tobytes())


if __name__ == "__main__":
    main()
