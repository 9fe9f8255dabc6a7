"""Share links: what a stranger sees with one, and when they see nothing any more."""

import io
import re
import threading
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageChops
from sqlalchemy import update

from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from sync.library.retention.access import held_versions
from sync.library.shares.models import Share
from sync.library.shares.rules import FAILURES_MAX, Limits, State, may_go_on, must_wait, state_of
from sync.library.shares.watermark import _place, mark
from tests.house import NOW, Person
from tests.pages import OpenPage
from tests.sync.library.agents import delete, make_folder
from tests.sync.library.conftest import Room
from tests.sync.library.grants import grant_right
from tests.sync.library.test_pages import picture
from workspace.db import Database
from workspace.errors import Unavailable
from workspace.people.models import Group

SignedIn = Callable[[str], Person]
Opens = Callable[..., Any]


@pytest.fixture
def asset(room: Room, run_jobs: Callable[[], int]) -> Any:
    node = room.su.save(room.id, room.root, "主视觉.png", picture()).node
    run_jobs()
    return node


def share(person: Person, node_id: str, **wish: str) -> str:
    """Make a link; its path."""
    form = {"purpose": "杭州代理商", "days": "7", **wish}
    assert person.post(f"/library/nodes/{node_id}/shares", form).status_code == 303
    found = re.search(r"(/s/[0-9a-z]+)<", person.get(f"/library/nodes/{node_id}/shares").get_data(as_text=True))
    assert found
    return found[1]


def enter(client: FlaskClient, address: str, password: str = "") -> Any:
    page = client.get(address)
    if page.status_code != 200 or b"<form" not in page.data:
        return page
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.get_data(as_text=True))
    assert token
    return client.post(address, data={"password": password, "csrf_token": token[1]})


# --- rules ------------------------------------------------------------------------------------------------------------


def test_state_when_limits_are_reached_then_over() -> None:
    live = Limits(NOW + timedelta(days=1), None, 3, 2)
    assert state_of(live, NOW) is State.LIVE
    assert state_of(live, NOW + timedelta(days=1)) is State.EXPIRED
    used = Limits(NOW + timedelta(days=1), None, 3, 3)
    assert state_of(used, NOW) is State.USED_UP
    assert may_go_on(used, NOW)
    stopped = Limits(NOW + timedelta(days=1), NOW, None, 0)
    assert state_of(stopped, NOW) is State.REVOKED
    assert not may_go_on(stopped, NOW)


def test_patience_when_many_failures_then_until_the_window_is_over() -> None:
    assert must_wait(FAILURES_MAX, NOW, NOW + timedelta(minutes=14))
    assert not must_wait(FAILURES_MAX, NOW, NOW + timedelta(minutes=16))
    assert not must_wait(FAILURES_MAX - 1, NOW, NOW)


# --- visitors ---------------------------------------------------------------------------------------------------------


def test_link_when_opened_by_a_stranger_then_the_picture_and_nothing_more(app: Flask, room: Room, asset: Any, signed_in: SignedIn) -> None:
    address = share(signed_in("suhang"), asset.id, watermark="true")
    stranger = app.test_client()
    assert stranger.get(address).status_code == 303
    page = stranger.get(address)
    assert page.status_code == 200
    assert "主视觉.png" in page.get_data(as_text=True)
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert stranger.get(f"{address}/{asset.id}/preview?size=large").status_code == 200
    for path in (f"{address}/{asset.id}/content", f"{address}/{asset.id}/film", f"{address}/{room.root}", f"{address}/nothing"):
        assert stranger.get(path).status_code == 404, path
    for path in (f"/library/assets/{asset.id}", f"/library/assets/{asset.id}/versions/1/preview", f"/library/{room.id}"):
        assert stranger.get(path, headers={"Accept": "text/html"}).status_code == 302, path


def test_watermark_when_the_link_has_one_then_all_over_the_picture(app: Flask, asset: Any, signed_in: SignedIn) -> None:
    designer = signed_in("suhang")
    plain = Image.open(io.BytesIO(designer.get(f"/library/assets/{asset.id}/versions/1/preview?size=large").data)).convert("RGB")
    address = share(designer, asset.id, watermark="true")
    stranger = app.test_client()
    stranger.get(address)
    marked = Image.open(io.BytesIO(stranger.get(f"{address}/{asset.id}/preview?size=large").data)).convert("RGB")
    assert marked.size == plain.size
    difference = ImageChops.difference(plain, marked).convert("L").point(lambda value: 255 if value > 24 else 0)
    width, height = plain.size
    for column in range(2):
        for row in range(2):
            part = difference.crop((column * width // 2, row * height // 2, (column + 1) * width // 2, (row + 1) * height // 2))
            assert part.getbbox() is not None, f"nothing is drawn in part {column}, {row}"


def test_download_when_allowed_then_the_original(app: Flask, asset: Any, signed_in: SignedIn) -> None:
    address = share(signed_in("suhang"), asset.id, may_download="true")
    stranger = app.test_client()
    stranger.get(address)
    assert stranger.get(f"{address}/{asset.id}/content").data == picture()


def test_content_when_the_address_alone_is_known_then_nothing(app: Flask, asset: Any, signed_in: SignedIn) -> None:
    address = share(signed_in("suhang"), asset.id, may_download="true")
    for path in ("content", "preview", "film"):
        assert app.test_client().get(f"{address}/{asset.id}/{path}").status_code == 404


def test_password_when_wrong_then_refused_and_after_many_closed_for_a_while(app: Flask, asset: Any, signed_in: SignedIn) -> None:
    address = share(signed_in("suhang"), asset.id, password="kaimen-2026")
    stranger = app.test_client()
    assert enter(stranger, address, "guess").status_code == 403
    assert stranger.get(f"{address}/{asset.id}/preview").status_code == 404
    assert enter(stranger, address, "kaimen-2026").status_code == 303
    assert stranger.get(f"{address}/{asset.id}/preview").status_code == 200
    other = app.test_client()
    for _attempt in range(FAILURES_MAX):
        enter(other, address, "guess")
    assert enter(other, address, "kaimen-2026").status_code == 429


def test_password_when_many_are_tried_at_once_then_no_more_than_the_limit_are_looked_at(
    app: Flask, asset: Any, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = share(signed_in("suhang"), asset.id, password="kaimen-2026")
    looked: list[str] = []

    def slow(stored: str, password: str) -> bool:
        """While this one is looked at, all the others come."""
        looked.append(password)
        if len(looked) == 1:
            for number in range(FAILURES_MAX + 5):
                enter(app.test_client(), address, f"guess {number}")
        return False

    monkeypatch.setattr("sync.library.shares.pages.password_matches", slow)
    enter(app.test_client(), address, "guess")
    assert len(looked) == FAILURES_MAX


def test_visitor_when_inside_already_and_opening_again_then_counted_once(app: Flask, asset: Any, signed_in: SignedIn) -> None:
    """Two tabs, or a form that is sent twice."""
    designer = signed_in("suhang")
    address = share(designer, asset.id, most_views="2")
    first, second = app.test_client(), app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', first.get(address).get_data(as_text=True))
    assert token
    for _tab in range(3):
        assert first.post(address, data={"csrf_token": token[1]}).status_code == 303
    assert enter(second, address).status_code == 303


def test_visitor_when_their_browser_keeps_no_cookies_then_a_door_and_no_circle(app: Flask, asset: Any, signed_in: SignedIn) -> None:
    address = share(signed_in("suhang"), asset.id)
    blind = app.test_client(use_cookies=False)
    answer = blind.get(address)
    assert answer.status_code == 303
    assert blind.get(answer.headers["Location"]).status_code == 200
    assert views_of(asset.id, signed_in("suhang")) == 1


def views_of(node_id: str, person: Person) -> int:
    found = re.search(r"打开 (\d+) 次", person.get(f"/library/nodes/{node_id}/shares").get_data(as_text=True))
    assert found
    return int(found[1])


def test_watermark_when_the_picture_is_asked_for_again_then_drawn_once(
    app: Flask, asset: Any, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[str] = []

    def counted(picture: bytes, text: str) -> bytes:
        drawn.append(text)
        return mark(picture, text)

    monkeypatch.setattr("sync.library.shares.pages.mark", counted)
    address = share(signed_in("suhang"), asset.id, watermark="true")
    pictures = []
    for _visitor in range(2):
        stranger = app.test_client()
        stranger.get(address)
        pictures.append(stranger.get(f"{address}/{asset.id}/preview").data)
    assert len(drawn) == 1
    assert pictures[0] == pictures[1]
    other = share(signed_in("chenmo"), asset.id, watermark="true", purpose="另一家")
    stranger.get(other)
    assert stranger.get(f"{other}/{asset.id}/preview").data != pictures[0]


def test_watermark_when_too_many_are_drawn_then_later_instead_of_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.library.shares.watermark._PATIENCE_S", 0.01)
    monkeypatch.setattr("sync.library.shares.watermark._AT_ONCE", threading.BoundedSemaphore(1))
    with _place(), pytest.raises(Unavailable):
        mark(b"", "x")


def test_version_when_a_live_link_shows_it_then_held(room: Room, asset: Any, signed_in: SignedIn, work_as: Opens) -> None:
    share(signed_in("suhang"), asset.id, number="1")
    with work_as("苏航") as work:
        assert (asset.id, 1) in held_versions(work, room.id)
    with work_as("苏航", now=datetime.now(UTC) + timedelta(days=8)) as work:
        assert (asset.id, 1) not in held_versions(work, room.id)


def test_making_when_there_are_many_links_already_then_refused(asset: Any, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.library.shares.actions.MOST_LINKS", 1)
    designer = signed_in("suhang")
    share(designer, asset.id)
    answer = designer.post(f"/library/nodes/{asset.id}/shares", {"purpose": "x", "days": "7"})
    assert answer.status_code == 422
    assert "链接太多" in answer.get_data(as_text=True)


def test_views_when_used_up_then_no_new_visitor_and_the_last_may_finish(app: Flask, asset: Any, signed_in: SignedIn) -> None:
    address = share(signed_in("suhang"), asset.id, most_views="1")
    first, second = app.test_client(), app.test_client()
    assert first.get(address).status_code == 200  # The door: fetching it counts nothing.
    assert enter(first, address).status_code == 303
    assert first.get(f"{address}/{asset.id}/preview").status_code == 200
    assert second.get(address).status_code == 404
    assert first.get(address).status_code == 200


def test_link_when_over_then_the_same_answer_whatever_the_cause(app: Flask, asset: Any, signed_in: SignedIn, company: Database) -> None:
    address = share(signed_in("suhang"), asset.id)
    visitor = app.test_client()
    visitor.get(address)
    with company.session(writes=True) as session:
        session.execute(update(Share).values(expires_at=NOW - timedelta(days=1)))
        session.commit()
    unknown = words(app.test_client().get("/s/" + "0" * 58))
    assert unknown[0] == 404
    assert words(visitor.get(address)) == words(app.test_client().get(address)) == unknown


def words(answer: Any) -> tuple[int, list[str]]:
    page = answer.get_data(as_text=True)
    return answer.status_code, re.findall(r">([^<>]+)<", page[page.index("<main") :])


def test_link_when_revoked_then_over_for_those_inside_too(app: Flask, asset: Any, signed_in: SignedIn) -> None:
    designer = signed_in("suhang")
    address = share(designer, asset.id)
    visitor = app.test_client()
    visitor.get(address)
    found = re.search(r"/library/shares/(\w+)/revocation", designer.get(f"/library/nodes/{asset.id}/shares").get_data(as_text=True))
    assert found
    assert signed_in("linyue").post(f"/library/shares/{found[1]}/revocation", {}).status_code == 404
    assert signed_in("zhaoning").post(f"/library/shares/{found[1]}/revocation", {}).status_code == 404
    assert designer.post(f"/library/shares/{found[1]}/revocation", {}).status_code == 303
    assert visitor.get(address).status_code == 404
    assert visitor.get(f"{address}/{asset.id}/preview").status_code == 404


def test_link_when_its_maker_may_no_longer_edit_then_over(app: Flask, room: Room, asset: Any, signed_in: SignedIn, work_as: Opens) -> None:
    address = share(signed_in("suhang"), asset.id)
    visitor = app.test_client()
    visitor.get(address)
    with work_as("林悦") as work:
        group = work.session.query(Group).filter_by(name="视觉组").one()
        grant_right(work, work.session.get_one(Library, room.id), group_id=group.id, right=Right.SEE)
    assert visitor.get(address).status_code == 404


def test_folder_when_shared_then_what_is_in_it_and_not_beside_it(app: Flask, room: Room, signed_in: SignedIn) -> None:
    folder = room.su.ops(room.id, make_folder(room.root, "成片"))[0].node
    inside = room.su.save(room.id, folder.id, "a.txt", b"inside").node
    beside = room.su.save(room.id, room.root, "b.txt", b"beside").node
    address = share(signed_in("suhang"), folder.id, may_download="true")
    stranger = app.test_client()
    stranger.get(address)
    assert "a.txt" in stranger.get(address).get_data(as_text=True)
    assert stranger.get(f"{address}/{inside.id}/content").data == b"inside"
    with zipfile.ZipFile(io.BytesIO(stranger.get(f"{address}/{folder.id}/zip").data)) as whole:
        assert whole.namelist() == ["a.txt"]
    assert stranger.get(f"{address}/{inside.id}/zip").status_code == 404
    for node in (beside.id, room.root):
        assert stranger.get(f"{address}/{node}").status_code == 404
        assert stranger.get(f"{address}/{node}/content").status_code == 404
        assert stranger.get(f"{address}/{node}/zip").status_code == 404
    only_seen = share(signed_in("suhang"), room.root)
    stranger.get(only_seen)
    assert stranger.get(f"{only_seen}/{folder.id}").status_code == 200
    assert stranger.get(f"{only_seen}/{folder.id}/zip").status_code == 404
    room.su.ops(room.id, delete(inside.id, 1))
    assert stranger.get(f"{address}/{inside.id}/content").status_code == 404


def test_folder_when_looked_at_then_wide_on_a_pc_and_not_wider_than_a_phone(room: Room, signed_in: SignedIn, open_page: OpenPage) -> None:
    folder = room.su.ops(room.id, make_folder(room.root, "成片"))[0].node
    for number in range(8):
        room.su.save(room.id, folder.id, f"很长的文件名称-{number}.txt", str(number).encode())
    address = share(signed_in("suhang"), folder.id)
    assert open_page(address, phone=True).evaluate("document.documentElement.scrollWidth") == 390
    grid = open_page(address).locator(".shared-grid").bounding_box()
    assert grid is not None
    assert grid["width"] > 1000


# --- members ----------------------------------------------------------------------------------------------------------


def test_making_when_reader_or_stranger_then_refused(asset: Any, signed_in: SignedIn) -> None:
    form = {"purpose": "x", "days": "7"}
    assert signed_in("linyue").post(f"/library/nodes/{asset.id}/shares", form).status_code == 403
    assert signed_in("zhaoning").post(f"/library/nodes/{asset.id}/shares", form).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"purpose": ""}, {"purpose": "x" * 41}, {"days": "365"}, {"days": ""}, {"password": "abc"}, {"most_views": "0"},
        {"most_views": "viele"}, {"most_views": "²"}, {"watermark": "true", "may_download": "true"},
    ],
)  # fmt: skip
def test_making_when_a_field_does_not_fit_then_a_sentence_and_what_was_typed_stays(
    asset: Any, signed_in: SignedIn, wrong: dict[str, str]
) -> None:
    answer = signed_in("suhang").post(f"/library/nodes/{asset.id}/shares", {"purpose": "代理商甲", "days": "30", **wrong})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "field-error" in page
    assert "purpose" in wrong or "代理商甲" in page
