"""The timeline in a real browser: moved by keyboard and by pointer, refused with the reason."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from main_lines.plans.actions import add_need, move_order
from main_lines.tasks.access import get_task
from main_lines.tasks.actions import sign_task
from tests.main_lines.conftest import Story
from tests.pages import OpenPage

pytestmark = pytest.mark.browser

COUNT_SENT = """() => { const real = fetch; window.sent = 0;
window.fetch = (url, ...rest) => { window.sent += String(url).endsWith("/place"); return real(url, ...rest); }; }"""
FILLS = """() => {
const [place, names, chart] = ["#plan-scroll", ".plan-names", ".plan-chart"].map((one) => document.querySelector(one));
return chart && place.clientWidth - names.offsetWidth - chart.clientWidth <= Number(chart.dataset.day); }"""
DUE = date(2026, 10, 12)  # D-day less thirty.


def due_of(work_as: Callable, task_id: str) -> tuple[int | None, int]:
    with work_as("林悦", writes=False) as work:
        order = get_task(work, task_id)
        return order.due_offset, order.days


def saved(page: object, act: Callable[[], object]) -> None:
    with page.expect_response(re.compile(r"/place$")) as answer:  # type: ignore[attr-defined]
        act()
    assert answer.value.ok or answer.value.status in (303, 409)


def test_bar_when_moved_by_keys_then_enter_keeps_it_and_escape_does_not(
    open_page: OpenPage, work_as: Callable, write: Callable, story: Story
) -> None:
    task_id = write()
    page = open_page(f"/lines/{story.line_id}/plan?scale=days")
    bar = page.locator(f"#bar-{task_id}")
    bar.focus()
    for key in ("ArrowRight", "ArrowRight", "Escape", "ArrowLeft", "Shift+ArrowRight", "Shift+ArrowRight"):
        bar.press(key)
    assert bar.get_attribute("aria-valuetext") == f"{(DUE - timedelta(days=1)).isoformat()} – {(DUE + timedelta(days=1)).isoformat()}"
    page.evaluate(COUNT_SENT)
    saved(page, lambda: bar.press("Enter"))
    assert due_of(work_as, task_id) == (-29, 3)
    bar.evaluate("bar => bar.blur()")
    assert page.evaluate("sent") == 1, "what was kept is not sent again when the focus leaves"


def test_bar_when_dragged_then_moved_and_at_its_end_then_longer(
    open_page: OpenPage, work_as: Callable, write: Callable, story: Story
) -> None:
    task_id = write()
    page = open_page(f"/lines/{story.line_id}/plan?scale=days")
    bar = page.locator(f"#bar-{task_id}")
    bar.focus()  # It comes into view.
    box = bar.locator("rect").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 5 + 32 * 3, box["y"] + 10, steps=4)
    saved(page, page.mouse.up)
    assert due_of(work_as, task_id) == (-27, 1)
    page.reload()
    bar.focus()
    box = page.locator(f"#bar-{task_id} .plan-grip").bounding_box()
    assert box
    page.mouse.move(box["x"] + 3, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 3 + 64, box["y"] + 10, steps=4)
    saved(page, page.mouse.up)
    assert due_of(work_as, task_id) == (-25, 3)


def test_bar_when_escape_is_pressed_while_dragged_then_it_is_back_and_nothing_is_sent(
    open_page: OpenPage, work_as: Callable, write: Callable, story: Story
) -> None:
    task_id = write()
    page = open_page(f"/lines/{story.line_id}/plan?scale=days")
    bar = page.locator(f"#bar-{task_id}")
    bar.focus()
    page.evaluate(COUNT_SENT)
    place, box = bar.get_attribute("transform"), bar.locator("rect").first.bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 5 + 32 * 3, box["y"] + 10, steps=4)
    assert bar.get_attribute("transform") != place
    page.keyboard.press("Escape")
    page.mouse.move(box["x"] + 5 + 32 * 4, box["y"] + 10, steps=2)
    page.mouse.up()
    assert bar.get_attribute("transform") == place
    assert page.evaluate("sent") == 0
    assert due_of(work_as, task_id) == (-30, 1)


def test_bar_when_moved_before_what_it_waits_for_then_told_and_taken_back_with_one_click(
    open_page: OpenPage, work_as: Callable, write: Callable, story: Story
) -> None:
    need, moved, waiting = write("选品", offset=-35, days=3), write("页面"), write("锁版", offset=-20, days=4)
    with work_as("林悦") as work:
        add_need(work, moved, need)
        add_need(work, waiting, moved)
    page = open_page(f"/lines/{story.line_id}/plan?scale=days")
    bar = page.locator(f"#bar-{moved}")
    bar.focus()
    for key in ["ArrowLeft"] * 5:
        bar.press(key)
    saved(page, lambda: bar.press("Enter"))
    toast = page.locator("#toasts .toast-row")
    assert "“页面”移到 10-07 – 10-07" in toast.inner_text()
    assert "它等的“选品”到 10-07 才截止。" in toast.inner_text()
    assert due_of(work_as, moved) == (-35, 1)
    saved(page, toast.get_by_role("button", name="撤销").click)
    assert due_of(work_as, moved) == (-30, 1)
    page.reload()
    bar.focus()
    for key in ["ArrowRight"] * 7:
        bar.press(key)
    saved(page, lambda: bar.press("Enter"))
    assert "等它的“锁版”10-19 就要开始。" in toast.inner_text()


def test_bar_when_the_order_changed_meanwhile_then_told_and_back_where_it_was(
    open_page: OpenPage, work_as: Callable, write: Callable, story: Story
) -> None:
    task_id = write()
    page = open_page(f"/lines/{story.line_id}/plan?scale=days")
    bar = page.locator(f"#bar-{task_id}")
    place = bar.get_attribute("transform")
    with work_as("林悦") as work:
        move_order(work, task_id, due=date(2026, 10, 1))
    bar.focus()
    bar.press("ArrowRight")
    saved(page, lambda: bar.press("Enter"))
    page.get_by_text("任务单刚刚被修改过").wait_for()
    assert bar.get_attribute("transform") == place
    assert due_of(work_as, task_id) == (-41, 1)


def test_bar_when_the_reader_only_works_on_it_then_it_stays(open_page: OpenPage, write: Callable, story: Story) -> None:
    task_id = write()
    page = open_page(f"/lines/{story.line_id}/plan", "suhang")
    assert page.locator(f"#bar-{task_id}").get_attribute("tabindex") is None


def test_order_when_it_waits_then_its_page_says_for_what_and_the_need_can_go(
    open_page: OpenPage, work_as: Callable, write: Callable
) -> None:
    first, second = write("选品"), write("页面")
    page = open_page(f"/tasks/{second}")
    page.get_by_label("要等待的任务单").select_option(first)
    with page.expect_navigation():
        page.get_by_role("button", name="添加").click()
    page.get_by_role("link", name="选品").wait_for()
    with page.expect_navigation():
        page.get_by_role("button", name="不再等待“选品”").click()
    page.get_by_label("要等待的任务单").wait_for()
    assert page.get_by_role("link", name="选品").count() == 0


def test_timeline_when_orders_wait_then_the_critical_path_is_named_and_the_chart_fills_the_window(
    open_page: OpenPage, work_as: Callable, write: Callable, story: Story
) -> None:
    picture, page_order = write("大促主视觉", offset=-45, days=10), write("会场页面设计定稿", owner="赵宁", offset=-30, days=14)
    write("备货入库", owner="吴昊", offset=-14, days=6)
    with work_as("林悦") as work:
        add_need(work, page_order, picture)
        sign_task(work, picture)
    page = open_page(f"/lines/{story.line_id}/plan", width=1920, height=1080)
    chain = page.locator(".plan-chain li")
    assert [text.splitlines()[0] for text in chain.all_inner_texts()] == ["大促主视觉", "会场页面设计定稿"]
    page.get_by_text("预计晚").first.wait_for()
    page.wait_for_function(FILLS)


def test_d_day_when_another_is_chosen_then_what_moves_is_listed_before_it_moves(
    open_page: OpenPage, work_as: Callable, write: Callable, story: Story
) -> None:
    write("大促主视觉", offset=-45)
    write("场地签约", offset=None, due_on=date(2026, 11, 1))
    page = open_page(f"/lines/{story.line_id}/board")
    page.get_by_role("button", name="改期").first.click()
    field = page.get_by_label("新的 D 日")
    field.fill("2026-11-15")
    field.dispatch_event("change")
    page.get_by_text("1 张随之移动，1 张日期固定、不动。").wait_for()
    page.get_by_text("09-27 → 10-01").wait_for()
    page.get_by_text("11-10 → 11-14").wait_for()  # The go decision, one of the gates that move with it.
