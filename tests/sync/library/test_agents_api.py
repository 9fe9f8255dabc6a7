"""The agents' protocol over HTTP: identity, rights, content up and down, the feed."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask

from sync.core.hashing import address_of
from sync.core.host_cache import PURPOSE, is_good
from sync.core.packs import Coding, PackWriter, Place, read_chunk
from sync.core.protocol import AgentState, StoredPack
from sync.library.agents_api.feed import Bell
from sync.library.libraries.access import get_library
from sync.library.libraries.actions import open_library
from sync.library.libraries.rules import Right
from tests.fakes.store import MemoryStore
from tests.house import member_named
from tests.sync.library.agents import Refused, TestAgent, commit, delete, make_folder, manifest_for
from tests.sync.library.conftest import Room
from tests.sync.library.grants import grant_right
from workspace.db import Database, new_id
from workspace.devices.actions import issue_code, revoke_devices_of_desktop
from workspace.events.models import Event
from workspace.parts import Parts
from workspace.people.actions import make_group
from workspace.people.models import Group
from workspace.secrets import SigningKey
from workspace.wake import Wake

Opens = Callable[..., Any]


def code_for(work_as: Opens, name: str, **options: Any) -> str:
    with work_as("林悦", now=datetime.now(UTC)) as work:
        member = member_named(work, name)
        return issue_code(work, member_id=member.id, kind="desktop", name="桌面", desktop_id="desktop-x", **options)


# --- identity -------------------------------------------------------------------------------------------------------


def test_enrol_when_reply_was_lost_then_fresh_token_and_the_former_ends(room: Room, app: Flask, work_as: Opens) -> None:
    code = code_for(work_as, "苏航")
    first, again = TestAgent(app.test_client()), TestAgent(app.test_client())
    one, two = first.enrol(code, "mine"), again.enrol(code, "mine")
    assert (one.device, one.member.name, one.desktop) == (two.device, "苏航", "desktop-x")
    assert again.libraries().libraries[0].name == "主视觉素材"
    with pytest.raises(Refused, match="401 unauthenticated"):
        first.libraries()


def test_enrol_when_another_nonce_then_used_and_the_first_goes_on(room: Room, app: Flask, work_as: Opens) -> None:
    code = code_for(work_as, "苏航")
    first = TestAgent(app.test_client())
    first.enrol(code, "mine")
    with pytest.raises(Refused, match="401 code_used"):
        TestAgent(app.test_client()).enrol(code, "yours")
    assert first.libraries().libraries


def test_enrol_when_unknown_or_late_then_refused(room: Room, app: Flask, work_as: Opens) -> None:
    with pytest.raises(Refused, match="401 code_unknown"):
        TestAgent(app.test_client()).enrol("made up")
    late = code_for(work_as, "苏航", valid_for=timedelta(seconds=-1))
    with pytest.raises(Refused, match="401 code_unknown"):
        TestAgent(app.test_client()).enrol(late)


def test_device_when_revoked_then_unauthenticated_everywhere(room: Room, work_as: Opens) -> None:
    with work_as("林悦") as work:
        revoke_devices_of_desktop(work, "desktop-suhang")
    for ask in (room.su.libraries, lambda: room.su.feed({}, tag=""), lambda: room.su.missing(room.id, [])):
        with pytest.raises(Refused, match="401 unauthenticated"):
            ask()


def test_heartbeat_when_first_mounted_then_one_event_for_the_desktop(room: Room, work_as: Opens) -> None:
    for state in (AgentState.STARTING, AgentState.MOUNTED, AgentState.MOUNTED):
        answer = room.su.heartbeat(state=state)
    assert answer.libraries_tag == room.su.libraries().tag
    with work_as("林悦", writes=False) as work:
        events = work.session.query(Event).filter_by(kind="workspace.device.mounted").all()
    assert [event.rooms[-1] for event in events] == ["desktop:desktop-suhang"]
    room.su.heartbeat(state=AgentState.STARTING)
    room.su.heartbeat(state=AgentState.MOUNTED)
    with work_as("林悦", writes=False) as work:
        assert work.session.query(Event).filter_by(kind="workspace.device.mounted").count() == 2


def test_protocol_when_another_version_then_refused(room: Room) -> None:
    answer = room.su.client.get("/api/agent/libraries", headers={"Authorization": f"Bearer {room.su.token}", "Mainline-Protocol": "1"})
    assert answer.status_code == 200
    body = room.su.client.post(
        "/api/agent/feed", data=b"{}", headers={"Authorization": f"Bearer {room.su.token}", "Mainline-Protocol": "2"}
    )
    assert (body.status_code, body.json["error"]["code"]) == (422, "protocol_unsupported")
    garbled = room.su.client.post("/api/agent/feed", data=b"{", headers={"Authorization": f"Bearer {room.su.token}"})
    assert (garbled.status_code, garbled.json["error"]["code"]) == (422, "bad_message")


# --- rights ---------------------------------------------------------------------------------------------------------


def test_libraries_when_member_then_listed_with_rights_otherwise_absent(room: Room) -> None:
    assert [(found.id, found.root, found.rights) for found in room.su.libraries().libraries] == [(room.id, room.root, ("see", "edit"))]
    assert [found.rights for found in room.lin.libraries().libraries] == [("see",)]
    assert room.stranger.libraries().libraries == ()


def test_stranger_when_asking_for_a_library_then_404_as_if_it_were_absent(room: Room) -> None:
    manifest = room.su.upload(room.id, b"secret")
    for library in (room.id, new_id()):
        for ask in (
            lambda library=library: room.stranger.missing(library, []),
            lambda library=library: room.stranger.register(library),
            lambda library=library: room.stranger.op(library, commit(room.root, "x", manifest)),
            lambda library=library: room.stranger.content(library, address_of(b"secret")),
        ):
            with pytest.raises(Refused, match="404 not_found"):
                ask()
    assert room.stranger.feed({room.id: 0}).pages == ()


def test_reader_when_writing_then_refused_and_reading_works(room: Room) -> None:
    saved = room.su.save(room.id, room.root, "a.txt", b"words")
    answer = room.lin.op(room.id, commit(room.root, "b.txt", manifest_for(b"words")))
    assert (answer.outcome, answer.error.code) == ("refused", "not_allowed")
    with pytest.raises(Refused, match="403 not_allowed"):
        room.lin.missing(room.id, [address_of(b"x")])
    assert room.lin.content(room.id, saved.node.manifest).manifest == manifest_for(b"words")


def test_grant_when_taken_back_then_tag_changes_and_library_is_gone(room: Room, work_as: Opens) -> None:
    before = room.chen.libraries().tag
    with work_as("林悦") as work:
        library = get_library(work, room.id)
        group = work.session.query(Group).filter_by(name="视觉组").one()
        grant_right(work, library, group_id=group.id, right=Right.NONE)
        assert work.recorded[-1].leaves.keys() == {member_named(work, "苏航").id, member_named(work, "陈墨").id}
    answer = room.chen.feed({room.id: 0}, tag=before)
    assert answer.libraries_tag != before
    assert answer.pages == ()


def test_chunks_when_present_in_another_library_then_still_missing_here(room: Room, app: Flask, work_as: Opens) -> None:
    """Deduplication must not tell who has what, nor give content to whoever knows its hash."""
    room.su.save(room.id, room.root, "a.txt", b"secret words")
    with work_as("林悦") as work:
        group = make_group(work, name="客服组", kind="free", member_ids=[member_named(work, "赵宁").id])
        other = open_library(work, name="客服素材", scope_room=None, group_id=group.id)
    assert room.stranger.missing(other.id, [address_of(b"secret words")]).missing == (address_of(b"secret words"),)
    answer = room.stranger.op(other.id, commit(other.root_id, "stolen.txt", manifest_for(b"secret words")))
    assert (answer.error.code, answer.error.retryable) == ("chunks_missing", True)
    digest = room.su.feed({room.id: 0}).pages[0].nodes[-1].manifest
    with pytest.raises(Refused, match="404"):
        room.stranger.content(other.id, digest)


# --- content up and down --------------------------------------------------------------------------------------------


def test_content_when_saved_then_every_place_reads_back_verified(room: Room) -> None:
    data = b"".join(bytes([number]) * 70_000 for number in range(40))  # 2.8 MB: cut by content
    answer = room.su.save(room.id, room.root, "主视觉.psd", data)
    found = room.chen.content(room.id, answer.node.manifest)
    http = room.chen.http
    got = {}
    for place in found.places:
        ticket = found.packs[place.pack]
        last = place.offset + place.stored - 1
        part = http.request("GET", ticket.url, headers={**ticket.headers, "Range": f"bytes={place.offset}-{last}"})
        coding = Coding.ZSTD if place.coding == "zstd" else Coding.RAW
        got[place.chunk] = read_chunk(Place(place.chunk, place.offset, place.stored, place.size, coding), part.data)
    assert b"".join(got[chunk.address] for chunk in found.manifest.chunks) == data


def test_content_when_a_desktop_asks_then_each_place_has_a_voucher_for_it_alone(
    room: Room, app: Flask, parts: Parts, work_as: Opens
) -> None:
    saved = room.su.save(room.id, room.root, "主视觉.txt", b"words")
    with work_as("苏航", now=datetime.now(UTC)) as work:
        code = issue_code(work, member_id=member_named(work, "苏航").id, kind="pc", name="自己的电脑")
        own = f"desktop-{member_named(work, '陈墨').login}"
    computer = TestAgent(app.test_client())
    computer.enrol(code)
    assert [place.voucher for place in computer.content(room.id, saved.node.manifest).places] == [""]
    found = room.chen.content(room.id, saved.node.manifest)
    mac, (place,) = partial(parts.get(SigningKey).mac, PURPOSE), found.places
    now_ms, ticket = int(datetime.now(UTC).timestamp() * 1000), found.packs[place.pack]
    assert is_good(mac, own, now_ms, ticket, place)
    assert not is_good(mac, own, now_ms + 3 * 60_000, ticket, place), "a right that was taken back does not live on"
    assert not is_good(mac, "desktop-suhang", now_ms, ticket, place)


def test_pack_when_chunk_was_altered_then_corrupt_and_serves_nobody(room: Room, memory: MemoryStore) -> None:
    writer = PackWriter()
    writer.add(address_of(b"what it claims"), b"something else")
    stored = room.su.put_bytes(room.id, writer.finish())
    assert room.su.register(room.id, stored).packs[0].state == "corrupt"
    assert room.su.register(room.id, stored).packs[0].state == "corrupt"
    assert room.su.missing(room.id, [address_of(b"what it claims")]).missing == (address_of(b"what it claims"),)


def test_pack_when_it_unfolds_to_too_much_then_corrupt(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.library.content.actions.UNPACKED_MAX_BYTES", 3000)
    states = [room.su.register(room.id, room.su.put(room.id, [bytes(size)])).packs[0].state for size in (3000, 3001)]
    assert states == ["verified", "corrupt"]


def test_pack_when_absent_or_other_size_or_odd_id_then_not_verified(room: Room) -> None:
    assert room.su.register(room.id, StoredPack(new_id(), address_of(b""), 5)).packs[0].state == "absent"
    assert room.su.register(room.id, StoredPack("../../x", address_of(b""), 5)).packs[0].state == "absent"
    stored = room.su.put(room.id, [b"abc"])
    assert room.su.register(room.id, StoredPack(stored.pack, stored.address, stored.size_bytes + 1)).packs[0].state == "corrupt"


def test_pack_when_registered_twice_then_verified_both_times(room: Room) -> None:
    stored = room.su.put(room.id, [b"abc", b"def"])
    assert [room.su.register(room.id, stored).packs[0].state for _time in range(2)] == ["verified", "verified"]
    assert room.su.missing(room.id, [address_of(b"abc"), address_of(b"new")]).missing == (address_of(b"new"),)


def test_missing_when_nothing_is_missing_then_no_slots(room: Room) -> None:
    room.su.upload(room.id, b"abc")
    assert room.su.missing(room.id, [address_of(b"abc")], uploads=5).uploads == ()


def test_ops_when_pack_comes_along_then_one_request_is_enough(room: Room) -> None:
    stored = room.su.put(room.id, [b"small"])
    answers = room.su.ops(room.id, commit(room.root, "small.txt", manifest_for(b"small")), packs=(stored,))
    assert answers[0].outcome == "applied"


def test_commit_when_killed_between_put_and_commit_then_the_rest_goes_on(room: Room) -> None:
    """The pack is in the store and nobody knows it: registering it later is all that is left to do."""
    stored = room.su.put(room.id, [b"half done"])
    op = commit(room.root, "a.txt", manifest_for(b"half done"))
    assert room.su.op(room.id, op).error.missing == (address_of(b"half done"),)
    room.su.register(room.id, stored)
    assert room.su.op(room.id, replace(op, op_id=new_id())).outcome == "applied"


def test_store_when_away_then_unavailable_and_nothing_recorded(room: Room, memory: MemoryStore) -> None:
    stored = room.su.put(room.id, [b"abc"])
    memory.failing = True
    with pytest.raises(Refused, match="503 unavailable"):
        room.su.register(room.id, stored)
    memory.failing = False
    assert room.su.register(room.id, stored).packs[0].state == "verified"


# --- feed -----------------------------------------------------------------------------------------------------------


def test_feed_when_paged_then_each_node_once_in_order(room: Room) -> None:
    for number in range(7):
        room.su.save(room.id, room.root, f"{number}.txt", b"same words")
    cursor, seen = 0, []
    while True:
        page = room.chen.feed({room.id: cursor}, limit=3).pages[0]
        seen += page.nodes
        assert page.cursor > cursor
        cursor = page.cursor
        if not page.more:
            break
    assert [node.name for node in seen] == ["主视觉素材", *(f"{number}.txt" for number in range(7))]
    assert [node.seq for node in seen] == sorted(node.seq for node in seen)
    assert room.chen.feed({room.id: cursor}).pages == ()


def test_feed_when_deleted_then_one_tombstone_and_newcomers_see_nothing(room: Room) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "旧稿")).node
    room.su.save(room.id, folder.id, "a.txt", b"a")
    cursor = room.chen.feed({room.id: 0}).pages[0].cursor
    room.su.op(room.id, delete(folder.id, recursive=True))
    page = room.chen.feed({room.id: cursor}).pages[0]
    assert [(node.id, node.deleted) for node in page.nodes] == [(folder.id, True)]
    assert [node.id for node in room.chen.feed({room.id: 0}).pages[0].nodes] == [room.root]


def test_feed_when_waiting_then_a_commit_answers_it(room: Room, app: Flask) -> None:
    cursor = room.chen.feed({room.id: 0}).pages[0].cursor
    tag = room.chen.libraries().tag
    got: list[Any] = []
    asked = threading.Thread(target=lambda: got.append(room.chen.feed({room.id: cursor}, tag=tag, wait_s=30)))
    asked.start()
    room.su.save(room.id, room.root, "新稿.txt", b"new")
    asked.join(timeout=20)
    assert not asked.is_alive()
    assert [node.name for node in got[0].pages[0].nodes] == ["新稿.txt"]


def test_feed_when_all_places_are_taken_then_told_to_come_back(room: Room, parts: Parts) -> None:
    parts.provide(Bell, lambda: Bell(parts.get(Wake), parts.get(Database), places=0))  # type: ignore[type-abstract]
    cursor = room.chen.feed({room.id: 0}).pages[0].cursor
    with pytest.raises(Refused, match="429"):
        room.chen.feed({room.id: cursor}, wait_s=30)
    assert room.chen.feed({room.id: 0}, wait_s=30).pages, "what is there already needs no place"
