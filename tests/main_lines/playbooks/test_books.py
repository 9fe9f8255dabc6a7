"""The company's playbooks: versions, drafts, files, who may do what."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from main_lines.lines.rules import LineKind
from main_lines.playbooks.access import get_book
from main_lines.playbooks.actions import add_playbook, copy_playbook, open_line_from, restore_version, save_version
from main_lines.playbooks.bodies import ContentBody
from main_lines.playbooks.models import CompanyPlaybook, PlaybookDraft
from main_lines.playbooks.queries import my_lines_from, versions_of
from main_lines.playbooks.rules import Content, Entry, PlaybookKey
from main_lines.playbooks.shipped import PLAYBOOKS
from tests.house import member_named
from tests.main_lines.conftest import last_kinds
from workspace.errors import Conflict, InvalidInput, NotFound
from workspace.events.access import rooms_of
from workspace.roles.access import permissions_of
from workspace.work import Actor

FLASH = PLAYBOOKS[PlaybookKey.FLASH_SALE]
FLASH_DAY = date(2027, 6, 1)


@pytest.fixture
def book_id(work_as: Callable) -> str:
    with work_as("林悦") as work:
        return copy_playbook(work, "flash_sale", name="周年庆").id


def body(content: Content, **more: Any) -> dict[str, Any]:
    return ContentBody.values_of(content) | {"name": "周年庆", "kind": "promotion", "base": 1} | more


def test_playbook_when_copied_and_saved_then_versions_say_who_changed_what(work_as: Callable, book_id: str) -> None:
    content = Content(FLASH.entries[1:], FLASH.gates, FLASH.content.departments)
    content = Content(tuple(_alone(entry) for entry in content.entries), content.gates, content.departments)
    with work_as("林悦") as work:
        saved = save_version(work, book_id, name="周年庆", kind=LineKind.PROMOTION, content=content, base=1, note="不再选品")
        assert (saved.version, last_kinds(work)) == (2, ["main_lines.playbook.saved"])
        again = save_version(work, book_id, name="周年庆", kind=LineKind.PROMOTION, content=content, base=2)
        assert (again.version, len(work.recorded)) == (2, 1), "what changes nothing makes no version"
    with work_as("林悦", writes=False) as work:
        newest, first = versions_of(work, get_book(work, book_id))
        assert (newest.number, newest.saved_by, newest.note, newest.changes["removed"]) == (2, "林悦", "不再选品", ["选品与限量"])
        assert first.note == f"由“{FLASH.name}”第 1 版复制"
        assert get_book(work, book_id, number=1).content == FLASH.content
    with work_as("林悦") as work:
        assert restore_version(work, book_id, 1).version == 3
    with work_as("林悦", writes=False) as work:
        assert get_book(work, book_id).content == FLASH.content


def _alone(entry: Entry) -> Entry:
    return replace(entry, needs=())


def test_version_when_somebody_saved_meanwhile_then_refused_with_their_name_and_the_draft_stays(
    signed_in: Callable, work_as: Callable, book_id: str
) -> None:
    director = signed_in("linyue")
    fewer = Content(FLASH.entries[:1], FLASH.gates, FLASH.content.departments)
    assert (
        director.client.put(f"/api/playbooks/{book_id}/draft", json=body(fewer), headers={"X-CSRF-Token": director.csrf()}).status_code
        == 200
    )
    with work_as("林悦") as work:
        save_version(work, book_id, name="改了名", kind=LineKind.PROMOTION, content=FLASH.content, base=1)
        draft = work.session.scalar(select(PlaybookDraft))
        assert draft is None, "saving a version ends the saver's own draft"
    answer = director.post(f"/api/playbooks/{book_id}/versions", json=body(fewer))
    assert answer.status_code == 409
    error = answer.get_json()["error"]
    assert (error["code"], error["facts"]["version"]) == ("playbook_changed", 2)
    assert "林悦" in error["title"]
    answer = director.post(f"/api/playbooks/{book_id}/versions", json=body(fewer, base=2))
    assert (answer.status_code, answer.get_json()["version"]) == (200, 3)


def test_draft_when_another_window_kept_one_meanwhile_then_neither_is_lost_unasked(signed_in: Callable, book_id: str) -> None:
    director = signed_in("linyue")

    def put(writer: str, seen: str, name: str):
        values = body(FLASH.content) | {"name": name, "writer": writer, "seen": seen}
        return director.client.put(f"/api/playbooks/{book_id}/draft", json=values, headers={"X-CSRF-Token": director.csrf()})

    first = put("office", "", "办公室").get_json()["saved_at"]
    refused = put("home", "", "Home")
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (409, "draft_changed")
    assert put("office", "", "办公室，又改").status_code == 200, "its own draft, whose answer was lost, is no other's"
    assert put("home", first, "Home").status_code == 409, "it has gone on since"
    seen = put("home", first, "Home").get_json()["error"]["facts"]["saved_at"]
    assert put("home", seen, "Home").status_code == 200, "whoever has been asked decides"
    assert '"name": "Home"' in director.get(f"/playbooks/{book_id}/edit").get_data(as_text=True)


def test_draft_when_unsound_then_kept_with_what_is_wrong_and_no_version_is_made_of_it(signed_in: Callable, book_id: str) -> None:
    director = signed_in("linyue")
    values = body(FLASH.content)
    values["orders"][0] |= {"title": "", "needs": [values["orders"][0]["key"]]}
    answer = director.client.put(f"/api/playbooks/{book_id}/draft", json=values, headers={"X-CSRF-Token": director.csrf()})
    said = answer.get_json()["faults"]
    assert {"no_title", "circle"} <= {fault["trouble"] for fault in said if fault["fatal"]}
    assert director.post(f"/api/playbooks/{book_id}/versions", json=values).status_code == 422
    page = director.get(f"/playbooks/{book_id}/edit").get_data(as_text=True)
    assert "已恢复草稿" in page
    assert director.post(f"/playbooks/{book_id}/draft/drop").status_code == 303
    assert "已恢复草稿" not in director.get(f"/playbooks/{book_id}/edit").get_data(as_text=True)


def test_playbook_when_shipped_then_neither_edited_nor_removed(work_as: Callable, signed_in: Callable) -> None:
    director = signed_in("linyue")
    for url in ("/playbooks/double11/edit", "/playbooks/double11"):
        assert director.get(url).status_code == (409 if url.endswith("edit") else 200)
    assert director.post("/playbooks/double11/removal").status_code == 409
    with work_as("林悦") as work, pytest.raises(Conflict, match="内置手册"):
        save_version(work, "double11", name="改", kind=LineKind.PROMOTION, content=FLASH.content, base=1)


def test_playbook_when_removed_then_not_offered_and_lines_of_it_stay(signed_in: Callable, work_as: Callable, book_id: str) -> None:
    director = signed_in("linyue")
    line = director.post("/api/lines", json={"name": "店庆", "d_day": "2027-11-11", "playbook": book_id}).get_json()["id"]
    assert "店庆" in director.get(f"/playbooks/{book_id}").get_data(as_text=True)
    assert director.post(f"/playbooks/{book_id}/removal").status_code == 303
    assert director.get(f"/playbooks/{book_id}").status_code == 404
    assert book_id not in director.get("/playbooks").get_data(as_text=True)
    assert "周年庆" in director.get(f"/lines/{line}").get_data(as_text=True), "its feed says what it was opened from"
    assert director.get(f"/lines/{line}/playbook").status_code == 200


def test_file_when_exported_and_imported_then_the_same_playbook(signed_in: Callable, work_as: Callable, book_id: str) -> None:
    director = signed_in("linyue")
    sent = director.get(f"/playbooks/{book_id}/file")
    assert sent.headers["Content-Disposition"].startswith("attachment")
    answer = director.post(
        "/playbooks/file", data={"file": (io.BytesIO(sent.get_data()), "周年庆.json")}, content_type="multipart/form-data"
    )
    assert answer.status_code == 303
    again = director.get(f"{answer.location}/file").get_json()
    assert again | {"made_on": ""} == json.loads(sent.get_data()) | {"made_on": ""}
    for wrong in (b"", b"no json", b"[" * 100_000, b'{"format": "mainline-playbook", "name": "x", "orders": [{"key": "a b"}]}'):
        answer = director.post("/playbooks/file", data={"file": (io.BytesIO(wrong), "x.json")}, content_type="multipart/form-data")
        assert answer.status_code == 422, wrong[:20]
    with work_as("林悦", writes=False) as work:
        assert work.session.query(CompanyPlaybook).count() == 2


READS = ("/playbooks", "/playbooks/rows", "/playbooks/double11", "/playbooks/double11/file", "/api/playbooks", "/api/playbooks/double11")


@pytest.mark.parametrize("login", ["suhang", "guanli"])
def test_playbooks_when_asked_for_without_a_permission_then_absent_or_refused(signed_in: Callable, book_id: str, login: str) -> None:
    """Somebody's playbook may have been made of a line that others must not know."""
    person = signed_in(login)
    for url in (*READS, f"/playbooks/{book_id}", f"/playbooks/{book_id}/versions/1", f"/api/playbooks/{book_id}"):
        assert person.get(url).status_code == 404, url
    assert "周年庆" not in person.get("/lines").get_data(as_text=True)
    for url in ("/playbooks", f"/playbooks/{book_id}/copy", f"/playbooks/{book_id}/removal", f"/playbooks/{book_id}/versions/1/restore"):
        assert person.post(url, data={"name": "私自"}).status_code == 403, url
    assert person.get(f"/playbooks/{book_id}/edit").status_code == 403


def test_reader_when_not_in_the_line_then_the_playbook_does_not_name_it(work_as: Callable, book_id: str) -> None:
    """Whoever may open lines reads playbooks, but no line of others, nor how many came from one."""
    with work_as("林悦") as work:
        open_line_from(work, name="绝密店庆", kind=LineKind.OTHER, d_day=FLASH_DAY, playbook=book_id)
        assert len(my_lines_from(work, get_book(work, book_id))) == 1
    with work_as("何青", writes=False) as work:
        with pytest.raises(NotFound):
            get_book(work, book_id)
        assert "playbooks" not in rooms_of(work)
        work.actor = Actor(work.actor.member_id, "何青", permissions_of(work, member_named(work, "林悦").id))
        assert my_lines_from(work, get_book(work, book_id)) == []
        assert "playbooks" in rooms_of(work)


def test_playbook_when_unsound_then_not_added(work_as: Callable) -> None:
    circle = replace(FLASH.entries[0], needs=(FLASH.entries[0].key,))
    with work_as("林悦") as work, pytest.raises(InvalidInput) as refused:
        add_playbook(work, name="圈", kind=LineKind.OTHER, content=Content((circle,)))
    assert "互相等待：选品与限量 → 选品与限量" in str(refused.value.message)


@pytest.mark.parametrize(("path", "entry"), [("/playbooks", "/lines"), ("/playbooks/double11", "/lines"), ("/order-templates", "/tasks")])
def test_navigation_when_a_page_lies_elsewhere_then_its_entry_is_the_present_one(signed_in: Callable, path: str, entry: str) -> None:
    page = signed_in("linyue").get(path).get_data(as_text=True)
    present = re.findall(r'<a class="nav-item" href="([^"]+)"[^>]* aria-current="page"', page)
    assert present == [entry]
