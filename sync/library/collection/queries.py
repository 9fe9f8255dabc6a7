"""What versions need, what nobody needs, and what a collection would do. Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from sync.core.hashing import Address, address_bytes
from sync.core.manifest import manifest_from_bytes
from sync.core.packs import PACK_MAX_BYTES
from sync.library.assets.models import Node, Version
from sync.library.collection.rules import GRACE, is_sparse, made_at, oldest_open_upload
from sync.library.content.access import WAIT, head_bytes
from sync.library.content.models import Chunk, ManifestRow, Pack
from sync.library.storage import Stored
from workspace.work import Work


@dataclass(frozen=True)
class Outlook:
    """Of one library, in bytes as stored. needed: by versions. unneeded: by none, marked or not yet. due: of that what a run today
    sweeps. sparse: in packs of which too little serves. doomed: in packs on their way out, of which removable today. heads: in plain
    copies of versions, beside all that.
    """

    library: str
    stored_bytes: int
    needed_bytes: int
    unneeded_bytes: int
    due_bytes: int
    sparse_packs: int
    doomed_bytes: int
    removable_bytes: int
    heads_bytes: int
    open_since: datetime | None

    @property
    def in_words(self) -> str:
        mib = [f"{value / 2**20:,.1f} MiB" for value in (self.stored_bytes, self.needed_bytes, self.unneeded_bytes, self.due_bytes)]
        waits = f"; an upload has been open since {self.open_since:%Y-%m-%d %H:%M} UTC, nothing younger goes" if self.open_since else ""
        heads = f"; {self.heads_bytes / 2**20:,.1f} MiB in plain copies" if self.heads_bytes else ""
        return (
            f"{self.library}: {mib[0]} stored, versions need {mib[1]}; {mib[2]} needed by none, {mib[3]} of it due now; "
            f"{self.sparse_packs} packs to be packed anew; {self.doomed_bytes / 2**20:,.1f} MiB in packs on their way out, "
            f"{self.removable_bytes / 2**20:,.1f} MiB of it removable now{heads}{waits}"
        )


def needed_chunks(work: Work, library_id: str, *, since: int | None = None) -> set[bytes]:
    """Chunks of every version of a library; since: only of nodes that changed after that number."""
    query = select(ManifestRow.body).where(ManifestRow.digest.in_(_digests(library_id, since))).execution_options(yield_per=200)
    needed: set[bytes] = set()
    for body in work.session.scalars(query):
        needed.update(address_bytes(chunk.address) for chunk in manifest_from_bytes(bytes(body)).chunks)
    return needed


def _digests(library_id: str, since: int | None):  # type: ignore[no-untyped-def]
    query = select(Version.digest).where(Version.library_id == library_id)
    return query if since is None else query.join(Node, Node.id == Version.node_id).where(Node.seq > since)


def chunk_marks(work: Work, library_id: str) -> Iterator[tuple[Address, bool]]:
    """Every chunk of a library and whether it is marked."""
    query = select(Chunk.address, Chunk.marked_at).where(Chunk.library_id == library_id).execution_options(yield_per=5000)
    for address, marked_at in work.session.execute(query):
        yield address, marked_at is not None


def open_since(work: Work, library_id: str) -> datetime:
    """See rules.oldest_open_upload."""
    loose = select(Pack.member_id, Pack.at).join(Chunk, Chunk.pack_id == Pack.id).where(Pack.library_id == library_id)
    loose = loose.group_by(Pack.id, Pack.member_id, Pack.at).having(func.count() == func.count(Chunk.marked_at))
    return oldest_open_upload(((row.member_id, row.at) for row in work.session.execute(loose)), work.now)


def sparse_packs(work: Work, library_id: str, worth_bytes: int) -> list[str]:
    """Packs of which too little serves, oldest first. Young ones may belong to an upload whose chunks are not all in use yet."""
    serving = func.sum(Chunk.stored_bytes).label("serving")
    query = select(Pack.id, Pack.size_bytes, serving).join(Chunk, Chunk.pack_id == Pack.id).where(Pack.library_id == library_id)
    query = query.where(Pack.state == "verified", Pack.at < work.now - WAIT).group_by(Pack.id, Pack.size_bytes).order_by(Pack.id)
    return [row.id for row in work.session.execute(query) if is_sparse(row.size_bytes, int(row.serving), worth_bytes)]


def unregistered(work: Work, library_id: str, found: list[Stored]) -> list[Stored]:
    """Objects of packs that were uploaded and never registered, and no slot for them is valid any more.

    What is longer than a pack can be will never be registered, so it need not wait: a presigned PUT is bound to one object, not to a
    length, which is not known when slots are given out ahead.
    """
    ids = {stored.key.rpartition("/")[2]: stored for stored in found}
    known = set(work.session.scalars(select(Pack.id).where(Pack.library_id == library_id)))
    chosen = ((stored, made_at(pack_id)) for pack_id, stored in ids.items() if pack_id not in known)
    return [stored for stored, at in chosen if at is not None and (at < work.now - WAIT or stored.size_bytes > PACK_MAX_BYTES)]


def outlook(work: Work, library_id: str, name: str, worth_bytes: int) -> Outlook:
    """What a collection would find, without a mark being set."""
    needed = needed_chunks(work, library_id)
    since = open_since(work, library_id)
    query = select(Chunk.address, Chunk.stored_bytes, Chunk.marked_at, Pack.at).join(Pack, Pack.id == Chunk.pack_id)
    kept = unneeded = due = 0
    for row in work.session.execute(query.where(Chunk.library_id == library_id).execution_options(yield_per=5000)):
        if address_bytes(row.address) in needed:
            kept += row.stored_bytes
            continue
        unneeded += row.stored_bytes
        if row.marked_at is not None and row.marked_at < work.now - WAIT and row.at < since:
            due += row.stored_bytes
    packs = work.session.execute(
        select(Pack.size_bytes, Pack.state, Pack.doomed_at, Pack.removed_at).where(Pack.library_id == library_id)
    ).all()
    doomed = [pack for pack in packs if pack.doomed_at is not None and pack.removed_at is None]
    return Outlook(
        name, sum(pack.size_bytes for pack in packs if pack.state == "verified"), kept, unneeded, due,
        len(sparse_packs(work, library_id, worth_bytes)), sum(pack.size_bytes for pack in doomed),
        sum(pack.size_bytes for pack in doomed if pack.doomed_at < work.now - GRACE), head_bytes(work, library_id),
        since if since < work.now else None,
    )  # fmt: skip


def removable(work: Work, library_id: str) -> list[tuple[str, int]]:
    """Doomed packs whose objects may go now, with their sizes. A pack with a chunk in it is none, whatever its mark says."""
    serves = select(Chunk.pack_id).where(Chunk.pack_id == Pack.id).exists()
    query = select(Pack.id, Pack.size_bytes).where(Pack.library_id == library_id, Pack.removed_at.is_(None), ~serves)
    return [(row.id, row.size_bytes) for row in work.session.execute(query.where(Pack.doomed_at < work.now - GRACE).order_by(Pack.id))]
