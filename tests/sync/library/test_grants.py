"""Grants on folders: what the feed says to whom, what is refused, that nothing leaks, and how pages explain it.

Over 400 lines because a grant is one promise that feed, pages and refusals keep together.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3
import zstandard
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import BuildError

from sync.core.hashing import address_of
from sync.core.packs import Coding, Place, read_chunk
from sync.core.protocol import ContentAnswer, Endpoint, FeedAnswer, FeedRequest, MissingAnswer, MissingRequest, Node, Right
from sync.library.content.actions import pack_key
from sync.library.content.models import Chunk
from sync.library.grants.actions import membership_changes, set_right
from sync.library.grants.chunks import lend_chunks, lent_key
from sync.library.grants.models import FolderGrant, GrantEvent
from sync.library.grants.queries import explain
from sync.library.grants.rules import Subject, SubjectKind
from sync.library.libraries.rules import Right as Level
from tests.fakes.store import MemoryStore
from tests.house import Person, member_named
from tests.sync.library.agents import Refused, TestAgent, commit, delete, fresh, make_folder, manifest_for, rename
from tests.sync.library.conftest import Room
from tests.sync.library.grants import grant_member
from tests.sync.library.test_uploads import Tus
from tests.sync.library.webdav import TOP, Program
from workspace.errors import Conflict, NotAllowed
from workspace.events.models import Event
from workspace.people.actions import add_to_group, remove_from_group
from workspace.people.models import Group

SignedIn = Callable[[str], Person]
Opens = Callable[..., Any]
SECRET = "涨价方案"
BYTES = b"what nobody else may read " * 40


@dataclass
class Closed:
    """公开/ with 机密/ in it, where 苏航 alone may go on: 视觉组 and 看图组 see nothing of it."""

    public: Node
    closed: Node
    secret: Node
    plain: Node


def group_of(work: Any, name: str) -> Subject:
    return Subject(SubjectKind.GROUP, str(work.session.scalar(select(Group.id).where(Group.name == name))))


@pytest.fixture
def closed(room: Room, run_jobs: Any, work_as: Opens) -> Closed:
    public = room.su.op(room.id, make_folder(room.root, "公开")).node
    folder = room.su.op(room.id, make_folder(public.id, "机密")).node
    pack = room.su.put(room.id, [BYTES, b"open to all"])
    room.su.register(room.id, pack)
    secret = room.su.op(room.id, commit(folder.id, f"{SECRET}.txt", manifest_for(BYTES))).node
    plain = room.su.op(room.id, commit(public.id, "海报.txt", manifest_for(b"open to all"))).node
    run_jobs()
    with work_as("管力") as work:
        grant_member(work, folder.id, "苏航", Level.EDIT)
        grant_member(work, folder.id, "管力", Level.MANAGE)
        for name in ("视觉组", "看图组"):
            set_right(work, folder.id, group_of(work, name), Level.NONE)
    run_jobs()
    return Closed(public, folder, secret, plain)


def nodes_of(agent: TestAgent, room: Room, cursor: int = 0) -> dict[str, Node]:
    return {node.id: node for page in agent.feed({room.id: cursor}).pages for node in page.nodes}


def outcome(answer: Any) -> tuple[str, str | None]:
    return answer.outcome.value, answer.error.code if answer.error else None


# --- the feed -----------------------------------------------------------------------------------------------------------


def test_feed_when_a_folder_is_closed_then_gone_without_a_name_for_who_lost_it(room: Room, closed: Closed) -> None:
    assert SECRET in nodes_of(room.su, room)[closed.secret.id].name
    assert nodes_of(room.chen, room).keys() == nodes_of(room.su, room).keys() - {closed.closed.id, closed.secret.id}
    later = nodes_of(room.chen, room, cursor=closed.plain.seq)
    for node_id in (closed.closed.id, closed.secret.id):
        gone = later[node_id]
        assert (gone.deleted, gone.right, gone.name, gone.parent, gone.manifest, gone.author) == (True, Right.NONE, "", None, None, "")
    assert nodes_of(room.su, room)[closed.closed.id].right is Right.EDIT
    assert nodes_of(room.su, room)[closed.public.id].right is None, "as in the library"


def test_feed_when_a_grant_comes_and_goes_then_the_subtree_is_sent_again_and_the_tag_changes(
    room: Room, closed: Closed, work_as: Opens
) -> None:
    tag, cursor = room.lin.libraries().tag, room.lin.libraries().libraries[0].seq
    with work_as("管力") as work:
        grant_member(work, closed.closed.id, "林悦", Level.SEE)
    assert room.lin.libraries().tag != tag
    came = nodes_of(room.lin, room, cursor)
    assert (came[closed.closed.id].name, came[closed.closed.id].right) == ("机密", Right.SEE)
    assert SECRET in came[closed.secret.id].name
    assert list(came) == sorted(came, key=lambda node_id: came[node_id].seq), "folders before what is in them"
    cursor = room.lin.libraries().libraries[0].seq
    with work_as("管力") as work:
        grant_member(work, closed.closed.id, "林悦", None)
    assert nodes_of(room.lin, room, cursor)[closed.secret.id].name == ""


def test_feed_when_only_a_deep_folder_is_open_then_the_way_there_and_nothing_beside_it(room: Room, closed: Closed, work_as: Opens) -> None:
    with pytest.raises(Refused):
        room.stranger.content(room.id, closed.secret.manifest)
    with work_as("管力") as work:
        grant_member(work, closed.closed.id, "赵宁", Level.EDIT)
    (library,) = room.stranger.libraries().libraries
    assert library.rights == (Right.SEE,)
    shown = {node.name: node.right for node in nodes_of(room.stranger, room).values()}
    assert shown == {library.name: Right.NONE, "公开": Right.NONE, "机密": Right.EDIT, f"{SECRET}.txt": None}
    assert outcome(room.stranger.save(room.id, closed.closed.id, "新.txt", b"new")) == ("applied", None)
    assert outcome(room.stranger.save(room.id, closed.public.id, "新.txt", b"new")) == ("refused", "not_allowed")
    cursor = library.seq
    room.su.op(room.id, delete(closed.closed.id, recursive=True))
    assert room.stranger.libraries().libraries == (), "nothing is left to see"
    assert cursor


def test_feed_when_moved_across_a_boundary_then_it_goes_and_comes(room: Room, closed: Closed) -> None:
    cursor = room.chen.libraries().libraries[0].seq
    room.su.op(room.id, rename(closed.plain.id, closed.closed.id, "海报.txt"))
    assert nodes_of(room.chen, room, cursor)[closed.plain.id].deleted
    cursor = room.chen.libraries().libraries[0].seq
    room.su.op(room.id, rename(closed.secret.id, closed.public.id, "可以看了.txt"))
    assert nodes_of(room.chen, room, cursor)[closed.secret.id].name == "可以看了.txt"


def test_group_when_joined_and_left_then_the_tree_is_sent_again(room: Room, closed: Closed, work_as: Opens) -> None:
    with work_as("管力") as work:
        grant_member(work, closed.closed.id, "赵宁", Level.SEE)
    cursor = room.stranger.libraries().libraries[0].seq
    with work_as("管力") as work:
        group, zhao = group_of(work, "视觉组").id, member_named(work, "赵宁").id
        with membership_changes(work, zhao) as change:
            add_to_group(work, group, zhao)
        assert change.joins == {zhao: [f"library:{room.id}"]}
        work.record(GrantEvent.CHANGED, subject="x", rooms=[])
    assert nodes_of(room.stranger, room, cursor)[closed.plain.id].name == "海报.txt"
    cursor = room.stranger.libraries().libraries[0].seq
    with work_as("管力") as work:
        with membership_changes(work, zhao) as change:
            remove_from_group(work, group, zhao)
        assert change.leaves == {zhao: [f"library:{room.id}"]}
        work.record(GrantEvent.CHANGED, subject="x", rooms=[])
    assert nodes_of(room.stranger, room, cursor)[closed.plain.id].deleted


# --- operations ---------------------------------------------------------------------------------------------------------


def test_ops_when_the_folder_is_hidden_then_each_is_refused(room: Room, closed: Closed) -> None:
    content = room.chen.upload(room.id, b"mine")
    tries = [
        commit(closed.closed.id, "新.txt", content), commit(closed.closed.id, "x", content, node=closed.secret.id, base=1),
        make_folder(closed.closed.id, "里"), rename(closed.secret.id, room.root, "看看.txt"),
        rename(closed.plain.id, closed.closed.id, "送进去.txt"), delete(closed.secret.id, 1), delete(closed.closed.id, recursive=True),
        delete(closed.public.id, recursive=True), rename(closed.public.id, closed.public.id, "动不了"),
    ]  # fmt: skip
    answers = room.chen.ops(room.id, *tries)
    assert {outcome(answer) for answer in answers} <= {("refused", "not_allowed"), ("refused", "would_loop")}
    assert all(SECRET not in str(answer) and "机密" not in str(answer) for answer in answers)
    assert outcome(room.su.op(room.id, rename(closed.closed.id, closed.public.id, "机密二"))) == ("applied", None)


def test_ops_when_a_hidden_folder_has_the_name_then_a_telling_one_and_no_word_of_it(
    room: Room, closed: Closed, signed_in: SignedIn
) -> None:
    saved = room.chen.save(room.id, closed.public.id, "机密", b"a file of that name")
    made = room.chen.op(room.id, make_folder(closed.public.id, "机密"))
    for answer in (saved, made):
        assert outcome(answer) == ("applied", None)
        assert answer.node.id != closed.closed.id
        assert answer.node.name.startswith("机密 (陈墨")


def test_name_when_a_hidden_folder_has_it_then_refused_like_any_other_that_cannot_be_had(
    room: Room, closed: Closed, signed_in: SignedIn, opened: Callable[[str], Program]
) -> None:
    """Nothing says that something is there."""
    chen = signed_in("chenmo")
    folders = f"/library/folders/{closed.public.id}/folders"
    other = room.chen.op(room.id, make_folder(closed.public.id, "自己的")).node
    answers = [
        chen.post(folders, {"name": "机密"}, headers={"Accept": "application/json"}),
        chen.post(f"/library/nodes/{other.id}/name", {"name": "机密"}, headers={"Accept": "application/json"}),
        chen.post(folders, {"name": "CON"}, headers={"Accept": "application/json"}),
    ]
    assert [answer.status_code for answer in answers] == [422] * 3
    assert {title_of(answer) for answer in answers} == {"这个名称不能用"}
    assert all("已有" not in answer.get_data(as_text=True) for answer in answers)
    renamed = room.chen.op(room.id, rename(other.id, closed.public.id, "机密"))
    assert (renamed.error.code, renamed.error.title) == ("name_taken", "这个名称不能用"), "the agent steps aside"
    dav = opened("陈墨")
    assert dav.send("MKCOL", f"{TOP}/{closed.public.name}/机密").status_code == 403
    assert "已有" not in dav.send("MOVE", f"{TOP}/{closed.public.name}/自己的",
                                  Destination=f"http://localhost{TOP}/{closed.public.name}/机密").get_data(as_text=True)  # fmt: skip


def title_of(answer: Any) -> str:
    if answer.is_json:
        return str(answer.get_json()["error"]["title"])
    found = re.search("这个名称不能用", answer.get_data(as_text=True))
    return found[0] if found else answer.get_data(as_text=True)


def test_save_when_its_deleted_folder_was_replaced_by_one_that_may_only_be_seen_then_not_put_there(room: Room, work_as: Opens) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "成片")).node
    asset = room.chen.save(room.id, folder.id, "a.txt", b"first").node
    room.su.op(room.id, delete(folder.id, recursive=True))
    other = room.su.op(room.id, make_folder(room.root, "成片")).node
    with work_as("管力") as work:
        grant_member(work, other.id, "陈墨", Level.SEE)
    saved = room.chen.save(room.id, folder.id, "a.txt", b"second", node=asset.id, base=1)
    assert outcome(saved) == ("applied", None)
    assert saved.node.parent == folder.id != other.id


# --- content ------------------------------------------------------------------------------------------------------------


def test_content_when_the_file_is_hidden_then_neither_read_nor_probed_nor_claimed(room: Room, closed: Closed) -> None:
    with pytest.raises(Refused) as refusal:
        room.chen.content(room.id, closed.secret.manifest)
    assert refusal.value.status == 404
    chunk = address_of(BYTES)
    assert room.su.missing(room.id, [chunk]).missing == ()
    assert room.chen.missing(room.id, [chunk]).missing == (chunk,)
    claim = commit(room.root, "偷.txt", manifest_for(BYTES))
    assert outcome(room.chen.op(room.id, claim)) == ("refused", "chunks_missing")
    pack = room.chen.put(room.id, [BYTES])
    (answer,) = room.chen.ops(room.id, replace(claim, op_id=fresh("op")), packs=(pack,))
    assert outcome(answer) == ("applied", None), "who has the bytes may save them"
    assert room.chen.missing(room.id, [chunk]).missing == ()


def test_upload_when_its_bytes_lie_in_a_hidden_folder_too_then_saved_like_any_other(
    room: Room, closed: Closed, signed_in: SignedIn, memory: MemoryStore
) -> None:
    packs = len(list(memory.list("packs/")))
    answer = Tus(signed_in("chenmo")).create(room.root, len(BYTES), data=BYTES, filename="自己的.txt")
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, str(len(BYTES)))
    assert room.chen.content(room.id, nodes_of(room.chen, room)[answer.headers["Mainline-Asset"]].manifest).places
    assert len(list(memory.list("packs/"))) == packs + 1, "what is hidden spares nobody an upload, or they would learn of it"


def test_feed_when_contents_are_asked_for_then_no_pack_with_hidden_chunks_is_named(room: Room, closed: Closed) -> None:
    asked = FeedRequest({room.id: 1}, "", 0, contents=True)
    (page,) = room.chen.ask(Endpoint.FEED.path(), asked, FeedAnswer).pages
    assert closed.plain.manifest in [node.manifest for node in page.nodes]
    assert page.contents == ()


def test_content_when_a_pack_holds_hidden_chunks_too_then_only_the_visible_ones_are_lent(room: Room, closed: Closed) -> None:
    answer: ContentAnswer = room.chen.content(room.id, closed.plain.manifest)
    (pack,) = answer.packs.values()
    whole = urllib3.PoolManager().request("GET", pack.url, headers=pack.headers).data
    assert whole == b"open to all"
    (place,) = answer.places
    assert (place.offset, place.stored) == (0, len(whole))
    assert len(urllib3.PoolManager().request("GET", next(iter(room.su.content(room.id, closed.plain.manifest).packs.values())).url).data)


def test_chunk_when_it_was_packed_anew_since_it_was_lent_then_lent_again_as_it_lies_now(memory: MemoryStore) -> None:
    """The copy of the morning is named for the day; another zstd may have made other bytes of the same chunk."""
    data = " ".join(map(str, range(2000))).encode()
    for pack, level in (("first", 1), ("second", 19)):
        stored = zstandard.compress(data, level)
        memory.put(pack_key("l", pack), stored)
        chunk = Chunk(
            library_id="l", address=address_of(data), pack_id=pack, offset=0, stored_bytes=len(stored), size_bytes=len(data), coding=1
        )
        name, (lent,) = lend_chunks(memory, "l", [chunk], now=datetime(2026, 11, 22, tzinfo=UTC))
        copy = memory.get_range(lent_key("l", name), lent.offset, chunk.stored_bytes)
        assert read_chunk(Place(chunk.address, 0, chunk.stored_bytes, chunk.size_bytes, Coding.ZSTD), copy) == data


def test_missing_when_the_save_goes_on_from_a_version_then_its_chunks_need_not_be_brought(room: Room, closed: Closed) -> None:
    chunk = address_of(b"open to all")
    assert room.chen.missing(room.id, [chunk]).missing == (chunk,)
    for bases, missing in ((closed.plain.manifest, ()), (closed.secret.manifest, (chunk,))):
        message = MissingRequest((chunk,), 1, (bases,))
        assert room.chen.ask(Endpoint.MISSING.path(room.id), message, MissingAnswer).missing == missing
    again = commit(closed.public.id, "海报.txt", manifest_for(b"open to all"), node=closed.plain.id, base=1)
    assert outcome(room.chen.op(room.id, again)) == ("exists", None)
    copy = commit(closed.public.id, "海报 副本.txt", manifest_for(b"open to all"))
    assert outcome(room.chen.op(room.id, copy)) == ("applied", None)


# --- nothing leaks ------------------------------------------------------------------------------------------------------


def test_routes_when_walked_without_the_right_then_no_name_and_no_content(
    room: Room, closed: Closed, app: Flask, signed_in: SignedIn, run_jobs: Any
) -> None:
    room.su.op(room.id, commit(closed.closed.id, "x", room.su.upload(room.id, b"second"), node=closed.secret.id, base=1))
    trashed = room.su.save(room.id, closed.closed.id, f"{SECRET} 旧.txt", b"old").node
    room.su.op(room.id, delete(trashed.id, 1))
    run_jobs()
    people = {login: signed_in(login) for login in ("chenmo", "zhaoning")}
    walked = 0
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or (rule.arguments and not rule.rule.startswith("/library")):
            continue
        for target in (closed.secret.id, closed.closed.id, trashed.id, room.id):
            values = {name: 1 if name in ("number", "seq") else target for name in rule.arguments}
            try:
                url = app.url_map.bind("localhost").build(rule.endpoint, values)
            except BuildError:
                continue
            for login, person in people.items():
                answer = person.get(url)
                body = answer.get_data()
                walked += 1
                assert SECRET.encode() not in body, (login, url)
                assert "机密".encode() not in body, (login, url)
                assert BYTES not in body, (login, url)
                assert answer.status_code < 500, (login, url)
            if not rule.arguments:
                break
    assert walked > 100
    for login, person in people.items():
        assert SECRET not in json.dumps(person.get("/api/search?q=涨价方").json, ensure_ascii=False), login
    assert SECRET in json.dumps(signed_in("suhang").get("/api/search?q=涨价方").json, ensure_ascii=False)


def test_events_when_the_folder_is_closed_then_told_in_its_own_room_alone(
    room: Room, closed: Closed, signed_in: SignedIn, work_as: Opens, run_jobs: Any
) -> None:
    room.su.op(room.id, commit(closed.closed.id, "x", room.su.upload(room.id, b"second"), node=closed.secret.id, base=1))
    room.su.op(room.id, rename(closed.secret.id, closed.public.id, "出来了.txt"))
    run_jobs()
    with work_as("苏航", writes=False) as work:
        events = list(work.session.scalars(select(Event).where(Event.subject == f"asset:{closed.secret.id}").order_by(Event.seq)))
    own = [f"library:{room.id}/{closed.closed.id}"]
    shared = [f"library:{room.id}", "line:double-eleven"]
    told = [(event.kind, event.rooms) for event in events]
    assert told == [
        ("library.version.committed", shared), ("library.version.committed", own), ("library.asset.taken_away", own),
        ("library.asset.brought_in", shared),
    ]  # fmt: skip
    assert SECRET not in json.dumps(events[-1].facts, ensure_ascii=False)
    assert "机密" not in json.dumps(events[-1].facts, ensure_ascii=False)
    pages = {login: json.dumps(signed_in(login).get("/api/events?since=0").json, ensure_ascii=False) for login in ("chenmo", "suhang")}
    assert SECRET in pages["suhang"]
    assert SECRET not in pages["chenmo"], "the past is told anew in its own room"


def test_rooms_when_a_grant_changes_then_live_pages_join_and_leave(room: Room, closed: Closed, work_as: Opens) -> None:
    inner = f"library:{room.id}/{closed.closed.id}"
    with work_as("管力") as work:
        grant_member(work, closed.closed.id, "林悦", Level.SEE)
        lin = member_named(work, "林悦").id
        (change,) = [event for event in work.recorded if event.joins]
        assert (change.joins, change.leaves) == ({lin: [inner]}, {})
        assert change.rooms == (inner, "audit")
    with work_as("管力") as work:
        grant_member(work, closed.closed.id, "林悦", Level.NONE)
        (change,) = [event for event in work.recorded if event.leaves]
        assert (change.joins, change.leaves) == ({}, {lin: [inner]})
        above = [event for event in work.recorded if event.kind == GrantEvent.CHANGED]
        assert [(event.rooms, "机密" in str(event.facts)) for event in above] == [((f"library:{room.id}",), False)]


# --- who may grant, and pages ------------------------------------------------------------------------------------------------


def test_grant_when_not_a_manager_or_the_last_one_then_refused(room: Room, closed: Closed, work_as: Opens) -> None:
    with pytest.raises(NotAllowed), work_as("苏航") as work:
        set_right(work, closed.closed.id, group_of(work, "视觉组"), Level.EDIT)
    with pytest.raises(Conflict), work_as("管力") as work:
        set_right(work, room.root, Subject(SubjectKind.MEMBER, str(work.actor.member_id)), None)
    with work_as("管力") as work:
        set_right(work, room.root, Subject(SubjectKind.MEMBER, member_named(work, "苏航").id), Level.MANAGE)
        set_right(work, room.root, Subject(SubjectKind.MEMBER, str(work.actor.member_id)), None)


@pytest.mark.parametrize(
    ("name", "folder", "words"),
    [
        ("苏航", "closed", "苏航在这里可编辑：“机密”把本人设为可编辑。上级“主视觉素材”的设置在这里不起作用。"),
        (
            "陈墨", "closed",
            "陈墨在这里不可见：“机密”把名为“视觉组”的成员组设为不可见，本人属于其中。上级“主视觉素材”的设置在这里不起作用。",
        ),
        ("陈墨", "public", "陈墨在这里可编辑：“主视觉素材”把名为“视觉组”的成员组设为可编辑，本人属于其中。"),
        ("何青", "closed", "何青在这里不可见：这里和各级上级都没有给本人，也没有给其成员组、部门或地点任何权限。"),
    ],
)  # fmt: skip
def test_explanation_when_asked_for_a_member_then_where_it_comes_from(
    room: Room, closed: Closed, work_as: Opens, name: str, folder: str, words: str
) -> None:
    with work_as("管力", writes=False) as work:
        assert explain(work, getattr(closed, folder).id, member_named(work, name).id) == words


def test_page_when_a_manager_grants_a_department_then_listed_inherited_and_taken_back(
    room: Room, closed: Closed, signed_in: SignedIn, work_as: Opens
) -> None:
    manager = signed_in("guanli")
    here = f"/library/folders/{closed.public.id}/rights"
    found = manager.get(f"{here}/subjects?q=财务").get_data(as_text=True)
    assert "财务" in found
    store = manager.get(f"{here}/subjects?q=sh-00").get_data(as_text=True)
    assert "淮海路店" in store, "a store is found by its code"
    assert "上海 SH-0001" in store
    with work_as("管力", writes=False) as work:
        department = member_named(work, "何青").department_id
    assert manager.post(here, {"subject": f"department:{department}", "right": "comment"}).status_code == 303
    assert "财务" in manager.get(here).get_data(as_text=True)
    inherited = manager.get(f"/library/folders/{closed.closed.id}/rights").get_data(as_text=True)
    assert "继承自“公开”" in inherited
    assert "可批注" in inherited
    sentence = manager.get(f"{here}/effective?member={_member(work_as, '何青')}").get_data(as_text=True)
    assert "何青在这里可批注" in sentence
    assert manager.post(f"{here}/removal", {"subject": f"department:{department}"}).status_code == 303
    assert "财务" not in manager.get(here).get_data(as_text=True).split("有效权限")[0]
    for wrong in ({"subject": "robot:1", "right": "see"}, {"subject": f"department:{department}", "right": "all"}, {}):
        assert manager.post(here, wrong).status_code == 422
    assert manager.post(here, {"subject": "department:nobody", "right": "see"}).status_code == 404


def test_page_when_not_a_manager_then_only_their_own_right_and_whom_to_ask(room: Room, closed: Closed, signed_in: SignedIn) -> None:
    chen = signed_in("chenmo")
    page = chen.get(f"/library/folders/{closed.public.id}/rights").get_data(as_text=True)
    assert "陈墨在这里可编辑" in page
    assert "请联系：管力" in page
    assert "这里的设置" not in page
    assert chen.get(f"/library/folders/{closed.closed.id}/rights").status_code == 404
    assert chen.get(f"/library/folders/{closed.public.id}/rights/effective").status_code == 403
    assert chen.post(f"/library/folders/{closed.public.id}/rights", {"subject": "group:x", "right": "see"}).status_code == 403


def test_usage_when_a_manager_looks_then_bytes_by_department(room: Room, closed: Closed, signed_in: SignedIn) -> None:
    page = signed_in("guanli").get(f"/library/{room.id}/usage").get_data(as_text=True)
    assert "设计策划" in page
    assert "不限" in page
    assert signed_in("chenmo").get(f"/library/{room.id}/usage").status_code == 403


def test_trash_when_emptied_by_who_does_not_manage_a_folder_then_its_part_stays(
    room: Room, closed: Closed, signed_in: SignedIn, work_as: Opens
) -> None:
    with work_as("管力") as work:
        grant_member(work, room.root, "林悦", Level.MANAGE)
    for node in (closed.secret, closed.plain):
        room.su.op(room.id, delete(node.id, 1))
    lin = signed_in("linyue")
    assert SECRET not in lin.get(f"/library/{room.id}/trash").get_data(as_text=True)
    lin.post(f"/library/{room.id}/trash/emptying")
    left = signed_in("suhang").get(f"/library/{room.id}/trash").get_data(as_text=True)
    assert SECRET in left
    assert "海报.txt" not in left


def _member(work_as: Opens, name: str) -> str:
    with work_as("管力", writes=False) as work:
        return str(member_named(work, name).id)


def test_opening_when_a_member_opens_a_library_then_they_manage_it(room: Room, work_as: Opens) -> None:
    with work_as("管力", writes=False) as work:
        grants = {
            (row.subject_kind, row.right) for row in work.session.scalars(select(FolderGrant).where(FolderGrant.folder_id == room.root))
        }
    assert grants == {("member", "manage"), ("group", "edit"), ("group", "see")}
