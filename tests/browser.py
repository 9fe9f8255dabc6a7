"""People with browsers: sign in, look, keep a screenshot. Chromium of the machine, driven by Playwright."""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from demo import DEMO_PASSWORD

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PC, PHONE, WALL = (1440, 900), (390, 844), (1920, 1080)

expect.set_options(timeout=30_000)  # As all else that is waited for: its own 5 s may pass on a busy machine before a page has moved.


def windowless() -> str | None:
    """The Chromium for tests: it draws pages alone, where the other draws a window around each, though nobody looks."""
    return shutil.which("chromium-headless-shell")


@contextlib.contextmanager
def chromium(program: str | None = None) -> Iterator[Browser]:
    """The Chromium that people have, unless another is named."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program or shutil.which("chromium"), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One person in one browser window. problems: what the console complained about."""

    def __init__(
        self, browser: Browser, url: str, *, size: tuple[int, int] = PC, pictures: Path | None = None, locale: str = "zh-CN"
    ) -> None:
        width, height = size
        self.url, self.pictures, self.width = url, pictures, width
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height}, locale=locale, has_touch=size == PHONE, is_mobile=size == PHONE
        )
        self.page: Page = self.context.new_page()
        self.problems: list[str] = []
        self.page.on("console", lambda message: self.problems.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))

    def sign_in(self, login: str) -> "Visit":
        self.go("/sign-in")
        self.page.fill("#login", login)
        self.page.fill("#password", DEMO_PASSWORD)
        self.page.click("main button[type=submit]")
        self.page.wait_for_url(lambda url: "/sign-in" not in url)
        return self

    def go(self, path: str) -> int:
        """Open a page; returns its status."""
        answer = self.page.goto(f"{self.url}{path}")
        assert answer is not None
        return answer.status

    def wait_live(self) -> "Visit":
        """Until the page says that it is connected."""
        self.page.wait_for_selector('[data-connection="live"]', state="attached")
        return self

    def picture(self, name: str, *, whole: bool = False) -> None:
        """Keep a screenshot as NAME-WIDTH.png."""
        if self.pictures is not None:
            self.pictures.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=self.pictures / f"{name}-{self.width}.png", full_page=whole)
