"""The wall needs no hands: what does not fit comes by turns."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from main_lines.lines.access import get_line
from main_lines.numbers.actions import MetricDraft, Origin, define_metric, take_numbers
from main_lines.numbers.reading import Entry
from main_lines.numbers.rules import Aim, Better
from main_lines.plans.actions import add_need
from main_lines.tasks.actions import block_task, sign_task, start_task
from tests.main_lines.conftest import D_DAY, Story
from tests.pages import open_page as open_page
from tests.pages import site as site


def test_wall_when_more_is_late_than_fits_then_it_comes_by_turns(
    open_page: Callable, story: Story, write: Callable, work_as: Callable
) -> None:
    titles = [f"任务 {number}" for number in range(5)]
    for title in titles:
        order = write(title)
        with work_as("林悦") as work:
            sign_task(work, order)
        with work_as("苏航") as work:
            start_task(work, order)
            block_task(work, order, reason="等")
    page = open_page(f"/lines/{story.line_id}/wall", width=1920, height=1080)
    seen = set()
    for turn in range(2):
        page.evaluate("turn => { Date.now = () => turn * 12000; dispatchEvent(new Event('mainline:swapped')) }", turn)
        shown = page.locator(".row-title:visible").all_inner_texts()
        assert len(shown) <= 3
        seen |= set(shown)
    assert seen == set(titles)
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")


CUT = """() => [...document.querySelectorAll('.wall-foot-row .card')].flatMap(card => {
    const edge = card.getBoundingClientRect();
    const out = box => box.width && (box.right > edge.right || box.bottom > edge.bottom || box.left < edge.left);
    const whole = '.wall-step, .wall-plan .tone-words, .wall-city-note .tone-words, .feed-row';
    const clipped = e => e.matches('.tone-words') && e.scrollWidth > e.clientWidth;
    return [...card.querySelectorAll(whole)].filter(e => out(e.getBoundingClientRect()) || clipped(e)).map(e => e.textContent);
})"""


def test_wall_when_in_english_then_what_is_wrong_is_not_cut(open_page: Callable, story: Story, write: Callable, work_as: Callable) -> None:
    chain = [write(f"第 {number} 步的任务单", offset=-30 + number, days=9) for number in range(5)]
    with work_as("林悦") as work:
        for before, after in pairwise(chain):
            add_need(work, after, before)
        sign_task(work, chain[0])
    with work_as("苏航") as work:
        start_task(work, chain[0])
        block_task(work, chain[0], reason="等")
    page = open_page(f"/lines/{story.line_id}/wall", width=1920, height=1080)
    page.goto("/language/en")
    page.goto(f"/lines/{story.line_id}/wall")
    assert page.locator(".wall-city-note .tone-words").first.inner_text() == "1 blocked"
    assert page.locator(".wall-more").inner_text() == "+3"
    assert page.evaluate(CUT) == []


def test_wall_when_read_then_each_city_has_its_orders_and_each_number_its_source(
    signed_in: Callable, work_as: Callable, story: Story, write: Callable
) -> None:
    write("主视觉")
    with work_as("林悦") as work:
        draft = MetricDraft("GMV", "元", Better.HIGHER, True, D_DAY - timedelta(days=60), D_DAY + timedelta(days=30))
        define_metric(work, story.line_id, draft)
        entry = Entry("GMV", Aim.ACTUAL, Decimal(1200), work.now, D_DAY)
        take_numbers(work, get_line(work, story.line_id, lock=True), [entry], Origin("csv", work.now, "日报.csv"))
    page = signed_in("suhang").get(f"/lines/{story.line_id}/wall").get_data(as_text=True)
    assert re.search(r'id="wall-city-[^"]+".*?上海', page)
    assert re.search(r'id="wall-number-[^"]+".*?GMV.*?日报\.csv', page, re.S)
