"""The multiplexer: any splitting of the bytes, any restart of either end, any slow reader."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.core import mux as m
from sync.core.mux import Mux, Role


def make_pair(seed: int = 0) -> tuple[Mux, Mux]:
    numbers = random.Random(seed)
    return tuple(Mux(role, nonce=lambda: numbers.getrandbits(64) or 1) for role in (Role.GUEST, Role.HOST))


def settle(guest: Mux, host: Mux) -> tuple[list[m.Event], list[m.Event]]:
    """Carry bytes both ways until nobody has anything to say."""
    at_guest, at_host = [], []
    while guest.has_output or host.has_output:
        data, events = guest.outgoing()
        at_guest += events
        at_host += host.receive(data)
        data, events = host.outgoing()
        at_host += events
        at_guest += guest.receive(data)
    return at_guest, at_host


def connected(seed: int = 0) -> tuple[Mux, Mux]:
    guest, host = make_pair(seed)
    settle(guest, host)
    assert guest.up
    assert host.up
    return guest, host


def data_of(events: list[m.Event], stream: int) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, m.Data) and event.stream == stream)


def test_handshake_when_both_start_then_both_are_up() -> None:
    at_guest, at_host = settle(*make_pair())
    assert at_guest == [m.Up()]
    assert at_host == [m.Up()]


def test_stream_when_opened_then_bytes_arrive_both_ways_and_close_ends_it() -> None:
    guest, host = connected()
    stream = guest.open("api")
    assert guest.send(stream, b"question") == 8
    _, at_host = settle(guest, host)
    assert at_host == [m.Opened(stream, "api"), m.Data(stream, b"question")]
    host.send(stream, b"answer")
    host.close(stream)
    guest.close(stream)
    at_guest, at_host = settle(guest, host)
    assert at_guest == [m.Data(stream, b"answer"), m.Closed(stream)]
    assert at_host == [m.Closed(stream)]
    assert guest.streams == host.streams == ()


def test_send_when_reader_does_not_consume_then_memory_is_bounded() -> None:
    guest, host = connected()
    stream = guest.open("store")
    taken = 0
    for _ in range(100):
        taken += guest.send(stream, bytes(m.MAX_PAYLOAD))
        settle(guest, host)
    assert taken == m.WINDOW_BYTES + m.SEND_BUFFER_BYTES
    host.consume(stream, m.WINDOW_BYTES)
    at_guest, at_host = settle(guest, host)
    assert m.Writable(stream) in at_guest
    assert len(data_of(at_host, stream)) == m.SEND_BUFFER_BYTES


def test_outgoing_when_one_stream_is_busy_then_the_other_still_gets_its_turn() -> None:
    guest, host = connected()
    busy, quick = guest.open("store"), guest.open("api")
    guest.send(busy, bytes(m.SEND_BUFFER_BYTES))
    guest.send(quick, b"now")
    settled = host.receive(guest.outgoing(2 * m.MAX_PAYLOAD)[0])
    assert data_of(settled, quick) == b"now"


def test_open_when_too_many_then_it_is_reset() -> None:
    numbers = itertools.count(1)
    guest = Mux(Role.GUEST, nonce=lambda: next(numbers), max_streams=3)
    host = Mux(Role.HOST, nonce=lambda: next(numbers), max_streams=2)
    settle(guest, host)
    streams = [guest.open("api") for _ in range(3)]
    at_guest, _ = settle(guest, host)
    assert at_guest == [m.Reset(streams[2], m.ResetCode.TOO_MANY)]
    with pytest.raises(m.MuxError):
        [guest.open("api") for _ in range(2)]


def test_data_when_beyond_the_window_then_stream_is_reset() -> None:
    guest, host = connected()
    stream = guest.open("api")
    guest._streams[stream].credit = 10**9  # an end that does not keep to what it was granted
    sent = 0
    while sent <= m.WINDOW_BYTES:
        sent += guest.send(stream, bytes(m.MAX_PAYLOAD))
        _, at_host = settle(guest, host)
    assert m.Reset(stream, m.ResetCode.VIOLATION) in at_host
    assert guest.streams == ()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), cut=st.integers(0, 70_000), who=st.sampled_from(["guest", "host"]))
def test_restart_when_cut_anywhere_in_the_stream_then_both_come_up_again(seed: int, cut: int, who: str) -> None:
    """One end is replaced while an arbitrary prefix of its last words is still in the channel."""
    guest, host = connected(seed)
    stream = guest.open("store")
    numbers = random.Random(seed)
    guest.send(stream, numbers.randbytes(100_000))
    stale_out = guest.outgoing(200_000)[0][:cut]
    host.receive(stale_out)
    if who == "guest":
        guest = Mux(Role.GUEST, nonce=lambda: numbers.getrandbits(64) or 1)
    else:
        host = Mux(Role.HOST, nonce=lambda: numbers.getrandbits(64) or 1)
    at_guest, at_host = settle(guest, host)
    assert guest.up
    assert host.up
    assert m.Down() in (at_host if who == "guest" else at_guest)
    again = guest.open("api")
    guest.send(again, b"hello again")
    _, at_host = settle(guest, host)
    assert data_of(at_host, again) == b"hello again"


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 5000), min_size=1, max_size=30))
def test_receive_when_bytes_come_in_any_portions_then_streams_are_whole(seed: int, sizes: list[int]) -> None:
    guest, host = connected(seed)
    numbers = random.Random(seed)
    streams = {guest.open("api"): numbers.randbytes(numbers.randrange(60_000)) for _ in range(3)}
    for stream, content in streams.items():
        assert guest.send(stream, content) == len(content)
        guest.close(stream)
    wire = b""
    while guest.has_output:
        wire += guest.outgoing()[0]
    events: list[m.Event] = []
    portions, position = itertools.cycle(sizes), 0
    while position < len(wire):
        step = next(portions)
        events += host.receive(wire[position : position + step])
        position += step
    for stream, content in streams.items():
        assert data_of(events, stream) == content
        assert m.Closed(stream) in events


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), at=st.integers(0, 100_000), junk=st.binary(min_size=1, max_size=200))
def test_receive_when_bytes_are_damaged_then_link_recovers_and_no_wrong_byte_passes(seed: int, at: int, junk: bytes) -> None:
    guest, host = connected(seed)
    stream = guest.open("api")
    content = random.Random(seed).randbytes(100_000)
    guest.send(stream, content)
    wire = guest.outgoing(200_000)[0]
    at = min(at, len(wire))
    events = host.receive(wire[:at] + junk + wire[at:])
    assert content.startswith(data_of(events, stream))
    for _ in range(3):  # what the drivers do once a second while the link is down
        guest.repeat_hello()
        host.repeat_hello()
        settle(guest, host)
    assert guest.up
    assert host.up


def test_receive_when_a_file_holds_a_forged_hello_then_the_forger_never_comes_up() -> None:
    guest, host = connected()
    forged = Mux(Role.GUEST, nonce=lambda: 0xF0F0)
    hello = forged.outgoing(10**6)[0]
    stream = guest.open("store")
    guest.send(stream, hello[-42:] * 100)
    half = guest.outgoing(10**6)[0][:3000]
    host.receive(half)
    guest = Mux(Role.GUEST, nonce=lambda: 0xABCD)
    settle(guest, host)
    assert host.up
    assert host._peer == 0xABCD


def test_hello_when_repeated_while_up_then_nothing_is_lost() -> None:
    guest, host = make_pair()
    first = guest.outgoing(10**6)[0]
    settle(guest, host)
    host.receive(first)
    guest.receive(host.outgoing()[0])
    settle(guest, host)
    stream = guest.open("api")
    guest.send(stream, b"x")
    events = host.receive(guest.outgoing()[0])
    assert events == [m.Opened(stream, "api"), m.Data(stream, b"x")]
    assert host.receive(first) == []
    assert host.up


def test_lost_when_streams_are_open_then_each_is_reset() -> None:
    guest, host = connected()
    stream = guest.open("api")
    assert guest.lost() == [m.Reset(stream, m.ResetCode.LINK_LOST), m.Down()]
    settle(guest, host)
    assert guest.up
    assert host.up
    assert host.streams == ()


def test_ping_when_up_then_pong_with_the_same_token() -> None:
    guest, host = connected()
    guest.ping(77)
    assert settle(guest, host)[0] == [m.Pong(77)]


def test_hello_when_said_without_end_by_one_who_never_reads_then_answers_are_bounded_and_the_link_still_comes_up() -> None:
    numbers = random.Random(1)
    host = Mux(Role.HOST, nonce=lambda: numbers.getrandbits(64) or 1)
    for _ in range(5000):
        host.receive(Mux(Role.GUEST, nonce=lambda: numbers.getrandbits(64) or 1).outgoing()[0])
    unread, _events = host.outgoing(10**9)
    assert len(unread) < 2 * m.CONTROL_MAX_BYTES
    guest = Mux(Role.GUEST, nonce=lambda: numbers.getrandbits(64) or 1)
    settle(guest, host)
    host.repeat_hello()
    settle(guest, host)
    assert guest.up
    assert host.up
