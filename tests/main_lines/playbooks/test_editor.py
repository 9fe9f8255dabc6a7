"""The editor in a real browser, on a network that goes and comes; and the preview of a line."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from main_lines.lines.rules import LineKind
from main_lines.playbooks.access import get_book
from main_lines.playbooks.actions import add_playbook
from main_lines.playbooks.rules import Content, Entry
from tests.pages import OpenPage

pytestmark = pytest.mark.browser

BOOK = Content((
    Entry("plan", "运营推广", -20, 3, "方案", "写明目标"),
    Entry("price", "运营推广", -15, 2, "定价", "", needs=("plan",)),
    Entry("art", "设计策划", -10, 4, "主视觉", "横竖各一", needs=("plan",)),
))  # fmt: skip


@pytest.fixture
def book_id(work_as: Callable) -> str:
    with work_as("林悦") as work:
        return add_playbook(work, name="周年庆", kind=LineKind.PROMOTION, content=BOOK).id


def test_editor_when_driven_by_keys_on_a_weak_network_then_nothing_is_lost_and_a_version_is_saved(
    open_page: OpenPage, work_as: Callable, book_id: str
) -> None:
    page = open_page(f"/playbooks/{book_id}/edit")
    titles = page.locator('[data-field="title"]')
    expect(titles).to_have_count(3)
    rows = page.locator("tr[data-key]")
    rows.nth(2).locator("[data-move]").drag_to(rows.nth(0).locator("td").nth(1))
    expect(titles.nth(0)).to_have_value("主视觉")
    expect(rows.nth(0).locator('[data-field="department"]')).to_have_value("运营推广")
    page.locator("#editor-undo").click()
    expect(titles.nth(2)).to_have_value("主视觉")
    page.get_by_role("button", name="下移部门“运营推广”").click()
    expect(titles.nth(0)).to_have_value("主视觉")
    expect(page.get_by_role("button", name="下移部门“运营推广”")).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(titles.nth(2)).to_have_value("主视觉")
    page.context.set_offline(True)
    titles.nth(0).focus()
    titles.nth(0).press("Alt+ArrowDown")
    expect(titles.nth(1)).to_be_focused()
    titles.nth(1).press("Control+Enter")
    page.keyboard.type("选品")
    expect(page.locator("#editor-status")).to_contain_text("没有网络")
    page.context.set_offline(False)
    expect(page.locator("#editor-status")).to_have_text("草稿已保存")

    page.route("**/draft", lambda route: route.abort())
    offset = page.locator('tr:has([data-field="title"]) [data-field="offset"]').nth(0)
    offset.fill("-21")
    expect(page.locator("#editor-status")).to_contain_text("还没有送到服务器")
    page.unroute("**/draft")
    page.reload()
    expect(page.locator('[data-field="offset"]').nth(0)).to_have_value("-21")
    expect(page.locator("#checks")).to_contain_text("“定价”在“方案”到期之前就要开始")

    page.locator('[data-field="title"]').nth(3).focus()
    wanted = page.locator("#detail-add-need option", has_text="选品").get_attribute("value")
    page.locator("#detail-add-need").select_option(wanted)
    expect(page.locator("#editor-status")).to_have_text("草稿已保存")
    other = page.context.new_page()
    other.goto(page.url)
    other.fill("#book-name", "周年庆，在另一个窗口")
    expect(other.locator("#editor-status")).to_have_text("草稿已保存")
    other.close()
    page.fill("#book-name", "周年庆")
    page.get_by_role("button", name="用这里的").click()
    expect(page.locator("#editor-status")).to_have_text("草稿已保存")

    page.keyboard.press("Control+s")
    page.fill("#save-note", "先定价")
    page.locator("#save-yes").click()
    page.wait_for_url(f"**/playbooks/{book_id}")
    expect(page.locator("main")).to_contain_text("先定价")
    with work_as("林悦", writes=False) as work:
        book = get_book(work, book_id)
    assert (book.version, book.name) == (2, "周年庆")
    assert [(entry.title, entry.offset) for entry in book.content.entries] == [("定价", -21), ("方案", -20), ("选品", -20), ("主视觉", -10)]
    assert len(book.content.entries[3].needs) == 2


def test_preview_when_playbook_and_day_are_chosen_then_the_schedule_comes_by_itself(open_page: OpenPage, book_id: str) -> None:
    page = open_page("/lines/new", phone=True)
    page.select_option("#playbook", book_id)
    page.fill("#d_day", "2099-11-11")
    page.locator("#d_day").dispatch_event("change")
    expect(page.locator(".opening-table tbody tr")).to_have_count(2)
    page.locator("#d1").select_option(label="不要这些任务单")
    expect(page.locator(".opening-skipped")).to_contain_text("主视觉")
    expect(page.locator("#o1")).to_have_count(0)
