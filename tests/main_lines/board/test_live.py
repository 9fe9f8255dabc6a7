"""The map moves by itself: several browsers on the whole product, nothing is reloaded."""

from collections.abc import Iterator
from typing import Any

import pytest

from demo import DEMO_PASSWORD

pytestmark = [pytest.mark.server, pytest.mark.browser]


class Window:
    """One person's browser. It marks its document, so that a reload would show."""

    def __init__(self, browser: Any, url: str, login: str, **options: Any) -> None:
        self.url = url
        self.context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", **options)
        self.page = self.context.new_page()
        self.page.goto(f"{url}/sign-in")
        self.page.fill("#login", login)
        self.page.fill("#password", DEMO_PASSWORD)
        self.page.click("main button[type=submit]")
        self.page.wait_for_url(lambda found: "/sign-in" not in found)

    def watch(self, path: str) -> None:
        self.page.goto(f"{self.url}{path}")
        self.page.wait_for_selector('[data-connection="live"]', state="attached")
        self.page.evaluate("document.body.dataset.mark = 'kept'")

    def kept(self) -> bool:
        return self.page.evaluate("document.body.dataset.mark") == "kept"

    def call(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, Any]:
        """The API as this person, with the token of the open page."""
        headers = {"X-CSRF-Token": self.page.locator('meta[name="csrf-token"]').get_attribute("content")}
        answer = self.context.request.fetch(f"{self.url}/api{path}", method=method, headers=headers, data=body)
        assert answer.ok, answer.text()
        told: dict[str, Any] = answer.json()
        return told


@pytest.fixture
def open_window(product: Any, chromium: Any) -> Iterator[Any]:
    opened: list[Window] = []

    def opener(login: str, **options: Any) -> Window:
        opened.append(Window(chromium, product.url, login, **options))
        return opened[-1]

    yield opener
    for window in opened:
        window.context.close()


@pytest.fixture
def line(open_window: Any) -> tuple[Window, str, dict[str, Any]]:
    """A line of this test's own with one signed order of 苏航's: its director's window, its id, the order."""
    director = open_window("linyue")
    people = {person["name"]: person for person in _people(director)}
    body = {"name": "看板直播", "d_day": "2030-11-11", "members": [people["苏航"]["id"]]}
    line_id = director.call("POST", "/lines", body)["id"]
    order = {"title": "直播主视觉", "department_id": people["苏航"]["department_id"], "owner_id": people["苏航"]["id"]}
    task = director.call("POST", f"/lines/{line_id}/tasks", order)
    director.call("POST", f"/tasks/{task['id']}/moves", {"verb": "sign"})
    return director, line_id, task


def _people(director: Window) -> list[dict[str, str]]:
    """Everybody whom the form for a new line offers, with their departments as the form for an order names them."""
    director.page.goto(f"{director.url}/lines/new")
    offered = director.page.locator("label.member-pick").evaluate_all(
        "labels => labels.map(label => ({id: label.querySelector('input').value, name: label.querySelector('span').firstChild.textContent,"
        " department: label.closest('fieldset').querySelector('legend').textContent}))"
    )
    first = director.call("POST", "/lines", {"name": "问部门", "d_day": "2030-01-01"})["id"]
    director.page.goto(f"{director.url}/lines/{first}/tasks/new")
    departments = dict(director.page.locator("#department_id option").evaluate_all("options => options.map(o => [o.textContent, o.value])"))
    return [{**person, "department_id": departments[person["department"]]} for person in offered]


def test_map_when_an_order_is_blocked_elsewhere_then_it_shows_without_a_reload(open_window: Any, line: tuple) -> None:
    director, line_id, task = line
    wall = open_window("linyue", viewport={"width": 1920, "height": 1080})
    designer = open_window("suhang", viewport={"width": 390, "height": 844})
    director.watch(f"/lines/{line_id}/board")
    wall.watch(f"/lines/{line_id}/wall")
    designer.watch(f"/tasks/{task['id']}")
    designer.call("POST", f"/tasks/{task['id']}/moves", {"verb": "block", "reason": "等模特排期"})
    cell = director.page.locator('[id^="cell-"].tone-blocked')
    cell.wait_for()
    assert "苏航" in cell.inner_text()
    director.page.get_by_text("受阻：等模特排期").first.wait_for()
    wall.page.get_by_text("受阻：等模特排期").first.wait_for()
    designer.page.locator(".task-now .tone-blocked").wait_for()
    assert director.kept()
    assert wall.kept()
    assert designer.kept()


def test_feed_when_somebody_posts_then_it_arrives_and_a_draft_text_stays(open_window: Any, line: tuple) -> None:
    director, line_id, _task = line
    designer = open_window("suhang")
    director.watch(f"/lines/{line_id}")
    director.page.fill("#text", "还没写完的话")
    designer.watch(f"/lines/{line_id}")
    designer.page.fill("#text", "竖版今晚出")
    designer.page.click(".post-form button[type=submit]")
    director.page.get_by_text("竖版今晚出").wait_for()
    designer.page.get_by_text("竖版今晚出").wait_for()
    assert director.page.input_value("#text") == "还没写完的话"
    assert designer.page.input_value("#text") == ""
    designer.page.get_by_text("已读 1/1").wait_for()  # It was in the director's view.
    designer.page.get_by_role("button", name="撤回通告").click()
    designer.page.click("#confirm-yes")
    director.page.get_by_text("竖版今晚出").wait_for(state="detached")
    director.page.get_by_text("苏航 的进度通告已撤回").wait_for()
    assert director.page.input_value("#text") == "还没写完的话"
    assert designer.kept()


def test_alert_when_critical_then_it_comes_up_wherever_members_are_and_n_of_m_moves(open_window: Any, line: tuple) -> None:
    director, line_id, _task = line
    designer = open_window("suhang")
    director.watch(f"/lines/{line_id}/board")
    designer.watch("/library")
    told = {"title": "主推款断货", "kind": "stock", "severity": "critical"}
    alert_id = director.call("POST", f"/lines/{line_id}/alerts", told)["id"]
    designer.page.get_by_role("alert").get_by_role("link", name="主推款断货").wait_for()
    band = director.page.locator(".alert-band")
    band.get_by_text("1 / 2 人已确认").wait_for()
    designer.call("POST", f"/alerts/{alert_id}/acknowledge")
    band.get_by_text("2 / 2 人已确认").wait_for()
    director.call("POST", f"/alerts/{alert_id}/close")
    band.wait_for(state="detached")
    assert director.kept()
    assert designer.kept()


def test_member_when_removed_then_the_open_page_is_left_at_once_and_nobody_sees_them_look(open_window: Any, line: tuple) -> None:
    director, line_id, task = line
    designer = open_window("suhang")
    designer.watch(f"/lines/{line_id}/board")
    director.watch(f"/lines/{line_id}/members")
    for one, other in ((director, "苏航"), (designer, "林悦")):
        one.page.locator(f'[data-watchers][aria-label="正在查看：{other}"]').wait_for()
    director.call("DELETE", f"/lines/{line_id}/members/{task['owner_id']}")
    designer.page.wait_for_url(f"{designer.url}/")
    director.page.locator("[data-watchers]").wait_for(state="hidden")
    assert designer.page.goto(f"{designer.url}/lines/{line_id}/board").status == 404
