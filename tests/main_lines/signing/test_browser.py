"""Signing many, and moving many, with one thumb, in a browser on a phone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from main_lines.tasks.access import get_task
from main_lines.tasks.actions import submit_task
from tests.main_lines.conftest import Story
from tests.pages import OpenPage

pytestmark = pytest.mark.browser

FETCH_AGAIN = """() => {
    const list = document.querySelector('[data-choose] [data-refresh-url]');
    const swapped = new Promise(done => list.addEventListener('mainline:swapped', done, {once: true}));
    dispatchEvent(new CustomEvent('mainline:event', {detail: {kind: 'main_lines.task.submitted', rooms: []}}));
    return swapped.then(() => null);
}"""


def test_to_sign_when_all_are_chosen_then_one_tap_signs_them(open_page: OpenPage, work_as: Callable, write: Callable) -> None:
    orders = [write(title) for title in ("主视觉", "详情页", "话术")]
    with work_as("林悦") as work:
        for task_id in orders:
            submit_task(work, task_id)
    page = open_page("/tasks/to-sign", "linyue", width=390)
    sign = page.get_by_role("button", name="签发所选")
    expect(sign).to_be_disabled()
    page.get_by_role("button", name="全选").click()
    expect(page.locator("[data-choose-count]")).to_have_text("3")
    page.get_by_label("选择“详情页”").uncheck()
    box, bar = sign.bounding_box(), page.locator(".tabbar").bounding_box()
    assert box is not None
    assert bar is not None
    assert box["height"] >= 44
    assert box["y"] + box["height"] <= bar["y"], "the thumb reaches it above the tabs"
    page.evaluate(FETCH_AGAIN)
    expect(page.locator("[data-choose-count]")).to_have_text("2")
    sign.click()
    expect(page.locator(".toast-row")).to_contain_text("已处理 2 张")
    expect(page.locator("[data-choose-one]")).to_have_count(1)
    expect(page.locator(".row-title")).to_have_text("详情页")


def test_orders_when_some_are_chosen_then_the_bar_is_there_and_moves_their_days(
    open_page: OpenPage, work_as: Callable, write: Callable, story: Story
) -> None:
    moved, left = write("主视觉"), write("详情页")
    page = open_page(f"/lines/{story.line_id}/tasks", "linyue", phone=True)
    expect(page.locator(".bulk-bar")).to_be_hidden()
    page.get_by_label("选择“主视觉”").check()
    page.fill("#bulk-days", "3")
    shift = page.get_by_role("button", name="改期")
    box, bar = shift.bounding_box(), page.locator(".tabbar").bounding_box()
    assert box is not None
    assert bar is not None
    assert box["y"] + box["height"] <= bar["y"]
    with page.expect_navigation():
        shift.click()
    expect(page.locator(".toast-row")).to_contain_text("已处理 1 张")
    with work_as("林悦", writes=False) as work:
        assert [get_task(work, task_id).due_offset for task_id in (moved, left)] == [-27, -30]
