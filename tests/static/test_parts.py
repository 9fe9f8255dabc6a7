"""The parts and base behaviours in a real browser, under the product's own CSP."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from workspace.settings import ROOT

pytestmark = pytest.mark.browser

AXE = (ROOT / "node_modules/axe-core/axe.min.js").read_text("utf-8") if (ROOT / "node_modules").exists() else ""
FIND_VIOLATIONS = """axe.run(document, {resultTypes: ['violations']})
    .then(result => result.violations.map(v => [v.id, v.nodes.map(n => n.target)]))"""
FIND_SMALL = """[...document.querySelectorAll('a, button, input, select, textarea')]
    .filter(e => e.checkVisibility() && !e.matches('.skip'))
    .map(e => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.height < 44 || box.width < 44))
    .map(([html]) => html)"""
OpenPage = Callable[..., Page]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("path", "width", "height"), [("/parts", 1440, 900), ("/parts", 390, 844), ("/phone", 390, 844), ("/wall", 1920, 1080)]
)
def test_page_when_checked_by_axe_then_nothing_is_found(open_page: OpenPage, path: str, width: int, height: int, theme: str) -> None:
    assert AXE, "axe-core is missing: run script/setup"
    page = open_page(path, theme=theme, width=width, height=height)
    page.evaluate(AXE + ";0")
    found = page.evaluate(
        "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.target)]))"
    )
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"


def test_targets_when_on_a_phone_then_they_are_for_thumbs(open_page: OpenPage) -> None:
    page = open_page("/phone", width=390, height=844)
    small = page.evaluate(FIND_SMALL)
    assert small == []


def test_phone_page_when_loaded_then_it_is_light(open_page: OpenPage) -> None:
    page = open_page("/phone", width=390, height=844)
    loaded = page.evaluate("performance.getEntriesByType('resource').map(e => new URL(e.name).pathname)")
    assert any("phone" in path for path in loaded)
    assert not [path for path in loaded if "tabler" in path or "htmx" in path]
    css = page.evaluate("Promise.all([...document.styleSheets].map(s => fetch(s.href).then(r => r.text()))).then(t => t.join('').length)")
    assert css < 30_000


def test_theme_when_chosen_then_it_stays_on_the_next_page(open_page: OpenPage) -> None:
    page = open_page("/parts", theme="light")
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.click(".member-button")
    page.click(".member-menu [data-theme-choice=dark]")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.goto("/parts")
    expect(root).to_have_attribute("data-bs-theme", "dark")


def test_menu_when_used_by_keys_then_walked_and_closed_with_the_focus_back(open_page: OpenPage) -> None:
    page = open_page("/parts")
    button, menu = page.locator(".member-button"), page.locator(".member-menu")
    button.focus()
    page.keyboard.press("ArrowDown")
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(menu.locator(":focus")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    page.mouse.click(5, 400)
    expect(menu).to_be_hidden()
    expect(button).to_have_attribute("aria-expanded", "false")


@pytest.mark.parametrize(
    ("days_ago", "year", "words"),
    [(59 / 86400, 0, "刚刚"), (119 / 86400, 0, "1分钟前"), (6, 0, "6天前"), (8, 0, "11-14 23:33"), (900, 2019, "2019-11-14")],
)
def test_time_when_it_is_long_ago_then_in_the_company_s_time_zone(open_page: OpenPage, days_ago: float, year: int, words: str) -> None:
    """The server wrote the title; the browser may be in another time zone."""
    shown = open_page("/parts").evaluate(
        """async ([days, year]) => {
          const {refreshTimes} = await import('mainline/times');
          const title = `${year || new Date().getFullYear()}-11-14 23:33:05`;
          const made = document.createElement('time');
          Object.assign(made, {title, dateTime: new Date(Date.now() - days * 86400e3).toISOString()});
          made.dataset.relative = '';
          document.body.append(made);
          refreshTimes();
          return made.textContent;
        }""",
        [days_ago, year],
    )
    assert shown == words


def test_palette_when_a_name_is_typed_then_enter_goes_there(open_page: OpenPage) -> None:
    page = open_page("/parts")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.type("elsewh")
    expect(page.locator("#palette li:visible").first).to_contain_text("Elsewhere")
    expect(page.locator("#palette li:visible").last).to_have_attribute("data-url", "/search?q=elsewh")
    page.keyboard.press("Enter")
    page.wait_for_url("**/elsewhere")


def test_field_when_the_server_refuses_it_then_its_sentence_stands_beneath(open_page: OpenPage) -> None:
    page = open_page("/parts")
    page.fill("#title", "x")
    page.fill("#wants", "y")
    page.click("#saved button[type=submit]")
    expect(page.locator("#title-error")).to_have_text("too short")
    expect(page.locator("#title")).to_be_focused()
    expect(page.locator("#answer")).to_be_empty()


def test_confirmation_when_refused_then_nothing_is_sent_and_when_agreed_the_reason_goes_along(open_page: OpenPage) -> None:
    page = open_page("/parts")
    page.click("#reject button")
    page.click("#confirm [data-close-dialog]")
    assert page.url.endswith("/parts")
    page.click("#reject button")
    page.click("#confirm-yes")  # the reason is missing: the browser holds it back
    assert page.url.endswith("/parts")
    page.click("#confirm .phrases button")
    page.click("#confirm-yes")
    page.wait_for_url("**/elsewhere?comment=wrong*size")


def test_confirmation_when_htmx_sends_then_it_asks_too_and_sends_once(open_page: OpenPage) -> None:
    page = open_page("/parts")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.url.endswith("/remind") else None)
    page.click("#remind")
    page.keyboard.press("Escape")
    page.click("#remind")
    page.fill("#confirm-reason-text", "it is late")
    page.click("#confirm-yes")
    expect(page.locator("#answer")).to_have_text("reminded: it is late")
    assert len(sent) == 1


def test_request_when_nobody_answers_then_a_message_says_so_and_nothing_is_lost_or_looks_done(open_page: OpenPage) -> None:
    page = open_page("/parts")
    for url in ("**/remind", "**/save"):
        page.route(url, lambda route: route.abort())
    page.click("#remind")
    page.fill("#confirm-reason-text", "x")
    page.click("#confirm-yes")
    expect(page.locator("#toasts [role=alert]")).to_be_visible()
    expect(page.locator("html")).not_to_have_class("is-loading")
    page.click("#remind")
    expect(page.locator("#confirm-reason-text")).to_have_value("x")
    page.keyboard.press("Escape")
    page.locator("#ticked").click()
    expect(page.locator("#ticked")).not_to_be_checked()


SEND = "frame => dispatchEvent(new CustomEvent('mainline:event', {detail: frame}))"


def test_fragment_when_its_event_arrives_then_it_moves_by_itself(open_page: OpenPage) -> None:
    page = open_page("/parts")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/live") else None)
    for frame in (
        {"seq": 1, "kind": "library.version.committed", "rooms": ["line:1"]},  # another kind
        {"seq": 2, "kind": "main_lines.task.signed", "rooms": ["line:2"]},  # another room
    ):
        page.evaluate(SEND, frame)
    burst = [{"seq": seq, "kind": "main_lines.task.signed", "rooms": ["line:1"]} for seq in range(3, 8)]
    page.evaluate(f"frames => frames.forEach({SEND})", burst)
    expect(page.locator("#row-1")).to_have_class("is-new")
    expect(page.locator("#row-0")).not_to_have_class("is-new")
    assert 1 <= len(asked) <= 2


def test_fragment_when_told_in_another_room_what_it_is_about_then_it_moves(open_page: OpenPage) -> None:
    """An approval that has ended has no room any more; who was away hears of the end in a room of their own."""
    page = open_page("/parts")
    page.evaluate(SEND, {"seq": 1, "kind": "main_lines.line.ended", "rooms": ["member:7"], "subject": "line:1"})
    expect(page.locator("#row-1")).to_be_visible()


def test_row_when_fetched_again_at_once_then_it_still_shows_as_new(open_page: OpenPage) -> None:
    page = open_page("/parts")
    page.evaluate("() => { performance.now = () => 5000; }")  # Both come in the same instant, however long this takes.
    for seq in (1, 2):
        page.evaluate(SEND, {"seq": seq, "kind": "main_lines.task.signed", "rooms": ["line:1"]})
        page.locator(f"#row-{seq}").wait_for()
    assert page.locator("#row-1").get_attribute("class") == "is-new"


def test_fragment_when_somebody_types_in_it_then_it_waits(open_page: OpenPage) -> None:
    page = open_page("/parts")
    on_the_way: list[Route] = []
    page.route("**/live", lambda route: on_the_way.append(route))
    with page.expect_request("**/live"):
        page.evaluate(SEND, {"seq": 1, "kind": "main_lines.task.signed", "rooms": ["line:1"]})
    page.click("#typed")
    page.keyboard.type("half a sen")
    page.evaluate("() => { const field = document.getElementById('typed'); field.defaultValue = field.value; }")  # sent, not left
    page.unroute("**/live")
    with page.expect_response("**/live"):
        on_the_way[0].continue_()
    page.evaluate(SEND, {"seq": 2, "kind": "main_lines.task.signed", "rooms": ["line:1"]})
    page.wait_for_timeout(300)  # long past the gathering time: shows that nothing happens
    expect(page.locator("#typed")).to_have_value("half a sen")
    expect(page.locator("#row-1")).to_have_count(0)
    page.click("h1")
    expect(page.locator("#row-1")).to_be_visible()


def test_room_when_the_member_leaves_it_then_its_content_goes(open_page: OpenPage) -> None:
    page = open_page("/parts")
    expect(page.locator("#secret")).to_be_visible()
    page.evaluate("import('mainline/realtime').then(m => m.purge('line:1'))")
    expect(page.locator("#secret")).to_have_count(0)
    expect(page.locator("#toasts .toast-row")).to_be_visible()


def test_dialog_when_opened_then_escape_and_the_cross_close_it(open_page: OpenPage) -> None:
    page = open_page("/parts", width=390, height=844)
    page.click("[data-open-dialog=sheet]")
    expect(page.locator("#sheet")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()
    page.click(".tabbar [data-open-dialog=mine]")
    page.click("#mine [data-close-dialog]")
    expect(page.locator("#mine")).to_be_hidden()


def test_skip_link_when_tab_is_pressed_first_then_it_leads_to_the_content(open_page: OpenPage) -> None:
    page = open_page("/parts")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_palette_when_nothing_is_named_so_then_enter_searches_everything(open_page: OpenPage) -> None:
    page = open_page("/parts")
    page.click("[data-open-palette]:visible")
    page.keyboard.type("主会场 & 海报")
    expect(page.locator("#palette li:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=**")
    expect(page.locator("#q")).to_have_value("主会场 & 海报")


def test_watchers_when_told_who_looks_then_the_others_are_named_and_the_reader_is_not(open_page: OpenPage) -> None:
    page = open_page("/parts", width=390)
    place = page.locator("[data-watchers]")
    expect(place).to_be_hidden()
    show = """async ([ids, count]) => {
      const {showLooking} = await import('mainline/presence');
      const {boot} = await import('mainline/texts');
      showLooking({people: ids.map((id) => [id || boot.realtime.member, `Name ${id}`, id.toUpperCase()]), count});
    }"""
    page.evaluate(show, [["", "a", "b"], 3])
    expect(place).to_have_attribute("aria-label", "正在查看：Name a、Name b")
    expect(place.locator(".face")).to_have_text(["A", "B"])
    page.evaluate(show, [["a", "b", "c", ""], 12])
    expect(place).to_have_attribute("title", "正在查看：Name a、Name b、Name c 等 11 人")
    expect(place.locator(".face")).to_have_text(["A", "B", "+9"])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    page.evaluate(show, [[""], 1])
    expect(place).to_be_hidden()
