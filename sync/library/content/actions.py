"""Taking packs in: verify every byte outside any transaction, then record what serves from now on."""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import structlog
from sqlalchemy import Insert, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from sync.core.hashing import address_of
from sync.core.manifest import Manifest, manifest_bytes, manifest_digest
from sync.core.packs import PACK_MAX_BYTES, UNPACKED_MAX_BYTES, BadPack, Place, verify_pack
from sync.core.protocol import PackState, StoredPack
from sync.library.content.models import Chunk, ChunkBringer, ManifestRow, Pack
from sync.library.grants.access import boundaries_of
from sync.library.libraries.models import Library
from sync.library.storage import ObjectStore
from workspace.db import Base
from workspace.errors import NotFound
from workspace.work import Work

log = structlog.get_logger("content")

_SERVING = select(Pack.id).where(
    Pack.id.in_(bindparam("packs", expanding=True)), Pack.library_id == bindparam("library"), Pack.state == "verified"
)
_VERIFYING = threading.BoundedSemaphore(4)  # Each holds a pack of up to 21 MiB.


@dataclass(frozen=True)
class CheckedPack:
    """What became of a pack when it was read back. places: empty unless verified."""

    pack: StoredPack
    state: PackState
    places: tuple[Place, ...] = ()


def pack_key(library_id: str, pack_id: str) -> str:
    """The object that holds a pack."""
    return f"packs/{library_id}/{pack_id}"


def check_pack(store: ObjectStore, library_id: str, pack: StoredPack) -> CheckedPack:
    """Read a pack back from the store and verify the hash of each chunk in it. Slow: never inside a Work."""
    if not 0 < pack.size_bytes <= PACK_MAX_BYTES:
        return _corrupt(pack, f"{pack.size_bytes} bytes cannot be a pack")
    with _VERIFYING:
        return _check_bytes(store, pack_key(library_id, pack.pack), pack)


def _check_bytes(store: ObjectStore, key: str, pack: StoredPack) -> CheckedPack:
    try:
        # One byte more than announced: what is longer shows, and a huge object is never read whole.
        data = store.get_range(key, 0, pack.size_bytes + 1)
        if len(data) != pack.size_bytes:
            return _corrupt(pack, f"not the announced {pack.size_bytes} bytes")
        if address_of(data) != pack.address:
            return _corrupt(pack, "not the announced address")
        return CheckedPack(pack, PackState.VERIFIED, verify_pack(data, unpacked_max_bytes=UNPACKED_MAX_BYTES))
    except NotFound:
        return CheckedPack(pack, PackState.ABSENT)
    except BadPack as error:
        return _corrupt(pack, str(error))


def _corrupt(pack: StoredPack, why: str) -> CheckedPack:
    log.warning("pack.corrupt", pack=pack.pack, why=why)
    return CheckedPack(pack, PackState.CORRUPT)


def record_packs(work: Work, library_id: str, checked: Iterable[CheckedPack], *, uneven: bool | None = None) -> None:
    """From now on the chunks of the verified packs serve the library. Absent packs leave no trace. Idempotent.

    A pack that collection took after it was checked serves nobody: its chunks are missing, and their client sends them again.
    uneven: from a caller that holds the library's lock, and knows whether folders in it have grants of their own.
    """
    kept = [each for each in checked if each.state in (PackState.VERIFIED, PackState.CORRUPT)]
    if not kept:
        return
    if uneven is None:  # Collection dooms packs under the same lock.
        work.session.execute(select(Library.id).where(Library.id == library_id).with_for_update())
        uneven = bool(boundaries_of(work, [library_id]))
    fresh = _insert_new(work, Pack, [
        {
            "id": each.pack.pack, "library_id": library_id, "state": each.state.value, "address": each.pack.address,
            "size_bytes": each.pack.size_bytes, "member_id": work.actor.member_id, "at": work.now,
        }
        for each in kept
    ])  # fmt: skip
    # What is new serves as it is. Of others it is asked: collection may have taken them, or they are another library's.
    serving = {each.pack.pack for each in kept if each.state is PackState.VERIFIED}
    if fresh < len(kept):
        serving = set(work.read(_SERVING, {"packs": [each.pack.pack for each in kept], "library": library_id}).scalars())
    _insert_new(work, Chunk, [
        {
            "library_id": library_id, "address": place.address, "pack_id": each.pack.pack, "offset": place.offset,
            "stored_bytes": place.stored_bytes, "size_bytes": place.size_bytes, "coding": int(place.coding),
        }
        for each in kept
        if each.pack.pack in serving
        for place in each.places
    ])  # fmt: skip
    if uneven and work.actor.member_id is not None:
        _note_bringer(work, library_id, kept)


def _note_bringer(work: Work, library_id: str, kept: Sequence[CheckedPack]) -> None:
    """A chunk that was there already stays where it was; that the member has it too counts where not all see everything."""
    row = {"library_id": library_id, "member_id": work.actor.member_id}
    _insert_new(work, ChunkBringer, [{**row, "address": place.address} for each in kept for place in each.places])


def keep_manifests(work: Work, manifests: Sequence[Manifest]) -> None:
    """Store the canonical bytes of manifests that versions of this transaction name."""
    rows = {
        digest: {"digest": digest, "size_bytes": manifest.size_bytes, "body": manifest_bytes(manifest)}
        for manifest in manifests
        if (digest := manifest_digest(manifest))
    }
    _insert_new(work, ManifestRow, list(rows.values()))


def _insert_new(work: Work, model: type[Base], rows: list[dict[str, Any]]) -> int:
    """Insert rows and leave those alone whose key exists: content of one name is the same content. Returns how many are new."""
    return work.write(_insertion(model, work.session.get_bind().dialect.name), rows)


@cache
def _insertion(model: type[Base], dialect: str) -> Insert:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(cast(Table, model.__table__)).on_conflict_do_nothing()
