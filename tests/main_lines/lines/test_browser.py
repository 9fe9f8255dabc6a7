"""The pages of a main line on a phone, and what a hasty hand does to their forms."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from main_lines.lines.actions import remove_line_member
from main_lines.tasks.actions import sign_task
from tests.main_lines.conftest import Story
from tests.pages import OpenPage

pytestmark = pytest.mark.browser

WIDE = 560
NARROW = 320


def inside(tab: Locator, width: int) -> bool:
    box = tab.bounding_box()
    assert box is not None
    return box["x"] >= 0 and box["x"] + box["width"] <= width


def test_tabs_when_there_is_room_then_each_is_in_view(open_page: OpenPage, story: Story) -> None:
    page = open_page(f"/lines/{story.line_id}/board", width=WIDE)
    expect(page.locator(".subtabs")).to_have_attribute("data-more", "")
    tabs = page.locator(".subtabs a").all()
    assert len(tabs) == 9
    assert all(inside(tab, WIDE) for tab in tabs)


def test_tabs_when_they_are_wider_than_the_screen_then_the_edge_says_so_and_all_are_reached(open_page: OpenPage, story: Story) -> None:
    page = open_page(f"/lines/{story.line_id}/board", width=NARROW)
    strip, last = page.locator(".subtabs"), page.locator(".subtabs a").last
    expect(strip).to_have_attribute("data-more", "end")
    assert "linear-gradient" in strip.evaluate("strip => getComputedStyle(strip).maskImage")
    assert not inside(last, NARROW)
    expect(page.locator(".tabs-more-start")).to_be_hidden()
    last.focus()
    expect(strip).to_have_attribute("data-more", "start")
    assert inside(last, NARROW)
    expect(page.locator(".tabs-more-end")).to_be_hidden()
    page.locator(".tabs-more-start").click()
    expect(page.locator(".tabs-more-end")).to_be_visible()


def test_tabs_when_the_open_one_lies_outside_then_it_is_brought_in(open_page: OpenPage, story: Story) -> None:
    page = open_page(f"/lines/{story.line_id}/members", width=NARROW)
    current = page.locator('.subtabs [aria-current="page"]')
    expect(current).to_contain_text("成员")
    assert inside(current, NARROW)
    assert "start" in (page.locator(".subtabs").get_attribute("data-more") or "")


def test_tabs_when_there_is_room_then_no_edge_fades(open_page: OpenPage, story: Story) -> None:
    page = open_page(f"/lines/{story.line_id}/board")
    expect(page.locator(".subtabs")).to_have_attribute("data-more", "")


def test_alert_when_its_button_is_pressed_twice_then_raised_once(open_page: OpenPage, story: Story) -> None:
    page = open_page(f"/lines/{story.line_id}/alerts", "suhang")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" and "/alerts" in request.url else None)
    page.fill("#title", "主推款缺货")
    page.evaluate("""() => {
        const form = document.querySelector('form[action$="/alerts"]');
        form.requestSubmit();
        form.requestSubmit();
    }""")
    expect(page.locator(".alert-row")).to_have_count(1)
    assert len(sent) == 1


def test_form_when_refused_then_reloading_and_going_back_send_nothing_again(open_page: OpenPage) -> None:
    page = open_page("/lines/new", "linyue")
    page.fill("#name", "年货节")
    page.fill("#d_day", "2020-01-01")
    page.evaluate("document.querySelector('main form').noValidate = true")
    page.get_by_role("button", name="开启主线").click()
    expect(page.get_by_role("alert")).to_contain_text("D 日已经过去")
    expect(page.locator("#name")).to_have_value("年货节")
    page.wait_for_url("**/lines/new")
    page.fill("#d_day", "2099-01-01")
    page.get_by_role("button", name="开启主线").click()
    page.wait_for_url("**/board")
    page.go_back()
    expect(page.get_by_role("heading", name="开启主线")).to_be_visible()
    answer = page.reload()
    assert answer is not None
    assert (answer.request.method, answer.status) == ("GET", 200)


@pytest.mark.parametrize("path", ["/", "/tasks", "/notices", "/library", "/lines"])
def test_page_of_many_lines_when_its_reader_is_removed_from_one_then_nothing_of_that_one_stays(
    open_page: OpenPage, story: Story, write: Callable[..., str], work_as: Callable, run_jobs: Callable[[], int], path: str
) -> None:
    task_id = write("机密主视觉")
    with work_as("林悦") as work:
        sign_task(work, task_id)
    run_jobs()
    page = open_page(path, "suhang")
    told = page.locator("#main").get_by_text("双十一大促" if path in ("/library", "/lines") else "机密主视觉")
    expect(told.first).to_be_visible()
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("苏航"))
    page.evaluate(f"import('mainline/realtime').then(m => m.purge('{story.room}'))")
    expect(told).to_have_count(0)
