"""Drives the multiplexer over the virtio-serial port of a desktop.

Each stream is one end of a socket pair, so that everything above sees an ordinary socket with timeouts. One thread
carries the bytes. The port behaves unlike a socket: while nobody is connected on the host it reads as end of file and
polls as hung up without pause, so it is then left alone for a moment and tried again.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import threading
import time
from pathlib import Path

from sync.agent.errors import Unreachable
from sync.core import mux

_READ_BYTES = 64 * 1024
_AGAIN_S = 0.2
_HELLO_S = 1.0
_PING_S = 10.0
_DEAD_S = 35.0


class Link:
    """The guest's end of the channel. `dial` gives connected sockets; safe from any thread."""

    def __init__(self, port: Path) -> None:
        self._port = port
        self._mux = mux.Mux(mux.Role.GUEST, nonce=lambda: int.from_bytes(os.urandom(8), "big") | 1)
        self._lock = threading.Lock()
        self._up = threading.Condition(self._lock)
        self._ends: dict[int, _End] = {}
        self._out = b""
        self._fd: int | None = None
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._closed = False
        self._heard = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)
        self._thread.start()

    def dial(self, target: str, timeout_s: float) -> socket.socket:
        """A socket to a named target of the gateway; raises Unreachable."""
        ours, theirs = socket.socketpair()
        theirs.setblocking(False)
        with self._up:
            if not self._up.wait_for(lambda: self._mux.up or self._closed, timeout_s) or self._closed:
                ours.close()
                theirs.close()
                raise Unreachable("云桌面通道未接通", f"no gateway on {self._port} for {timeout_s:.0f} s")
            try:
                stream = self._mux.open(target)
            except mux.MuxError as error:
                ours.close()
                theirs.close()
                raise Unreachable("云桌面通道繁忙", str(error)) from error
            self._ends[stream] = _End(theirs)
        self._poke()
        ours.settimeout(timeout_s)
        return ours

    def close(self) -> None:
        """Stop; every stream ends."""
        with self._up:
            self._closed = True
            self._up.notify_all()
        self._poke()
        self._thread.join(5)

    def _poke(self) -> None:
        try:
            self._wake_write.send(b"x")
        except (BlockingIOError, OSError):
            pass  # full or closing: the thread is about to look anyway

    # --- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        next_try = next_hello = 0.0
        next_ping = time.monotonic() + _PING_S
        while not self._closed:
            now = time.monotonic()
            if self._fd is None and now >= next_try:
                self._open_port()
                next_try = now + _AGAIN_S
            with self._lock:
                if not self._mux.up and now >= next_hello and not self._out:
                    self._mux.repeat_hello()
                    next_hello = now + _HELLO_S
                if self._mux.up and now >= next_ping:
                    self._mux.ping(int(now))
                    next_ping = now + _PING_S
                if self._mux.up and now - self._heard > _DEAD_S:
                    self._broke()
            self._turn()
        self._shut()

    def _open_port(self) -> None:
        try:
            # Should the device be a terminal: its end must not end this process, which may lead a session.
            self._fd = os.open(self._port, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            self._fd = None  # not there yet, or still held by a predecessor that is going away

    def _turn(self) -> None:
        """Wait for something to happen and carry it. Selectors are rebuilt: there are few streams and they change."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_read, selectors.EVENT_READ, "wake")
            with self._lock:
                if self._fd is not None:
                    wants = (selectors.EVENT_READ if self._mux.wants_input else 0) | (
                        selectors.EVENT_WRITE if self._out or self._mux.has_output else 0
                    )
                    if wants:
                        selector.register(self._fd, wants, "port")
                for stream, end in self._ends.items():
                    if wanted := end.wants():
                        selector.register(end.socket, wanted, stream)
            ready = selector.select(_AGAIN_S if self._fd is None else 1.0)
        for key, mask in ready:
            if key.data == "wake":
                self._wake_read.recv(4096)
                continue
            with self._lock:
                if key.data == "port":
                    self._serve_port(mask)
                else:
                    self._serve_stream(key.data, mask)
        with self._lock:
            if self._fd is not None and (self._out or self._mux.has_output):
                self._serve_port(selectors.EVENT_WRITE)  # what was just read goes on at once, not after another wait

    def _serve_port(self, mask: int) -> None:
        assert self._fd is not None
        try:
            if mask & selectors.EVENT_READ:
                data = os.read(self._fd, _READ_BYTES)
                if not data:
                    self._broke()
                    return
                self._heard = time.monotonic()
                self._apply(self._mux.receive(data))
            if mask & selectors.EVENT_WRITE:
                self._write_port()
        except BlockingIOError:
            pass
        except OSError as error:
            # EPIPE, EIO, ENODEV: the host end went away or the port was unplugged.
            if error.errno not in (errno.EPIPE, errno.EIO, errno.ENODEV, errno.EBADF, errno.ECONNRESET):
                raise
            self._broke()

    def _write_port(self) -> None:
        assert self._fd is not None
        if not self._out:
            self._out, events = self._mux.outgoing()
            self._apply(events)
        if self._out:
            self._out = self._out[os.write(self._fd, self._out) :]

    def _broke(self) -> None:
        """The host end is not there: streams end, and the port is opened anew after a moment."""
        self._apply(self._mux.lost())
        self._out = b""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
        self._heard = time.monotonic()

    def _apply(self, events: list[mux.Event]) -> None:
        for event in events:
            if isinstance(event, mux.Up):
                self._heard = time.monotonic()
                self._up.notify_all()
            elif isinstance(event, mux.Data):
                self._to_end(event.stream, event.data)
            elif isinstance(event, mux.Closed) and event.stream in self._ends:
                self._ends[event.stream].finish()
                if self._ends[event.stream].done:
                    self._forget(event.stream)
            elif isinstance(event, mux.Reset) and (end := self._ends.pop(event.stream, None)):
                end.socket.close()
            elif isinstance(event, mux.Opened):
                self._mux.reset(event.stream, mux.ResetCode.REFUSED)
            elif isinstance(event, mux.Writable) and event.stream in self._ends:
                self._send(event.stream, self._ends[event.stream], self._ends[event.stream].unsent)

    def _to_end(self, stream: int, data: bytes) -> None:
        end = self._ends.get(stream)
        if end is None:
            self._mux.reset(stream)
            return
        end.waiting += data
        self._flush_end(stream, end)

    def _serve_stream(self, stream: int, mask: int) -> None:
        end = self._ends.get(stream)
        if end is None:
            return
        if mask & selectors.EVENT_WRITE:
            self._flush_end(stream, end)
        if mask & selectors.EVENT_READ and stream in self._ends:
            self._read_end(stream, end)

    def _flush_end(self, stream: int, end: _End) -> None:
        try:
            sent = end.flush()
        except OSError:
            self._drop(stream)  # our side closed its socket: it wants no more
            return
        if sent:
            self._mux.consume(stream, sent)
        if end.done:
            self._forget(stream)

    def _read_end(self, stream: int, end: _End) -> None:
        try:
            data = end.socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._drop(stream)
            return
        if not data:
            # A closed HTTP client never half-closes, so nobody will read an answer any more.
            self._drop(stream)
            return
        self._send(stream, end, data)

    def _send(self, stream: int, end: _End, data: bytes) -> None:
        end.unsent = data[self._mux.send(stream, data) :]

    def _drop(self, stream: int) -> None:
        self._mux.reset(stream)
        self._forget(stream)

    def _forget(self, stream: int) -> None:
        end = self._ends.pop(stream, None)
        if end is not None:
            end.socket.close()
            if stream in self._mux.streams:
                self._mux.reset(stream)

    def _shut(self) -> None:
        with self._lock:
            for end in self._ends.values():
                end.socket.close()
            self._ends.clear()
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None
        self._wake_read.close()
        self._wake_write.close()


class _End:
    """Our side of one stream's socket pair. waiting: from the host; unsent: to the host, not taken by the mux yet."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.waiting = bytearray()
        self.unsent = b""
        self._finishing = False
        self.done = False

    def wants(self) -> int:
        """What to wait for; nothing is read while the channel has not taken what was read before."""
        return (0 if self.unsent else selectors.EVENT_READ) | (selectors.EVENT_WRITE if self.waiting else 0)

    def flush(self) -> int:
        """Pass on what waits; returns the bytes that went. Raises OSError if the socket is gone."""
        sent = 0
        try:
            while self.waiting:
                step = self.socket.send(self.waiting)
                del self.waiting[:step]
                sent += step
        except BlockingIOError:
            return sent
        if self._finishing and not self.waiting:
            self.done = True
        return sent

    def finish(self) -> None:
        """The host sends no more."""
        self._finishing = True
        if not self.waiting:
            self.done = True
