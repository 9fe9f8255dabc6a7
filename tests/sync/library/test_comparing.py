"""Two versions beside each other, and what a version's line in the timeline tells."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from sync.library.previews.access import preview_key
from sync.library.previews.models import Preview, PreviewEvent
from tests.fakes.store import MemoryStore
from tests.house import Person
from tests.pages import OpenPage
from tests.sync.library.conftest import Room
from tests.sync.library.test_uploads import Tus

SignedIn = Callable[[str], Person]


@pytest.fixture
def drawn(room: Room, memory: MemoryStore, work_as: Callable[..., Any]) -> str:
    """A picture with two versions that have previews; its id."""
    first = room.su.save(room.id, room.root, "主图.png", b"one").node
    second = room.chen.save(room.id, room.root, "主图.png", b"two, longer", node=first.id, base=1).node
    with work_as("苏航") as work:
        for digest, colour in ((first.manifest, "#c33"), (second.manifest, "#33c")):
            out = io.BytesIO()
            Image.new("RGB", (400, 300), colour).save(out, "WEBP")
            for size in ("small", "large"):
                memory.put(preview_key(digest, size), out.getvalue())
            work.session.add(Preview(digest=digest, state="made", width=1200, height=900, at=work.now))
        work.record(PreviewEvent.MADE, subject=f"asset:{first.id}", rooms=[], asset="主图.png")
    return first.id


def test_comparison_when_opened_then_both_and_their_facts(room: Room, drawn: str, signed_in: SignedIn) -> None:
    person = signed_in("linyue")
    page = person.get(f"/library/assets/{drawn}/comparison").get_data(as_text=True)
    assert f"/library/assets/{drawn}/versions/1/preview?size=large" in page
    assert f"/library/assets/{drawn}/versions/2/preview?size=large" in page
    assert "1200 × 900" in page
    assert "陈墨" in page
    assert "两个版本的内容完全相同" in person.get(f"/library/assets/{drawn}/comparison?left=2&right=2").get_data(as_text=True)


def test_comparison_when_absent_or_not_mine_then_404(room: Room, drawn: str, signed_in: SignedIn) -> None:
    person = signed_in("linyue")
    for asked in ("left=9", "right=-1", "other=nothing", f"left=1&other={room.root}"):
        assert person.get(f"/library/assets/{drawn}/comparison?{asked}").status_code == 404, asked
    assert signed_in("zhaoning").get(f"/library/assets/{drawn}/comparison").status_code == 404


def test_comparison_when_a_conflict_copy_then_beside_its_winner(room: Room, signed_in: SignedIn) -> None:
    first = room.su.save(room.id, room.root, "说明.txt", b"one").node
    room.su.save(room.id, room.root, "说明.txt", b"two", node=first.id, base=1)
    second = room.chen.save(room.id, room.root, "说明.txt", b"three", node=first.id, base=1).second
    person = signed_in("suhang")
    assert f"/comparison?other={second.id}" in person.get(f"/library/assets/{second.id}").get_data(as_text=True)
    page = person.get(f"/library/assets/{first.id}/comparison?other={second.id}").get_data(as_text=True)
    assert "至少一个版本没有预览" in page
    assert second.name in page


def test_timeline_when_read_then_who_why_and_where(room: Room, signed_in: SignedIn) -> None:
    person = signed_in("suhang")
    first = room.su.save(room.id, room.root, "主图.txt", b"one").node
    Tus(person).create(room.root, 3, data=b"two", filename="主图.txt", note="<b>按林悦的意见</b>")
    page = person.get(f"/library/assets/{first.id}").get_data(as_text=True)
    assert "&lt;b&gt;按林悦的意见&lt;/b&gt;" in page
    assert "浏览器上传" in page
    assert "从“苏航的云桌面”保存" in page


@pytest.mark.browser
@pytest.mark.parametrize("phone", [False, True], ids=["pc", "phone"])
def test_slider_when_moved_then_wipes_and_both_zoom_in_step(drawn: str, open_page: OpenPage, phone: bool) -> None:
    page = open_page(f"/library/assets/{drawn}/comparison", "linyue", phone=phone)
    page.get_by_role("button", name="滑动对比").click()
    page.get_by_label("分界线的位置").fill("25")
    assert page.locator('[data-side="left"] .compare-picture').evaluate("e => e.style.clipPath") == "inset(0px 75% 0px 0px)"
    page.get_by_role("button", name="放大").click()
    moved = page.locator(".compare-picture img").evaluate_all("all => all.map(e => e.style.transform)")
    assert moved == ["translate(0%, 0%) scale(1.5)"] * 2
    page.locator(".compare-stage").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    expect(page.locator("[data-scale]")).to_have_text("225%")
    moved = page.locator(".compare-picture img").evaluate_all("all => all.map(e => e.style.transform)")
    assert moved[0] == moved[1] != "translate(0%, 0%) scale(2.25)"
    page.keyboard.press("0")
    expect(page.locator("[data-scale]")).to_have_text("100%")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@pytest.mark.browser
def test_asset_when_a_new_version_is_chosen_then_it_is_its_next(room: Room, drawn: str, open_page: OpenPage, tmp_path: Any) -> None:
    (tmp_path / "其他名字.png").write_bytes(b"three")
    page = open_page(f"/library/assets/{drawn}", "suhang")
    page.set_input_files("#upload-files", tmp_path / "其他名字.png")
    expect(page.locator("#toasts")).to_contain_text("已上传 1 个文件")
    expect(page.locator("#version-3")).to_be_visible()
