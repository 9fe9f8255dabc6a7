"""Many streams over one byte channel that can lose either end at any moment. No I/O is allowed here.

A desktop has no network route to its host: the agent's requests travel over a virtio-serial port. Either end may
restart, and a hibernated guest wakes beside a gateway that has never heard of it, while half a frame of the former
conversation is still in the channel. So each conversation begins with a handshake that nothing earlier can look like:

    PAD    PAD_BYTES zeros: they complete, and thereby spoil, any frame that was cut off
    HELLO  magic 16 | version u8 | role u8 | nonce u64 | echo u64 | window u32 | crc32 u32

An end is up when it has received its own nonce as echo and has echoed the other's. Nonces are fresh for each
conversation, so a HELLO inside somebody's file can make an end answer but never come up. A frame that does not check
(magic, length, tag, CRC) resets every stream and starts over with a new nonce. While up, padding and the repeated HELLO
of the same conversation mean nothing.

Frames, little-endian, 24 bytes of header:

    magic 2 | kind u8 | zero u8 | stream u32 | length u32 | tag u32 | crc32 of payload u32 | crc32 of the header so far u32

    OPEN    payload: name of the target, ascii    DATA    bytes, within the receiver's window
    WINDOW  u32 more bytes may be sent            CLOSE   no more bytes from this side
    RESET   u16 code: the stream is gone          PING, PONG  u64

The guest opens odd streams, the host even ones. Memory is bounded by max_streams x (window + send buffer).

Over 400 lines because both ends and their flow control are one state machine.
"""

from __future__ import annotations

import struct
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from zlib import crc32

MAX_PAYLOAD = 32 * 1024
WINDOW_BYTES = 256 * 1024
SEND_BUFFER_BYTES = 256 * 1024
MAX_STREAMS = 64
TARGET_MAX_BYTES = 64
CONTROL_MAX_BYTES = 64 * 1024
"""Beyond this much unsent control traffic the driver must write before it reads on (`wants_input`)."""

_MAGIC = b"\xabM"
_HEADER = struct.Struct("<2sBBIIIII")
_HELLO_MAGIC = b"\xffMAINLINE-MUX\r\n\x1a"
_HELLO = struct.Struct("<16sBBQQII")
_VERSION = 1
PAD_BYTES = MAX_PAYLOAD + _HEADER.size


class Role(IntEnum):
    """Which end this is; it decides which stream numbers it may open."""

    GUEST = 1
    HOST = 2


class Kind(IntEnum):
    """Kinds of frames."""

    OPEN = 1
    DATA = 2
    WINDOW = 3
    CLOSE = 4
    RESET = 5
    PING = 6
    PONG = 7


_KINDS = frozenset(Kind)


class ResetCode(IntEnum):
    """Why a stream ended early."""

    CANCELLED = 1
    REFUSED = 2
    UNREACHABLE = 3
    TOO_MANY = 4
    VIOLATION = 5
    LINK_LOST = 6


@dataclass(frozen=True)
class Up:
    """Both ends know each other; streams can be opened."""


@dataclass(frozen=True)
class Down:
    """The conversation was lost; every stream is gone (a `Reset` was given for each) and a new handshake is under way."""


@dataclass(frozen=True)
class Opened:
    """The other end opened a stream to a named target."""

    stream: int
    target: str


@dataclass(frozen=True)
class Data:
    """Bytes of a stream. Call `consume` when they have been passed on."""

    stream: int
    data: bytes


@dataclass(frozen=True)
class Writable:
    """`send` would accept bytes again after it had not taken all."""

    stream: int


@dataclass(frozen=True)
class Closed:
    """The other end sends no more on this stream; this end still may."""

    stream: int


@dataclass(frozen=True)
class Reset:
    """The stream is gone in both directions."""

    stream: int
    code: int


@dataclass(frozen=True)
class Pong:
    """The answer to `ping`."""

    token: int


Event = Up | Down | Opened | Data | Writable | Closed | Reset | Pong


class MuxError(Exception):
    """The caller used a stream that does not exist or opened one while the link is down."""


class _OutOfSync(Exception):
    """The bytes are not frames of this conversation."""


@dataclass
class _Stream:
    """credit: bytes the other end still accepts. window: bytes it may still send. used: consumed, not yet granted."""

    credit: int
    window: int
    used: int = 0
    unsent: bytearray = field(default_factory=bytearray)
    blocked: bool = False
    closing: bool = False
    close_sent: bool = False
    close_received: bool = False


class Mux:
    """One end of the channel.

    nonce: gives a fresh random number below 2**64 for each conversation. The driver feeds `receive`, writes what
    `outgoing` gives, calls `repeat_hello` about once a second while not `up`, and `lost` when the channel broke.
    """

    def __init__(self, role: Role, *, nonce: Callable[[], int], max_streams: int = MAX_STREAMS) -> None:
        self._role = role
        self._fresh = nonce
        self._max_streams = max_streams
        self._input = bytearray()
        self._next_stream = 1 if role is Role.GUEST else 2
        self.up = False
        self._begin()

    # --- the link -----------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._nonce = self._fresh()
        self._peer: int | None = None
        self._echoed: int | None = None
        self._tag_out = self._tag_in = 0
        self._streams: OrderedDict[int, _Stream] = OrderedDict()
        self._highest_seen = 0
        self._control: deque[bytes] = deque()
        self._control_bytes = 0
        self._queue_hello(padded=True)

    def _queue_hello(self, *, padded: bool) -> None:
        body = _HELLO.pack(_HELLO_MAGIC, _VERSION, self._role, self._nonce, self._peer or 0, WINDOW_BYTES, 0)[:-4]
        self._queue((bytes(PAD_BYTES) if padded else b"") + body + struct.pack("<I", crc32(body)))

    def repeat_hello(self) -> None:
        """Say hello again while the other end has not answered; does nothing if up or if one is still unsent."""
        if not self.up and not self._control:
            self._queue_hello(padded=True)

    def lost(self) -> list[Event]:
        """The channel broke (end of file, reopened port): drop what was under way and start over."""
        self._input.clear()
        return self._restart()

    def _restart(self) -> list[Event]:
        events: list[Event] = [Reset(stream, ResetCode.LINK_LOST) for stream in self._streams]
        if self.up:
            events.append(Down())
        self.up = False
        self._begin()
        return events

    @property
    def wants_input(self) -> bool:
        """False while so much control traffic waits to be written that reading on would not be bounded."""
        return self._control_bytes < CONTROL_MAX_BYTES or not self.up

    @property
    def has_output(self) -> bool:
        """Whether `outgoing` would give bytes."""
        return bool(self._control) or any(self._sendable(stream) for stream in self._streams.values())

    @property
    def streams(self) -> tuple[int, ...]:
        """Streams that are alive."""
        return tuple(self._streams)

    # --- receiving ----------------------------------------------------------------------------------------------

    def receive(self, data: bytes) -> list[Event]:
        """Take bytes from the channel, in any portions; returns what they mean."""
        self._input += data
        events: list[Event] = []
        while True:
            before = len(self._input)
            try:
                more = self._take_frame(events) if self.up else self._take_hello(events)
            except _OutOfSync:
                events += self._restart()
                continue  # what looked like a frame may hold the other end's HELLO
            if not more and len(self._input) == before:
                return events

    def _take_hello(self, events: list[Event]) -> bool:
        """Search for a HELLO; returns whether one was found and dealt with."""
        start = self._input.find(_HELLO_MAGIC)
        if start < 0:
            del self._input[: max(0, len(self._input) - len(_HELLO_MAGIC) + 1)]
            return False
        del self._input[:start]
        hello = self._read_hello()
        if hello is None:
            return False
        nonce, echo = hello
        self._answer_hello(nonce)
        if echo == self._nonce:
            self._come_up(nonce, events)
        return True

    def _read_hello(self) -> tuple[int, int] | None:
        """Nonce and echo of the HELLO at the start of the input; None if incomplete or, skipped, not a HELLO."""
        if len(self._input) < _HELLO.size:
            return None
        raw = bytes(self._input[: _HELLO.size])
        _, version, role, nonce, echo, _, check = _HELLO.unpack(raw)
        if check != crc32(raw[:-4]) or version != _VERSION or role == self._role:
            del self._input[:1]
            return None
        del self._input[: _HELLO.size]
        return nonce, echo

    def _answer_hello(self, nonce: int) -> None:
        self._peer = nonce
        # An end that says hello on and on and reads nothing gets no more answers; repeat_hello brings the last once it reads.
        if self._echoed != nonce and self._control_bytes < CONTROL_MAX_BYTES:
            self._echoed = nonce
            self._queue_hello(padded=False)

    def _come_up(self, peer: int, events: list[Event]) -> None:
        ours, theirs = struct.pack("<Q", self._nonce), struct.pack("<Q", peer)
        self._tag_out, self._tag_in = crc32(ours + theirs), crc32(theirs + ours)
        self.up = True
        events.append(Up())

    def _take_frame(self, events: list[Event]) -> bool:
        """Deal with one frame; returns False when the input holds no whole one. Raises _OutOfSync."""
        if self._input[:1] in (b"\0", _HELLO_MAGIC[:1]):
            return self._skip_handshake()
        if len(self._input) < _HEADER.size:
            return False
        raw = bytes(self._input[: _HEADER.size])
        magic, kind, zero, stream, length, tag, payload_crc, header_crc = _HEADER.unpack(raw)
        sound = magic == _MAGIC and zero == 0 and tag == self._tag_in and length <= MAX_PAYLOAD
        if not sound or header_crc != crc32(raw[:-4]) or kind not in _KINDS:
            raise _OutOfSync
        if len(self._input) < _HEADER.size + length:
            return False
        payload = bytes(self._input[_HEADER.size : _HEADER.size + length])
        if crc32(payload) != payload_crc:
            raise _OutOfSync
        del self._input[: _HEADER.size + length]
        self._dispatch(Kind(kind), stream, payload, events)
        return True

    def _skip_handshake(self) -> bool:
        """Padding, and the HELLO we already answered, mean nothing; a HELLO of a new conversation means start over."""
        if self._input[0] == 0:
            del self._input[: len(self._input) - len(self._input.lstrip(b"\0"))]
            return True
        if len(self._input) < _HELLO.size:
            if not _HELLO_MAGIC.startswith(bytes(self._input[: len(_HELLO_MAGIC)])):
                raise _OutOfSync
            return False
        peer = int.from_bytes(self._input[18:26], "little")
        if bytes(self._input[:16]) != _HELLO_MAGIC or peer != self._peer or self._read_hello() is None:
            raise _OutOfSync
        return True

    def _dispatch(self, kind: Kind, number: int, payload: bytes, events: list[Event]) -> None:
        if kind is Kind.OPEN:
            self._opened(number, payload, events)
        elif kind is Kind.PING:
            self._frame(Kind.PONG, 0, payload)
        elif kind is Kind.PONG:
            events.append(Pong(int.from_bytes(payload[:8], "little")))
        elif number in self._streams:
            self._dispatch_stream(kind, number, self._streams[number], payload, events)
        # A frame for a stream that is gone was sent before the other end learned of it.

    def _opened(self, number: int, payload: bytes, events: list[Event]) -> None:
        ours = number % 2 == (1 if self._role is Role.GUEST else 0)
        if ours or number <= self._highest_seen or len(payload) > TARGET_MAX_BYTES or not payload.isascii():
            raise _OutOfSync
        self._highest_seen = number
        if len(self._streams) >= self._max_streams:
            self._frame(Kind.RESET, number, struct.pack("<H", ResetCode.TOO_MANY))
            return
        self._streams[number] = _Stream(WINDOW_BYTES, WINDOW_BYTES)
        events.append(Opened(number, payload.decode("ascii")))

    def _dispatch_stream(self, kind: Kind, number: int, stream: _Stream, payload: bytes, events: list[Event]) -> None:
        if kind is Kind.DATA:
            if len(payload) > stream.window or stream.close_received:
                self.reset(number, ResetCode.VIOLATION)
                events.append(Reset(number, ResetCode.VIOLATION))
                return
            stream.window -= len(payload)
            events.append(Data(number, payload))
        elif kind is Kind.WINDOW and len(payload) == 4:
            stream.credit = min(stream.credit + int.from_bytes(payload, "little"), WINDOW_BYTES)
        elif kind is Kind.CLOSE:
            stream.close_received = True
            events.append(Closed(number))
            self._forget_if_done(number, stream)
        elif kind is Kind.RESET:
            del self._streams[number]
            events.append(Reset(number, int.from_bytes(payload[:2], "little")))

    # --- sending ------------------------------------------------------------------------------------------------

    def open(self, target: str) -> int:
        """Open a stream; bytes may be sent at once. Raises MuxError while down or when there are too many."""
        name = target.encode("ascii")
        if not self.up:
            raise MuxError("the link is not up")
        if len(name) > TARGET_MAX_BYTES or len(self._streams) >= self._max_streams:
            raise MuxError("too many streams, or a target that is too long")
        number = self._next_stream
        self._next_stream += 2
        self._streams[number] = _Stream(WINDOW_BYTES, WINDOW_BYTES)
        self._frame(Kind.OPEN, number, name)
        return number

    def send(self, number: int, data: bytes | memoryview) -> int:
        """Queue bytes; returns how many were taken (0 when full). `Writable` follows if it was not all."""
        stream = self._alive(number)
        if stream.closing:
            raise MuxError(f"stream {number} was closed by this end")
        taken = min(len(data), SEND_BUFFER_BYTES - len(stream.unsent))
        stream.unsent += data[:taken]
        stream.blocked = taken < len(data)
        return taken

    def consume(self, number: int, size_bytes: int) -> None:
        """So many received bytes have been passed on; the other end may send as many more."""
        stream = self._streams.get(number)
        if stream is None:
            return
        stream.used += size_bytes
        if stream.used >= WINDOW_BYTES // 4 and not stream.close_received:
            self._frame(Kind.WINDOW, number, struct.pack("<I", stream.used))
            stream.window += stream.used
            stream.used = 0

    def close(self, number: int) -> None:
        """No more bytes from this end, after those already queued."""
        self._alive(number).closing = True

    def reset(self, number: int, code: int = ResetCode.CANCELLED) -> None:
        """Drop a stream in both directions. Does nothing if it is gone."""
        if self._streams.pop(number, None) is not None:
            self._frame(Kind.RESET, number, struct.pack("<H", code))

    def ping(self, token: int) -> None:
        """Ask for a `Pong` with this token (below 2**64)."""
        if self.up:
            self._frame(Kind.PING, 0, struct.pack("<Q", token))

    def outgoing(self, size_bytes: int = 64 * 1024) -> tuple[bytes, list[Event]]:
        """About `size_bytes` to write to the channel (empty = nothing to say), and `Writable` events that follow.

        Control frames go first, then one frame of each stream in turn. What is returned is gone from here.
        """
        parts: list[bytes] = []
        total = 0
        while self._control and total < size_bytes:
            part = self._control.popleft()
            self._control_bytes -= len(part)
            parts.append(part)
            total += len(part)
        events: list[Event] = []
        while total < size_bytes and (turn := self._next_turn()) is not None:
            part = self._stream_part(turn, events)
            parts.append(part)
            total += len(part)
        return b"".join(parts), events

    def _next_turn(self) -> int | None:
        for number, stream in self._streams.items():
            if self._sendable(stream):
                self._streams.move_to_end(number)
                return number
        return None

    @staticmethod
    def _sendable(stream: _Stream) -> bool:
        if stream.unsent:
            return stream.credit > 0
        return stream.closing and not stream.close_sent

    def _stream_part(self, number: int, events: list[Event]) -> bytes:
        stream = self._streams[number]
        if not stream.unsent:
            stream.close_sent = True
            self._forget_if_done(number, stream)
            return self._pack(Kind.CLOSE, number, b"")
        size = min(len(stream.unsent), stream.credit, MAX_PAYLOAD)
        payload = bytes(stream.unsent[:size])
        del stream.unsent[:size]
        stream.credit -= size
        if stream.blocked and len(stream.unsent) <= SEND_BUFFER_BYTES // 2:
            stream.blocked = False
            events.append(Writable(number))
        return self._pack(Kind.DATA, number, payload)

    def _forget_if_done(self, number: int, stream: _Stream) -> None:
        if stream.close_sent and stream.close_received:
            self._streams.pop(number, None)

    def _alive(self, number: int) -> _Stream:
        try:
            return self._streams[number]
        except KeyError:
            raise MuxError(f"stream {number} is gone") from None

    def _frame(self, kind: Kind, number: int, payload: bytes) -> None:
        self._queue(self._pack(kind, number, payload))

    def _pack(self, kind: Kind, number: int, payload: bytes) -> bytes:
        head = _HEADER.pack(_MAGIC, kind, 0, number, len(payload), self._tag_out, crc32(payload), 0)[:-4]
        return head + struct.pack("<I", crc32(head)) + payload

    def _queue(self, part: bytes) -> None:
        self._control.append(part)
        self._control_bytes += len(part)
