"""Frames that we build ourselves are read by a WebSocket implementation that others wrote."""

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from workspace.realtime_wire import text_frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_text_frame_when_read_by_wsproto_then_the_message(size: int) -> None:
    message = ("主线" * size)[: size // 3] + "x" * (size - 3 * (size // 3))
    reader = Connection(ConnectionType.CLIENT)
    reader.receive_data(text_frame(message))
    parts = [event for event in reader.events() if isinstance(event, TextMessage)]
    assert "".join(part.data for part in parts) == message
    assert parts[-1].message_finished
