"""The trash: what was deleted anywhere lies there for 30 days, comes back to its place, and reaches the mounts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from sync.library.assets.models import AssetEvent, Node
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from sync.library.trash import queries
from sync.library.trash.actions import expire_trash
from sync.library.trash.rules import KEPT, days_left
from tests.sync.library.agents import delete, make_folder, rename
from tests.sync.library.conftest import Room
from tests.sync.library.grants import grant_right
from workspace.events.models import Event
from workspace.people.models import Group
from workspace.work import Work

Opens = Callable[..., Any]
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def live_names(room: Room, cursor: int = 0) -> dict[str, Any]:
    return {node.name: node for node in room.chen.feed({room.id: cursor}).pages[0].nodes if not node.deleted and node.parent}


@pytest.mark.parametrize(
    ("age", "left"),
    [(timedelta(0), 30), (timedelta(seconds=1), 30), (timedelta(days=1), 29), (timedelta(days=29, hours=23), 1), (timedelta(days=31), 0)],
)
def test_days_left_when_some_time_has_passed_then_begun_days_count(age: timedelta, left: int) -> None:
    assert days_left(NOW - age, NOW) == left


def test_trash_when_deleted_in_a_mount_then_a_colleague_restores_it_in_the_browser(room: Room, signed_in: Any) -> None:
    node = room.su.save(room.id, room.root, "主图.psd", b"v1").node
    room.su.op(room.id, delete(node.id, 1))
    assert live_names(room) == {}
    chen = signed_in("chenmo")
    page = chen.get(f"/library/{room.id}/trash").get_data(as_text=True)
    assert "主图.psd" in page
    assert "苏航 删除" in page
    assert "还剩 30 天" in page
    assert "清空回收站" not in page, "who edits may not empty"
    assert chen.post(f"/library/nodes/{node.id}/recovery").status_code == 303
    there = live_names(room)["主图.psd"]
    assert (there.id, there.version, there.parent) == (node.id, 1, room.root)
    assert there.seq > node.seq, "mounts hear of it through the feed"
    assert "主图.psd" not in chen.get(f"/library/{room.id}/trash/items").get_data(as_text=True)
    assert chen.post(f"/library/nodes/{node.id}/recovery").status_code == 404, "it is there already"


def test_trash_when_a_folder_was_deleted_then_one_item_and_all_of_it_comes_back(room: Room, signed_in: Any, work_as: Opens) -> None:
    outer = room.su.op(room.id, make_folder(room.root, "外")).node
    inner = room.su.op(room.id, make_folder(outer.id, "内")).node
    room.su.save(room.id, inner.id, "留.psd", b"a")
    earlier = room.su.save(room.id, inner.id, "早删.psd", b"b").node
    room.su.op(room.id, delete(earlier.id, 1))
    room.su.op(room.id, delete(outer.id, 0, recursive=True))
    chen = signed_in("chenmo")
    page = chen.get(f"/library/{room.id}/trash/items").get_data(as_text=True)
    assert page.count('id="trash-') == 2, "the folder, and the file that was deleted before it"
    chen.post(f"/library/nodes/{outer.id}/recovery")
    assert set(live_names(room)) == {"外", "内", "留.psd"}
    with work_as("林悦", writes=False) as work:
        facts = work.session.scalars(select(Event.facts).where(Event.kind == "library.asset.restored")).one()
    assert facts["count"] == 3


def test_restore_when_the_folder_is_gone_too_then_it_comes_back_with_the_file_alone(room: Room, signed_in: Any) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "旧稿")).node
    wanted = room.su.save(room.id, folder.id, "要.psd", b"a").node
    room.su.op(room.id, delete(wanted.id, 1))
    room.su.save(room.id, folder.id, "不要.psd", b"b")
    room.su.op(room.id, delete(folder.id, 0, recursive=True))
    signed_in("chenmo").post(f"/library/nodes/{wanted.id}/recovery")
    names = live_names(room)
    assert set(names) == {"旧稿", "要.psd"}
    assert names["要.psd"].parent == folder.id


def test_restore_when_the_name_is_taken_then_a_telling_name(room: Room, signed_in: Any) -> None:
    node = room.su.save(room.id, room.root, "主图.psd", b"old").node
    room.su.op(room.id, delete(node.id, 1))
    room.chen.save(room.id, room.root, "主图.psd", b"new")
    signed_in("chenmo").post(f"/library/nodes/{node.id}/recovery")
    names = live_names(room)
    assert len(names) == 2
    assert next(name for name, each in names.items() if each.id == node.id).startswith("主图 (陈墨, ")


def test_restore_when_two_of_one_name_went_with_the_folder_then_both_are_back(room: Room, signed_in: Any) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "夹")).node
    first = room.su.save(room.id, folder.id, "a.psd", b"1").node
    second = room.su.save(room.id, room.root, "b.psd", b"2").node
    room.su.ops(room.id, delete(first.id, 1), rename(second.id, folder.id, "a.psd"), delete(folder.id, 0, recursive=True))
    signed_in("chenmo").post(f"/library/nodes/{folder.id}/recovery")
    assert {node.id for node in live_names(room).values()} == {folder.id, first.id, second.id}


def test_trash_when_not_theirs_then_not_found_and_readers_may_only_look(room: Room, signed_in: Any) -> None:
    node = room.su.save(room.id, room.root, "主图.psd", b"v1").node
    room.su.op(room.id, delete(node.id, 1))
    lin, stranger = signed_in("linyue"), signed_in("zhaoning")
    assert "恢复“主图.psd”" not in lin.get(f"/library/{room.id}/trash").get_data(as_text=True)
    assert lin.post(f"/library/nodes/{node.id}/recovery").status_code == 403
    assert lin.post(f"/library/{room.id}/trash/emptying").status_code == 403
    assert stranger.get(f"/library/{room.id}/trash").status_code == 404
    assert stranger.post(f"/library/nodes/{node.id}/recovery").status_code == 404


def make_manager(work: Work, room: Room) -> None:
    library = work.session.get_one(Library, room.id)
    grant_right(work, library, group_id=str(work.session.scalar(select(Group.id).where(Group.name == "视觉组"))), right=Right.MANAGE)


def test_trash_when_emptied_by_who_manages_then_nobody_finds_it_and_an_edit_still_wins(room: Room, signed_in: Any, work_as: Opens) -> None:
    node = room.su.save(room.id, room.root, "主图.psd", b"v1").node
    room.su.op(room.id, delete(node.id, 1))
    with work_as("林悦") as work:
        make_manager(work, room)
    su = signed_in("suhang")
    assert "清空回收站" in su.get(f"/library/{room.id}/trash").get_data(as_text=True)
    assert su.post(f"/library/{room.id}/trash/emptying").status_code == 303
    assert "主图.psd" not in su.get(f"/library/{room.id}/trash/items").get_data(as_text=True)
    assert su.get(f"/library/assets/{node.id}").status_code == 404
    assert su.post(f"/library/nodes/{node.id}/recovery").status_code == 404
    back = room.chen.save(room.id, room.root, "主图.psd", b"v2", node=node.id, base=1)
    assert (back.outcome, back.node.version) == ("applied", 2), "an offline edit is never lost"
    assert su.get(f"/library/assets/{node.id}").status_code == 200


def test_trash_when_thirty_days_have_passed_then_it_leaves_and_the_rest_stays(room: Room, work_as: Opens) -> None:
    old = room.su.save(room.id, room.root, "旧.psd", b"1").node
    new = room.su.save(room.id, room.root, "新.psd", b"2").node
    room.su.ops(room.id, delete(old.id, 1))
    room.su.ops(room.id, delete(new.id, 1))
    with work_as("林悦") as work:
        work.session.get_one(Node, old.id).deleted_at = datetime.now(UTC) - KEPT - timedelta(hours=1)
        work.record(AssetEvent.DELETED, subject=f"asset:{old.id}", rooms=["audit"], asset="旧.psd", author="苏航")
    with work_as("林悦", now=datetime.now(UTC)) as work:
        assert expire_trash(work, room.id) == 1
    with work_as("林悦", writes=False, now=datetime.now(UTC)) as work:
        assert [item.name for item in queries.trash_view(work, room.id).items] == ["新.psd"]


def test_trash_when_long_then_paged_by_key(room: Room, work_as: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "ITEMS_AT_ONCE", 3)
    answers = room.su.ops(room.id, *(make_folder(room.root, str(number)) for number in range(7)))
    room.su.ops(room.id, *(delete(answer.node.id) for answer in answers))
    seen, after = [], ""
    with work_as("林悦", writes=False) as work:
        while True:
            page = queries.trash_view(work, room.id, after=after)
            seen += [item.name for item in page.items]
            after = page.more_after
            if not after:
                break
    assert sorted(seen) == [str(number) for number in range(7)]
