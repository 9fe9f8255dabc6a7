"""Counting input in what a browser says to a VNC server (RFB 3.8, RFC 6143). Sans I/O: bytes in, a verdict out.

Only the length of each client message is understood, so that key and pointer events can be told from requests for
picture. Nothing is changed or kept. When the stream is not understood, that is said, and the caller must treat the
person as present: unknown is not idle.
"""

from dataclasses import dataclass

_GREETING_BYTES = 12 + 1 + 1  # ProtocolVersion, the chosen security type (None has no more), ClientInit.
_EXTENDED_KEY = 0
_MESSAGE_MAX_BYTES = 16 * 1024 * 1024


@dataclass
class InputCounter:
    """Feed it everything the client sends, in any portions.

    inputs: key and pointer events so far. lost: an unknown message was met; from then on nothing is known.
    """

    inputs: int = 0
    lost: bool = False
    _skip: int = _GREETING_BYTES
    _head: bytes = b""

    def feed(self, data: bytes) -> bool:
        """True when these bytes held input, or when it can no longer be said that they did not."""
        if self.lost:
            return bool(data)
        before = self.inputs
        view = memoryview(data)
        while len(view):
            if self._skip:
                taken = min(self._skip, len(view))
                self._skip -= taken
                view = view[taken:]
                continue
            self._head += bytes(view[:1])
            view = view[1:]
            self._meet()
            if self.lost:
                return True
        return self.inputs > before

    def _meet(self) -> None:
        """One more byte of a message's head: decide its length once enough is there."""
        found = message_length(self._head)
        if found is None:
            return
        length, is_input = found
        if length < 0 or length > _MESSAGE_MAX_BYTES:
            self.lost = True
            return
        self.inputs += is_input
        self._skip = length - len(self._head)
        self._head = b""


def message_length(head: bytes) -> tuple[int, bool] | None:
    """Length of the client message that begins with ``head`` and whether it is input; None = more bytes are needed, -1 = unknown.

    Source: RFC 6143 section 7.5 and the community's rfbproto for the extensions that QEMU and noVNC speak.
    """
    kind = head[0]
    fixed = {0: 20, 3: 10, 4: 8, 150: 10, 250: 4}
    if kind in fixed:
        return fixed[kind], kind == 4
    if kind == 5:  # Bit 7 of the buttons marks the extended form with a second byte of buttons.
        return None if len(head) < 2 else (7 if head[1] & 0x80 else 6, True)
    if kind == 2:
        return None if len(head) < 4 else (4 + 4 * _number(head[2:4]), False)
    if kind == 6:  # A negative length marks the extended clipboard.
        return None if len(head) < 8 else (8 + abs(int.from_bytes(head[4:8], "big", signed=True)), False)
    if kind == 248:
        return None if len(head) < 9 else (9 + head[8], False)
    if kind == 251:
        return None if len(head) < 7 else (8 + 16 * head[6], False)
    if kind == 255:
        return _qemu_length(head)
    return -1, False


def _qemu_length(head: bytes) -> tuple[int, bool] | None:
    """Messages of QEMU: key with scan code, or audio (enable, disable: no more; format: 6 more)."""
    if len(head) < 2:
        return None
    if head[1] == _EXTENDED_KEY:
        return 12, True
    if head[1] != 1:
        return -1, False
    return None if len(head) < 4 else (10 if _number(head[2:4]) == 2 else 4, False)


def _number(raw: bytes) -> int:
    return int.from_bytes(raw, "big")
