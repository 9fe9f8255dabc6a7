"""The library in the browser: who sees what, uploads, versions, content with Range, previews."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import update

from sync.core.hashing import address_of
from sync.core.protocol import AgentState
from sync.library.assets.access import content_of, list_versions_of_library, pin_of
from sync.library.assets.models import AssetEvent, Version
from sync.library.libraries.access import get_library
from sync.library.libraries.rules import Right
from sync.library.previews.models import Preview
from tests.fakes.store import MemoryStore
from tests.house import Person
from tests.sync.library.agents import delete, make_folder
from tests.sync.library.conftest import Room
from tests.sync.library.grants import grant_right
from workspace.errors import NotFound
from workspace.people.models import Group

SignedIn = Callable[[str], Person]
Opens = Callable[..., Any]


def picture(size: tuple[int, int] = (900, 600), kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (180, 40, 60)).save(out, kind)
    return out.getvalue()


def upload(person: Person, folder: str, *files: tuple[str, bytes], **options: Any) -> Any:
    data = {"files": [(io.BytesIO(content), name) for name, content in files]}
    return person.post(f"/library/folders/{folder}/upload", data, headers={"Accept": "application/json"}, **options)


def test_newest_version_when_devices_know_it_then_their_number_is_told(room: Room, asset: Any, work_as: Opens, signed_in: SignedIn) -> None:
    person, url = signed_in("suhang"), f"/library/assets/{asset.id}"
    assert "已安全" in person.get(url).get_data(as_text=True)
    for agent in (room.chen, room.lin, room.stranger):
        agent.heartbeat(state=AgentState.MOUNTED, cursors={room.id: asset.seq})
    room.su.heartbeat(state=AgentState.MOUNTED, cursors={room.id: asset.seq - 1})
    fragment = person.get(f"{url}/seen").get_data(as_text=True)
    assert "已被 2 处看到" in fragment, "not the one that is behind, nor who may not see it"
    assert 'hx-trigger="load delay:3s"' in fragment
    with work_as("林悦") as work:
        work.session.execute(update(Version).where(Version.node_id == asset.id).values(at=work.now - timedelta(hours=1)))
        work.record(AssetEvent.FOLDER_MADE, subject="asset:x", rooms=[], asset="x")
    assert "hx-trigger" not in person.get(f"{url}/seen").get_data(as_text=True), "nobody asks for ever"
    assert signed_in("zhaoning").get(f"{url}/seen").status_code == 404


# --- who sees what --------------------------------------------------------------------------------------------------


@pytest.fixture
def asset(room: Room) -> Any:
    return room.su.save(room.id, room.root, "主视觉.png", picture()).node


def urls(room: Room, asset: Any) -> list[str]:
    one = f"/library/assets/{asset.id}"
    return [
        f"/library/{room.id}", f"/library/folders/{room.root}", f"/library/folders/{room.root}/items", one, f"{one}/fragment",
        f"{one}/versions", f"{one}/versions/1/content",
    ]  # fmt: skip


def test_pages_when_member_then_shown(room: Room, asset: Any, signed_in: SignedIn) -> None:
    for login in ("suhang", "linyue"):
        person = signed_in(login)
        assert [person.get(url).status_code for url in urls(room, asset)] == [200] * 7
        assert "主视觉素材" in person.get("/library").get_data(as_text=True)


def test_pages_when_stranger_then_404_and_not_listed(room: Room, asset: Any, signed_in: SignedIn) -> None:
    stranger = signed_in("zhaoning")
    assert [stranger.get(url).status_code for url in urls(room, asset)] == [404] * 7
    page = stranger.get("/library").get_data(as_text=True)
    assert "主视觉素材" not in page
    assert "还没有您能看的素材库" in page
    assert upload(stranger, room.root, ("x.txt", b"x")).status_code == 404


def test_pages_when_visitor_then_sent_to_sign_in(room: Room, asset: Any, visitor: Person) -> None:
    for url in ("/library", *urls(room, asset)):
        assert visitor.get(url, headers={"Accept": "text/html"}).status_code == 302


def test_absent_when_asked_then_404(room: Room, asset: Any, signed_in: SignedIn) -> None:
    person = signed_in("suhang")
    for url in (
        "/library/nothing", "/library/folders/nothing", "/library/assets/nothing", f"/library/assets/{asset.id}?version=9",
        f"/library/assets/{asset.id}/versions/9/content", f"/library/assets/{room.root}", f"/library/folders/{asset.id}",
    ):  # fmt: skip
        assert person.get(url).status_code == 404, url


def test_reader_when_writing_then_403_and_no_buttons(room: Room, signed_in: SignedIn) -> None:
    reader = signed_in("linyue")
    assert "data-upload" not in reader.get(f"/library/{room.id}").get_data(as_text=True)
    assert upload(reader, room.root, ("x.txt", b"x")).status_code == 403
    assert reader.post(f"/library/folders/{room.root}/folders", {"name": "x"}).status_code == 403


# --- bringing and getting files -------------------------------------------------------------------------------------


def test_upload_when_same_name_then_next_version_by_this_member(room: Room, signed_in: SignedIn) -> None:
    person = signed_in("chenmo")
    first = upload(person, room.root, ("海报.txt", b"one"), ("脚本.txt", b"two")).json["saved"]
    assert [(file["name"], file["version"], file["outcome"]) for file in first] == [("海报.txt", 1, "applied"), ("脚本.txt", 1, "applied")]
    again = upload(person, room.root, ("海报.txt", b"three")).json["saved"][0]
    assert (again["version"], again["url"]) == (2, first[0]["url"])
    nodes = {node.name: node for node in room.su.feed({room.id: 0}).pages[0].nodes}
    assert (nodes["海报.txt"].author, nodes["海报.txt"].version) == ("陈墨", 2)
    page = person.get(again["url"]).get_data(as_text=True)
    assert f"template=asset_sign_off&amp;asset={nodes['海报.txt'].id}&amp;version=2" in page


def test_upload_when_form_without_script_then_back_to_the_folder(room: Room, signed_in: SignedIn) -> None:
    person = signed_in("suhang")
    answer = person.post(f"/library/folders/{room.root}/upload", {"files": [(io.BytesIO(b"x"), "a.txt")]}, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.location) == (303, f"/library/folders/{room.root}")


@pytest.mark.parametrize("name", ["CON.txt", "a|b.txt", "end."])
def test_upload_when_name_is_not_storable_then_422_and_nothing_saved(room: Room, signed_in: SignedIn, name: str) -> None:
    answer = upload(signed_in("suhang"), room.root, (name, b"x"))
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "invalid_input")
    assert len(room.su.feed({room.id: 0}).pages[0].nodes) == 1


def test_upload_when_store_is_away_then_503_and_nothing_saved(room: Room, memory: MemoryStore, signed_in: SignedIn) -> None:
    person = signed_in("suhang")
    memory.failing = True
    assert upload(person, room.root, ("a.txt", b"x")).status_code == 503
    assert len(room.su.feed({room.id: 0}).pages[0].nodes) == 1


def test_folder_when_made_then_opened_and_again_the_same(room: Room, signed_in: SignedIn) -> None:
    person = signed_in("suhang")
    first = person.post(f"/library/folders/{room.root}/folders", {"name": "门店"})
    again = person.post(f"/library/folders/{room.root}/folders", {"name": "门店"}, headers={"HX-Request": "true"})
    assert first.status_code == 303
    assert again.headers["HX-Redirect"] == first.location
    refused = person.post(f"/library/folders/{room.root}/folders", {"name": "a/b"}, headers={"Accept": "application/json"})
    assert refused.json["error"]["facts"]["fields"]["name"] == "名称里不能有斜杠。"


def test_folder_when_long_then_paged_by_key_without_gap(room: Room, signed_in: SignedIn) -> None:
    room.su.upload(room.id, b"same")
    from sync.core.protocol import Op
    from tests.sync.library.agents import commit, manifest_for

    folder = room.su.op(room.id, make_folder(room.root, "很多")).node
    ops: list[Op] = [commit(folder.id, f"图 {number:03d}.txt", manifest_for(b"same")) for number in range(150)]
    room.su.ops(room.id, *ops)
    person = signed_in("suhang")
    first = person.get(f"/library/folders/{folder.id}?view=list").get_data(as_text=True)
    link = first.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    rest = person.get(link).get_data(as_text=True)
    assert (first.count('data-name="图 '), rest.count('data-name="图 ')) == (48, 102)
    assert "图 047.txt" in first
    assert "图 048.txt" in rest


def test_content_when_whole_range_and_known_then_as_http_says(room: Room, signed_in: SignedIn) -> None:
    data = b"".join(bytes([number]) * 70_000 for number in range(40))
    node = room.su.save(room.id, room.root, "主 视觉“终稿”.psd", data).node
    url = f"/library/assets/{node.id}/versions/1/content"
    person = signed_in("linyue")
    whole = person.get(url)
    assert whole.get_data() == data
    assert whole.headers["ETag"] == f'"{node.manifest}"'
    assert whole.headers["Content-Length"] == str(len(data))
    assert whole.headers["Content-Disposition"].startswith("attachment; ")
    assert "filename*=UTF-8''%E4%B8%BB%20%E8%A7%86%E8%A7%89%E2%80%9C" in whole.headers["Content-Disposition"]
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    assert "script-src" not in whole.headers["Content-Security-Policy"]
    part = person.get(url, headers={"Range": "bytes=1000000-2000000"})
    assert (part.status_code, part.get_data()) == (206, data[1_000_000:2_000_001])
    assert part.headers["Content-Range"] == f"bytes 1000000-2000000/{len(data)}"
    tail = person.get(url, headers={"Range": "bytes=-10"})
    assert tail.get_data() == data[-10:]
    assert person.get(url, headers={"Range": f"bytes={len(data)}-"}).status_code == 416
    assert person.get(url, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    stale = person.get(url, headers={"Range": "bytes=0-9", "If-Range": '"b3:other"'})
    assert (stale.status_code, len(stale.get_data())) == (200, len(data))
    head = person.client.head(url)
    assert (head.status_code, head.headers["Content-Length"], head.get_data()) == (200, str(len(data)), b"")


def test_content_when_svg_or_html_then_never_inline(room: Room, signed_in: SignedIn) -> None:
    person = signed_in("suhang")
    for name in ("logo.svg", "page.html", "x.xhtml", "无名"):
        node = room.su.save(room.id, room.root, name, b"<script>alert(1)</script>").node
        answer = person.get(f"/library/assets/{node.id}/versions/1/content")
        assert answer.headers["Content-Disposition"].startswith("attachment"), name
        assert answer.headers["Content-Type"] == "application/octet-stream"


def test_content_when_bytes_in_the_store_are_damaged_then_503_not_wrong_bytes(room: Room, memory: MemoryStore, signed_in: SignedIn) -> None:
    node = room.su.save(room.id, room.root, "a.bin", b"precious words" * 20).node
    for key in [key for key in memory.objects if key.startswith("packs/")]:
        damaged = bytearray(memory.objects[key])
        damaged[12] ^= 1
        memory.objects[key] = bytes(damaged)
    assert signed_in("suhang").get(f"/library/assets/{node.id}/versions/1/content").status_code == 503


def test_content_when_deleted_then_versions_stay_readable_and_folder_is_empty(room: Room, signed_in: SignedIn) -> None:
    node = room.su.save(room.id, room.root, "a.txt", b"words").node
    room.su.op(room.id, delete(node.id, 1))
    person = signed_in("suhang")
    assert person.get(f"/library/assets/{node.id}/versions/1/content").get_data() == b"words"
    assert "已从素材库删除" in person.get(f"/library/assets/{node.id}").get_data(as_text=True)
    assert "a.txt" not in person.get(f"/library/{room.id}").get_data(as_text=True)


# --- names, deletes, earlier versions --------------------------------------------------------------------------------


def test_rename_when_editor_then_renamed_and_taken_names_are_refused(room: Room, asset: Any, signed_in: SignedIn) -> None:
    room.su.save(room.id, room.root, "别的.png", b"x")
    person, url = signed_in("chenmo"), f"/library/nodes/{asset.id}/name"
    assert person.post(url, {"name": "定稿.png"}).location == f"/library/assets/{asset.id}"
    refused = person.post(url, {"name": "别的.PNG"}, headers={"Accept": "application/json"})
    assert (refused.status_code, list(refused.json["error"]["facts"]["fields"])) == (422, ["name"])
    assert "定稿.png" in person.get(f"/library/{room.id}").get_data(as_text=True)
    assert signed_in("linyue").post(url, {"name": "x"}).status_code == 403
    assert signed_in("zhaoning").post(url, {"name": "x"}).status_code == 404


def test_delete_when_a_newer_version_came_then_kept_with_words(room: Room, asset: Any, signed_in: SignedIn) -> None:
    room.su.save(room.id, room.root, "主视觉.png", b"newer", node=asset.id, base=1)
    person, url = signed_in("chenmo"), f"/library/nodes/{asset.id}/deletion"
    kept = person.post(url, {"version": "1"}, headers={"Accept": "application/json"})
    assert (kept.status_code, kept.json["error"]["code"]) == (409, "conflict")
    assert person.post(url, {"version": "2"}).location == f"/library/folders/{room.root}"
    assert len(room.su.feed({room.id: 0}).pages[0].nodes) == 1
    assert signed_in("linyue").post(url, {"version": "2"}).status_code == 404, "who may only see learns nothing of what is gone"


def test_restore_when_earlier_or_deleted_then_a_version_of_its_own(room: Room, asset: Any, signed_in: SignedIn) -> None:
    room.su.save(room.id, room.root, "主视觉.png", b"worse", node=asset.id, base=1)
    person, url = signed_in("chenmo"), f"/library/assets/{asset.id}/versions/1/restoration"
    assert person.post(url).status_code == 303
    node = room.su.feed({room.id: 0}).pages[0].nodes[-1]
    assert (node.version, node.manifest, node.author) == (3, asset.manifest, "陈墨")
    room.su.op(room.id, delete(asset.id, 3))
    assert person.post(f"/library/assets/{asset.id}/versions/2/restoration").status_code == 303
    assert room.su.feed({room.id: 0}).pages[0].nodes[-1].version == 4
    assert signed_in("linyue").post(url).status_code == 403
    assert signed_in("zhaoning").post(url).status_code == 404


# --- previews -------------------------------------------------------------------------------------------------------


def test_preview_when_job_has_run_then_shown_to_who_may_see(room: Room, asset: Any, run_jobs: Any, signed_in: SignedIn) -> None:
    person, stranger = signed_in("suhang"), signed_in("zhaoning")
    url = f"/library/assets/{asset.id}/versions/1/preview"
    assert person.get(url).status_code == 404
    run_jobs()
    small, large = (Image.open(io.BytesIO(person.get(f"{url}?size={size}").get_data())) for size in ("small", "large"))
    assert (small.format, small.size, large.size) == ("WEBP", (480, 320), (900, 600))
    assert url in person.get(f"/library/{room.id}?view=grid").get_data(as_text=True)
    assert stranger.get(url).status_code == 404


def test_preview_when_not_a_picture_then_noted_once_and_the_page_stands(
    room: Room, run_jobs: Any, signed_in: SignedIn, work_as: Opens
) -> None:
    node = room.su.save(room.id, room.root, "假.png", b"GIF89a no, it is not").node
    run_jobs()
    with work_as("林悦", writes=False) as work:
        assert work.session.get_one(Preview, node.manifest).state == "failed"
    assert signed_in("suhang").get(f"/library/assets/{node.id}").status_code == 200


def test_preview_when_picture_is_a_bomb_then_refused_by_its_header(room: Room, run_jobs: Any, work_as: Opens) -> None:
    out = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(out, "PNG")
    node = room.su.save(room.id, room.root, "bomb.png", out.getvalue()).node
    run_jobs()
    with work_as("林悦", writes=False) as work:
        assert work.session.get_one(Preview, node.manifest).state == "failed"


# --- what other rooms use -------------------------------------------------------------------------------------------


def test_pin_when_taken_then_stays_loadable_after_the_grant_is_gone(room: Room, asset: Any, work_as: Opens) -> None:
    with work_as("林悦", writes=False) as work:
        pin = pin_of(work, asset.id, 1)
        assert (pin.name, pin.path, pin.version, pin.digest, pin.author) == ("主视觉.png", "主视觉.png", 1, asset.manifest, "苏航")
        assert [version.number for version in list_versions_of_library(work, room.id, 5)] == [1]
    with work_as("林悦") as work:
        group = work.session.query(Group).filter_by(name="看图组").one()
        grant_right(work, get_library(work, room.id), group_id=group.id, right=Right.NONE)
    with work_as("林悦", writes=False) as work:
        with pytest.raises(NotFound):
            pin_of(work, asset.id, 1)
        assert content_of(work, pin.asset_id, pin.version).digest == pin.digest


def test_search_when_jobs_have_run_then_found_by_who_may_see_and_forgotten_when_deleted(
    room: Room, run_jobs: Any, signed_in: SignedIn
) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "倒计时")).node
    room.su.save(room.id, folder.id, "倒计时海报.txt", b"x")
    run_jobs()
    found = signed_in("suhang").get("/api/search?q=计时海").json
    assert [thing["title"] for thing in found] == ["倒计时海报.txt"]
    assert signed_in("zhaoning").get("/api/search?q=计时海").json == []
    room.su.op(room.id, delete(folder.id, recursive=True))
    run_jobs()
    assert signed_in("suhang").get("/api/search?q=计时海").json == []


def test_addresses_when_content_is_known_then_same_everywhere() -> None:
    """The digest on the page is what b3sum prints for a chunk: people can check it."""
    assert address_of(b"") == "b3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
