"""Telling input from everything else a VNC client says."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktops.consoles.rfb import InputCounter

GREETING = b"RFB 003.008\n\x01\x01"
MESSAGES = {
    # name: (bytes, is input)
    "pixel format": (b"\0" * 20, False),
    "encodings": (struct.pack(">BxH", 2, 3) + b"\0" * 12, False),
    "picture": (struct.pack(">BBHHHH", 3, 1, 0, 0, 800, 600), False),
    "key": (struct.pack(">BBxxI", 4, 1, 0x61), True),
    "pointer": (struct.pack(">BBHH", 5, 1, 10, 10), True),
    "pointer, many buttons": (struct.pack(">BBHHB", 5, 0x81, 10, 10, 1), True),
    "clipboard": (struct.pack(">BxxxI", 6, 5) + b"\x04\x05\x04\x05\xff", False),
    "extended clipboard": (struct.pack(">Bxxxi", 6, -5) + b"\x04\x05\x04\x05\xff", False),
    "continuous updates": (b"\x96" + b"\0" * 9, False),
    "fence": (struct.pack(">BxxxIB", 248, 0, 3) + b"\x04\x05\x06", False),
    "desktop size": (struct.pack(">BxHHBx", 251, 800, 600, 2) + b"\x05" * 32, False),
    "xvp": (b"\xfa\x00\x01\x02", False),
    "qemu key": (struct.pack(">BBHII", 255, 0, 1, 0x61, 30), True),
    "qemu audio on": (struct.pack(">BBH", 255, 1, 0), False),
    "qemu audio format": (struct.pack(">BBHBBI", 255, 1, 2, 3, 2, 44100), False),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_feed_when_one_message_then_counted_only_if_input(name: str) -> None:
    message, is_input = MESSAGES[name]
    counter = InputCounter()
    counter.feed(GREETING)
    assert counter.feed(message) is is_input
    assert counter.feed(MESSAGES["key"][0]) is True, "the end of the message was not found"
    assert not counter.lost


@given(st.lists(st.sampled_from(sorted(MESSAGES)), max_size=40), st.data())
def test_feed_when_cut_anywhere_then_the_same_count(names: list[str], data: st.DataObject) -> None:
    stream = GREETING + b"".join(MESSAGES[name][0] for name in names)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    counter = InputCounter()
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        counter.feed(stream[begin:end])
    assert counter.inputs == sum(MESSAGES[name][1] for name in names)
    assert not counter.lost


def test_feed_when_not_understood_then_every_byte_counts_as_presence() -> None:
    counter = InputCounter()
    counter.feed(GREETING)
    assert counter.feed(b"\x77") is True
    assert counter.lost
    assert counter.feed(MESSAGES["picture"][0]) is True
