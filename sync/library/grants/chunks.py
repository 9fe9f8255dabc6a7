"""Content in a library of which a member sees only a part: deduplication must not tell, nor hand out, what lies in the rest.

A chunk counts as present for such a member if they brought it themselves, or if it belongs to a version that they may see and name.
They get chunks in a copy of their own, because a pack may hold chunks of several files. Who sees all of a library is not slowed down.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from sync.core.hashing import Address, address_of
from sync.core.manifest import manifest_from_bytes
from sync.library.assets.access import versions_seen
from sync.library.assets.models import Version
from sync.library.content.access import FoundChunk, missing_chunks
from sync.library.content.actions import pack_key
from sync.library.content.models import Chunk, ChunkBringer, ManifestRow, Pack
from sync.library.grants.rules import View
from sync.library.storage import ObjectStore
from workspace.work import Work

LENT_AT_ONCE_BYTES = 8 * 1024 * 1024
"""Stored bytes of one copy; the agent asks for the rest as it reads on."""
_BATCH = 5000

LooksUp = Callable[[Work, str, Iterable[Address]], list[Address]]


def missing_for(
    work: Work, view: View, addresses: Iterable[Address], *, bases: Iterable[str] = (), look: LooksUp = missing_chunks
) -> list[Address]:
    """The chunks that the actor must bring, each once, in order. bases: digests of versions whose chunks they may build on.

    look: ``missing_chunks``, or what also keeps those that are there from being collected.
    """
    wanted = list(dict.fromkeys(addresses))
    absent = look(work, view.library_id, wanted)
    if view.sees_all:
        return absent
    known = set(wanted) - set(absent)
    if known:
        known &= _brought(work, view.library_id, known) | _named(work, view, bases)
    return [address for address in wanted if address not in known]


def _brought(work: Work, library_id: str, addresses: set[Address]) -> set[Address]:
    found: set[Address] = set()
    listed = list(addresses)
    for start in range(0, len(listed), _BATCH):
        part = listed[start : start + _BATCH]
        own = select(Chunk.address).join(Pack, Pack.id == Chunk.pack_id).where(Chunk.library_id == library_id, Chunk.address.in_(part))
        found.update(work.session.scalars(own.where(Pack.member_id == work.actor.member_id)))
        again = select(ChunkBringer.address).where(ChunkBringer.library_id == library_id, ChunkBringer.address.in_(part))
        found.update(work.session.scalars(again.where(ChunkBringer.member_id == work.actor.member_id)))
    return found


def _named(work: Work, view: View, digests: Iterable[str]) -> set[Address]:
    """The chunks of those of these contents that a version holds which the actor may see."""
    named = select(Version).where(Version.library_id == view.library_id, Version.digest.in_(list(dict.fromkeys(digests))))
    readable = versions_seen(view, named).with_only_columns(Version.digest).distinct()
    bodies = work.session.scalars(select(ManifestRow.body).where(ManifestRow.digest.in_(readable)))
    return {chunk.address for body in bodies for chunk in manifest_from_bytes(body).chunks}


@dataclass(frozen=True)
class LentChunk:
    """Where a chunk lies in the copy."""

    chunk: FoundChunk
    offset: int


def lend_chunks(store: ObjectStore, library_id: str, chunks: Sequence[FoundChunk], *, now: datetime) -> tuple[str, list[LentChunk]]:
    """Copy the first of these chunks into an object that holds nothing else. Returns its name and what is in it. Slow: no Work.

    Their bytes stay as they are stored; whoever reads them verifies them.
    """
    parts: list[bytes] = []
    lent: list[LentChunk] = []
    size_bytes = 0
    for chunk in chunks:
        if lent and size_bytes + chunk.stored_bytes > LENT_AT_ONCE_BYTES:
            break
        parts.append(store.get_range(pack_key(library_id, chunk.pack_id), chunk.offset, chunk.stored_bytes))
        lent.append(LentChunk(chunk, size_bytes))
        size_bytes += chunk.stored_bytes
    forms = [f"{each.chunk.address} {each.chunk.coding} {each.chunk.stored_bytes}" for each in lent]  # Packed anew, it may lie otherwise.
    name = address_of("\n".join(forms).encode()).removeprefix("b3:")[:40]
    name = f"{now:%Y%m%d}-{name}"
    store.put_once(lent_key(library_id, name), b"".join(parts))
    return name, lent


def lent_key(library_id: str, name: str) -> str:
    """name: begins with the day on which it was lent."""
    return f"lent/{library_id}/{name}"


def day_lent(key: str) -> str:
    return key.rpartition("/")[2].partition("-")[0]
