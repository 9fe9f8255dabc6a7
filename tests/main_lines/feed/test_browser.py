"""Writing and reading on a phone: an @ by keys, a file, the way to what is unread."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.complete.test_pages import ALL_RULES, AXE, RUN_AXE, STILL
from tests.main_lines.conftest import Story
from tests.pages import OpenPage

pytestmark = pytest.mark.browser

HEARD = "([kind, room]) => dispatchEvent(new CustomEvent('mainline:event', {detail: {kind, rooms: [room]}}))"


def test_composer_when_an_at_is_typed_then_completed_by_keys_and_told(open_page: OpenPage, story: Story, signed_in: Callable) -> None:
    page = open_page(f"/lines/{story.line_id}", width=390)
    field, options = page.locator("#text"), page.locator("#text-options")
    field.press_sequentially("请@设")
    expect(options.locator('[aria-selected="true"]')).to_contain_text("设计策划")
    expect(field).to_have_attribute("aria-expanded", "true")
    page.evaluate(AXE + ";0")
    page.evaluate(STILL)
    assert page.evaluate(RUN_AXE, [[], ALL_RULES]) == []
    field.press("Enter")
    expect(field).to_have_value("请@设计策划 ")
    expect(options).to_be_hidden()
    assert field.get_attribute("role") is None
    expect(page.locator("#text-told")).to_have_text("将提醒 1 人：苏航")
    field.press_sequentially("定稿@")
    expect(options.locator('[aria-selected="true"]')).to_contain_text("所有人")
    field.press("ArrowDown")
    field.press("Escape")
    expect(options).to_be_hidden()
    page.reload()
    expect(field).to_have_value("请@设计策划 定稿@")
    field.press("Control+Enter")
    expect(field).to_have_value("")

    reader = open_page(f"/lines/{story.line_id}", "suhang", width=390)
    post = reader.locator(".post")
    expect(post).to_contain_text("请@设计策划 定稿")
    expect(reader.locator(".post-unread")).to_have_count(0)  # It was in view long enough.
    assert signed_in("suhang").get("/api/nav/counts").get_json()["counts"]["/lines"] == 0
    assert reader.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_thread_when_its_order_moves_then_what_is_being_written_stays(open_page: OpenPage, story: Story, write: Callable) -> None:
    page = open_page(f"/tasks/{write()}", "suhang")
    field = page.locator("#post-text")
    field.fill("还没写完")
    page.locator("h1").click()
    with page.expect_response("**/fragment"):
        page.evaluate(HEARD, ["main_lines.task.signed", story.room])
    expect(page.locator(".task-now")).to_be_visible()
    expect(field).to_have_count(1)
    expect(field).to_have_value("还没写完")
    field.press("Control+Enter")
    expect(field).to_have_value("")
    page.evaluate(HEARD, ["main_lines.post.about_task", story.room])
    expect(page.locator("#thread .post")).to_contain_text("还没写完")
