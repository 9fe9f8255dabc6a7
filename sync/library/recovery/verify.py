"""The check of content that ``mainline verify`` makes: every version's chunks have a place, and packs are what they were.

Three looks, from cheap to dear: the catalogue (each chunk of each version has a place), a listing of the bucket (each pack is there at
its size), and the packs' bytes, all of them or a sample. Then the plain copies of versions (heads/), likewise. The bucket is only read,
also by a repair: that changes where the catalogue looks for a chunk, or has it ask for the chunk again, and never an object.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, select, update

from sync.core.hashing import Address, address_of
from sync.core.manifest import manifest_from_bytes
from sync.core.packs import PACK_MAX_BYTES, BadPack, Coding, Place, read_chunk, verify_pack
from sync.core.protocol import PackState, StoredPack
from sync.library.assets.access import path_of
from sync.library.assets.models import Node, Version
from sync.library.content.access import find_chunks, load_manifest
from sync.library.content.actions import CheckedPack, pack_key, record_packs
from sync.library.content.models import Chunk, ManifestRow, Pack
from sync.library.heads.actions import make_again
from sync.library.heads.checking import fault_of
from sync.library.heads.models import Head
from sync.library.heads.rules import prefix_of
from sync.library.libraries.access import rooms_of_library
from sync.library.libraries.models import Library, LibraryEvent
from sync.library.storage import ObjectStore
from workspace.db import Database
from workspace.errors import NotFound
from workspace.parts import Parts
from workspace.work import Work, open_work

SAMPLE_SHARE = 0.05
SAMPLE_LEAST = 20
TOLD_EVERY_S = 2.0
MIB = 2**20

Tell = Callable[[str], None]


@dataclass
class Findings:
    """Of one library. lost: chunks that cannot be read where the catalogue says, by the pack it names; "" for no place at all.

    heads: how many there are, heads_read: how many were read; bad_heads: why, by key.
    """

    library: str
    packs: int = 0
    read: int = 0
    read_bytes: int = 0
    versions: int = 0
    damaged: dict[str, str] = field(default_factory=dict)
    lost: dict[Address, str] = field(default_factory=dict)
    hurt: list[str] = field(default_factory=list)
    heads: int = 0
    heads_read: int = 0
    bad_heads: dict[str, str] = field(default_factory=dict)

    @property
    def content_is_sound(self) -> bool:
        return not self.damaged and not self.lost

    @property
    def sound(self) -> bool:
        return self.content_is_sound and not self.bad_heads

    def in_words(self) -> str:
        share = "all" if self.read == self.packs else f"{self.read:,}"
        read = f"{self.versions:,} versions, {share} of {self.packs:,} packs read ({self.read_bytes / MIB:,.1f} MiB)"
        if self.heads:
            read += f", {self.heads_read:,} of {self.heads:,} plain copies read"
        faults = [f"{len(self.damaged)} packs damaged, {len(self.lost)} chunks lost"] if not self.content_is_sound else []
        faults += [f"{len(self.bad_heads)} plain copies wrong"] if self.bad_heads else []
        return f"{self.library}: {read}, {', '.join(faults) or 'sound'}"


class Pace:
    """Holds reading to a number of bytes a second; 0 = as fast as it goes."""

    def __init__(
        self, rate_bytes_s: float, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._rate, self._clock, self._sleep = rate_bytes_s, clock, sleep
        self._free_at = clock()

    def spend(self, size_bytes: int) -> None:
        """Note that so much was read, and wait until the next read fits."""
        if self._rate <= 0:
            return
        self._free_at = max(self._free_at, self._clock()) + size_bytes / self._rate
        self._sleep(max(0.0, self._free_at - self._clock()))


def verify_content(parts: Parts, tell: Tell, *, content: str, pace: Pace, repair: bool) -> bool:
    """Check every library; content: "sample" or "all" packs are read. Tells what it finds; True when all of it is sound."""
    database, store = parts.get(Database), parts.get(ObjectStore)  # type: ignore[type-abstract]
    sound = True
    with open_work(database, writes=False) as work:
        libraries = list(work.session.scalars(select(Library).order_by(Library.name, Library.id)))
    for library in libraries:
        found = _check_library(database, store, library, tell, content=content, pace=pace)
        tell(found.in_words())
        for pack_id, why in sorted(found.damaged.items()):
            tell(f"! pack {pack_id}: {why}")
        for sentence in (*found.hurt, *(f"{key} {why}" for key, why in sorted(found.bad_heads.items()))):
            tell(f"! {sentence}")
        if repair and not found.content_is_sound:
            tell(_repair(database, parts, store, library, found))
        if repair and found.bad_heads:
            with open_work(database, parts=parts) as work:
                make_again(work, sorted(found.bad_heads))
            tell(f"{library.name}: {len(found.bad_heads)} plain copies will be written again")
        sound &= found.sound
    return sound


def _check_library(database: Database, store: ObjectStore, library: Library, tell: Tell, *, content: str, pace: Pace) -> Findings:
    found = Findings(library.name)
    with open_work(database, writes=False) as work:
        used = set(work.session.scalars(select(Chunk.pack_id).where(Chunk.library_id == library.id).distinct()))
        packs = {pack.id: pack for pack in work.session.scalars(select(Pack).where(Pack.library_id == library.id)) if pack.id in used}
    found.packs = len(packs)
    sizes = {stored.key.rpartition("/")[2]: stored.size_bytes for stored in store.list(f"packs/{library.id}/")}
    suspects = {pack_id for pack_id, pack in packs.items() if sizes.get(pack_id) != pack.size_bytes}
    chosen = sorted(suspects | set(_chosen(sorted(packs), content)))
    told_at = time.monotonic()
    for number, pack_id in enumerate(chosen, start=1):
        found.read_bytes += _check_pack(database, store, library, packs[pack_id], found)
        found.read = number
        pace.spend(packs[pack_id].size_bytes)
        if time.monotonic() - told_at > TOLD_EVERY_S:
            told_at = time.monotonic()
            tell(f"  {number:,} of {len(chosen):,} packs, {found.read_bytes / MIB:,.1f} MiB")
    with open_work(database, writes=False) as work:
        _check_versions(work, library, found)
    _check_heads(database, store, library, found, content=content, pace=pace)
    return found


def _check_heads(database: Database, store: ObjectStore, library: Library, found: Findings, *, content: str, pace: Pace) -> None:
    """Whether each plain copy is there at its size, and those that are read hold the bytes of their version."""
    sizes = {stored.key: stored.size_bytes for stored in store.list(prefix_of(library.id))}
    with open_work(database, writes=False) as work:
        made = select(Head).join(Version, (Version.node_id == Head.node_id) & (Version.number == Head.number))
        made = made.where(Head.library_id == library.id, Head.state == "made", Head.digest == Version.digest)
        heads = {head.key: head for head in work.session.scalars(made)}
    found.heads = len(heads)
    for key, head in heads.items():
        if sizes.get(key) != head.size_bytes:
            found.bad_heads[key] = "is not in the bucket" if key not in sizes else f"has {sizes[key]} bytes instead of {head.size_bytes}"
    for key in _chosen(sorted(heads.keys() - found.bad_heads.keys()), content):
        with open_work(database, writes=False) as work:
            manifest = load_manifest(work, heads[key].digest)
        if why := fault_of(store, key, manifest):
            found.bad_heads[key] = why
        found.heads_read += 1
        pace.spend(manifest.size_bytes)


def _chosen(pack_ids: Sequence[str], content: str) -> Sequence[str]:
    if content == "all":
        return pack_ids
    return random.sample(pack_ids, min(len(pack_ids), max(SAMPLE_LEAST, int(len(pack_ids) * SAMPLE_SHARE))))


def _check_pack(database: Database, store: ObjectStore, library: Library, pack: Pack, found: Findings) -> int:
    """Compare a pack with what was recorded of it. Returns how many bytes were read."""
    data = b""
    try:
        data = store.get_range(pack_key(library.id, pack.id), 0, PACK_MAX_BYTES + 1)
    except NotFound:
        found.damaged[pack.id] = "is not in the bucket"
    else:
        if pack.state == "verified" and address_of(data) != pack.address:
            found.damaged[pack.id] = "does not hold the bytes that were verified"
    with open_work(database, writes=False) as work:
        for chunk in work.session.scalars(select(Chunk).where(Chunk.library_id == library.id, Chunk.pack_id == pack.id)):
            if not _is_readable(data, _place_of(chunk)):
                found.lost[chunk.address] = pack.id
                found.damaged.setdefault(pack.id, "some of its chunks cannot be read")
    return len(data)


def _place_of(chunk: Chunk) -> Place:
    return Place(chunk.address, chunk.offset, chunk.stored_bytes, chunk.size_bytes, Coding(chunk.coding))


def _is_readable(pack: bytes, place: Place) -> bool:
    try:
        read_chunk(place, memoryview(pack)[place.offset : place.offset + place.stored_bytes])
    except BadPack:
        return False
    return True


def _check_versions(work: Work, library: Library, found: Findings) -> None:
    """Which versions need a chunk that has no place, or none that can be read."""
    query = select(Version, ManifestRow.body).join(ManifestRow, ManifestRow.digest == Version.digest)
    query = query.where(Version.library_id == library.id).order_by(Version.node_id, Version.number).execution_options(yield_per=500)
    for batch in work.session.execute(query).partitions():
        manifests = [(version, manifest_from_bytes(bytes(body))) for version, body in batch]
        known = find_chunks(work, library.id, (chunk.address for _version, manifest in manifests for chunk in manifest.chunks))
        for version, manifest in manifests:
            found.versions += 1
            needed = {chunk.address for chunk in manifest.chunks}
            found.lost.update({address: "" for address in needed if address not in known})
            if gone := needed & found.lost.keys():
                path = path_of(work, work.session.get_one(Node, version.node_id))
                found.hurt.append(f"{path}, version {version.number}: {len(gone)} of {len(needed)} chunks cannot be read")


# --- repair -------------------------------------------------------------------------------------------------------------


def _repair(database: Database, parts: Parts, store: ObjectStore, library: Library, found: Findings) -> str:
    """Serve lost chunks from other packs that hold them; forget the place of the rest, so that clients are asked for them."""
    copies = _find_copies(store, library, found, _doomed(database, library))
    rest = [address for address, pack_id in found.lost.items() if pack_id and address not in copies]
    with open_work(database, parts=parts) as work:
        of_library = Chunk.library_id == library.id
        for address in (*copies, *rest):
            work.session.execute(delete(Chunk).where(of_library, Chunk.address == address))
        # Also a pack that was uploaded and never registered: its bytes were just verified.
        record_packs(work, library.id, [CheckedPack(pack, PackState.VERIFIED, (place,)) for pack, place in copies.values()])
        work.session.execute(update(Pack).where(Pack.id.in_(found.damaged)).values(state="corrupt"))
        work.record(
            LibraryEvent.REPAIRED, subject=f"library:{library.id}", rooms=[*rooms_of_library(library), "audit"],
            library=library.name, library_id=library.id, moved=len(copies), lost=len(found.lost) - len(copies),
        )  # fmt: skip
    return f"{library.name}: {len(copies)} chunks are now read from another pack, {len(found.lost) - len(copies)} wait to be sent again"


def _doomed(database: Database, library: Library) -> set[str]:
    """Packs that collection is about to remove: no place to read a chunk from."""
    with open_work(database, writes=False) as work:
        return set(work.session.scalars(select(Pack.id).where(Pack.library_id == library.id, Pack.doomed_at.is_not(None))))


def _find_copies(store: ObjectStore, library: Library, found: Findings, doomed: set[str]) -> dict[Address, tuple[StoredPack, Place]]:
    """Lost chunks that another pack of this library holds, verified."""
    copies: dict[Address, tuple[StoredPack, Place]] = {}
    for pack_id, data in _other_packs(store, library, found.damaged.keys() | doomed):
        try:
            places = verify_pack(data)
        except BadPack:
            continue
        pack = StoredPack(pack_id, address_of(data), len(data))
        copies |= {place.address: (pack, place) for place in places if place.address in found.lost}
        if len(copies) == len(found.lost):
            break
    return copies


def _other_packs(store: ObjectStore, library: Library, passed_over: set[str]) -> Iterator[tuple[str, bytes]]:
    for stored in store.list(f"packs/{library.id}/"):
        pack_id = stored.key.rpartition("/")[2]
        if pack_id not in passed_over:
            yield pack_id, store.get_range(stored.key, 0, PACK_MAX_BYTES + 1)
