"""Tags: put on and taken off by who may edit, found by search and in a folder, told to the log, seen by who sees the file."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from sync.library.libraries.rules import Right
from sync.library.recovery.rules import read_note
from sync.library.tags.models import AssetTag, TagEvent
from sync.library.tags.rules import read_tags, tag_key
from tests.fakes.store import MemoryStore
from tests.sync.library.agents import delete, make_folder
from tests.sync.library.conftest import Room
from tests.sync.library.grants import grant_member
from workspace.db import Database
from workspace.events.models import Event
from workspace.work import open_work

SignedIn = Callable[..., Any]


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        pytest.param("双十一，主视觉、KV;春", ["双十一", "主视觉", "KV", "春"], id="commas_of_both_scripts"),
        pytest.param("KV, kv, ＫＶ", ["KV"], id="one_key_once"),
        pytest.param("  key   visual \n ,, ", ["key visual"], id="spaces"),
        pytest.param("K\x00V,\u202e", ["KV"], id="nothing_invisible"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_tags_when_typed_then_read(typed: str, tags: list[str]) -> None:
    assert read_tags(typed) == tags


def test_tag_key_when_letters_are_wide_or_large_then_the_same() -> None:
    assert tag_key("ＫＶ") == tag_key("kv")
    assert tag_key("主视觉") != tag_key("主视")


def stored(database: Database) -> dict[str, set[str]]:
    with open_work(database, writes=False) as work:
        found: dict[str, set[str]] = {}
        for row in work.session.scalars(select(AssetTag)):
            found.setdefault(row.node_id, set()).add(row.tag)
        return found


def test_tags_when_added_and_removed_then_shown_found_and_told(
    room: Room, signed_in: SignedIn, company: Database, memory: MemoryStore, run_jobs: Callable[[], int]
) -> None:
    node = room.su.save(room.id, room.root, "kv.psd", b"a").node
    su, lin = signed_in("suhang"), signed_in("linyue")
    assert su.post(f"/library/assets/{node.id}/tags", data={"tags": "双十一，KV"}).status_code == 303
    su.post(f"/library/assets/{node.id}/tags", data={"tags": "kv, 终稿"})
    assert stored(company) == {node.id: {"双十一", "KV", "终稿"}}
    assert [found["subject"] for found in lin.get("/api/search?q=双十一").get_json()] == [f"asset:{node.id}"]
    shown = lin.get(f"/library/assets/{node.id}/tags").get_data(as_text=True)
    assert "双十一" in shown
    assert "<form" not in shown  # She may only see it.
    run_jobs()
    assert su.post(f"/library/assets/{node.id}/tags/removal", data={"tag": "双十一"}).status_code == 303
    assert lin.get("/api/search?q=双十一").get_json() == []
    run_jobs()
    notes = [note for found in memory.list(f"log/{room.id}/") for line in memory.get(found.key).splitlines() if (note := read_note(line))]
    assert {pair for note in notes for pair in note.tagged} == {(node.id, "双十一"), (node.id, "KV"), (node.id, "终稿")}
    assert {pair for note in notes for pair in note.untagged} == {(node.id, "双十一")}
    with open_work(company, writes=False) as work:
        kinds = list(work.session.scalars(select(Event.kind).where(Event.kind.like("library.asset.%tagged")).order_by(Event.seq)))
    assert kinds == [TagEvent.TAGGED, TagEvent.TAGGED, TagEvent.UNTAGGED]


def test_tags_when_somebody_may_not_edit_or_see_then_refused(room: Room, signed_in: SignedIn, company: Database) -> None:
    node = room.su.save(room.id, room.root, "kv.psd", b"a").node
    for login, status in (("linyue", 403), ("zhaoning", 404)):
        person = signed_in(login)
        assert person.post(f"/library/assets/{node.id}/tags", data={"tags": "x"}).status_code == status
        assert person.post(f"/library/assets/{node.id}/tags/removal", data={"tag": "x"}).status_code == status
        assert person.post(f"/library/folders/{room.root}/tags", data={"tags": "x", "ids": node.id}).status_code == status
    assert signed_in("zhaoning").get(f"/library/assets/{node.id}/tags").status_code == 404
    assert stored(company) == {}


@pytest.mark.parametrize(
    ("typed", "why"),
    [("", "请填写标签"), ("长" * 41, "一个标签最多 40 个字"), (",".join(map(str, range(31))), "一个文件最多 30 个标签")],
    ids=["nothing", "too_long", "too_many"],
)
def test_tags_when_refused_then_said_beside_what_was_typed(
    room: Room, signed_in: SignedIn, company: Database, typed: str, why: str
) -> None:
    node = room.su.save(room.id, room.root, "kv.psd", b"a").node
    answer = signed_in("suhang").post(f"/library/assets/{node.id}/tags", data={"tags": typed}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert why in answer.get_data(as_text=True)
    assert f'value="{typed}"' in answer.get_data(as_text=True)
    assert stored(company) == {}


def test_selection_when_tagged_then_files_have_it_and_the_folder_is_narrowed(room: Room, signed_in: SignedIn, company: Database) -> None:
    nodes = [room.su.save(room.id, room.root, f"{name}.psd", b"a").node for name in "abc"]
    su = signed_in("suhang")
    ids = [f"{node.id}:1" for node in nodes[:2]]
    said = su.post(f"/library/folders/{room.root}/tags", data={"tags": "KV", "ids": ids}, headers={"Accept": "application/json"})
    assert said.get_json() == {"done": 2, "said": "已给 2 个文件加上标签", "refused": []}
    page = su.get(f"/library/folders/{room.root}?mark=t:kv").get_data(as_text=True)
    assert ['data-name="a.psd"' in page, 'data-name="b.psd"' in page, 'data-name="c.psd"' in page] == [True, True, False]
    assert '<option value="t:kv" selected>KV</option>' in page
    su.post(f"/library/folders/{room.root}/tags", data={"tags": "kv", "ids": ids[:1], "verb": "remove"})
    assert stored(company) == {nodes[1].id: {"KV"}}


def test_folder_when_narrowed_to_a_label_then_shows_what_is_kept_under_it(room: Room, signed_in: SignedIn) -> None:
    nodes = [room.su.save(room.id, room.root, f"{name}.psd", b"a").node for name in "ab"]
    su = signed_in("suhang")
    su.post(f"/library/assets/{nodes[0].id}/versions/1/keeping", data={"label": "客户定稿"})
    page = su.get(f"/library/folders/{room.root}?mark=k:客户定稿").get_data(as_text=True)
    assert ['data-name="a.psd"' in page, 'data-name="b.psd"' in page] == [True, False]
    assert "这里没有这类文件" in su.get(f"/library/folders/{room.root}?mark=t:none").get_data(as_text=True)


def test_folder_when_narrowed_then_what_lies_deeper_is_shown_page_by_page_and_nothing_hidden(
    room: Room, signed_in: SignedIn, work_as: Any
) -> None:
    su, agent = signed_in("suhang"), room.su
    outer = agent.op(room.id, make_folder(room.root, "外层")).node
    inner = agent.op(room.id, make_folder(outer.id, "里层")).node
    nodes = [agent.save(room.id, home, "同名.psd", name).node for home, name in ((room.root, b"1"), (outer.id, b"2"), (inner.id, b"3"))]
    gone = agent.save(room.id, inner.id, "删了.psd", b"4").node
    ids = [f"{node.id}:1" for node in (*nodes, gone)]
    su.post(f"/library/folders/{room.root}/tags", data={"tags": "KV", "ids": ids})
    agent.op(room.id, delete(gone.id, base=1))
    page = su.get(f"/library/folders/{outer.id}?mark=t:kv").get_data(as_text=True)
    assert [f'data-node="{node.id}"' in page for node in nodes] == [False, True, True]
    assert "里层" in page
    assert '<option value="t:kv"' in su.get(f"/library/folders/{room.root}").get_data(as_text=True)
    seen, after = [], ""
    while True:
        part = su.get(f"/library/folders/{room.root}/items?mark=t:kv&count=1&after={after}").get_data(as_text=True)
        seen += re.findall(r'data-node="([^"]+)"', part)
        more = re.search(r"after=([^&]+)&amp;", part)
        if more is None:
            break
        after = more.group(1)
    assert sorted(seen) == sorted(node.id for node in nodes), "three of one name, each once"
    with work_as("管力") as work:
        grant_member(work, inner.id, "林悦", Right.NONE)
    assert f'data-node="{nodes[2].id}"' not in signed_in("linyue").get(f"/library/folders/{room.root}?mark=t:kv").get_data(as_text=True)


def test_search_when_a_kept_version_has_a_name_then_found_by_it_until_released(room: Room, signed_in: SignedIn) -> None:
    node = room.su.save(room.id, room.root, "kv.psd", b"a").node
    su, url = signed_in("suhang"), f"/library/assets/{node.id}/versions/1/keeping"
    su.post(url, data={"label": "客户终审稿"})
    assert "kv.psd" in su.get("/search?q=客户终审稿").get_data(as_text=True)
    su.post(f"/library/assets/{node.id}/versions/1/release")
    assert "kv.psd" not in su.get("/search?q=客户终审稿").get_data(as_text=True)
