"""Writing and reading on a phone: an @ by keys, a file, the way to what is unread."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.complete.test_pages import ALL_RULES, AXE, RUN_AXE, STILL
from tests.main_lines.conftest import Story
from tests.pages import OpenPage

pytestmark = pytest.mark.browser


def test_composer_when_an_at_is_typed_then_completed_by_keys_and_told(open_page: OpenPage, story: Story, signed_in: Callable) -> None:
    page = open_page(f"/lines/{story.line_id}", width=390)
    field, options = page.locator("#text"), page.locator("#text-options")
    field.press_sequentially("请@设")
    expect(options.locator('[aria-selected="true"]')).to_contain_text("设计策划")
    expect(field).to_have_attribute("aria-expanded", "true")
    page.evaluate(AXE + ";0")
    page.evaluate(STILL)
    assert page.evaluate(RUN_AXE, ALL_RULES) == []
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
