import io
from collections.abc import Callable

import pytest
from PIL import Image
from sqlalchemy import select

from main_lines.checks.access import get_sheet
from main_lines.checks.holding import held_by_checks
from sync.library.assets.access import get_asset, path_of
from sync.library.storage import ObjectStore
from tests.fakes.store import MemoryStore
from tests.main_lines.conftest import Story
from workspace.events.models import Event
from workspace.parts import Parts
from workspace.people.actions import add_site
from workspace.people.models import Site

HTMX = {"HX-Request": "true", "Accept": "application/json"}


@pytest.fixture
def check(signed_in: Callable, story: Story) -> dict:
    form = {
        "title": "开业/前检查", "department_id": story.people["赵宁"].department_id, "scope": "all", "due_offset": "-1",
        "texts": ["价签检查", "", "陈列拍照"], "kinds": ["tick", "tick", "photo"], "offsets": ["-3", "", ""],
    }  # fmt: skip
    person = signed_in("linyue")
    answer = person.post(f"/lines/{story.line_id}/checks", data=form)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return person.get(f"/api{answer.location}").get_json()


def sheet_of(check: dict, store: str) -> str:
    return next(row["sheet_id"] for row in check["sheets"] if row["store"] == store)


def picture(colour: str) -> tuple[io.BytesIO, str, str]:
    content = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(content, "JPEG")
    content.seek(0)
    return content, "IMG_0001.jpg", "image/jpeg"


def test_form_when_sent_then_empty_rows_are_left_out(check: dict) -> None:
    assert (check["items"], check["stores"], check["done"]) == (2, 4, 0)


def test_sheet_when_an_answer_hides_something_then_kept_as_it_is_seen(signed_in: Callable, story: Story) -> None:
    form = {"title": "检查", "department_id": story.people["赵宁"].department_id, "scope": "all", "due_offset": "-1"}
    director = signed_in("linyue")
    made = director.post(f"/lines/{story.line_id}/checks", data={**form, "texts": ["横幅"], "kinds": ["text"], "offsets": [""]})
    sheet_id = director.get(f"/api{made.location}").get_json()["sheets"][0]["sheet_id"]
    for typed, kept in (("挂\u202e好\x00了", "挂好了"), ("\u200b", None)):
        assert director.post(f"/sheets/{sheet_id}", data={"item-1": typed}).status_code == 303
        assert director.get(f"/api/sheets/{sheet_id}").get_json()["answers"][0]["value"] == kept


def test_form_when_something_does_not_fit_then_everything_typed_comes_back(signed_in: Callable, story: Story) -> None:
    form = {
        "title": "检查",
        "department_id": story.people["赵宁"].department_id,
        "scope": "cities",
        "texts": "价签检查",
        "kinds": "number",
        "offsets": "-3",
    }
    answer = signed_in("linyue").post(f"/lines/{story.line_id}/checks", data={**form, "due_offset": "-1"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'value="价签检查"' in page
    assert "没有选中任何门店" in page


def test_answer_when_sent_twice_with_its_key_then_taken_once_and_counted_live(signed_in: Callable, check: dict, work_as: Callable) -> None:
    sheet_id = sheet_of(check, "春熙路店")
    person = signed_in("zhaoning")
    for _again in range(2):
        answer = person.post(
            f"/sheets/{sheet_id}/answers", data={"key": "1", "value": "true", "seen": "0"}, headers={**HTMX, "Idempotency-Key": "one"}
        )
        assert answer.status_code == 204
    with work_as("林悦", writes=False) as work:
        assert get_sheet(work, sheet_id).answers["1"]["n"] == 1
    assert "完成 1 / 2" in person.get(f"/sheets/{sheet_id}/fragment").get_data(as_text=True)
    assert "春熙路店" in signed_in("linyue").get(f"/checks/{check['id']}/fragment").get_data(as_text=True)


def test_sheet_when_sent_without_scripts_then_saved_as_a_whole(signed_in: Callable, check: dict, work_as: Callable) -> None:
    sheet_id = sheet_of(check, "春熙路店")
    assert signed_in("zhaoning").post(f"/sheets/{sheet_id}", data={"item-1": "true"}).status_code == 303
    with work_as("林悦", writes=False) as work:
        assert get_sheet(work, sheet_id).answered == {"1"}


def test_sheet_when_sent_without_scripts_then_what_another_answered_meanwhile_stays(
    signed_in: Callable, check: dict, work_as: Callable
) -> None:
    sheet_id = sheet_of(check, "春熙路店")
    shown = signed_in("zhaoning").get(f"/sheets/{sheet_id}").get_data(as_text=True)
    assert 'name="was-1" value=""' in shown
    signed_in("linyue").post(f"/sheets/{sheet_id}", data={"item-1": "true", "was-1": ""})
    signed_in("zhaoning").post(f"/sheets/{sheet_id}", data={"was-1": ""})
    with work_as("林悦", writes=False) as work:
        assert get_sheet(work, sheet_id).answered == {"1"}
    signed_in("zhaoning").post(f"/sheets/{sheet_id}", data={"was-1": "true"})
    with work_as("林悦", writes=False) as work:
        assert get_sheet(work, sheet_id).answered == set()


def test_check_when_closed_then_its_page_offers_to_open_it_again(signed_in: Callable, check: dict) -> None:
    director = signed_in("linyue")
    here = f"/checks/{check['id']}"
    for act, data, closed in (("close", {"reason": "三家装修"}, True), ("reopen", {}, False)):
        assert director.post(f"{here}/{act}", data=data).status_code == 303
        page = director.get(here).get_data(as_text=True)
        assert (f'action="{here}/reopen"' in page, f'action="{here}/close"' in page) == (closed, not closed)
    assert f'action="{here}/close"' not in signed_in("zhaoning").get(here).get_data(as_text=True)


def test_photo_when_taken_then_in_the_lines_library_pinned_and_held(
    signed_in: Callable, check: dict, work_as: Callable, parts: Parts, story: Story
) -> None:
    store = MemoryStore()
    parts.provide(ObjectStore, lambda: store)  # type: ignore[type-abstract]
    sheet_id = sheet_of(check, "春熙路店")
    person = signed_in("zhaoning")
    for colour in ("red", "red", "blue"):
        answer = person.post(
            f"/sheets/{sheet_id}/photos", data={"key": "2", "photo": picture(colour)}, content_type="multipart/form-data", headers=HTMX
        )
        assert answer.status_code == 204, answer.get_data(as_text=True)
    with work_as("苏航", writes=False) as work:
        photo = get_sheet(work, sheet_id).answers["2"]["value"]
        assert photo["version"] == 2, "the same photo sent twice is one version"
        assert path_of(work, get_asset(work, photo["asset_id"])) == "门店清单/开业-前检查/春熙路店/陈列拍照.jpg"
        assert list(held_by_checks(work, story.library_id)) == [(photo["asset_id"], 2)]
    assert photo["name"] in person.get(f"/sheets/{sheet_id}").get_data(as_text=True)


def test_stores_when_two_are_called_so_then_their_codes_tell_them_apart(
    signed_in: Callable, story: Story, work_as: Callable, parts: Parts
) -> None:  # fmt: skip
    with work_as("管力") as work:
        city = work.session.scalars(select(Site.id).where(Site.name == "成都")).one()
        add_site(work, kind="store", name="春熙路店", parent_id=city, code="CD-0002")
        for number in range(8):
            add_site(work, kind="store", name=f"{number}号店", parent_id=city)
    director, store = signed_in("linyue"), MemoryStore()
    parts.provide(ObjectStore, lambda: store)  # type: ignore[type-abstract]
    form = director.get(f"/lines/{story.line_id}/checks/new").get_data(as_text=True)
    assert 'data-filter="#stores-to-choose"' in form
    assert "<small>CD-0002 · 成都</small>" in form
    sent = {
        "title": "检查",
        "department_id": story.people["赵宁"].department_id,
        "texts": ["陈列拍照"],
        "kinds": ["photo"],
        "due_offset": "-1",
    }
    answer = director.post(f"/lines/{story.line_id}/checks", data=sent)
    check = director.get(f"/api{answer.location}").get_json()
    assert {"春熙路店 CD-0001", "春熙路店 CD-0002", "0号店"} <= set(check["missing"])
    sheets = {row["code"]: row["sheet_id"] for row in check["sheets"] if row["store"] == "春熙路店"}
    assert sorted(sheets) == ["CD-0001", "CD-0002"]
    assert {"CD-0001", "CD-0002"} <= {row["code"] for row in signed_in("zhaoning").get("/api/work").get_json()["sheets"]}
    for code, sheet_id in sheets.items():
        told = {"key": "1", "photo": picture("red")}
        assert director.post(f"/sheets/{sheet_id}/photos", data=told, content_type="multipart/form-data", headers=HTMX).status_code == 204
        assert director.get(f"/api/sheets/{sheet_id}").get_json()["code"] == code
        assert code in director.get(f"/sheets/{sheet_id}").get_data(as_text=True)
        with work_as("苏航", writes=False) as work:
            photo = get_sheet(work, sheet_id).answers["1"]["value"]
            assert path_of(work, get_asset(work, photo["asset_id"])) == f"门店清单/检查/春熙路店 {code}/陈列拍照.jpg"
            done = work.session.scalars(select(Event).where(Event.subject == f"sheet:{sheet_id}")).first()
            assert done is not None
            assert done.facts["store_code"] == code
    assert f"<small>{code}</small>" in director.get(f"/checks/{check['id']}").get_data(as_text=True)
    places = director.get(f"/api/lines/{story.line_id}/cities").get_json()["cities"]
    assert {"CD-0001", "CD-0002"} <= {store["code"] for place in places for store in place["stores"]}


@pytest.mark.parametrize(
    ("login", "key", "status"),
    [("suhang", "2", 403), ("heqing", "2", 404), ("zhaoning", "1", 422)],
    ids=["elsewhere", "outsider", "no-photo"],
)
def test_photo_when_it_may_not_be_sent_then_refused(
    signed_in: Callable, check: dict, parts: Parts, login: str, key: str, status: int
) -> None:
    store = MemoryStore()
    parts.provide(ObjectStore, lambda: store)  # type: ignore[type-abstract]
    data = {"key": key, "photo": picture("red")}
    answer = signed_in(login).post(
        f"/sheets/{sheet_of(check, '春熙路店')}/photos", data=data, content_type="multipart/form-data", headers=HTMX
    )
    assert answer.status_code == status
