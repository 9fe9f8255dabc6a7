"""The promotion, end to end, on the real parts: browser, S3 store, libvirt, QEMU, a guest with the sync agent.

The issue's story in its order. Pictures go to artefacts/ (and, for the README, are copied to docs/pictures by hand).
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from demo_line import NAME as DEMO_LINE
from tests.browser import PHONE, WALL
from tests.journeys.story import GUEST_FILE, LINE, TASK, Story, until_stable
from tests.product import ROOT, Product, running_product, wait_until

pytestmark = [pytest.mark.guest, pytest.mark.timeout(1200)]
ARTEFACTS = ROOT / "artefacts"


@pytest.fixture(scope="module")
def product(golden_image: Path, short_tmp: Path) -> Iterator[Product]:
    with running_product(short_tmp, MAINLINE_IMAGE_DIR=str(golden_image)) as running:
        yield running


@pytest.fixture(scope="module")
def story(product: Product, chromium: Browser) -> Iterator[Story]:
    told = Story(chromium, product.url, pictures=ARTEFACTS)
    yield told
    told.close()


def test_promotion(story: Story, product: Product) -> None:
    with story.watched():
        opens_the_line_and_outsiders_see_nothing(story)
        signs_and_the_designer_finds_it(story)
        connects_to_her_desktop(story, product)
        saves_in_the_guest_and_everybody_sees_it(story)
        signs_off_on_a_phone(story)
        board_and_audit_tell_all(story)
        hibernates_and_wakes_with_the_mount_still_good(story)


def opens_the_line_and_outsiders_see_nothing(story: Story) -> None:
    story.open_line()
    outsider = story.visit("heqing")
    for path in ("", "/board", "/tasks", "/members", "/alerts", "/wall", "/feed", "/board/fragment"):
        assert outsider.go(f"/lines/{story.line}{path}") == 404, path
        assert outsider.page.request.get(f"{story.url}/api/lines/{story.line}{path}").status in (404, 405), path
    for path in ("/", "/lines", "/tasks", "/library", "/search?q=双十一", "/notices", "/approvals"):
        assert outsider.go(path) == 200
        outsider.page.wait_for_load_state("networkidle")
        assert LINE not in outsider.page.locator("body").inner_text(), path
    assert LINE not in json.dumps(story.events("heqing"), ensure_ascii=False)
    director = story.visit("linyue", tab="board")
    director.go(f"/lines/{story.line}/board")
    director.wait_live()
    director.picture("board-empty")


def signs_and_the_designer_finds_it(story: Story) -> None:
    story.sign_task()
    expect(story.visit("linyue", tab="board").page.locator("main")).to_contain_text(TASK, timeout=5_000)
    story.find_task()


def connects_to_her_desktop(story: Story, product: Product) -> None:
    story.open_desktop()
    page = story.connect_desktop()
    until_stable(8)
    story.visit("suhang", tab="console").picture("desktop-console")
    disks = sorted((product.data_dir / "desktops" / story.desktop).glob("system*.qcow2"))
    info = json.loads(subprocess.run(["qemu-img", "info", "-U", "--output=json", str(disks[-1])], check=True, capture_output=True).stdout)
    assert info["backing-filename-format"] == "qcow2"
    assert Path(info["backing-filename"]).exists(), "the system disk is a linked clone of the golden image"
    assert page.url.endswith("/console")


def saves_in_the_guest_and_everybody_sees_it(story: Story) -> None:
    director = story.visit("linyue")  # 北京; the designer is in 上海
    director.go(f"/lines/{story.line}")
    director.wait_live()
    colleague = story.visit("chenmo")  # 广州
    colleague.go("/library")
    colleague.page.get_by_role("link", name=LINE).first.click()
    colleague.page.wait_for_url(re.compile(r"/library/[0-9a-z]{26}"))
    colleague.wait_live()
    colleague.page.evaluate("window.neverReloaded = true")
    story.open_terminal()
    story.visit("suhang", tab="console").picture("desktop-terminal")
    for number in (1, 2):
        story.type_in_guest(f"(cat /usr/share/backgrounds/mainline.png; echo {number}) > {GUEST_FILE}")
        expect(colleague.page.locator("main")).to_contain_text(GUEST_FILE, timeout=60_000)
        wait_until(lambda number=number: newest(story).get("version") == number, within_s=60, what=f"version {number} is in the library")
    made = newest(story)
    assert (made["author"], made["asset"]) == ("苏航", GUEST_FILE)
    story.asset = made["asset_id"]
    assert colleague.page.evaluate("window.neverReloaded"), "the page moved without a reload"
    expect(director.page.locator("main")).to_contain_text(GUEST_FILE, timeout=5_000)
    until_stable(2)
    colleague.picture("library")
    director.picture("feed")


def newest(story: Story) -> dict[str, Any]:
    """The newest committed version of the file as the director's event feed has it; empty while there is none."""
    committed = [
        event for event in story.events("linyue") if event["kind"] == "library.version.committed" and event["facts"]["asset"] == GUEST_FILE
    ]
    last = committed[-1] if committed else None
    return {**last["facts"], "author": last["actor"], "asset_id": last["subject"].removeprefix("asset:")} if last else {}


def signs_off_on_a_phone(story: Story) -> None:
    story.send_for_sign_off()
    board = story.visit("linyue", tab="board").page
    expect(board.locator("main")).to_contain_text("待验收", timeout=5_000)
    pin = story.visit("suhang").page.request.get(f"{story.url}/api/approvals/{story.approval}").json()["pin"]
    assert (pin["asset_id"], pin["version"]) == (story.asset, 2)
    assert story.approve_on_phone() == 2
    expect(board.locator("main")).to_contain_text("已验收", timeout=5_000)


def board_and_audit_tell_all(story: Story) -> None:
    board = story.visit("linyue", tab="board")
    board.picture("board")
    board.picture("board-whole", whole=True)
    wall = story.visit("linyue", size=WALL, tab="wall")
    wall.go(f"/lines/{story.line}/wall")
    wall.wait_live()
    until_stable(1)
    wall.picture("wall")
    board.go("/lines")
    board.page.get_by_role("link", name=DEMO_LINE).first.click()
    board.wait_live()
    until_stable(1)
    board.picture("demo-board")
    phone = story.visit("linyue", size=PHONE, tab="phone")
    for path, name in (("/", "home"), (f"/lines/{story.line}", "line"), (f"/lines/{story.line}/board", "board"), ("/tasks", "tasks"),
                       ("/library", "libraries"), ("/desktops", "desktops")):  # fmt: skip
        phone.go(path)
        phone.page.wait_for_load_state("networkidle")
        phone.picture(name)
    director = story.visit("linyue")
    director.go("/audit")
    words = director.page.locator("main").inner_text()
    for sentence in (LINE, TASK, GUEST_FILE, "林悦", "苏航", "陈墨"):
        assert sentence in words, f"the audit does not tell of {sentence}"
    director.picture("audit")
    for visit in (board, wall, phone, director):
        assert not visit.problems, visit.problems


def hibernates_and_wakes_with_the_mount_still_good(story: Story) -> None:
    designer = story.visit("suhang")
    designer.go("/desktops")
    designer.picture("desktop")
    designer.page.get_by_role("button", name="休眠").first.click()
    state = lambda: designer.page.request.get(f"{story.url}/api/desktops/{story.desktop}").json()["state"]  # noqa: E731
    wait_until(lambda: state() == "hibernated", within_s=120, what="the desktop hibernates", every_s=0.5)
    designer.go("/desktops")
    designer.picture("desktop-asleep")
    story.connect_desktop()
    until_stable(3)
    story.type_in_guest(f"(cat {GUEST_FILE}; echo 3) > after-wake.png")
    colleague = story.visit("chenmo").page
    expect(colleague.locator("main")).to_contain_text("after-wake.png", timeout=60_000)
