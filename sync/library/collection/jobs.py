"""Collection: what no version needs leaves the bucket, days later and in steps that may each be the last before a crash.

    mark      chunks that no version needs            committed under the library's lock, against what changed meanwhile
    sweep     chunks marked for a week                their places are forgotten; the bytes are still there
    doom      packs in which nothing serves           and objects that were uploaded and never registered
    repack    packs of which little serves            new pack, read back and verified, places switched, old pack doomed
    remove    objects doomed for a day                after the log in the bucket says which versions are gone
    prune     previews of contents that no version names, and plain copies of versions that nobody wants (heads/)

Every step reads what is, so running twice, or again after a crash, or twice at once, does the same. An object is removed only by the
last step, only when its row says since yesterday that nothing serves from it. docs/decisions tells why.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

import structlog
from sqlalchemy import select

from sync.core.hashing import Address, address_bytes, address_of
from sync.core.packs import BadPack, Coding, PackWriter, Place, read_chunk, read_index
from sync.core.protocol import PackState, StoredPack
from sync.library.assets.jobs import ship_log
from sync.library.collection.actions import (
    AT_ONCE,
    doom_packs,
    forget_manifests,
    forget_packs,
    forget_previews,
    mark_chunks,
    note_removed,
    sweep_chunks,
    switch_places,
    unmark_chunks,
)
from sync.library.collection.queries import chunk_marks, needed_chunks, removable, sparse_packs, unregistered
from sync.library.collection.rules import WORTH_BYTES
from sync.library.content.actions import CheckedPack, check_pack, pack_key
from sync.library.content.models import Chunk
from sync.library.embedded_store import vacuum_store
from sync.library.heads.jobs import collect_heads
from sync.library.libraries.models import Library
from sync.library.previews.access import digest_of_key
from sync.library.storage import ObjectStore
from workspace.db import new_id
from workspace.errors import Unavailable
from workspace.jobs.registry import periodic
from workspace.jobs.worker import JobRun
from workspace.settings import Settings

log = structlog.get_logger("collection")

REMOVED_AT_ONCE = 100

T = TypeVar("T")


@periodic("library.collect_content", every_s=24 * 3600, lane="collection", lease_s=600)
def collect_content(run: JobRun) -> None:
    """Every library, then manifests that no version names, then the embedded store's own vacuum."""
    with run.open_work(writes=False) as work:
        library_ids = list(work.session.scalars(select(Library.id).order_by(Library.id)))
    removed = 0
    for library_id in library_ids:
        if run.stopping.is_set():
            return
        removed += collect_library(run, library_id)
    _until_none(lambda: _in_work(run, forget_manifests))
    removed += prune_previews(run)
    removed += collect_heads(run)
    if removed:
        vacuum_store(run.parts.get(Settings))


def collect_library(run: JobRun, library_id: str, *, worth_bytes: int = WORTH_BYTES) -> int:
    """One round of a library. Returns how many objects were removed."""
    mark(run, library_id)
    sweep(run, library_id)
    doom(run, library_id)
    repack(run, library_id, worth_bytes=worth_bytes)
    return remove(run, library_id)


def mark(run: JobRun, library_id: str) -> None:
    """Mark what no version needs, and heal marks on what one does."""
    with run.open_work(writes=False) as work:
        since = work.session.get_one(Library, library_id).seq
        needed = needed_chunks(work, library_id)
        marks = list(chunk_marks(work, library_id))
    wrong = [address for address, marked in marks if marked and address_bytes(address) in needed]
    fresh = [address for address, marked in marks if not marked and address_bytes(address) not in needed]
    for part in _parts(wrong):
        with run.open_work() as work:
            unmark_chunks(work, library_id, part)
    for part in _parts(fresh):
        with run.open_work() as work:
            since = mark_chunks(work, library_id, part, needed=needed, since=since)


def sweep(run: JobRun, library_id: str) -> None:
    def some() -> int:
        with run.open_work() as work:
            return sweep_chunks(work, library_id)

    _until_none(some)


def doom(run: JobRun, library_id: str) -> None:
    """The listing is taken before the table is read: what was registered in between is known then."""
    store = run.parts.get(ObjectStore)  # type: ignore[type-abstract]
    found = list(store.list(f"packs/{library_id}/"))
    with run.open_work(writes=False) as work:
        lost = unregistered(work, library_id, found)
    with run.open_work() as work:
        doom_packs(work, library_id, lost)


def repack(run: JobRun, library_id: str, *, worth_bytes: int = WORTH_BYTES) -> None:
    """Copy what serves out of sparse packs. A crash leaves at most an object that was never registered."""
    store = run.parts.get(ObjectStore)  # type: ignore[type-abstract]
    with run.open_work(writes=False) as work:
        sparse = sparse_packs(work, library_id, worth_bytes)
    copies = _Copies(run, store, library_id)
    for pack_id in sparse:
        if run.stopping.is_set():
            break
        copies.add(pack_id)
    copies.finish()


def remove(run: JobRun, library_id: str) -> int:
    """The one step that deletes objects. The log goes first: a catalogue that is rebuilt afterwards must not miss what is gone."""
    store = run.parts.get(ObjectStore)  # type: ignore[type-abstract]
    with run.open_work(writes=False) as work:
        packs = removable(work, library_id)
    if packs:
        ship_log(run, library_id=library_id)
    for part in _parts(packs, REMOVED_AT_ONCE):
        for pack_id, _size in part:
            store.remove(pack_key(library_id, pack_id))
        with run.open_work() as work:
            note_removed(work, library_id, part)
    with run.open_work() as work:
        forget_packs(work, library_id)
    return len(packs)


def prune_previews(run: JobRun) -> int:
    """Pictures and film copies of contents that no version names any more. Returns how many objects went.

    The rows go first: a crash in between leaves objects without one, which the listing finds the next day.
    """
    store = run.parts.get(ObjectStore)  # type: ignore[type-abstract]
    keys: dict[str, list[str]] = {}
    for stored in store.list("previews/"):
        keys.setdefault(digest_of_key(stored.key), []).append(stored.key)
    removed = 0
    for part in _parts(list(keys), REMOVED_AT_ONCE):
        if run.stopping.is_set():
            return removed
        with run.open_work() as work:
            lost = forget_previews(work, part)
        for key in (key for digest in lost for key in keys[digest]):
            store.remove(key)
            removed += 1
    _until_none(lambda: _in_work(run, lambda work: len(forget_previews(work))))  # Of what could not be drawn there is no object.
    return removed


class _Copies:
    """Gathers chunks of sparse packs into packs of full size."""

    def __init__(self, run: JobRun, store: ObjectStore, library_id: str) -> None:
        self._run, self._store, self._library_id = run, store, library_id
        self._writer, self._former = PackWriter(), dict[Address, str]()

    def add(self, pack_id: str) -> None:
        """A pack that cannot be read whole is left as it is, for ``mainline verify`` to name."""
        with self._run.open_work(writes=False) as work:
            query = select(Chunk).where(Chunk.library_id == self._library_id, Chunk.pack_id == pack_id).order_by(Chunk.offset)
            places = [_place_of(chunk) for chunk in work.session.scalars(query)]
        key, read = pack_key(self._library_id, pack_id), list[tuple[Address, bytes]]()
        try:
            for place in places:
                read.append((place.address, read_chunk(place, self._store.get_range(key, place.offset, place.stored_bytes))))
        except BadPack as error:
            log.warning("repack.damaged", pack=pack_id, why=str(error))
            return
        for address, data in read:
            self._writer.add(address, data)
            self._former[address] = pack_id
            if self._writer.full:
                self.finish()

    def finish(self) -> None:
        """Put, read back, verify, and only then switch."""
        if not len(self._writer):
            return
        data, former, pack_id = self._writer.finish(), self._former, new_id()
        self._writer, self._former = PackWriter(), {}
        self._store.put_once(pack_key(self._library_id, pack_id), data)
        checked = check_pack(self._store, self._library_id, StoredPack(pack_id, address_of(data), len(data)))
        if checked.state is not PackState.VERIFIED:
            raise Unavailable("A new pack could not be read back", f"pack {pack_id}: {checked.state}; nothing was switched")
        with self._run.open_work() as work:
            switch_places(work, self._library_id, CheckedPack(checked.pack, checked.state, read_index(data, len(data))), former)


def _place_of(chunk: Chunk) -> Place:
    return Place(chunk.address, chunk.offset, chunk.stored_bytes, chunk.size_bytes, Coding(chunk.coding))


def _in_work(run: JobRun, act: Callable[..., int]) -> int:
    with run.open_work() as work:
        return act(work)


def _until_none(act: Callable[[], int]) -> None:
    while act():
        pass


def _parts(values: Sequence[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    left = iter(values)
    while part := list(islice(left, size)):
        yield part
