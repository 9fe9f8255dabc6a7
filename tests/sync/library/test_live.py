"""The whole product: what one member brings by browser appears in another's, without a reload."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from demo import DEMO_PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.slow]


def sign_in(page: Any, url: str, login: str) -> None:
    page.goto(f"{url}/sign-in")
    page.fill("#login", login)
    page.fill("#password", DEMO_PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda address: "/sign-in" not in address)


def picture(path: Path, colour: tuple[int, int, int]) -> str:
    out = io.BytesIO()
    Image.new("RGB", (800, 500), colour).save(out, "PNG")
    path.write_bytes(out.getvalue())
    return str(path)


def test_upload_when_a_colleague_watches_then_it_appears_by_itself(product: Any, page: Any, phone_page: Any, tmp_path: Path) -> None:
    sign_in(page, product.url, "linyue")
    sign_in(phone_page, product.url, "suhang")
    page.goto(f"{product.url}/library")
    page.click(".library-card >> nth=0")
    page.wait_for_selector("#items, .blank")
    phone_page.goto(page.url)
    phone_page.set_input_files("#upload-files", picture(tmp_path / "现场照片.png", (180, 40, 60)))
    page.wait_for_selector("text=现场照片.png")
    page.wait_for_selector('img[src*="/preview"]')
    page.click("text=现场照片.png")
    page.wait_for_selector("#version-1")
    phone_page.set_input_files("#upload-files", picture(tmp_path / "现场照片.png", (30, 90, 160)))
    page.wait_for_selector("#version-2")
    page.wait_for_selector('#stage img[src*="/versions/2/preview"]')
    assert phone_page.evaluate("document.documentElement.scrollWidth") == 390


def test_comment_when_pinned_on_a_phone_then_it_appears_on_the_picture_of_a_colleague(
    product: Any, page: Any, phone_page: Any, tmp_path: Path
) -> None:
    sign_in(page, product.url, "linyue")
    sign_in(phone_page, product.url, "suhang")
    phone_page.goto(f"{product.url}/library")
    phone_page.click(".library-card >> nth=0")
    phone_page.set_input_files("#upload-files", picture(tmp_path / "待批注.png", (90, 40, 160)))
    phone_page.click(".asset:has-text('待批注.png')")
    phone_page.wait_for_selector("#stage img")
    page.goto(phone_page.url)
    page.wait_for_selector('[data-connection="live"]', state="attached")
    page.wait_for_selector("#comment-form")
    phone_page.click("[data-mark-place]")
    box = phone_page.locator("#stage .pins").bounding_box()
    phone_page.touchscreen.tap(box["x"] + box["width"] * 0.75, box["y"] + box["height"] * 0.5)
    phone_page.fill("#comment-words", "这里换成品牌色")
    phone_page.click("#comment-form button[type=submit]")
    page.wait_for_selector("#comment-threads >> text=这里换成品牌色")
    page.wait_for_selector('.pin[aria-label="批注 1，苏航：这里换成品牌色"]')
    assert phone_page.evaluate("document.documentElement.scrollWidth") == 390
