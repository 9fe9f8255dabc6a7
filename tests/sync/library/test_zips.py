"""Downloads of many files as one zip: names, content, rights, bounds, and files that cannot be read."""

import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import insert

from sync.library.assets.models import AssetEvent, Node
from sync.library.zips import pages as zip_pages
from sync.library.zips import queries, rules
from tests.fakes.store import MemoryStore
from tests.house import Person
from tests.sync.library.agents import make_folder
from tests.sync.library.conftest import Room
from tests.sync.library.test_uploads import MIB, noise

SignedIn = Callable[[str], Person]
JSON = {"Accept": "application/json"}


def opened(answer: Any) -> zipfile.ZipFile:
    assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
    archive = zipfile.ZipFile(io.BytesIO(answer.get_data()))
    assert archive.testzip() is None
    return archive


@pytest.fixture
def tree(room: Room) -> dict[str, Any]:
    """素材/主图.png, 素材/图/大图.psd (two runs of chunks), 说明.txt"""
    folder = room.su.op(room.id, make_folder(room.root, "素材")).node
    inner = room.su.op(room.id, make_folder(folder.id, "图")).node
    large = noise(9 * MIB)
    return {
        "folder": folder, "inner": inner, "large": large,
        "picture": room.su.save(room.id, folder.id, "主图.png", b"picture").node,
        "big": room.su.save(room.id, inner.id, "大图.psd", large).node,
        "text": room.su.save(room.id, room.root, "说明.txt", b"text").node,
    }  # fmt: skip


def test_folder_when_downloaded_then_all_of_it_with_its_names(room: Room, tree: dict[str, Any], signed_in: SignedIn) -> None:
    answer = signed_in("linyue").get(f"/library/folders/{room.root}/zip")
    archive = opened(answer)
    assert set(archive.namelist()) == {"素材/主图.png", "素材/图/大图.psd", "说明.txt"}
    assert archive.read("素材/图/大图.psd") == tree["large"]
    info = archive.getinfo("说明.txt")
    assert (info.compress_type, bool(info.flag_bits & 0x800), info.date_time[0]) == (zipfile.ZIP_STORED, True, 2026)
    assert "filename*=UTF-8''%E4%B8%BB%E8%A7%86" in answer.headers["Content-Disposition"]


def test_chosen_when_downloaded_then_they_alone(room: Room, tree: dict[str, Any], signed_in: SignedIn) -> None:
    ids = [f"{tree['folder'].id}:0", tree["text"].id]
    archive = opened(signed_in("suhang").post(f"/library/folders/{room.root}/zip", {"ids": ids}))
    assert set(archive.namelist()) == {"素材/主图.png", "素材/图/大图.psd", "说明.txt"}
    one = signed_in("suhang").post(f"/library/folders/{tree['folder'].id}/zip", {"ids": [tree["picture"].id]})
    assert opened(one).namelist() == ["主图.png"]


def test_zip_when_i_may_not_see_it_then_404_alike(room: Room, tree: dict[str, Any], signed_in: SignedIn) -> None:
    stranger = signed_in("zhaoning")
    assert stranger.get(f"/library/folders/{room.root}/zip").status_code == 404
    assert stranger.post(f"/library/folders/{room.root}/zip", {"ids": [tree["text"].id]}).status_code == 404
    assert signed_in("suhang").post(f"/library/folders/{room.root}/zip", {"ids": ["nothing"]}).status_code == 404


def test_zip_when_empty_or_nothing_chosen_then_said(room: Room, signed_in: SignedIn) -> None:
    person = signed_in("suhang")
    assert person.get(f"/library/folders/{room.root}/zip", headers=JSON).get_json()["error"]["title"] == "没有可以下载的文件"
    assert person.post(f"/library/folders/{room.root}/zip", {}, headers=JSON).status_code == 422


def test_file_when_its_content_is_gone_then_a_text_says_so_and_the_rest_is_whole(
    room: Room, tree: dict[str, Any], memory: MemoryStore, signed_in: SignedIn
) -> None:
    damaged = [key for key, data in memory.objects.items() if key.startswith("packs/") and b"picture" in data]
    for key in damaged:
        memory.objects[key] = memory.objects[key].replace(b"picture", b"PICTURE")
    archive = opened(signed_in("suhang").get(f"/library/folders/{room.root}/zip"))
    assert set(archive.namelist()) == {"素材/主图.png.没有读到.txt", "素材/图/大图.psd", "说明.txt"}
    assert "主图.png" in archive.read("素材/主图.png.没有读到.txt").decode()


def test_file_when_it_fails_halfway_then_its_end_is_told(
    room: Room, tree: dict[str, Any], memory: MemoryStore, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, calls = memory.get_range, []

    def failing(key: str, offset: int, length: int) -> bytes:
        calls.append(key)
        memory.failing = len(calls) > 1
        return read(key, offset, length)

    monkeypatch.setattr(memory, "get_range", failing)
    ids = [tree["inner"].id]
    answer = signed_in("suhang").post(f"/library/folders/{tree['folder'].id}/zip", {"ids": ids})
    archive = opened(answer)
    assert archive.namelist() == ["图/大图.psd", "图/大图.psd.不完整.txt"]
    assert tree["large"].startswith(archive.read("图/大图.psd"))


def test_zip_when_too_much_then_422_with_the_bounds(
    room: Room, tree: dict[str, Any], signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (queries, rules):
        monkeypatch.setattr(module, "FILES_MOST", 2)
    answer = signed_in("suhang").get(f"/library/folders/{room.root}/zip", headers=JSON)
    assert (answer.status_code, answer.get_json()["error"]["title"]) == (422, "下载的内容太多")


def test_zip_when_folders_lie_ten_thousand_deep_then_422(room: Room, work_as: Callable[..., Any], signed_in: SignedIn) -> None:
    with work_as("苏航") as work:
        now, parent = work.now, room.root
        for number in range(10_000):
            row = {"id": f"deep-node-number-{number:05d}", "parent_id": parent, "seq": 10 + number}
            work.session.execute(insert(Node).values(**row, library_id=room.id, name="d", name_key="d", kind="folder", version=0,
                size_bytes=0, modified_at=now, author_name="", created_at=now))  # fmt: skip
            parent = row["id"]
        work.record(AssetEvent.FOLDER_MADE, subject="asset:deep", rooms=[])
    answer = signed_in("suhang").get(f"/library/folders/{room.root}/zip", headers=JSON)
    assert (answer.status_code, answer.get_json()["error"]["title"]) == (422, "下载的内容太多")


def test_zip_when_two_of_mine_are_under_way_then_429_and_free_again_after(room: Room, tree: dict[str, Any], signed_in: SignedIn) -> None:
    person = signed_in("suhang")
    held = [person.client.get(f"/library/folders/{room.root}/zip", buffered=False) for _ in range(2)]
    started: list[Iterator[bytes]] = [iter(answer.response) for answer in held]
    for body in started:
        next(body)
    assert person.get(f"/library/folders/{room.root}/zip", headers=JSON).status_code == 429
    for answer in held:
        answer.close()
    opened(person.get(f"/library/folders/{room.root}/zip"))
    assert zip_pages.SENDING._taken.total() == 0
