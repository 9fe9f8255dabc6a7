"""The chunk cache of the host that this desktop runs on, as a short cut: nothing depends on its answer.

A cache that is away, silent or wrong is left alone for a while, longer each time, and the store is asked instead. What it gives is
verified by whoever reads it, like bytes from anywhere else.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from sync.agent.errors import AgentError, Unreachable
from sync.agent.transport import CACHE, Transport
from sync.core import protocol as p
from sync.core.codec import to_bytes
from sync.core.host_cache import BEAT_S, PATH, ChunksRequest, stored_chunks

_SILENT_S = 3 * BEAT_S
_AWAY_S = 15.0
_LONGEST_AWAY_S = 600.0

log = logging.getLogger("mainline.agent")


class HostCache:
    """Asks the cache. Safe from any thread."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self._pause_s = _AWAY_S
        self._not_before = 0.0

    def stored(self, download: p.Download, places: Sequence[p.ChunkPlace]) -> list[memoryview] | None:
        """The stored bytes of these chunks, not verified; None if the store is to be asked."""
        if time.monotonic() < self._not_before or not all(place.voucher for place in places):
            return None
        body = to_bytes(ChunksRequest(download, tuple(places)))
        try:
            answer = self._transport.request(
                CACHE, "POST", f"http://{CACHE}{PATH}", headers={"Content-Type": "application/json"}, body=body, timeout_s=_SILENT_S
            )
        except Unreachable as error:
            self.distrust(error)
            return None
        if answer.status != 200:  # too old a voucher, or too many at once
            log.info("the host's cache refused: HTTP %d", answer.status)
            return None
        self._pause_s = _AWAY_S
        return stored_chunks(answer.body, places)

    def distrust(self, error: AgentError) -> None:
        """Ask the store alone for a while."""
        with self._lock:
            if time.monotonic() < self._not_before:
                return  # others found the same, at the same time
            log.info("no host cache for %.0f s: %s", self._pause_s, error)
            self._not_before = time.monotonic() + self._pause_s
            self._pause_s = min(self._pause_s * 2, _LONGEST_AWAY_S)
