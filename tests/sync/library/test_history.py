"""A folder as it was: names, places and versions of then, for who may see it now."""

import io
import re
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import select

from sync.library.assets.access import path_of
from sync.library.assets.models import Node, Version
from tests.house import Person
from tests.sync.library.agents import delete, make_folder, rename
from tests.sync.library.conftest import Room

SignedIn = Callable[[str], Person]


def instant() -> str:
    """A moment that nothing else shares."""
    time.sleep(0.002)
    now = datetime.now(UTC).isoformat()
    time.sleep(0.002)
    return now


def then(person: Person, folder: str, at: str) -> str:
    answer = person.get(f"/library/folders/{folder}/past", query_string={"at": at})
    assert answer.status_code == 200
    return answer.get_data(as_text=True).split("<main", 1)[1]


@pytest.fixture
def moments(room: Room) -> dict[str, str]:
    """A file is saved, saved again, renamed and moved, then deleted with its folder; ids, and instants in between."""
    before = instant()
    folder = room.su.op(room.id, make_folder(room.root, "旧文件夹")).node
    asset = room.su.save(room.id, room.root, "旧名.txt", b"one").node
    first = instant()
    room.su.save(room.id, room.root, "旧名.txt", b"second", node=asset.id, base=1)
    room.su.op(room.id, rename(asset.id, folder.id, "新名.txt"))
    moved = instant()
    room.su.op(room.id, delete(folder.id, recursive=True))
    return {"before": before, "first": first, "moved": moved, "gone": instant(), "folder": folder.id, "asset": asset.id}


def test_folder_when_looked_at_then_names_places_and_versions_are_of_then(room: Room, moments: dict[str, str], signed_in: SignedIn) -> None:
    person = signed_in("linyue")
    assert "那时这里没有文件" in then(person, room.root, moments["before"])
    first = then(person, room.root, moments["first"])
    assert "旧名.txt" in first
    assert "新名.txt" not in first
    assert f"/library/assets/{moments['asset']}?version=1" in first
    assert "没有记录" not in first
    moved = then(person, room.root, moments["moved"])
    assert "旧文件夹" in moved
    assert "名.txt" not in moved
    assert "那时这里没有文件" in then(person, room.root, moments["gone"])


def test_zip_when_of_then_then_its_names_and_bytes(room: Room, moments: dict[str, str], signed_in: SignedIn) -> None:
    person = signed_in("linyue")
    for at, wanted in (("first", {"旧名.txt": b"one"}), ("moved", {"旧文件夹/新名.txt": b"second"})):
        answer = person.get(f"/library/folders/{room.root}/past/zip", query_string={"at": moments[at]})
        archive = zipfile.ZipFile(io.BytesIO(answer.get_data()))
        assert {name: archive.read(name) for name in archive.namelist()} == wanted


def test_past_when_not_mine_or_no_time_then_refused(room: Room, moments: dict[str, str], signed_in: SignedIn) -> None:
    assert signed_in("zhaoning").get(f"/library/folders/{room.root}/past").status_code == 404
    assert signed_in("zhaoning").get(f"/library/folders/{room.root}/past/zip").status_code == 404
    person = signed_in("linyue")
    statuses = [
        person.get(f"/library/folders/{room.root}/past?at={asked}").status_code for asked in ("yesterday", "9999-99-99", "0001-01-01")
    ]
    assert statuses == [422, 422, 422]


# --- restoring a folder to a time -------------------------------------------------------------------------------------

Tree = Callable[[], dict[str, str | None]]


@pytest.fixture
def tree(room: Room, work_as: Callable[..., Any]) -> Tree:
    """path -> content of everything that is live in the library."""

    def look() -> dict[str, str | None]:
        with work_as("苏航", writes=False) as work:
            nodes = work.session.scalars(select(Node).where(Node.library_id == room.id, Node.deleted_at.is_(None))).all()
            return {path_of(work, node): node.digest for node in nodes if node.parent_id is not None}

    return look


def restore(person: Person, folder: str, at: str, **fields: str) -> Any:
    shown = person.get(f"/library/folders/{folder}/past/restoration", query_string={"at": at})
    assert shown.status_code == 200, shown.get_data(as_text=True)
    stamp = re.search(r'name="stamp" value="(\w+)"', shown.get_data(as_text=True))
    assert stamp, "nothing to be restored"
    return person.post(f"/library/folders/{folder}/past/restoration", {"at": at, "stamp": stamp.group(1), **fields})


def test_folder_when_restored_then_as_it_was_and_the_same_undoes_it(
    room: Room, tree: Tree, signed_in: SignedIn, work_as: Callable[..., Any]
) -> None:
    su = room.su
    folder = su.op(room.id, make_folder(room.root, "文件夹")).node
    places = {"改过.txt": room.root, "删了.txt": room.root, "移走.txt": folder.id, "甲.txt": room.root, "乙.txt": room.root}
    ids = {name: su.save(room.id, home, name, name.encode()).node.id for name, home in places.items()}
    at, then_tree = instant(), tree()
    su.save(room.id, room.root, "改过.txt", b"second", node=ids["改过.txt"], base=1)
    su.op(room.id, delete(ids["删了.txt"], base=1))
    su.op(room.id, rename(ids["移走.txt"], room.root, "别名.txt"))
    su.save(room.id, folder.id, "陪葬.txt", b"came later, went with the folder")
    su.op(room.id, delete(folder.id, recursive=True))
    for name, other in (("甲.txt", "丙.txt"), ("乙.txt", "甲.txt"), ("甲.txt", "乙.txt")):
        su.op(room.id, rename(ids[name], room.root, other))
    su.save(room.id, room.root, "新来.txt", b"new")
    later_tree, person = tree(), signed_in("suhang")
    page = person.get(f"/library/folders/{room.root}/past/restoration", query_string={"at": at}).get_data(as_text=True)
    for words in ("从回收站回来", "内容恢复为版本 1", "现在名为 别名.txt", "之后新增的 1 项", "改动 6 项"):
        assert words in page, words

    answer = restore(person, room.root, at)
    assert tree() == {**then_tree, "新来.txt": later_tree["新来.txt"]}
    with work_as("苏航", writes=False) as work:
        kept = list(work.session.scalars(select(Version.digest).where(Version.node_id == ids["改过.txt"]).order_by(Version.number)))
    assert kept == [then_tree["改过.txt"], later_tree["改过.txt"], then_tree["改过.txt"]], "as a version of its own"

    undo = re.search(r"/past/restoration\?undo=1&amp;at=([^\"]+)", person.get(answer.headers["Location"]).get_data(as_text=True))
    assert undo
    restore(person, room.root, unquote(undo.group(1)), later="away")
    assert tree() == later_tree


def test_folder_when_a_newer_file_has_the_name_then_both_stay(room: Room, tree: Tree, signed_in: SignedIn) -> None:
    old = room.su.save(room.id, room.root, "主图.txt", b"old").node
    at = instant()
    room.su.op(room.id, rename(old.id, room.root, "主图旧.txt"))
    room.su.save(room.id, room.root, "主图.txt", b"new")
    before = tree()
    restore(signed_in("suhang"), room.root, at)
    assert len(tree()) == 2
    assert tree()["主图.txt"] == before["主图.txt"]
    assert before["主图旧.txt"] in tree().values()
    restore(signed_in("suhang"), room.root, at, later="away")
    assert tree() == {"主图.txt": before["主图旧.txt"]}


def test_folder_when_one_thing_cannot_be_or_changed_meanwhile_then_nothing_is_done(room: Room, tree: Tree, signed_in: SignedIn) -> None:
    one = room.su.save(room.id, room.root, "一.txt", b"1").node
    two = room.su.save(room.id, room.root, "二.txt", b"2").node
    at = instant()
    for node in (one, two):
        room.su.save(room.id, room.root, node.name, b"changed", node=node.id, base=1)
    before, person = tree(), signed_in("suhang")
    url = f"/library/folders/{room.root}/past/restoration"
    assert person.post(url, {"at": at, "stamp": "what was shown before"}).status_code == 409
    assert signed_in("chenmo").post(f"/library/assets/{two.id}/lease").status_code < 400
    refused = person.post(url, {"at": at})
    assert refused.status_code == 409
    assert "“二.txt”不能恢复" in refused.get_data(as_text=True)
    assert tree() == before
    assert signed_in("linyue").get(url, query_string={"at": at}).status_code in (403, 404)
    assert signed_in("zhaoning").post(url, {"at": at}).status_code == 404
