"""Previews in the pages: a picture, a player, or why there is none, in words."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import delete, event, select

from sync.library.assets.models import AssetEvent, Version
from sync.library.collection.jobs import prune_previews
from sync.library.grants.models import FolderGrant
from sync.library.previews.access import preview_key
from sync.library.previews.jobs import make_missing_previews
from sync.library.previews.models import Preview
from sync.library.previews.rules import CHECK_LIMITS
from sync.library.previews.sandbox import run_drawing, workplace
from tests.house import Person
from tests.sync.library.conftest import Room
from tests.sync.library.preview_files import SVG, film, photoshop
from tests.sync.library.test_pages import picture
from workspace.db import Database
from workspace.jobs.models import Job
from workspace.jobs.worker import JobRun
from workspace.passes import PASS_S, Passes

SignedIn = Callable[[str], Person]


def save(room: Room, name: str, data: bytes) -> Any:
    return room.su.save(room.id, room.root, name, data).node


def page_of(person: Person, node: Any) -> str:
    return person.get(f"/library/assets/{node.id}").get_data(as_text=True)


def test_page_when_refused_then_says_why_in_words(room: Room, run_jobs: Any, signed_in: SignedIn) -> None:
    person = signed_in("suhang")
    node = save(room, "徽标.svg", SVG.format("<script>alert(1)</script>").encode())
    waiting = page_of(person, node)
    assert "预览正在生成" in waiting
    run_jobs()
    assert "文件含有脚本或外部引用，出于安全不生成预览" in page_of(person, node)
    assert person.get(f"/library/assets/{node.id}/versions/1/preview").status_code == 404
    original = person.get(f"/library/assets/{node.id}/versions/1/content")
    assert original.headers["Content-Disposition"].startswith("attachment")
    assert original.headers["Content-Type"] == "application/octet-stream"
    assert "sandbox" in original.headers["Content-Security-Policy"]


def test_missing_when_saved_before_its_kind_was_known_then_drawn_once(
    room: Room, parts: Any, run_jobs: Any, work_as: Any, signed_in: SignedIn
) -> None:
    node = save(room, "旧稿.psd", photoshop())
    save(room, "账目.db", b"nothing to be seen")
    with work_as("林悦") as work:
        work.session.execute(delete(Job).where(Job.name == "library.make_preview"))
    run = JobRun(parts.get(Database), parts, 1, "job", threading.Event())
    for _time in range(2):
        make_missing_previews(run)
        with work_as("林悦", writes=False) as work:
            assert list(work.session.scalars(select(Job.key).where(Job.name == "library.make_preview"))) == [node.manifest]
    run_jobs()
    assert "/preview?size=large" in page_of(signed_in("suhang"), node)
    make_missing_previews(run)
    with work_as("林悦", writes=False) as work:
        assert work.session.scalar(select(Job.id).where(Job.name == "library.make_preview")) is None


def test_page_when_same_bytes_have_another_name_then_the_same_preview(room: Room, run_jobs: Any, signed_in: SignedIn) -> None:
    wrong = save(room, "其实是 PSD.png", photoshop())
    right = save(room, "主视觉.psd", photoshop())
    run_jobs()
    for node in (wrong, right):
        assert "/preview?size=large" in page_of(signed_in("suhang"), node)


def test_film_when_browsers_play_it_then_a_player_of_the_file_itself(
    room: Room, run_jobs: Any, signed_in: SignedIn, tmp_path: Path
) -> None:
    node = save(room, "预热.mp4", film(tmp_path))
    assert "<video" not in page_of(signed_in("suhang"), node), "not before it was looked at"
    run_jobs()
    person, url = signed_in("suhang"), f"/library/assets/{node.id}/versions/1"
    assert f'src="{url}/content" poster="{url}/preview?size=large"' in page_of(person, node)
    part = person.get(f"{url}/content", headers={"Range": "bytes=0-99"})
    assert (part.status_code, part.headers["Content-Type"]) == (206, "video/mp4")
    assert person.get(f"{url}/film").status_code == 404, "no copy is needed"
    assert "0:02" in person.get(f"/library/{room.id}?view=grid").get_data(as_text=True)


def test_film_when_browsers_do_not_play_it_then_a_copy_with_range_for_who_may_see(
    room: Room, run_jobs: Any, signed_in: SignedIn, tmp_path: Path, work_as: Any
) -> None:
    node = save(room, "样片.mov", film(tmp_path, "x.mov", "mpeg4"))
    run_jobs()
    person, url = signed_in("suhang"), f"/library/assets/{node.id}/versions/1"
    assert f'src="{url}/film"' in page_of(person, node)
    whole = person.get(f"{url}/film")
    with work_as("林悦", writes=False) as work:
        assert work.session.get_one(Preview, node.manifest).film_bytes == len(whole.get_data())
    assert (whole.headers["Content-Type"], whole.headers["Accept-Ranges"]) == ("video/mp4", "bytes")
    assert "sandbox" in whole.headers["Content-Security-Policy"]
    part = person.get(f"{url}/film", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.get_data()) == (206, whole.get_data()[100:200])
    assert person.get(f"{url}/film", headers={"Range": "bytes=99999999-"}).status_code == 416
    assert signed_in("zhaoning").get(f"{url}/film").status_code == 404
    with workplace(tmp_path / "drawing", [whole.get_data()]) as place:
        assert run_drawing("check", place, CHECK_LIMITS).refused is None


def test_film_when_the_copy_fails_then_the_still_stays_and_says_why(room: Room, run_jobs: Any, signed_in: SignedIn, tmp_path: Path) -> None:
    whole = film(tmp_path, "x.mkv", "mpeg4", seconds=8, sound=False)
    node = save(room, "断片.mkv", whole[: len(whole) // 2])
    run_jobs()
    page = page_of(signed_in("suhang"), node)
    assert "/preview?size=large" in page
    assert "<video" not in page
    assert "文件不完整或已损坏" in page


def test_pictures_when_a_page_showed_them_then_sent_without_asking_and_to_that_session_alone(
    room: Room, memory: Any, run_jobs: Any, parts: Any, signed_in: SignedIn
) -> None:
    node = save(room, "主图.png", picture())
    run_jobs()
    person, url = signed_in("linyue"), f"/library/assets/{node.id}/versions/1/preview"
    checked = person.get(url)
    assert url in person.get(f"/library/{room.id}").get_data(as_text=True)
    asked: list[str] = []
    engine = parts.get(Database).engine
    event.listen(engine, "before_cursor_execute", note := lambda _c, _u, statement, *_rest: asked.append(statement))
    shown = person.get(url)
    event.remove(engine, "before_cursor_execute", note)
    assert (shown.status_code, shown.data, shown.headers["ETag"]) == (200, checked.data, checked.headers["ETag"])
    assert asked == []
    assert signed_in("zhaoning").get(url).status_code == 404
    assert person.client.post(url).status_code == 405
    person.post("/sign-out")
    assert person.get(url).status_code == 302


def test_pictures_when_the_right_ended_long_after_the_page_then_refused(
    room: Room, run_jobs: Any, app: Any, work_as: Any, signed_in: SignedIn
) -> None:
    node = save(room, "主图.png", picture())
    run_jobs()
    now = [0.0]
    app.extensions["mainline"].passes = Passes(lambda: now[0])
    person, url = signed_in("linyue"), f"/library/assets/{node.id}/versions/1/preview"
    person.get(f"/library/{room.id}")
    with work_as("林悦") as work:
        work.session.execute(delete(FolderGrant).where(FolderGrant.library_id == room.id))
        work.record(AssetEvent.FOLDER_MADE, subject="asset:x", rooms=[], asset="x")
    assert person.get(url).status_code == 200
    now[0] += PASS_S
    assert person.get(url).status_code == 404


def test_pictures_when_no_version_names_their_content_then_leave_the_bucket(
    room: Room, memory: Any, run_jobs: Any, parts: Any, work_as: Any
) -> None:
    kept, gone = save(room, "留.png", picture()), save(room, "走.png", picture((800, 500)))
    broken = save(room, "坏.png", b"\x89PNG no picture")
    run_jobs()
    memory.put("previews/" + "0" * 64 + "-small.webp", b"left by a crash")
    run = JobRun(parts.get(Database), parts, 1, "job", threading.Event())
    assert prune_previews(run) == 1
    with work_as("林悦") as work:
        work.session.execute(delete(Version).where(Version.node_id.in_([gone.id, broken.id])))
        work.record(AssetEvent.FOLDER_MADE, subject="asset:x", rooms=[], asset="x")
    assert prune_previews(run) == 2
    left = {stored.key for stored in memory.list("previews/")}
    assert left == {preview_key(kept.manifest, size) for size in ("small", "large")}
    with work_as("林悦", writes=False) as work:
        assert list(work.session.scalars(select(Preview.digest))) == [kept.manifest]
    assert prune_previews(run) == 0
