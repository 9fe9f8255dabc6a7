"""How fast the agent may send and fetch: a token bucket for each direction, shared by all threads.

Only contents are limited. Questions and answers of the protocol are small and pass, so a slow limit never looks like a
broken line.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

PIECE_BYTES = 64 * 1024
_BURST_S = 0.5


class Bucket:
    """Lets `rate` bytes a second through, 0 for all. Half a second's worth may pass at once."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], object] = time.sleep) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._rate = 0
        self._free = 0.0
        self._at_s = clock()

    @property
    def rate(self) -> int:
        """Bytes a second, 0 without a limit."""
        return self._rate

    def limit(self, bytes_per_s: int) -> None:
        """Another rate from now on; whoever waits already waits out its turn."""
        with self._lock:
            self._rate = max(0, bytes_per_s)
            self._free, self._at_s = 0.0, self._clock()

    def take(self, size_bytes: int) -> None:
        """Wait until this many more bytes may pass."""
        with self._lock:
            if not self._rate:
                return
            now = self._clock()
            self._free = min(self._rate * _BURST_S, self._free + (now - self._at_s) * self._rate) - size_bytes
            self._at_s = now
            # Whoever comes next finds the debt and waits behind: so the order of threads does not matter.
            wait_s = max(0.0, -self._free / self._rate)
        if wait_s:
            self._sleep(wait_s)


class Limits:
    """The two directions."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self.up = Bucket(sleep=self._stopping.wait)
        self.down = Bucket(sleep=self._stopping.wait)

    def stop(self) -> None:
        """Let nobody wait any more: a piece may have minutes to wait, and the agent is about to end."""
        self._stopping.set()

    def pieces(self, body: bytes) -> Iterator[bytes]:
        """A body in pieces, each when it may leave."""
        for start in range(0, len(body), PIECE_BYTES):
            piece = body[start : start + PIECE_BYTES]
            self.up.take(len(piece))
            yield piece
