"""The form of a task order, sent from a page that is older than its session."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.main_lines.conftest import Story
from tests.pages import OpenPage
from workspace.security import SESSION_COOKIE

pytestmark = pytest.mark.browser


def test_form_when_its_session_is_over_then_what_was_typed_stands_in_it_again(
    open_page: OpenPage, story: Story, signed_in: Callable
) -> None:
    form = f"/lines/{story.line_id}/tasks/new"
    page = open_page(form, "suhang")
    draft = page.get_by_role("button", name="存为草稿")
    page.fill("#title", "主视觉")
    page.fill("#requirements", "横竖各一，周五前")
    page.select_option("#department_id", story.people["赵宁"].department_id)
    session = signed_in("suhang").client.get_cookie(SESSION_COOKIE)
    page.context.add_cookies([{"name": SESSION_COOKIE, "value": session.value, "url": page.evaluate("location.origin")}])
    with page.expect_navigation():
        draft.click()
    expect(page.locator("#error-title")).to_have_text("页面已过期")
    page.goto(form)
    expect(page.locator("#title")).to_have_value("主视觉")
    expect(page.locator("#requirements")).to_have_value("横竖各一，周五前")
    expect(page.locator("#department_id")).to_have_value(story.people["赵宁"].department_id)
    with page.expect_navigation(url="**/tasks/01*"):
        draft.click()
    page.goto(form)
    expect(page.locator("#title")).to_have_value("")
