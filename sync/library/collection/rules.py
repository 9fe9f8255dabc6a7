"""When content that no version needs may go. Pure.

    chunk   needed -> marked -> swept            a commit that needs it takes the mark away; swept, it is missing and sent again
    pack    serves -> doomed -> removed -> forgotten

A chunk is swept when it has been marked for WAIT and was brought before the oldest upload that is still open. A pack is doomed when
none of its chunks serves any more, its object is removed GRACE later, when no address that was signed for it is valid, and its row
is forgotten WAIT after that, when nobody can still hold what was read of it.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sync.library.content.access import WAIT

GRACE = timedelta(days=1)
"""Longer than any presigned address is valid (agents_api: 6 hours to bring a pack, 1 hour to read one)."""
LONGEST_UPLOAD = timedelta(days=30)
SPARSE = 0.5
"""A pack of which less than this share serves is packed anew …"""
WORTH_BYTES = 256 * 1024
"""… if that frees as much."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def oldest_open_upload(packs: Iterable[tuple[str | None, datetime]], now: datetime) -> datetime:
    """When the oldest upload began that may still be committed; ``now`` when none is open.

    packs: who brought each pack that no version needs, and when. An upload is a row of such packs of one member with less than WAIT
    between them, the last one less than WAIT ago.
    """
    by_member: dict[str, list[datetime]] = defaultdict(list)
    for member_id, at in packs:
        if member_id is not None and now - at < LONGEST_UPLOAD:
            by_member[member_id].append(at)
    oldest = now
    for times in by_member.values():
        began = now
        for at in sorted(times, reverse=True):
            if began - at >= WAIT:
                break
            began = at
        oldest = min(oldest, began)
    return oldest


def is_sparse(size_bytes: int, serving_bytes: int, worth_bytes: int = WORTH_BYTES) -> bool:
    """Whether a pack of this size is to be packed anew."""
    return 0 < serving_bytes < size_bytes * SPARSE and size_bytes - serving_bytes >= worth_bytes


def made_at(pack_id: str) -> datetime | None:
    """When the server chose this id (a ULID); None when it is none."""
    if len(pack_id) != 26 or any(char not in _ALPHABET for char in pack_id):
        return None
    number = 0
    for char in pack_id[:10]:
        number = number * 32 + _ALPHABET.index(char)
    try:
        return datetime.fromtimestamp(number / 1000, UTC)
    except (OverflowError, ValueError):
        return None
