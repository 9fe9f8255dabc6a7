"""Comments in a browser: a pin by pointer, by touch and by keys, mentions, drafts that outlive a refresh, and both widths."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.complete.test_pages import ALL_RULES, AXE, RUN_AXE, STILL
from tests.sync.library.conftest import Room
from tests.sync.library.preview_files import film
from tests.sync.library.test_pages import picture

pytestmark = pytest.mark.browser

OpenPage = Callable[..., Page]
HEARD = """kind => {
    const rooms = [document.querySelector('[data-room]').dataset.room];
    dispatchEvent(new CustomEvent('mainline:event', {detail: {kind, rooms}}));
}"""


@pytest.fixture
def asset(room: Room, run_jobs: Any) -> Any:
    node = room.su.save(room.id, room.root, "主视觉.png", picture()).node
    run_jobs()
    return node


def ready(page: Page) -> Page:
    expect(page.locator("#comment-form")).to_be_visible()
    expect(page.locator("#stage .pins")).to_be_attached()
    expect(page.locator("#stage img")).to_have_js_property("complete", True)
    return page


def write(page: Page, words: str) -> None:
    page.fill("#comment-words", words)
    page.click("#comment-form button[type=submit]")
    expect(page.locator("#comment-threads")).to_contain_text(words)


def places(page: Page) -> list[list[float]]:
    return page.evaluate("[...document.querySelectorAll('[data-place]')].map(e => e.dataset.place.split(' ').map(Number))")


def test_pin_when_placed_by_pointer_then_numbered_on_the_picture_and_found_from_both_sides(asset: Any, open_page: OpenPage) -> None:
    page = ready(open_page(f"/library/assets/{asset.id}", "chenmo"))
    box = page.locator("#stage .pins").bounding_box()
    assert box
    page.get_by_role("button", name="标注位置").click()
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.75)
    expect(page.locator(".comment-mark")).to_have_text("已标注一处")
    write(page, "标题太小")
    page.get_by_role("button", name="标注位置").click()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 200, steps=4)
    page.mouse.up()
    expect(page.locator(".comment-mark")).to_have_text("已框出一块")
    write(page, "这里留白")
    (x, y, w, h), (left, top) = places(page)
    assert (round(left, 2), round(top, 2)) == (0.25, 0.75)
    assert [round(value, 2) for value in (x, y, w, h)] == [
        round(value, 2) for value in (100 / box["width"], 100 / box["height"], 200 / box["width"], 100 / box["height"])
    ]
    expect(page.locator(".pin")).to_have_text(["2", "1"])
    page.get_by_role("button", name="批注 1，陈墨：标题太小").click()
    expect(page.locator(".thread.is-chosen")).to_contain_text("标题太小")
    page.get_by_role("button", name="在画面上查看批注 2").click()
    expect(page.locator(".pin[aria-current]")).to_be_focused()
    assert page.locator("#comment-words").input_value() == ""


def test_pin_when_placed_by_keys_then_there(asset: Any, open_page: OpenPage) -> None:
    page = ready(open_page(f"/library/assets/{asset.id}", "chenmo"))
    page.get_by_role("button", name="标注位置").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".pin-cursor")).to_be_focused()
    for key in ("Shift+ArrowLeft", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
    expect(page.get_by_role("button", name="标注位置：横向 38%，纵向 52%")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#comment-words")).to_be_focused()
    page.keyboard.type("按键标的")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#comment-threads")).to_contain_text("按键标的")
    assert places(page) == [[0.38, 0.52]]


def test_pin_when_on_a_film_then_shown_at_its_instant_only(room: Room, run_jobs: Any, open_page: OpenPage, tmp_path: Path) -> None:
    node = room.su.save(room.id, room.root, "预热.mp4", film(tmp_path)).node
    run_jobs()
    page = open_page(f"/library/assets/{node.id}", "chenmo")
    expect(page.locator("#comment-form")).to_be_visible()
    player = page.locator("#stage video")
    expect(player).to_have_js_property("duration", 2)
    player.evaluate("e => e.currentTime = 1.5")
    expect(player).to_have_js_property("seeking", False)
    page.get_by_role("button", name="标注位置").click()
    page.locator("#stage .pins").click(position={"x": 60, "y": 40}, force=True)
    expect(page.locator(".comment-mark")).to_have_text("已标注一处 · 时间 0:01")
    write(page, "这一帧太暗")
    expect(page.locator(".pin")).to_be_visible()
    player.evaluate("e => e.currentTime = 0")
    expect(page.locator(".pin")).to_be_hidden()
    page.get_by_role("button", name="在画面上查看批注 1").click()
    expect(page.locator(".pin")).to_be_visible()
    expect(player).to_have_js_property("currentTime", 1.5)


def test_mention_when_typed_then_offered_and_who_may_not_see_is_told_apart(asset: Any, open_page: OpenPage) -> None:
    page = ready(open_page(f"/library/assets/{asset.id}", "chenmo"))
    page.locator("#comment-words").press_sequentially("请 @赵")
    expect(page.locator(".comment-people")).to_contain_text("不能查看这个文件，无法提醒")
    page.fill("#comment-words", "")
    page.locator("#comment-words").press_sequentially("请 @林")
    expect(page.get_by_role("button", name="林悦")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#comment-words")).to_have_value("请 @林悦 ")
    page.click("#comment-form button[type=submit]")
    expect(page.locator(".comment-name")).to_have_text("@林悦")


def test_draft_when_colleagues_comment_and_save_then_kept(room: Room, asset: Any, open_page: OpenPage) -> None:
    mine, other = (ready(open_page(f"/library/assets/{asset.id}", login)) for login in ("chenmo", "suhang"))
    mine.fill("#comment-words", "写到一半")
    mine.locator("h1").click()
    write(other, "先说一句")
    mine.evaluate(HEARD, "library.comment.added")
    expect(mine.locator("#comment-threads")).to_contain_text("先说一句")
    expect(mine.locator("#comment-words")).to_have_value("写到一半")
    room.su.save(room.id, room.root, "主视觉.png", picture((300, 300)), node=asset.id, base=1)
    mine.evaluate(HEARD, "library.version.committed")
    expect(mine.locator("#version-2")).to_be_visible()
    expect(mine.locator("#comments")).to_contain_text("版本 1 上的批注")
    expect(mine.locator("#comment-words")).to_have_value("写到一半")


def test_address_when_it_names_a_comment_then_shown(asset: Any, open_page: OpenPage) -> None:
    page = ready(open_page(f"/library/assets/{asset.id}", "chenmo"))
    write(page, "看这里")
    name = page.locator(".comment").first.get_attribute("id")
    page.locator(".thread summary", has_text="回复").click()
    page.fill(".thread-reply textarea", "知道了")
    page.click(".thread-reply button[type=submit]")
    expect(page.locator(".comment-words")).to_have_text(["看这里", "知道了"])
    page.get_by_role("button", name="将批注 1 标为已解决").click()
    expect(page.locator("summary", has_text="已解决 1 条")).to_be_visible()
    again = ready(open_page(f"/library/assets/{asset.id}#{name}", "suhang"))
    expect(again.locator(f"#{name}")).to_be_visible()
    expect(again.locator(".thread.is-chosen")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
def test_comments_when_seen_then_accessible_and_inside_the_width(asset: Any, open_page: OpenPage, width: int) -> None:
    page = ready(open_page(f"/library/assets/{asset.id}", "chenmo", width=width, phone=width == 390))
    page.get_by_role("button", name="标注位置").click()
    box = page.locator("#stage .pins").bounding_box()
    assert box
    at = {"x": box["width"] / 2, "y": box["height"] / 3}
    page.locator("#stage .pins").click(position=at, force=True)
    write(page, "超长不断行" + "x" * 300)
    page.locator(".thread summary", has_text="回复").click()
    page.evaluate(AXE + ";0")
    page.evaluate(STILL)
    assert page.evaluate(RUN_AXE, [[], ALL_RULES]) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
