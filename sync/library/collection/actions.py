"""The transactions of a collection, each short and under the library's lock, as commits are. No store is spoken to here."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select, update

from sync.core.hashing import Address, address_bytes, address_of
from sync.core.packs import Place
from sync.library.assets.models import Version
from sync.library.assets.tree import lock_tree
from sync.library.collection.models import CollectionEvent
from sync.library.collection.queries import needed_chunks, open_since
from sync.library.content.access import WAIT
from sync.library.content.actions import CheckedPack, record_packs
from sync.library.content.models import Chunk, ChunkBringer, ManifestRow, Pack
from sync.library.libraries.access import rooms_of_library
from sync.library.previews.models import Preview
from sync.library.storage import Stored
from workspace.work import Work

AT_ONCE = 1000
_NOTHING = address_of(b"")


def mark_chunks(work: Work, library_id: str, addresses: Sequence[Address], *, needed: set[bytes], since: int) -> int:
    """Mark those that are still not needed. needed, since: what was needed at that number; extended here. Returns the number of now."""
    library = lock_tree(work, library_id).library
    if library.seq > since:
        needed |= needed_chunks(work, library_id, since=since)
    unneeded = [address for address in addresses if address_bytes(address) not in needed]
    work.session.execute(
        update(Chunk).where(Chunk.library_id == library_id, Chunk.address.in_(unneeded), Chunk.marked_at.is_(None))
        .values(marked_at=work.now).execution_options(synchronize_session=False)
    )  # fmt: skip
    return library.seq


def unmark_chunks(work: Work, library_id: str, addresses: Sequence[Address]) -> None:
    """Heal: what is needed is never marked."""
    lock_tree(work, library_id)
    of_batch = update(Chunk).where(Chunk.library_id == library_id, Chunk.address.in_(addresses))
    work.session.execute(of_batch.values(marked_at=None).execution_options(synchronize_session=False))


def sweep_chunks(work: Work, library_id: str) -> int:
    """Forget where some chunks lie that have been marked for their time. Returns how many; 0 when none is left.

    From here on they are missing: a commit that names one is told so, and its client sends it again.
    """
    lock_tree(work, library_id)
    old = select(Chunk.address).join(Pack, Pack.id == Chunk.pack_id).where(
        Chunk.library_id == library_id, Chunk.marked_at < work.now - WAIT, Pack.at < open_since(work, library_id)
    )  # fmt: skip
    addresses = list(work.session.scalars(old.order_by(Chunk.address).limit(AT_ONCE)))
    if addresses:
        work.session.execute(delete(Chunk).where(Chunk.library_id == library_id, Chunk.address.in_(addresses)))
        work.session.execute(delete(ChunkBringer).where(ChunkBringer.library_id == library_id, ChunkBringer.address.in_(addresses)))
    return len(addresses)


def doom_packs(work: Work, library_id: str, lost: Sequence[Stored] = ()) -> None:
    """Packs in which nothing serves are on their way out; so are objects that were never registered (``lost``)."""
    lock_tree(work, library_id)
    serves = select(Chunk.pack_id).where(Chunk.pack_id == Pack.id).exists()
    empty = update(Pack).where(Pack.library_id == library_id, Pack.doomed_at.is_(None), Pack.at < work.now - WAIT, ~serves)
    work.session.execute(empty.values(state="corrupt", doomed_at=work.now).execution_options(synchronize_session=False))
    known = set(work.session.scalars(select(Pack.id).where(Pack.library_id == library_id)))
    for stored in lost:
        pack_id = stored.key.rpartition("/")[2]
        if pack_id not in known:
            work.session.add(
                Pack(
                    id=pack_id, library_id=library_id, state="corrupt", address=_NOTHING, size_bytes=stored.size_bytes, member_id=None,
                    at=work.now, doomed_at=work.now,
                )
            )  # fmt: skip


def switch_places(work: Work, library_id: str, pack: CheckedPack, former: Mapping[Address, str]) -> None:
    """From now on the chunks of ``pack`` are read from it. former: where each lay when it was copied; one that has moved or was swept
    meanwhile is left alone. The former packs are doomed, where nothing is left in them.
    """
    lock_tree(work, library_id)
    record_packs(work, library_id, [CheckedPack(pack.pack, pack.state)])
    for place in pack.places:
        work.session.execute(_moved(library_id, pack.pack.pack, place, former[place.address]))
    serves = select(Chunk.pack_id).where(Chunk.pack_id == Pack.id).exists()
    emptied = update(Pack).where(Pack.id.in_(set(former.values())), Pack.doomed_at.is_(None), ~serves)
    work.session.execute(emptied.values(state="corrupt", doomed_at=work.now).execution_options(synchronize_session=False))


def _moved(library_id: str, pack_id: str, place: Place, former: str):  # type: ignore[no-untyped-def]
    of_chunk = update(Chunk).where(Chunk.library_id == library_id, Chunk.address == place.address, Chunk.pack_id == former)
    return of_chunk.values(
        pack_id=pack_id, offset=place.offset, stored_bytes=place.stored_bytes, size_bytes=place.size_bytes, coding=int(place.coding)
    ).execution_options(synchronize_session=False)


def note_removed(work: Work, library_id: str, packs: Sequence[tuple[str, int]]) -> None:
    """Their objects are gone. packs: id and size; those noted before are not told again."""
    library = lock_tree(work, library_id).library
    fresh = select(Pack.id).where(Pack.id.in_([pack_id for pack_id, _size in packs]), Pack.removed_at.is_(None))
    ids = set(work.session.scalars(fresh))
    if not ids:
        return
    work.session.execute(update(Pack).where(Pack.id.in_(ids)).values(removed_at=work.now))
    size_bytes = sum(size for pack_id, size in packs if pack_id in ids)
    work.record(
        CollectionEvent.COLLECTED, subject=f"library:{library.id}", rooms=[*rooms_of_library(library), "audit"],
        library=library.name, library_id=library.id, packs=len(ids), size_bytes=size_bytes, megabytes=f"{size_bytes / 10**6:,.1f}",
    )  # fmt: skip


def forget_packs(work: Work, library_id: str) -> None:
    """Rows of packs that were removed long enough ago."""
    work.session.execute(delete(Pack).where(Pack.library_id == library_id, Pack.removed_at < work.now - WAIT))


def forget_previews(work: Work, digests: Sequence[str] | None = None) -> list[str]:
    """Of these contents, or of some of which there are previews, those that no version names: their rows are gone. Returns them.

    A version that names one at this very moment has it drawn again, for lack of a row.
    """
    named = select(Version.digest).where(Version.digest == Preview.digest).exists()
    if digests is None:
        digests = list(work.session.scalars(select(Preview.digest).where(~named).limit(AT_ONCE)))
    if digests:
        work.session.execute(delete(Preview).where(Preview.digest.in_(digests), ~named))
    known = set(work.session.scalars(select(Version.digest).where(Version.digest.in_(digests))))
    return [digest for digest in digests if digest not in known]


def forget_manifests(work: Work) -> int:
    """Some that no version of any library names. A commit that needs one at this very moment fails whole, and is sent again."""
    named = select(Version.digest).where(Version.digest == ManifestRow.digest).exists()
    digests = list(work.session.scalars(select(ManifestRow.digest).where(~named).limit(AT_ONCE)))
    if digests:
        work.session.execute(delete(ManifestRow).where(ManifestRow.digest.in_(digests), ~named))
    return len(digests)
