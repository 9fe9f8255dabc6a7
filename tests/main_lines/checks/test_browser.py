"""The sheet of a store on a phone whose network comes and goes."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from main_lines.checks.access import get_sheet
from main_lines.checks.actions import CheckDraft, fill_item, open_check
from main_lines.checks.rules import Kind, Scope
from sync.library.storage import ObjectStore
from tests.fakes.store import MemoryStore
from tests.main_lines.checks.test_pages import picture
from tests.main_lines.conftest import Story
from tests.pages import OpenPage
from tests.product import wait_until
from workspace.parts import Parts
from workspace.people.actions import add_site
from workspace.people.models import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def sheet_id(work_as: Callable, story: Story, signed_in: Callable) -> str:
    items = [("价签检查", Kind.TICK, None), ("橱窗说明", Kind.TEXT, None), ("陈列拍照", Kind.PHOTO, None)]
    draft = CheckDraft(title="开业前检查", department_id=story.people["赵宁"].department_id, items=items, scope=Scope.ALL, due_offset=-1)
    with work_as("林悦") as work:
        check_id = open_check(work, story.line_id, draft).id
    sheets = signed_in("linyue").get(f"/api/checks/{check_id}").get_json()["sheets"]
    return next(row["sheet_id"] for row in sheets if row["store"] == "春熙路店")


def test_sheet_when_the_network_is_away_and_the_page_is_left_then_nothing_is_lost_and_sent_once(
    open_page: OpenPage, sheet_id: str, work_as: Callable
) -> None:
    page = open_page(f"/sheets/{sheet_id}", "zhaoning", phone=True)
    page.route("**/answers", lambda route: route.abort())
    page.get_by_text("价签检查").click()
    page.fill("#item-2", "红色横幅已挂")
    expect(page.locator("#sheet-left")).to_contain_text("2 项还没有发出")
    page.reload()
    expect(page.locator("#item-1")).to_be_checked()
    expect(page.locator("#item-2")).to_have_value("红色横幅已挂")
    page.unroute("**/answers")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator(".sheet-progress")).to_contain_text("完成 2 / 3")
    expect(page.locator("#sheet-left")).to_be_hidden()
    with work_as("林悦", writes=False) as work:
        answers = get_sheet(work, sheet_id).answers
    assert {key: (answer["value"], answer["n"]) for key, answer in answers.items()} == {"1": (True, 1), "2": ("红色横幅已挂", 1)}


def test_sheet_when_the_script_is_late_the_network_away_and_another_phone_first_then_each_answer_arrives(
    open_page: OpenPage, sheet_id: str, work_as: Callable, parts: Parts
) -> None:
    parts.provide(ObjectStore, MemoryStore)  # type: ignore[type-abstract]
    page = open_page("/tasks", "zhaoning", phone=True)
    page.route("**/js/sheet*.js*", lambda route: route.abort())
    page.goto(f"/sheets/{sheet_id}")
    page.get_by_text("价签检查").click()
    expect(page.get_by_role("button", name="保存")).to_be_visible()
    page.unroute("**/js/sheet*.js*")
    page.route("**/photos", lambda route: route.abort())
    page.evaluate("() => import(document.querySelector('script[src*=\"/js/sheet\"]').src + '?late')")
    expect(page.locator("#answer-1")).to_have_class("sheet-item is-done")
    expect(page.get_by_role("button", name="保存")).to_be_hidden()

    content, name, kind = picture("red")
    page.set_input_files("#photo-3", {"name": name, "mimeType": kind, "buffer": content.read()})
    expect(page.locator("#answer-3 img")).to_have_attribute("alt", "照片等待发送")
    page.reload()
    expect(page.locator("#answer-3 img")).to_have_attribute("alt", "照片等待发送")

    with work_as("林悦") as work:
        fill_item(work, sheet_id, "2", "蓝色横幅")
    page.unroute("**/photos")
    page.fill("#item-2", "红色横幅")
    expect(page.locator("#answer-2")).to_contain_text("林悦刚刚填写了")
    page.get_by_role("button", name="以我填的为准").click()
    expect(page.locator(".sheet-progress")).to_contain_text("完成 3 / 3")

    def told() -> tuple[object, ...]:
        with work_as("林悦", writes=False) as work:
            answers = get_sheet(work, sheet_id).answers
        return answers["1"]["value"], answers["2"]["value"], answers["3"]["value"]["name"]

    wait_until(lambda: told() == (True, "红色横幅", "陈列拍照.jpg"), within_s=60, what="the library has each answer")


def test_stores_when_words_of_a_code_are_typed_then_only_those_that_have_them_and_what_is_chosen(
    open_page: OpenPage, story: Story, work_as: Callable
) -> None:
    with work_as("管力") as work:
        city = work.session.scalars(select(Site.id).where(Site.name == "成都")).one()
        for number in range(8):
            add_site(work, kind="store", name=f"{number}号店", parent_id=city, code=f"CD-100{number}")
    page = open_page(f"/lines/{story.line_id}/checks/new", "linyue")
    page.get_by_text("指定门店").click()
    stores = page.locator(".check-stores label")
    expect(stores).to_have_count(12)
    page.get_by_label("淮海路店").check()
    field = page.get_by_role("searchbox", name="查找门店")
    field.fill("cd-1003 成都")
    expect(stores.locator("visible=true")).to_have_text(["淮海路店 SH-0001 · 上海", "3号店 CD-1003 · 成都"])
    field.press("Enter")
    expect(field).to_have_value("cd-1003 成都")
    assert page.url.endswith("/checks/new"), "the form was not sent"
