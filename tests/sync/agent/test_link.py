"""The desktop's channel: HTTP over the multiplexer over a character device, with hosts that come and go."""

from __future__ import annotations

import os
import pty
import random
import select
import socket
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.agent.errors import Unreachable
from sync.agent.link import Link
from sync.agent.remote import Remote
from sync.agent.transport import ChannelDialer, Transport
from sync.core import mux
from sync.core import protocol as p
from sync.core.hashing import Address
from tests.fakes.library_server import FakeLibrary


class Gateway:
    """A host's end: accepts `api` and `store` and connects them to one TCP port. One thread, no cleverness."""

    def __init__(self, master: int, port: int, seed: int) -> None:
        numbers = random.Random(seed)
        self._master, self._port = master, port
        self._mux = mux.Mux(mux.Role.HOST, nonce=lambda: numbers.getrandbits(64) | 1)
        self._sockets: dict[int, socket.socket] = {}
        self._stop = threading.Event()
        self.carried = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def kill(self) -> None:
        """Gone in the middle of whatever it was doing, with unread and half-written bytes left in the channel."""
        self._stop.set()
        self._thread.join(5)
        for sock in self._sockets.values():
            sock.close()

    def _run(self) -> None:
        out = b""
        while not self._stop.is_set():
            if not out:
                out, _ = self._mux.outgoing(8192)
            wants_write = [self._master] if out else []
            readable, writable, _ = select.select([self._master, *self._sockets.values()], wants_write, [], 0.05)
            if writable:
                out = out[os.write(self._master, out[:4096]) :]
            if self._master in readable:
                for event in self._mux.receive(os.read(self._master, 4096)):
                    self._on(event)
            for stream, sock in list(self._sockets.items()):
                if sock in readable:
                    self._from_server(stream, sock)

    def _on(self, event: mux.Event) -> None:
        if isinstance(event, mux.Opened):
            assert event.target in ("api", "store")
            self._sockets[event.stream] = socket.create_connection(("127.0.0.1", self._port))
        elif isinstance(event, mux.Data):
            self._sockets[event.stream].sendall(event.data)
            self._mux.consume(event.stream, len(event.data))
            self.carried += len(event.data)
        elif isinstance(event, mux.Reset) and event.stream in self._sockets:
            self._sockets.pop(event.stream).close()

    def _from_server(self, stream: int, sock: socket.socket) -> None:
        data = sock.recv(16384, socket.MSG_PEEK)
        if not data:
            self._mux.close(stream)
            self._sockets.pop(stream).close()
            return
        sock.recv(self._mux.send(stream, data))


@pytest.fixture
def channel() -> Iterator[tuple[int, Path]]:
    """A raw terminal stands for the port: both are character devices that carry bytes and keep what was not read."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    tty.setraw(master)
    yield master, Path(os.ttyname(slave))
    os.close(slave)
    os.close(master)


@pytest.fixture
def link(channel: tuple[int, Path]) -> Iterator[Link]:
    link = Link(channel[1])
    yield link
    link.close()


def client(link: Link, fake: FakeLibrary) -> Remote:
    transport = Transport(ChannelDialer(link))
    nobody = Remote(transport, "http://mainline", None)
    answer = nobody.enrol(p.EnrolRequest(fake.issue_code("林悦"), "n", "d", "Linux", "0"))
    return Remote(transport, "http://mainline", answer.token)


def port_of(fake: FakeLibrary) -> int:
    return int(fake.api.rpartition(":")[2])


def test_requests_when_over_the_channel_then_answered(link: Link, channel: tuple[int, Path], fake: FakeLibrary, library: str) -> None:
    gateway = Gateway(channel[0], port_of(fake), 1)
    remote = client(link, fake)
    assert [each.id for each in remote.libraries().libraries] == [library]
    upload = remote.missing(library, p.MissingRequest((Address("b3:" + "1" * 64),), 1)).uploads[0]
    remote.put_pack(upload, random.Random(3).randbytes(700_000))
    assert (fake.directory / upload.pack).read_bytes() == random.Random(3).randbytes(700_000)
    gateway.kill()


def test_requests_when_the_host_is_replaced_again_and_again_then_they_work_again(
    link: Link, channel: tuple[int, Path], fake: FakeLibrary, library: str
) -> None:
    gateway = Gateway(channel[0], port_of(fake), 1)
    remote = client(link, fake)
    for round_ in range(4):
        upload = remote.missing(library, p.MissingRequest((Address("b3:" + "2" * 64),), 1)).uploads[0]
        result: list[object] = []

        def put(upload: p.Upload = upload, result: list[object] = result) -> None:
            try:
                result.append(remote.put_pack(upload, bytes(3_000_000)))
            except Unreachable as error:
                result.append(error)

        before = gateway.carried
        putting = threading.Thread(target=put)
        putting.start()
        while gateway.carried - before < 50_000 * (round_ + 1):
            assert putting.is_alive()
        gateway.kill()
        gateway = Gateway(channel[0], port_of(fake), 100 + round_)
        putting.join(20)
        assert not putting.is_alive(), "a request hung over the change of hosts"
        assert [each.id for each in remote.libraries().libraries] == [library]
    gateway.kill()


def test_dial_when_nobody_is_on_the_host_then_unreachable_and_idle(link: Link, channel: tuple[int, Path]) -> None:
    with pytest.raises(Unreachable):
        link.dial("api", 0.5)
