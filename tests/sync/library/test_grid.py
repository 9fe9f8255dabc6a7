"""The grid of a folder: order, filter, paging by key, several at once; and in a browser with keys, mouse and touch."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from sync.core.protocol import Op
from sync.library.previews.sending import Pictures
from tests.house import Person
from tests.pages import OpenPage
from tests.product import wait_until
from tests.sync.library.agents import commit, make_folder, manifest_for
from tests.sync.library.conftest import Room

SignedIn = Callable[[str], Person]
JSON = {"Accept": "application/json"}


def fill(room: Room, *names: str, folder: str = "") -> dict[str, Any]:
    """Files with these names; a name that ends with a slash is a folder."""
    room.su.upload(room.id, b"same")
    home = folder or room.root
    ops: list[Op] = [
        make_folder(home, name[:-1]) if name.endswith("/") else commit(home, name, manifest_for(b"same")) for name in names
    ]  # fmt: skip
    return {answer.node.name: answer.node for answer in room.su.ops(room.id, *ops) if answer.node}


def names_on(html: str) -> list[str]:
    return re.findall(r'data-name="([^"]+)"', html)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("sort=name", ["乙/", "a.psd", "b.jpg", "c.mp4"]),
        ("sort=name&desc=1", ["乙/", "c.mp4", "b.jpg", "a.psd"]),
        ("sort=kind", ["乙/", "b.jpg", "c.mp4", "a.psd"]),
        ("sort=time&desc=1", None), ("sort=size", None), ("sort=author", None),
        ("kind=film", ["c.mp4"]), ("kind=design", ["a.psd"]), ("kind=nonsense&sort=nonsense", ["乙/", "a.psd", "b.jpg", "c.mp4"]),
    ],
)  # fmt: skip
def test_folder_when_ordered_or_filtered_then_so(room: Room, signed_in: SignedIn, asked: str, expected: list[str] | None) -> None:
    fill(room, "c.mp4", "乙/", "a.psd", "b.jpg")
    found = names_on(signed_in("linyue").get(f"/library/{room.id}?{asked}").get_data(as_text=True))
    wanted = [name.rstrip("/") for name in expected or ["乙/", "a.psd", "b.jpg", "c.mp4"]]
    assert (found if expected else sorted(found)) == (wanted if expected else sorted(wanted))


@pytest.mark.parametrize("asked", ["sort=size&desc=0", "sort=kind&desc=1", "sort=time&desc=1", "sort=author&desc=0"])
def test_folder_when_long_then_each_order_is_paged_without_gap(room: Room, signed_in: SignedIn, asked: str) -> None:
    fill(room, *[f"图 {number:03d}.{'psd' if number % 3 else 'jpg'}" for number in range(250)])
    person, seen = signed_in("suhang"), []
    page = person.get(f"/library/folders/{room.root}?{asked}&view=list").get_data(as_text=True)
    while True:
        seen += names_on(page)
        more = re.search(r'hx-get="([^"]+after=[^"]+)"', page)
        if more is None:
            break
        page = person.get(more.group(1).replace("&amp;", "&")).get_data(as_text=True)
    assert (len(seen), len(set(seen))) == (250, 250)


def test_items_when_count_is_asked_then_bounded(room: Room, signed_in: SignedIn) -> None:
    fill(room, *[f"{number}.txt" for number in range(130)])
    person = signed_in("suhang")
    for asked, count in (("count=130", 130), ("count=0", 1), ("count=-5", 1), ("count=x", 48)):
        page = person.get(f"/library/folders/{room.root}/items?{asked}").get_data(as_text=True)
        assert len(names_on(page)) == count, asked


# --- several at once ----------------------------------------------------------------------------------------------------


def test_move_when_chosen_then_one_row_each_and_what_cannot_says_why(room: Room, signed_in: SignedIn) -> None:
    made = fill(room, "目标/", "a.txt", "b.txt")
    fill(room, "b.txt", folder=made["目标"].id)
    ids = [made["a.txt"].id, made["b.txt"].id, made["目标"].id]
    answer = signed_in("suhang").post(f"/library/folders/{made['目标'].id}/move", {"ids": ids}, headers=JSON).get_json()
    assert (answer["done"], answer["said"]) == (1, "已移动 1 项")
    assert [each["name"] for each in answer["refused"]] == ["b.txt", "目标"]
    nodes = {node.id: node for node in room.su.feed({room.id: 0}).pages[0].nodes}
    assert (nodes[made["a.txt"].id].parent, nodes[made["a.txt"].id].version) == (made["目标"].id, 1)


def test_delete_when_a_newer_version_came_then_that_one_is_kept(room: Room, signed_in: SignedIn) -> None:
    made = fill(room, "a.txt", "b.txt")
    room.chen.save(room.id, room.root, "a.txt", b"newer", node=made["a.txt"].id, base=1)
    ids = [f"{made['a.txt'].id}:1", f"{made['b.txt'].id}:1"]
    answer = signed_in("suhang").post(f"/library/folders/{room.root}/deletion", {"ids": ids}, headers=JSON).get_json()
    assert (answer["done"], [each["name"] for each in answer["refused"]]) == (1, ["a.txt"])


def test_delete_when_the_version_is_no_number_then_the_one_that_is_there(room: Room, signed_in: SignedIn) -> None:
    made = fill(room, "a.txt")
    answer = signed_in("suhang").post(f"/library/folders/{room.root}/deletion", {"ids": f"{made['a.txt'].id}:²"}, headers=JSON)
    assert answer.get_json()["done"] == 1


def test_selection_when_not_mine_to_change_then_refused_and_nothing_moved(room: Room, signed_in: SignedIn) -> None:
    made = fill(room, "目标/", "a.txt")
    for login, status in (("linyue", 403), ("zhaoning", 404)):
        person = signed_in(login)
        for verb in ("move", "deletion"):
            url = f"/library/folders/{made['目标'].id}/{verb}"
            assert person.post(url, {"ids": [made["a.txt"].id]}, headers=JSON).status_code == status
    assert signed_in("zhaoning").get(f"/library/folders/{room.root}/picker").status_code == 404
    suhang = signed_in("suhang")
    for ids in ([], ["nothing"], ["x"] * 3000):
        assert suhang.post(f"/library/folders/{room.root}/deletion", {"ids": ids}, headers=JSON).status_code in (404, 422)


def test_pictures_when_too_many_then_the_oldest_go() -> None:
    kept = Pictures(10)
    for name in ("a", "b"):
        kept.put(name, b"12345")
    assert kept.get("a") == b"12345"
    kept.put("c", b"123")
    assert (kept.get("b"), kept.get("a"), kept.get("c")) == (None, b"12345", b"123")


# --- in a browser -------------------------------------------------------------------------------------------------------


@pytest.fixture
def grid(room: Room, open_page: OpenPage) -> Page:
    fill(room, "目标/", "a.txt", "b.txt", "c.txt")
    page = open_page(f"/library/{room.id}", "suhang")
    wait_until(lambda: page.evaluate("'htmx' in window"), what="the page's scripts are there")
    return page


@pytest.mark.browser
def test_keys_when_pressed_then_move_preview_select_rename_and_delete(grid: Page, room: Room) -> None:
    grid.locator("[data-name='a.txt'] a").focus()
    grid.keyboard.press("ArrowRight")
    assert grid.evaluate("document.activeElement.closest('[data-node]').dataset.name") == "b.txt"
    grid.keyboard.press("Space")
    expect(grid.locator("#quick-name")).to_have_text("b.txt")
    grid.keyboard.press("ArrowRight")
    expect(grid.locator("#quick-name")).to_have_text("c.txt")
    grid.keyboard.press("Escape")  # A dialog tells of its end a moment after it is gone.
    grid.wait_for_function("document.activeElement.closest('[data-node]')?.dataset.name === 'c.txt'")
    grid.keyboard.press("F2")
    grid.locator("#rename input[name=name]").fill("终稿.txt")
    grid.keyboard.press("Enter")
    expect(grid.locator("[data-name='终稿.txt']")).to_be_visible()
    grid.locator("[data-name='a.txt'] a").focus()
    grid.keyboard.press("Shift+ArrowRight")
    expect(grid.locator("[data-count]")).to_have_text("已选 2 项")
    grid.keyboard.press("Delete")
    grid.locator("#confirm-yes").click()
    expect(grid.locator("#toasts")).to_contain_text("已删除 2 项")
    expect(grid.locator("[data-name='a.txt']")).to_have_count(0)


@pytest.mark.browser
def test_mouse_when_clicked_with_keys_then_selects_and_drag_moves(grid: Page, room: Room) -> None:
    grid.locator("[data-name='a.txt'] a").click(modifiers=["Control"])
    grid.locator("[data-name='c.txt'] a").click(modifiers=["Shift"])
    expect(grid.locator("[data-count]")).to_have_text("已选 3 项")
    grid.locator("[data-name='b.txt'] a").drag_to(grid.locator("[data-name='目标']"))
    expect(grid.locator("#toasts")).to_contain_text("已移动 3 项")
    expect(grid.locator("[data-node]")).to_have_count(1)


@pytest.mark.browser
def test_move_when_chosen_in_the_dialog_then_there(grid: Page, room: Room) -> None:
    grid.locator("[data-name='a.txt'] .asset-check").check()
    grid.get_by_role("button", name="移动").click()
    grid.locator("#move").get_by_role("button", name="目标").click()
    grid.get_by_role("button", name="移到“目标”").click()
    expect(grid.locator("#toasts")).to_contain_text("已移动 1 项")


@pytest.mark.browser
def test_touch_when_pressed_long_then_chooses_and_nothing_opens(room: Room, open_page: OpenPage) -> None:
    fill(room, "a.txt", "b.txt")
    page = open_page(f"/library/{room.id}", "suhang", phone=True)
    wait_until(lambda: page.evaluate("'htmx' in window"), what="the page's scripts are there")
    page.evaluate("""() => {
        const link = document.querySelector("[data-name='a.txt'] a");
        link.dispatchEvent(new PointerEvent('pointerdown', {bubbles: true, pointerType: 'touch', clientX: 10, clientY: 10}));
    }""")
    expect(page.locator("[data-count]")).to_have_text("已选 1 项")
    page.locator("[data-name='a.txt'] a").dispatch_event("click")
    page.locator("[data-name='b.txt'] a").tap()
    expect(page.locator("[data-count]")).to_have_text("已选 2 项")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
