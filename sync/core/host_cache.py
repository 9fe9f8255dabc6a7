"""What the agent in a desktop and the chunk cache of its host say to each other, and the vouchers that open a chunk there.

The library signs a voucher for each chunk that it lets a desktop read: which desktop, until when, which chunk, and where its bytes are. The
cache has no rights of its own: it serves a chunk for a voucher, and fetches one only from where the voucher says.

The answer to a request is a row of frames: `.` says that the cache is alive and still fetching, `=` is followed by the stored bytes of
the next chunk, `!` says that nothing more comes. So whoever asks may be impatient with a cache that is silent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from sync.core.messages import message
from sync.core.protocol import ChunkPlace, Download

PATH = "/chunks"
PURPOSE = "host chunk cache"
"""What the key is for that signs vouchers."""
REQUEST_MAX_BYTES = 256 * 1024
ANSWER_MAX_BYTES = 16 * 1024 * 1024
"""Stored bytes that one request may ask for."""
BEAT_S = 1.0
"""A cache that is alive is never silent for longer."""

BEAT, CHUNK, FAILED = b".", b"=", b"!"

Mac = Callable[[str], str]
"""The signature of a text, in hex digits."""


@message(frozen=True)
class ChunksRequest:
    """Chunks of one pack, each with its voucher."""

    download: Download
    places: tuple[ChunkPlace, ...]


def make_voucher(mac: Mac, desktop: str, until_ms: int, download: Download, place: ChunkPlace) -> str:
    """What lets a desktop have this chunk from the cache of its host."""
    return f"{until_ms}.{mac(_claim(desktop, until_ms, download, place))}"


def is_good(mac: Mac, desktop: str, now_ms: int, download: Download, place: ChunkPlace) -> bool:
    """Whether a place carries the library's voucher for this desktop, and it still holds."""
    import hmac  # an agent loads this module, and never asks

    until, _, signature = place.voucher.partition(".")
    if not (until.isascii() and until.isdigit() and len(until) <= 15 and signature.isascii()):
        return False
    return hmac.compare_digest(mac(_claim(desktop, int(until), download, place)), signature) and now_ms <= int(until)


def _claim(desktop: str, until_ms: int, download: Download, place: ChunkPlace) -> str:
    headers = sorted(download.headers.items())
    where = [place.pack, place.offset, place.stored, place.size, place.coding.value]
    return json.dumps([desktop, until_ms, download.url, headers, place.chunk, *where])


def stored_chunks(answer: bytes, places: Sequence[ChunkPlace]) -> list[memoryview] | None:
    """The stored bytes in an answer, a piece for each place; None if they are not all there. Nothing is verified."""
    view, at, found = memoryview(answer), 0, []
    for place in places:
        while answer[at : at + 1] == BEAT:
            at += 1
        if answer[at : at + 1] != CHUNK:
            return None
        stored = view[at + 1 : at + 1 + place.stored]
        if len(stored) != place.stored:
            return None
        found.append(stored)
        at += 1 + place.stored
    return found
