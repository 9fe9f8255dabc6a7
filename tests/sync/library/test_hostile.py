"""Hostile input to the library, through its real routes and the agents' protocol: refused with a reason, and nothing breaks after it.

Where a feature's own suite tries its input already, it is not tried again here: paths, lengths and offsets of uploads in test_uploads.py;
bodies, paths and passwords of network folders in test_webdav.py; pictures, documents, films and fonts that lie, bombs and scripts in
test_previews.py; packs and manifests byte by byte in core/test_packs.py and test_protocol.py, lengths that a version makes up in the
contract of libraries; packs that lie to the server, chunks of another library and revoked devices in test_agents_api.py; hidden chunks
and folders in test_grants.py; links and signed addresses in test_shares.py, test_hostile_links.py and test_embedded_store.py; comments
in test_comments.py; depth and bounds of zips in test_zips.py; two who send the same bytes of one upload in test_uploads.py; sweeps in
test_collection.py; every route without a token, with nonsense and by strangers in complete/test_routes.py.
"""

import json
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sync.core.chunking import CHUNK_MAX_BYTES, Chunk, Cutter
from sync.core.codec import encode
from sync.core.hashing import address_of
from sync.core.manifest import EMPTY, manifest_of
from sync.core.paths import FOLDERS_DEEP
from sync.core.protocol import Commit, Endpoint, LeasesAnswer, LeasesRequest, MakeFolder, OpAnswer
from sync.library.libraries.actions import open_library
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from tests.fakes.store import MemoryStore
from tests.house import Person, member_named
from tests.sync.library.agents import Refused, TestAgent, commit, delete, fresh, make_folder, manifest_for, rename
from tests.sync.library.conftest import Room
from tests.sync.library.grants import grant_member
from tests.sync.library.webdav import TOP, Program
from workspace.devices.actions import revoke_devices_of_desktop
from workspace.people.actions import make_group

SignedIn = Callable[[str], Person]
HUGE = (-1, 2**31, 2**63, -(2**63) - 1, 2**200)
NUMBERS = (*HUGE, True, 1.5, None, "1")
ALIVE = {"mount_point": "/", "pending_ops": 0, "pending_bytes": 0, "agent_version": "1"}
TEXTS = {
    "nul": "\x00", "mirrored": "\u202egpj.exe", "long": "x" * 100_000, "up": "../../etc/passwd", "inside": "a/b", "line": "\u2028",
    "an id and a line": "a" * 39 + "\n",
}  # fmt: skip


def told(agent: TestAgent, path: str, body: object) -> tuple[int, Any]:
    """Status and answer to a body that no honest agent could make."""
    headers = {"Authorization": f"Bearer {agent.token}", "Mainline-Protocol": "1"}
    answer = agent.client.post(path, data=json.dumps(body).encode(), headers=headers, content_type="application/json")
    return answer.status_code, answer.get_json()


def op(kind: str, **values: object) -> dict[str, object]:
    return {"kind": kind, "op_id": fresh("op"), "node": fresh("node"), **values}


def save(**values: object) -> dict[str, object]:
    return op("commit", **{"name": "x", "base_version": 0, "manifest": encode(EMPTY), "modified_ms": 0, **values})


def library_of(work_as: Callable[..., Any], name: str) -> Library:
    """Another library, which this member may edit."""
    with work_as("管力") as work:
        group = make_group(work, name="另一组", kind="free", member_ids=[member_named(work, name).id])
        return open_library(work, name="另一个库", scope_room="line:double-eleven", group_id=group.id)


def chain(room: Room, parent: str, count: int) -> list[OpAnswer]:
    """Folders one in another, all in one request."""
    ops = []
    for _number in range(count):
        ops.append(make_folder(parent, "d"))
        parent = ops[-1].node
    return room.su.ops(room.id, *ops)


# --- depth ------------------------------------------------------------------------------------------------------------


def test_folders_when_a_thousand_deep_in_one_request_then_a_hundred_and_a_reason(room: Room) -> None:
    answers = chain(room, room.root, 1000)
    assert [answer.outcome for answer in answers] == ["applied"] * FOLDERS_DEEP + ["refused"] * (1000 - FOLDERS_DEEP)
    error = answers[FOLDERS_DEEP].error
    assert (error.code, error.message) == ("name_refused", f"文件夹最多 {FOLDERS_DEEP} 层。")
    assert {answer.error.code for answer in answers[FOLDERS_DEEP + 1 :]} == {"parent_gone"}
    deepest = answers[FOLDERS_DEEP - 1].node
    assert room.su.save(room.id, deepest.id, "a.txt", b"x").outcome == "applied"


def test_folders_when_moved_or_brought_back_then_never_deeper(room: Room) -> None:
    deep = [answer.node.id for answer in chain(room, room.root, 60)]
    other = room.su.op(room.id, make_folder(room.root, "other")).node.id
    tall = [answer.node.id for answer in chain(room, other, 41)]
    refused = room.su.op(room.id, rename(other, deep[-1], "other"))
    assert (refused.outcome, refused.error.code) == ("refused", "name_refused")
    assert room.su.op(room.id, rename(tall[1], deep[-1], "d")).outcome == "applied"  # The last 40 of them fit exactly.
    room.su.op(room.id, delete(tall[-1]))
    assert room.su.op(room.id, rename(deep[0], other, "e")).error.code == "name_refused"  # What is in the trash may come back.
    again = room.su.op(room.id, MakeFolder(fresh("op"), tall[-1], tall[-2], "d"))
    assert (again.outcome, again.node.id) == ("applied", tall[-1])


def test_folders_when_deep_by_another_door_then_refused_too(room: Room, su: Program, signed_in: SignedIn) -> None:
    last = chain(room, room.root, FOLDERS_DEEP)[-1].node.id
    path = TOP + "/d" * FOLDERS_DEEP
    assert su.send("MKCOL", f"{path}/e").status_code == 403
    assert su.send("PUT", f"{path}/a.txt", b"x").status_code == 201
    su.send("MKCOL", f"{TOP}/e")
    assert su.send("MOVE", f"{TOP}/e", Destination=f"http://localhost{path}/e").status_code == 403
    person = signed_in("suhang")
    made = person.post(f"/library/folders/{last}/folders", {"name": "e"})
    assert "文件夹最多 100 层" in made.get_data(as_text=True)
    assert person.get(f"/library/folders/{room.root}/zip").status_code == 200


# --- ids ----------------------------------------------------------------------------------------------------------------


def test_make_folder_when_its_id_is_a_files_then_refused_and_the_file_stays_in_the_trash(room: Room) -> None:
    file = room.su.save(room.id, room.root, "a.txt", b"x").node
    for trashed in (False, True):
        if trashed:
            room.su.op(room.id, delete(file.id, 1))
        answer = room.su.op(room.id, MakeFolder(fresh("op"), file.id, room.root, "new"))
        assert (answer.outcome, answer.error.code) == ("refused", "not_allowed")
    assert room.su.feed({room.id: 1}).pages[0].nodes[-1].deleted


def test_make_folder_when_it_lay_where_one_may_only_look_then_not_taken_out_of_the_trash(room: Room, work_as: Callable[..., Any]) -> None:
    closed, mine = (room.su.op(room.id, make_folder(room.root, name)).node for name in ("closed", "mine"))
    inner = room.su.op(room.id, make_folder(closed.id, "inner")).node
    with work_as("苏航") as work:
        grant_member(work, closed.id, "陈墨", Right.SEE)
    room.su.op(room.id, delete(inner.id))
    answer = room.chen.op(room.id, MakeFolder(fresh("op"), inner.id, mine.id, "taken"))
    assert (answer.outcome, answer.error.code) == ("refused", "not_allowed")
    assert room.su.op(room.id, MakeFolder(fresh("op"), inner.id, closed.id, "inner")).outcome == "applied"


def test_op_id_when_two_devices_choose_the_same_then_each_has_its_own_answer(room: Room) -> None:
    name = fresh("op")
    first = room.su.op(room.id, MakeFolder(name, fresh("node"), room.root, "su"))
    second = room.chen.op(room.id, MakeFolder(name, fresh("node"), room.root, "chen"))
    assert (first.node.name, second.node.name) == ("su", "chen")
    assert room.su.op(room.id, MakeFolder(name, fresh("node"), room.root, "later")).node == first.node


def test_upload_when_its_asset_is_another_librarys_then_refused_before_a_byte_is_sent(
    room: Room, work_as: Callable[..., Any], signed_in: SignedIn
) -> None:
    other = library_of(work_as, "苏航")
    asset = room.su.save(other.id, other.root_id, "a.txt", b"x").node.id
    metadata = f"filename {b64encode(b'a.txt').decode()},asset {b64encode(asset.encode()).decode()}"
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": metadata}
    person = signed_in("suhang")
    assert person.post(f"/library/folders/{room.root}/uploads", headers=headers).status_code == 404
    assert person.post(f"/library/folders/{other.root_id}/uploads", headers=headers).status_code == 201


def test_check_out_when_asked_again_and_again_for_much_then_each_once_and_only_this_librarys(
    room: Room, work_as: Callable[..., Any]
) -> None:
    other = library_of(work_as, "苏航")
    mine = [room.su.save(room.id, room.root, f"{number}.txt", b"x").node.id for number in range(3)]
    theirs = room.su.save(other.id, other.root_id, "a.txt", b"x").node.id
    take = LeasesRequest((*mine * 60, theirs), ())
    seqs = set()
    for _again in range(3):
        answer = room.su.ask(Endpoint.LEASES.path(room.id), take, LeasesAnswer)
        assert [lease.node for lease in answer.leases] == mine
        seqs.add(room.su.feed({room.id: 0}).pages[0].cursor)
    assert len(seqs) == 1
    assert room.su.feed({other.id: 0}).pages[0].leases == ()
    status, answer = told(room.su, Endpoint.LEASES.path(room.id), {"take": mine * 67, "give_back": []})
    assert (status, answer["error"]["code"]) == (422, "bad_message")


# --- numbers, texts and times -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", NUMBERS, ids=str)
def test_number_when_it_cannot_be_then_an_answer_and_no_crash(room: Room, number: object) -> None:
    node = room.su.save(room.id, room.root, "a.txt", b"x").node
    at = f"/api/agent/libraries/{room.id}"
    asked = [
        ("/api/agent/heartbeat", {**ALIVE, "pending_ops": number, "pending_bytes": number}),
        ("/api/agent/heartbeat", {**ALIVE, "cursors": {room.id: number}}),
        ("/api/agent/feed", {"cursors": {room.id: number}, "libraries_tag": "", "wait_s": 0, "limit": number}),
        (f"{at}/missing", {"chunks": [], "uploads": number}),
        (f"{at}/packs", {"packs": [{"pack": "0" * 26, "address": node.manifest, "size_bytes": number}]}),
        (f"{at}/content", {"manifest": node.manifest, "start": number, "count": number}),
        (f"{at}/ops", {"ops": [save(node=node.id, parent=room.root, base_version=number)], "packs": []}),
        (f"{at}/ops", {"ops": [op("delete", node=node.id, base_version=number, recursive=False)], "packs": []}),
        (f"{at}/ops", {"ops": [save(parent=room.root, modified_ms=number)], "packs": []}),
    ]  # fmt: skip
    for path, body in asked:
        status, answer = told(room.su, path, body)
        assert status in (200, 400, 404, 422), (path, body, answer)
        assert status == 200 or answer["error"]["title"]
        if number in (True, 1.5, "1"):
            assert (status, answer["error"]["code"]) == (422, "bad_message"), (path, body)


@pytest.mark.parametrize("kind", TEXTS)
def test_text_when_it_cannot_be_then_an_answer_and_nothing_is_made(room: Room, kind: str) -> None:
    bad, at = TEXTS[kind], f"/api/agent/libraries/{room.id}"
    node = room.su.save(room.id, room.root, "a.txt", b"x").node
    before = room.su.feed({room.id: 0}).pages[0]
    status = {"mount_point": bad, "pending_ops": 0, "pending_bytes": 0, "agent_version": bad, "error": bad}
    asked = [
        ("/api/agent/enrol", {"code": bad, "nonce": bad, "device_name": bad, "platform": bad, "agent_version": bad}),
        ("/api/agent/heartbeat", {**status, "cursors": {bad: 1}, "asks": [bad]}),
        ("/api/agent/feed", {"cursors": {bad: 0}, "libraries_tag": bad, "wait_s": 0, "limit": 5}),
        (f"{at}/children", {"folder": bad}),
        (f"{at}/packs", {"packs": [{"pack": bad, "address": node.manifest, "size_bytes": 10}]}),
        (f"{at}/leases", {"take": [bad], "give_back": [bad]}),
    ]  # fmt: skip
    ops = [
        save(op_id=bad, parent=room.root), save(node=bad, parent=room.root), save(parent=bad), save(name=bad, parent=room.root),
        op("make_folder", parent=room.root, name=bad), op("make_folder", node=bad, parent=bad, name="x"),
        op("rename", node=node.id, parent=room.root, name=bad), op("rename", node=bad, parent=room.root, name="z"),
        op("rename", node=node.id, parent=bad, name="z"),
    ]  # fmt: skip
    for path, body in (*asked, *((f"{at}/ops", {"ops": [each], "packs": []}) for each in ops)):
        status_code, answer = told(room.su, path, body)
        assert status_code in (200, 400, 401, 404, 422), (path, body, answer)
        for each in answer.get("answers", ()) if status_code == 200 else ():
            assert (each["outcome"], bool(each["error"]["title"])) == ("refused", True), body
    assert room.su.feed({room.id: 0}).pages[0] == before


@pytest.mark.parametrize("kind", ["nul", "mirrored", "long"])
def test_words_when_they_hide_something_then_refused_or_shown_without_it(room: Room, signed_in: SignedIn, kind: str) -> None:
    said, person = f"a{TEXTS[kind]}b", signed_in("suhang")
    asset = room.su.save(room.id, room.root, "a.txt", b"x").node.id
    for url, form in (
        (f"/library/assets/{asset}/versions/1/keeping", {"label": said}),
        (f"/library/nodes/{asset}/shares", {"purpose": said, "days": "7"}),
        (f"/library/folders/{room.root}/folders", {"name": said}),
        (f"/library/{room.id}/retention", {"mode": "thinned", "all_days": said}),
    ):
        assert person.post(url, form).status_code == 422, url
    meta = ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in (("filename", "a.txt"), ("note", said)))
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "0", "Upload-Metadata": meta}
    assert person.post(f"/library/folders/{room.root}/uploads", headers=headers).status_code == 201
    page = person.get(f"/library/assets/{asset}").get_data(as_text=True)
    assert not {"\x00", "\u202e"} & set(page)
    assert len(page) < 100_000
    asked = dict.fromkeys(("after", "before", "at", "q", "sort"), said)
    for url in (f"/library/folders/{room.root}", f"/library/{room.id}/trash", f"/library/folders/{room.root}/past", "/search"):
        assert person.get(url, query_string=asked).status_code in (200, 302, 404, 422), url


@pytest.mark.parametrize("modified_ms", [253_402_300_799_999, -62_135_596_800_000, 2**62, -(2**62)])
def test_time_when_at_the_end_of_the_calendar_then_the_folder_is_shown_and_downloaded_all_the_same(
    room: Room,
    signed_in: SignedIn,
    su: Program,
    modified_ms: int,
) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "f")).node
    made = room.su.op(room.id, Commit(fresh("op"), fresh("node"), folder.id, "a.txt", 0, EMPTY, modified_ms))
    assert (made.outcome, made.node.modified_ms) == ("applied", 0)
    person = signed_in("suhang")
    for url in (f"/library/folders/{folder.id}", f"/library/folders/{folder.id}/zip", f"/library/assets/{made.node.id}"):
        assert person.get(url, buffered=True).status_code == 200, url
    assert su.names(f"{TOP}/f") == ["a.txt"]


def test_chunk_when_a_version_names_it_52_000_times_then_too_much_for_a_zip_and_a_range_is_read_all_the_same(
    room: Room, signed_in: SignedIn
) -> None:
    """4 KiB of a pack that unfold to 203 GiB: a bomb for whoever would read it whole."""
    zeros = bytes(CHUNK_MAX_BYTES)
    pack = room.su.put(room.id, [zeros])
    assert (pack.size_bytes < 4096, room.su.register(room.id, pack).packs[0].state) == (True, "verified")
    bomb = manifest_of([Chunk(address_of(zeros), len(zeros))] * 52_000, Cutter.CDC_1M)
    made = room.su.op(room.id, commit(room.root, "x.mp4", bomb)).node
    person = signed_in("suhang")
    assert person.get(f"/library/folders/{room.root}/zip").status_code == 422
    part = person.get(f"/library/assets/{made.id}/versions/1/content", headers={"Range": "bytes=200000000000-200000000099"})
    assert (part.status_code, part.get_data()) == (206, bytes(100))


# --- what changes while a request is under way --------------------------------------------------------------------------


@pytest.mark.parametrize("whole", [True, False], ids=["ops", "packs"])
def test_device_when_revoked_while_its_packs_are_read_then_nothing_of_it_is_taken(
    room: Room, memory: MemoryStore, work_as: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    pack, manifest = room.su.put(room.id, [b"new"]), manifest_for(b"new")
    read = memory.get_range

    def revoked_meanwhile(key: str, offset: int, length: int) -> bytes:
        with work_as("管力") as work:
            revoke_devices_of_desktop(work, "desktop-suhang")
        return read(key, offset, length)

    monkeypatch.setattr(memory, "get_range", revoked_meanwhile)
    ops = (commit(room.root, "a.txt", manifest),) if whole else ()
    with pytest.raises(Refused, match="401 unauthenticated"):
        room.su.ops(room.id, *ops, packs=(pack,)) if whole else room.su.register(room.id, pack)
    assert room.chen.missing(room.id, [manifest.chunks[0].address]).missing == (manifest.chunks[0].address,)
    assert [node.name for node in room.chen.feed({room.id: 0}).pages[0].nodes] == ["主视觉素材"]


def test_right_when_taken_back_while_packs_are_read_then_nothing_is_saved(
    room: Room, memory: MemoryStore, work_as: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    pack, manifest = room.su.put(room.id, [b"new"]), manifest_for(b"new")
    read = memory.get_range

    def taken_back_meanwhile(key: str, offset: int, length: int) -> bytes:
        with work_as("管力") as work:
            grant_member(work, room.root, "苏航", Right.SEE)
        return read(key, offset, length)

    monkeypatch.setattr(memory, "get_range", taken_back_meanwhile)
    answer = room.su.ops(room.id, commit(room.root, "a.txt", manifest), packs=(pack,))[0]
    assert (answer.outcome, answer.error.code) == ("refused", "not_allowed")


def test_asset_when_taken_moved_and_saved_at_once_then_one_tree_and_every_save_kept(room: Room, su: Program) -> None:
    """A folder is renamed while something is saved into it, and its file is checked out and saved by two at once."""
    folder = room.su.op(room.id, make_folder(room.root, "f")).node
    file = room.su.save(room.id, folder.id, "a.txt", b"0").node
    manifests = {n: agent.upload(room.id, b"%d" % n) for n, agent in ((1, room.su), (2, room.chen))}
    take = LeasesRequest((file.id,), ())
    acts: list[Callable[[], Any]] = [
        lambda: room.su.ask(Endpoint.LEASES.path(room.id), take, LeasesAnswer),
        lambda: room.chen.ask(Endpoint.LEASES.path(room.id), take, LeasesAnswer),
        lambda: room.su.op(room.id, commit(folder.id, "a.txt", manifests[1], node=file.id, base=1)),
        lambda: room.chen.op(room.id, commit(folder.id, "a.txt", manifests[2], node=file.id, base=1)),
        lambda: room.su.op(room.id, rename(folder.id, room.root, "g")),
        lambda: su.send("PUT", f"{TOP}/f/b.txt", b"saved").status_code,
    ]  # fmt: skip
    with ThreadPoolExecutor(len(acts)) as pool:
        leases, other_leases, first, second, renamed, status = [done.result() for done in [pool.submit(act) for act in acts]]
    assert len({lease.member for answer in (leases, other_leases) for lease in answer.leases}) == 1
    assert {first.outcome, second.outcome} == {"applied", "conflict"}
    assert (renamed.outcome, status in (201, 404, 409)) == ("applied", True)
    nodes = [node for node in room.lin.feed({room.id: 0}).pages[0].nodes if not node.deleted]
    assert {manifests[n].chunks[0].address for n in (1, 2)} <= {
        chunk.address
        for node in nodes
        if node.manifest and (found := room.lin.content(room.id, node.manifest).manifest)
        for chunk in found.chunks
    }
    assert [node.name for node in nodes if node.kind == "folder" and node.parent == room.root] == ["g"]
