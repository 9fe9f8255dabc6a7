"""Where content lies, as agents are told: in answer to their question, and unasked with the feed for small new versions.

A save is read elsewhere a moment after it was made, and the question for its place was a third of that moment. So the feed
brings the answer along. Only to those who see all of a library: others get copies of single chunks (grants.chunks),
which are not made before somebody asks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import and_, bindparam, select

from sync.core.hashing import Address
from sync.core.host_cache import PURPOSE, make_voucher
from sync.core.manifest import Manifest, manifest_from_bytes
from sync.core.protocol import MAX_TOLD, ChunkPlace, CodingName, ContentAnswer, Download
from sync.core.protocol import Node as NodeMessage
from sync.library.assets.models import Node, Version
from sync.library.assets.wire import to_ms
from sync.library.content.access import FoundChunk, find_chunks
from sync.library.content.actions import pack_key
from sync.library.content.models import ManifestRow
from sync.library.grants.rules import View
from sync.library.storage import ObjectStore
from workspace.devices.models import Device
from workspace.parts import Parts
from workspace.secrets import SigningKey
from workspace.work import Work

DOWNLOAD_VALID = timedelta(hours=1)
VOUCHER_VALID = timedelta(minutes=2)
SMALL_BYTES = 1024 * 1024
CHUNKS = 16
"""Our agents cut so little into one chunk; another program may have its own mind."""
FRESH = timedelta(minutes=1)

# Made once: every agent that waits asks it after each save of anybody.
_NEW_CONTENT = (
    select(ManifestRow.body)
    .join(Version, Version.digest == ManifestRow.digest)
    .join(Node, and_(Node.id == Version.node_id, Node.version == Version.number))
    .where(Node.id.in_(bindparam("nodes", expanding=True)), Version.at > bindparam("since", type_=Version.at.type))
    .where(Version.device_id.is_distinct_from(bindparam("device")))
)

_DESKTOP = select(Device.desktop_id).where(Device.id == bindparam("device"))


def chunk_place(chunk: FoundChunk, pack: str, offset: int) -> ChunkPlace:
    coding = CodingName.ZSTD if chunk.coding else CodingName.RAW
    return ChunkPlace(chunk.address, pack, offset, chunk.stored_bytes, chunk.size_bytes, coding)


def download(store: ObjectStore, key: str) -> Download:
    ticket = store.presign_get(key, DOWNLOAD_VALID)
    return Download(ticket.url, ticket.headers, to_ms(ticket.expires_at))


def desktop_of(work: Work) -> str | None:
    """The desktop that the asking device is; None for any other device."""
    found: str | None = work.read(_DESKTOP, {"device": work.actor.device_id}).scalar()
    return found


def with_vouchers(parts: Parts, answer: ContentAnswer, desktop: str, now: datetime) -> ContentAnswer:
    """The answer with what opens each chunk in the cache of the desktop's host, see sync/core/host_cache.py."""
    mac, until_ms = partial(parts.get(SigningKey).mac, PURPOSE), to_ms(now + VOUCHER_VALID)
    places = (replace(place, voucher=make_voucher(mac, desktop, until_ms, answer.packs[place.pack], place)) for place in answer.places)
    return replace(answer, places=tuple(places))


def new_contents(work: Work, view: View, nodes: Sequence[NodeMessage]) -> tuple[ContentAnswer, ...]:
    """Of nodes that the member may see: the content of the small ones that others have just saved, when there are few."""
    small = [node.id for node in nodes if node.manifest is not None and not node.deleted and 0 < node.size_bytes <= SMALL_BYTES]
    if not view.sees_all or not 0 < len(small) <= MAX_TOLD:
        return ()
    asked = {"nodes": small, "since": work.now - FRESH, "device": work.actor.device_id}
    manifests = [manifest_from_bytes(body) for body in dict.fromkeys(work.read(_NEW_CONTENT, asked).scalars())]
    manifests = [manifest for manifest in manifests if len(manifest.chunks) <= CHUNKS]
    if not manifests:
        return ()
    chunks = find_chunks(work, view.library_id, [chunk.address for manifest in manifests for chunk in manifest.chunks])
    store = work.parts.get(ObjectStore)  # type: ignore[type-abstract]
    answers = (_answer(store, view.library_id, manifest, chunks) for manifest in manifests)
    desktop = desktop_of(work)
    return tuple(answer if desktop is None else with_vouchers(work.parts, answer, desktop, work.now) for answer in answers)


def _answer(store: ObjectStore, library_id: str, manifest: Manifest, known: Mapping[Address, FoundChunk]) -> ContentAnswer:
    chunks = [known[each.address] for each in manifest.chunks if each.address in known]
    places = tuple(chunk_place(chunk, chunk.pack_id, chunk.offset) for chunk in chunks)
    packs = {pack: download(store, pack_key(library_id, pack)) for pack in dict.fromkeys(place.pack for place in places)}
    return ContentAnswer(manifest, places, packs)
