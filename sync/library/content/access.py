"""Finding content that a library already has. Callers have checked that the actor may see the library."""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import NamedTuple

from sqlalchemy import bindparam, func, or_, select, update

from sync.core.hashing import Address
from sync.core.manifest import Manifest, manifest_from_bytes
from sync.library.content.models import Chunk, ManifestRow, Pack
from sync.library.heads.models import Head
from workspace.work import Work

WAIT = timedelta(days=7)
"""How long a chunk that no version needs stays before it is swept."""
PROMISE = timedelta(days=3)
"""How long whoever was told that a chunk is there may take to commit it."""
_KEPT_CHUNKS = 20_000
"""Of manifests that are kept decoded: about 5 MB."""
_BATCH = 5000  # SQLite binds at most 32,766 values in one statement.

# Made once: each save asks them.
_MARKS = select(Chunk.address, Chunk.size_bytes, Chunk.marked_at).where(
    Chunk.library_id == bindparam("library"), Chunk.address.in_(bindparam("addresses", expanding=True))
)
_PRESENT = select(Chunk.address).where(Chunk.library_id == bindparam("library"), Chunk.address.in_(bindparam("addresses", expanding=True)))
_PROMISED = _PRESENT.where(or_(Chunk.marked_at.is_(None), Chunk.marked_at > bindparam("since", type_=Chunk.marked_at.type)))
_FOUND = select(Chunk.address, Chunk.pack_id, Chunk.offset, Chunk.stored_bytes, Chunk.size_bytes, Chunk.coding).where(
    Chunk.library_id == bindparam("library"), Chunk.address.in_(bindparam("addresses", expanding=True))
)
_PACKS = select(Pack.id, Pack.state, Pack.doomed_at).where(
    Pack.library_id == bindparam("library"), Pack.id.in_(bindparam("packs", expanding=True))
)


class FoundChunk(NamedTuple):
    """Where a chunk lies. coding: sync.core.packs.Coding."""

    address: Address
    pack_id: str
    offset: int
    stored_bytes: int
    size_bytes: int
    coding: int


def missing_chunks(work: Work, library_id: str, addresses: Iterable[Address]) -> list[Address]:
    """Those that are not verified in this library, each once, in order."""
    wanted = list(dict.fromkeys(addresses))
    known: set[Address] = set()
    for batch in _batches(wanted):
        known.update(work.read(_PRESENT, {"library": library_id, "addresses": batch}).scalars())
    return [address for address in wanted if address not in known]


def promised_chunks(work: Work, library_id: str, addresses: Iterable[Address]) -> list[Address]:
    """Those that are missing, or may be swept before somebody who hears of them today has committed; each once, in order."""
    wanted = list(dict.fromkeys(addresses))
    known: set[Address] = set()
    for batch in _batches(wanted):
        known.update(work.read(_PROMISED, {"library": library_id, "addresses": batch, "since": work.now - WAIT + PROMISE}).scalars())
    return [address for address in wanted if address not in known]


def claim_chunks(work: Work, library_id: str, addresses: Iterable[Address], sizes: dict[Address, int]) -> list[Address]:
    """``missing_chunks`` of what versions of this transaction will need: what is there is not collected any more.

    sizes: gets the length of each that is there. The caller holds the library's lock.
    """
    wanted = list(dict.fromkeys(addresses))
    marked: list[Address] = []
    for batch in _batches(wanted):
        for address, size_bytes, marked_at in work.read(_MARKS, {"library": library_id, "addresses": batch}):
            sizes[address] = size_bytes
            if marked_at is not None:
                marked.append(address)
    for batch in _batches(marked):
        of_batch = update(Chunk).where(Chunk.library_id == library_id, Chunk.address.in_(batch))
        work.session.execute(of_batch.values(marked_at=None).execution_options(synchronize_session=False))
    return [address for address in wanted if address not in sizes]


def find_chunks(work: Work, library_id: str, addresses: Iterable[Address]) -> dict[Address, FoundChunk]:
    found: dict[Address, FoundChunk] = {}
    for batch in _batches(list(dict.fromkeys(addresses))):
        found.update((row[0], FoundChunk(*row)) for row in work.read(_FOUND, {"library": library_id, "addresses": batch}))
    return found


class _Manifests:
    """The manifests that were read last, by digest: a player asks for a film piece by piece, and a GiB is a thousand chunks."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Manifest] = OrderedDict()
        self._chunks = 0
        self._lock = threading.Lock()

    def get(self, digest: str) -> Manifest | None:
        with self._lock:
            if digest in self._kept:
                self._kept.move_to_end(digest)
            return self._kept.get(digest)

    def keep(self, digest: str, manifest: Manifest) -> None:
        with self._lock:
            if digest in self._kept:
                return
            self._kept[digest] = manifest
            self._chunks += 1 + len(manifest.chunks)
            while self._chunks > _KEPT_CHUNKS:
                _, old = self._kept.popitem(last=False)
                self._chunks -= 1 + len(old.chunks)


_manifests = _Manifests()


def load_manifest(work: Work, digest: str) -> Manifest:
    """A manifest that some version names."""
    kept = _manifests.get(digest)
    if kept is None:
        kept = manifest_from_bytes(work.session.get_one(ManifestRow, digest).body)
        _manifests.keep(digest, kept)
    return kept


def pack_states(work: Work, library_id: str, pack_ids: Sequence[str]) -> dict[str, str]:
    """State by pack id, of those this library knows; a pack that collection has taken is absent."""
    rows = work.read(_PACKS, {"library": library_id, "packs": list(pack_ids)})
    return {row.id: "absent" if row.doomed_at is not None else row.state for row in rows}


def stored_bytes(work: Work, library_id: str) -> int:
    """What the library occupies in the object store, in bytes: packs, and plain copies of versions."""
    query = select(func.coalesce(func.sum(Pack.size_bytes), 0)).where(Pack.library_id == library_id, Pack.state == "verified")
    return int(work.session.scalar(query) or 0) + head_bytes(work, library_id)


def head_bytes(work: Work, library_id: str) -> int:
    """Of that, the plain copies (heads/)."""
    return int(work.session.scalar(select(func.coalesce(func.sum(Head.size_bytes), 0)).where(Head.library_id == library_id)) or 0)


def _batches(values: list[Address]) -> Iterator[list[Address]]:
    left = iter(values)
    while batch := list(islice(left, _BATCH)):
        yield batch
