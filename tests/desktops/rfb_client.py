"""A small VNC client for tests: looks at a guest's screen and types on it, over a unix socket (RFB 3.8, RFC 6143)."""

import socket
import struct
from pathlib import Path

from PIL import Image

_RAW, _DESKTOP_SIZE = 0, -223
_KEYSYMS = {"\n": 0xFF0D, "ctrl": 0xFFE3, "alt": 0xFFE9, "super": 0xFFEB, "shift": 0xFFE1}
_SHIFTED = frozenset('~!@#$%^&*()_+{}|:"<>?')


class RfbClient:
    """Connects at once. timeout_s: of each answer."""

    def __init__(self, path: Path, *, timeout_s: float = 20) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_s)
        self._socket.connect(str(path))
        assert self._read(12) == b"RFB 003.008\n"
        self._socket.sendall(b"RFB 003.008\n")
        assert 1 in self._read(self._read(1)[0])
        self._socket.sendall(b"\x01")
        assert self._read(4) == bytes(4)
        self._socket.sendall(b"\x01")  # shared
        width, height, _format, name_bytes = struct.unpack(">HH16sI", self._read(24))
        self.size = (width, height)
        self.name = self._read(name_bytes).decode()
        pixel_format = struct.pack(">BBBBHHHBBBxxx", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
        self._socket.sendall(struct.pack(">Bxxx", 0) + pixel_format + struct.pack(">BxHii", 2, 2, _RAW, _DESKTOP_SIZE))

    def picture(self) -> Image.Image:
        """The whole screen as it is now. A guest that changes its resolution meanwhile makes it start over."""
        while True:
            picture, size = Image.new("RGB", self.size), self.size
            self._socket.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, *size))
            left = size[0] * size[1]
            while left > 0 and self.size == size:
                left -= self._update(picture)
            if self.size == size:
                return picture

    def _update(self, picture: Image.Image) -> int:
        """Take one message; returns how many pixels it painted."""
        kind, painted = self._read(1)[0], 0
        if kind != 0:
            self._skip(kind)
            return 0
        for _rectangle in range(struct.unpack(">xH", self._read(3))[0]):
            x, y, width, height, encoding = struct.unpack(">HHHHi", self._read(12))
            if encoding == _DESKTOP_SIZE:
                self.size = (width, height)
                continue
            assert encoding == _RAW
            pixels = self._read(width * height * 4)
            picture.paste(Image.frombytes("RGB", (width, height), pixels, "raw", "BGRX"), (x, y))
            painted += width * height
        return painted

    def type(self, text: str) -> None:
        """ASCII and line ends, as from a US keyboard: QEMU looks up the key, so Shift must be held as by a hand."""
        for character in text:
            shifted = character.isupper() or character in _SHIFTED
            self.press(*(["shift"] if shifted else []), character)

    def press(self, *keys: int | str) -> None:
        """Hold the keys down in this order, then let go. Names: ctrl, alt, super."""
        codes = [_KEYSYMS.get(key, 0) or ord(key) if isinstance(key, str) else key for key in keys]
        for code in codes:
            self._socket.sendall(struct.pack(">BBxxI", 4, 1, code))
        for code in reversed(codes):
            self._socket.sendall(struct.pack(">BBxxI", 4, 0, code))

    def click(self, x: int, y: int) -> None:
        for buttons in (0, 1, 0):
            self._socket.sendall(struct.pack(">BBHH", 5, buttons, x, y))

    def close(self) -> None:
        self._socket.close()

    def _skip(self, kind: int) -> None:
        """Bell, clipboard."""
        if kind == 3:
            self._read(struct.unpack(">xxxI", self._read(7))[0])
        else:
            assert kind == 2

    def _read(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            part = self._socket.recv(count - len(parts))
            if not part:
                raise ConnectionError("the screen was closed")
            parts += part
        return bytes(parts)
