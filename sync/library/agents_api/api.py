"""The protocol of docs/reference/sync-protocol.md over HTTP. Messages are sync.core.protocol; nothing is decided here."""

import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from flask import Response, g, request

from sync.core.codec import BadMessage, from_bytes, to_bytes
from sync.core.packs import PACK_MAX_BYTES
from sync.core.protocol import (
    MAX_ASKS,
    MAX_LEASES,
    MAX_MISSING,
    MAX_NODES,
    MAX_OPS,
    MAX_PLACES,
    MAX_UPLOADS,
    MAX_WAIT_S,
    VERSION,
    VERSION_HEADER,
    ChildrenRequest,
    ContentAnswer,
    ContentRequest,
    EnrolAnswer,
    EnrolRequest,
    FeedAnswer,
    FeedRequest,
    HeartbeatAnswer,
    HeartbeatRequest,
    LeasesAnswer,
    LeasesRequest,
    LibrariesAnswer,
    Member,
    MissingAnswer,
    MissingRequest,
    OpsRequest,
    PackReport,
    PacksAnswer,
    PacksRequest,
    PackState,
    StoredPack,
    Upload,
)
from sync.core.protocol import Lease as LeaseMessage
from sync.library.agents_api.actions import note_positions
from sync.library.agents_api.contents import chunk_place, desktop_of, download, with_vouchers
from sync.library.agents_api.feed import Bell, NoPlace, read_children, read_feed
from sync.library.agents_api.queries import find_digest, library_messages, seen_by
from sync.library.assets.access import visible_nodes
from sync.library.assets.actions import OPS_AT_ONCE, apply_ops
from sync.library.assets.log import Receipt
from sync.library.assets.tree import lock_tree
from sync.library.assets.wire import lease_message, to_ms
from sync.library.content.access import find_chunks, load_manifest, pack_states, promised_chunks
from sync.library.content.actions import CheckedPack, check_pack, pack_key, record_packs
from sync.library.grants.chunks import lend_chunks, lent_key, missing_for
from sync.library.leases.access import leases_by_node, live_leases
from sync.library.leases.actions import return_lease, take_lease
from sync.library.leases.models import Lease
from sync.library.libraries.access import find_library, find_view, libraries_tag, visible_libraries
from sync.library.libraries.rules import Right
from sync.library.storage import ObjectStore
from workspace.db import new_id
from workspace.devices.access import check_active_device
from workspace.devices.actions import enrol_device, note_heartbeat
from workspace.errors import Conflict, InvalidInput, NotAllowed, NotFound
from workspace.i18n import _
from workspace.web import ANYONE, DEVICE, Routes, request_work, web
from workspace.work import Work

api = Routes("agents_api", __name__, api=True)

HEARTBEAT_S = 15
UPLOAD_VALID = timedelta(hours=6)
_PACK_ID = re.compile(r"[0-9a-hjkmnp-tv-z]{26}\Z")

M = TypeVar("M")


@api.post("/agent/enrol", needs=ANYONE, csrf=False)
def enrol(work: Work) -> Response:
    """Spend a one-time enrolment code and get a device token. The same code and nonce may ask again."""
    message = _received(EnrolRequest)
    enrolment = enrol_device(work, message.code, nonce=message.nonce)
    member = Member(enrolment.device.member_id, enrolment.member_name)
    return _sent(EnrolAnswer(enrolment.token, enrolment.device.id, member, enrolment.device.desktop_id))


@api.post("/agent/heartbeat", needs=DEVICE)
def heartbeat(work: Work) -> Response:
    """Say how the agent is. The first "mounted" since its start makes the desktop ready."""
    message = _received(HeartbeatRequest)
    status = {
        "state": message.state.value, "mount_point": message.mount_point[:200], "pending_ops": message.pending_ops,
        "pending_bytes": message.pending_bytes, "agent_version": message.agent_version[:40],
        "error": message.error[:500] if message.error else None,
    }  # fmt: skip
    _at_most(len(message.asks), MAX_ASKS)
    note_heartbeat(work, status)
    opened = visible_libraries(work)
    if message.cursors is not None:
        note_positions(work, message.cursors, opened)
    seen = seen_by(work, message.asks, opened) if message.asks else None
    return _sent(HeartbeatAnswer(to_ms(work.now), HEARTBEAT_S, libraries_tag(opened), seen))


@api.get("/agent/libraries", needs=DEVICE)
def list_libraries(work: Work) -> Response:
    """The libraries that the device's member may see."""
    opened = visible_libraries(work)
    return _sent(LibrariesAnswer(libraries_tag(opened), library_messages(work, opened)))


@api.post("/agent/feed", needs=DEVICE, opens_work=False)
def feed() -> Response:
    """Long poll for changes of all listed libraries at once."""
    message = _received(FeedRequest)
    limit = max(1, min(message.limit, MAX_NODES))
    until = time.monotonic() + max(0, min(message.wait_s, MAX_WAIT_S))

    device: str | None = g.actor.device_id
    looked = False

    def look() -> FeedAnswer | None:
        nonlocal looked
        with request_work(writes=False) as work:
            if looked:
                check_active_device(work)  # It may have been revoked while it waited.
            looked = True
            answer = read_feed(work, message, limit)
        return answer if answer.pages or answer.libraries_tag != message.libraries_tag else None

    if message.wait_s <= 0:
        return _sent(look() or FeedAnswer(message.libraries_tag, ()))
    bell = web().parts.get(Bell)
    try:
        with bell.place(message.cursors, device) as rung:
            answer = bell.wait_for(rung, look, until=until)
    except NoPlace:
        answer = look()  # Who finds no place to wait is served as a poll all the same.
        if answer is None:
            raise
    return _sent(answer or FeedAnswer(message.libraries_tag, ()))


@api.post("/agent/libraries/<library_id>/children", needs=DEVICE, opens_work=False)
def list_children(library_id: str) -> Response:
    """What is in one folder, for whoever looks into it before the feed has come that far."""
    message = _received(ChildrenRequest)
    with request_work(writes=False) as work:
        return _sent(read_children(work, find_library(work, library_id), message.folder))


@api.post("/agent/libraries/<library_id>/missing", needs=DEVICE, opens_work=False)
def list_missing(library_id: str) -> Response:
    """Which chunks the library lacks, and presigned slots to bring them in packs."""
    message = _received(MissingRequest)
    _at_most(len(message.chunks), MAX_MISSING)
    _at_most(len(message.bases), MAX_OPS)
    with request_work(writes=False) as work:
        view = find_view(work, library_id, to=Right.EDIT, anywhere=True)
        missing = missing_for(work, view, message.chunks, bases=message.bases, look=promised_chunks)
    # Who asks for no chunk wants slots for the next save, so that it need not ask first.
    slots = max(0, min(message.uploads, MAX_UPLOADS)) if missing or not message.chunks else 0
    store = web().parts.get(ObjectStore)  # type: ignore[type-abstract]
    return _sent(MissingAnswer(tuple(missing), tuple(_slot(store, library_id) for _number in range(slots))))


@api.post("/agent/libraries/<library_id>/packs", needs=DEVICE, opens_work=False)
def register_packs(library_id: str) -> Response:
    """Read stored packs back, verify every chunk, and let them serve from now on."""
    message = _received(PacksRequest)
    _at_most(len(message.packs), MAX_UPLOADS)
    known, checked = _checked(library_id, message.packs)
    with request_work(writes=True) as work:
        check_active_device(work)
        find_view(work, library_id, to=Right.EDIT, anywhere=True)
        record_packs(work, library_id, checked)
    states = known | {each.pack.pack: each.state for each in checked}
    return _sent(PacksAnswer(tuple(PackReport(pack.pack, states[pack.pack]) for pack in message.packs)))


@api.post("/agent/libraries/<library_id>/ops", needs=DEVICE, opens_work=False)
def send_ops(library_id: str) -> Response:
    """Saves, folders, renames and deletes, in order; packs they need may come along."""
    message = _received(OpsRequest)
    _at_most(len(message.ops), MAX_OPS)
    _at_most(len(message.packs), MAX_UPLOADS)
    _known, checked = _checked(library_id, message.packs) if message.packs else ({}, [])
    bodies: list[bytes] = []
    receipt = Receipt(library_id)
    for start in range(0, len(message.ops), OPS_AT_ONCE):
        part, brought = message.ops[start : start + OPS_AT_ONCE], checked if start == 0 else ()
        with request_work(writes=True) as work:
            check_active_device(work)
            bodies += apply_ops(work, library_id, part, packs=brought, receipt=receipt, done=True)
    receipt.settle(web().parts)
    return Response(b'{"answers":[' + b",".join(bodies) + b"]}", content_type="application/json")


@api.post("/agent/libraries/<library_id>/content", needs=DEVICE, opens_work=False)
def locate_content(library_id: str) -> Response:
    """Where the chunks of a version lie, with presigned URLs of their packs."""
    message = _received(ContentRequest)
    start, count = max(0, message.start), max(1, min(message.count, MAX_PLACES))
    with request_work(writes=False) as work:
        view, now = find_view(work, library_id), work.now
        find_digest(work, view, message.manifest)
        manifest = load_manifest(work, message.manifest)
        wanted = list(dict.fromkeys(chunk.address for chunk in manifest.chunks[start : start + count]))
        chunks = find_chunks(work, library_id, wanted)
        desktop = desktop_of(work)
    store = web().parts.get(ObjectStore)  # type: ignore[type-abstract]
    found = [chunks[address] for address in wanted if address in chunks]
    if view.sees_all:
        places = tuple(chunk_place(chunk, chunk.pack_id, chunk.offset) for chunk in found)
        packs = {place.pack: download(store, pack_key(library_id, place.pack)) for place in places}
    elif found:
        name, lent = lend_chunks(store, library_id, found, now=now)
        places = tuple(chunk_place(each.chunk, name, each.offset) for each in lent)
        packs = {name: download(store, lent_key(library_id, name))}
    else:
        places, packs = (), {}
    answer = ContentAnswer(manifest if start == 0 else None, places, packs)
    return _sent(with_vouchers(web().parts, answer, desktop, now) if desktop is not None else answer)


@api.post("/agent/libraries/<library_id>/leases", needs=DEVICE, opens_work=False)
def check_out(library_id: str) -> Response:
    """What programs on this device have open for writing: taken, renewed, given back."""
    message = _received(LeasesRequest)
    _at_most(len(message.take) + len(message.give_back), MAX_LEASES)
    if not message.take and not message.give_back:
        with request_work(writes=False) as work:
            find_view(work, library_id)
            found = {lease.node_id: lease for lease in live_leases(work, library_id)}
            return _sent(LeasesAnswer(_leases_seen(work, library_id, found, found)))
    with request_work(writes=True) as work:
        tree = lock_tree(work, library_id)  # Before the rights are read: under it none changes.
        work.changes_no_rights()
        find_view(work, library_id, to=Right.EDIT, anywhere=True)
        for node_id in message.give_back:
            return_lease(work, node_id, way="open", tree=tree)
        # Here and above of this library alone: its row is the only one that this request locks.
        ours = [node.id for node in visible_nodes(work, list(dict.fromkeys(message.take))) if node.library_id == library_id]
        for node_id in ours:
            with suppress(Conflict, NotFound, NotAllowed, InvalidInput):  # Somebody else has it, or it is no asset: the answer shows it.
                take_lease(work, node_id, way="open", tree=tree)
        work.session.flush()
        held = leases_by_node(work, ours)
        return _sent(LeasesAnswer(tuple(lease_message(held[node_id], work.now) for node_id in ours if node_id in held)))


def _leases_seen(work: Work, library_id: str, found: Mapping[str, Lease], node_ids: Iterable[str]) -> tuple[LeaseMessage, ...]:
    ours = [node_id for node_id in node_ids if node_id in found and found[node_id].library_id == library_id]
    return tuple(lease_message(found[node.id], work.now) for node in visible_nodes(work, ours))


def _checked(library_id: str, packs: tuple[StoredPack, ...]) -> tuple[dict[str, PackState], list[CheckedPack]]:
    """States of packs that are known already, and the others read back and verified, outside any transaction."""
    with request_work(writes=False) as work:
        find_view(work, library_id, to=Right.EDIT, anywhere=True)
        known = {found: PackState(state) for found, state in pack_states(work, library_id, [pack.pack for pack in packs]).items()}
    store = web().parts.get(ObjectStore)  # type: ignore[type-abstract]
    checked = [
        check_pack(store, library_id, pack) if _PACK_ID.match(pack.pack) else CheckedPack(pack, PackState.ABSENT)
        for pack in {pack.pack: pack for pack in packs}.values()
        if pack.pack not in known
    ]
    return known, checked


def _slot(store: ObjectStore, library_id: str) -> Upload:
    pack_id = new_id()
    ticket = store.presign_put(pack_key(library_id, pack_id), UPLOAD_VALID)
    return Upload(pack_id, ticket.url, ticket.headers, to_ms(ticket.expires_at), PACK_MAX_BYTES)


def _received(kind: type[M]) -> M:
    """The request's body as a message."""
    spoken = request.headers.get(VERSION_HEADER, VERSION)
    if spoken != VERSION:
        raise InvalidInput(_("同步客户端版本不受支持"), _("请更新同步客户端。"), code="protocol_unsupported")
    try:
        return from_bytes(kind, request.get_data())
    except BadMessage as error:
        raise InvalidInput(_("请求内容不符合协议"), str(error), code="bad_message") from error


def _sent(message: object) -> Response:
    return Response(to_bytes(message), content_type="application/json")


def _at_most(count: int, most: int) -> None:
    if count > most:
        raise InvalidInput(_("一次请求的内容太多"), _("最多 %(n)s 项。", n=most), code="bad_message")
