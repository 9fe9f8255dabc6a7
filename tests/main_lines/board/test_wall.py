"""The wall needs no hands: what does not fit comes by turns."""

from collections.abc import Callable

from main_lines.tasks.actions import block_task, sign_task, start_task
from tests.main_lines.conftest import Story
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
