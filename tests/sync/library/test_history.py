"""A folder as it was: names, places and versions of then, for who may see it now."""

import io
import time
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

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
