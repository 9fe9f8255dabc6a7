"""The people of the story and what each of them does, step by step, through the browser as a person would.

The journey, the tests that kill parts in the middle of it and the benchmark all walk these same steps.
"""

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect
from playwright.sync_api import Error as PlaywrightError

from tests.browser import PC, PHONE, Visit
from tests.product import wait_until

LINE = "双十一大促"
TASK = "双十一主视觉"
MEMBERS = ("苏航", "陈墨", "赵宁", "吴昊")
DESKTOP_READY_S = 300
GUEST_FILE = "kv.png"
SHIFTED = {"$": "Digit4", "%": "Digit5", "*": "Digit8", "(": "Digit9", ")": "Digit0", "+": "Equal", ">": "Period", "?": "Slash"}


@dataclass
class Story:
    """State of one telling: the browsers that are open, and what was made."""

    browser: Browser
    url: str
    pictures: Path | None = None
    visits: dict[tuple[str, str], Visit] = field(default_factory=dict)
    line: str = ""
    task: str = ""
    library: str = ""
    asset: str = ""
    approval: str = ""
    desktop: str = ""

    def visit(self, login: str, *, size: tuple[int, int] = PC, tab: str = "") -> Visit:
        """This person's browser; a second tab name opens another window of another browser profile."""
        key = (login, tab)
        if key not in self.visits:
            self.visits[key] = Visit(self.browser, self.url, size=size, pictures=self.pictures).sign_in(login)
        return self.visits[key]

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Keep a picture of every open browser when a step fails."""
        try:
            yield
        except BaseException:
            for (login, tab), visit in self.visits.items():
                with contextlib.suppress(PlaywrightError):
                    visit.picture(f"failed-{login}-{tab}")
            raise

    def close(self) -> None:
        for visit in self.visits.values():
            visit.context.close()

    # 1. The director opens the main line

    def open_line(self) -> None:
        director = self.visit("linyue")
        director.go("/lines/new")
        page = director.page
        page.fill("#name", LINE)
        page.fill("#goal", "全场成交 2.4 亿，缺货率低于 1.5%")
        page.fill("#d_day", str(datetime.now(UTC).date() + timedelta(days=30)))
        for name in MEMBERS:
            page.locator("label.member-pick", has_text=name).locator("input").check()
        page.click("main form button[type=submit]")
        page.wait_for_url(re.compile(r"/lines/[0-9a-z]{26}"))
        self.line = re.search(r"/lines/([0-9a-z]{26})", page.url).group(1)
        director.picture("line")

    # 2. She signs a task order

    def sign_task(self) -> None:
        director = self.visit("linyue")
        director.go(f"/lines/{self.line}/tasks/new")
        page = director.page
        page.fill("#title", TASK)
        page.fill("#requirements", "3:4 主图与 16:9 横幅各一张，突出满减，安全区留白 8%。")
        page.select_option("#department_id", label="设计策划")
        page.locator("#owner_id option", has_text="苏航").first.wait_for(state="attached")
        page.select_option("#owner_id", value=page.locator("#owner_id option", has_text="苏航").first.get_attribute("value"))
        page.fill("#due_offset", "-21")
        page.click("button[name=then][value=sign]")
        page.wait_for_url(re.compile(r"/tasks/[0-9a-z]{26}"))
        self.task = re.search(r"/tasks/([0-9a-z]{26})", page.url).group(1)

    def find_task(self) -> None:
        designer = self.visit("suhang")
        designer.go("/tasks")
        designer.page.get_by_role("link", name=TASK).first.click()
        designer.page.wait_for_url(re.compile(rf"/tasks/{self.task}"))
        designer.page.locator("button[type=submit]", has_text="开始执行").first.click()
        expect(designer.page.locator("main")).to_contain_text("进行中")
        designer.picture("task")

    # 3. The designer's desktop

    def open_desktop(self) -> None:
        designer = self.visit("suhang")
        designer.go("/desktops")
        opening = designer.page.get_by_role("button", name="开通我的云桌面")
        if opening.count():
            opening.click()
        designer.page.wait_for_selector("section.desktop-card[id^=desktop-]", timeout=15_000)
        self.desktop = designer.page.locator("section.desktop-card[id^=desktop-]").get_attribute("id").removeprefix("desktop-")

    def connect_desktop(self) -> Page:
        """Open the console and wait for its picture; wakes a desktop that sleeps."""
        designer = self.visit("suhang", tab="console")
        designer.go(f"/desktops/{self.desktop}/console")
        wait_until(lambda: self.console_is_live(designer.page), within_s=DESKTOP_READY_S, what="the console shows the desktop", every_s=0.3)
        return designer.page

    @staticmethod
    def console_is_live(page: Page) -> bool:
        """Connected, and the picture is not of one colour."""
        return bool(
            page.evaluate(
                """() => {
                    const canvas = document.querySelector('#screen canvas');
                    if (!canvas || !canvas.width || !document.getElementById('cover').hidden) return false;
                    const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                    const first = data[0] + 256 * data[1] + 65536 * data[2];
                    for (let at = 0; at < data.length; at += 4 * 97)
                        if (data[at] + 256 * data[at + 1] + 65536 * data[at + 2] !== first) return true;
                    return false;
                }"""
            )
        )

    # 4. She saves a file inside the guest

    def open_terminal(self) -> None:
        """A terminal in the line's library that takes keys, however slow the guest is.

        Over the file manager, which opens by itself after the mount and takes the focus. The shell says that it
        listens, and that the library is there, by painting its window green.
        """
        page = self.visit("suhang", tab="console").page
        wait_until(lambda: brightness(page) > 200, within_s=DESKTOP_READY_S, what="the guest shows its file manager", every_s=0.3)
        page.locator("#screen canvas").click(position={"x": 20, "y": 20})
        page.keyboard.press("Control+Alt+KeyT")
        wait_until(lambda: brightness(page) < 60, within_s=DESKTOP_READY_S, what="the guest shows a terminal", every_s=0.3)
        self.type_in_guest("until cd /assets/?????; do sleep 1; done; tput setab 2; clear")
        wait_until(lambda: greenness(page) > 60, within_s=DESKTOP_READY_S, what="the shell is in the library", every_s=0.3)
        self.type_in_guest("tput sgr0; clear; ls /usr/share/backgrounds")
        wait_until(lambda: brightness(page) < 60, within_s=DESKTOP_READY_S, what="the shell lists the wallpapers", every_s=0.3)

    def type_in_guest(self, command: str) -> None:
        """Key by key as on a US keyboard: the console sends keys, not characters, so Shift is pressed where it is needed."""
        keyboard = self.visit("suhang", tab="console").page.keyboard
        for char in command:
            if char in SHIFTED or char.isupper():
                keyboard.press(f"Shift+{SHIFTED.get(char, f'Key{char}')}", delay=15)
            else:
                keyboard.press("Space" if char == " " else char, delay=15)
            time.sleep(0.03)  # A person's speed: the guest's keyboard has a short memory.
        keyboard.press("Enter")

    def events(self, login: str) -> list[dict[str, Any]]:
        """Every event that this person may see, over the API."""
        events: list[dict[str, Any]] = []
        while True:
            since = events[-1]["seq"] if events else 0
            page = self.visit(login).page.request.get(f"{self.url}/api/events?since={since}").json()
            events += page["events"]
            if not page["more"]:
                return events

    # 5. Sign-off

    def send_for_sign_off(self) -> None:
        designer = self.visit("suhang")
        designer.go(f"/approvals/new?template=asset_sign_off&task={self.task}")
        page = designer.page
        page.fill("#title", "双十一主视觉定稿")
        page.locator("input[name=asset]").first.check(force=True)
        page.locator("label.choice", has_text="陈墨").locator("input").first.check(force=True)
        page.locator("main form button[type=submit]", has_text=re.compile("提交|送审")).first.click()
        page.wait_for_url(re.compile(r"/approvals/[0-9a-z]{26}"))
        self.approval = re.search(r"/approvals/([0-9a-z]{26})", page.url).group(1)

    def approve_on_phone(self) -> int:
        """From the link to approved; returns how many taps it took."""
        approver = self.visit("chenmo", size=PHONE, tab="phone")
        approver.go(f"/approvals/{self.approval}")
        approver.picture("approval")
        taps = 0
        approver.page.get_by_role("button", name="同意").tap()
        taps += 1
        confirm = approver.page.get_by_role("button", name="确认办结")
        expect(confirm).to_be_visible()
        approver.picture("approval-confirm")
        confirm.tap()
        taps += 1
        wait_until(lambda: self.approval_state() == "approved", within_s=15, what="the approval is approved")
        return taps

    def approval_state(self) -> str:
        answer = self.visit("suhang").page.request.get(f"{self.url}/api/approvals/{self.approval}")
        return str(answer.json().get("state")) if answer.ok else "?"

    def board_text(self) -> str:
        return self.visit("linyue", tab="board").page.locator("main").inner_text()


def brightness(page: Page) -> float:
    """Of the middle of the guest's screen, 0 to 255: the desktop is dark blue, the file manager white, the terminal nearly black."""
    return sum(middle_colour(page)) / 3


def greenness(page: Page) -> float:
    """How much more green than red and blue the middle of the guest's screen is, at most 255."""
    red, green, blue = middle_colour(page)
    return green - (red + blue) / 2


def middle_colour(page: Page) -> tuple[float, float, float]:
    """Mean red, green and blue, 0 to 255 each; black while there is no picture."""
    red, green, blue = page.evaluate(
        """() => {
            const canvas = document.querySelector('#screen canvas');
            if (!canvas || !canvas.width) return [0, 0, 0];
            const {width, height} = canvas;
            const {data} = canvas.getContext('2d').getImageData(width * 0.35, height * 0.4, width * 0.3, height * 0.3);
            const sums = [0, 0, 0];
            for (let at = 0; at < data.length; at += 4) for (const part of [0, 1, 2]) sums[part] += data[at + part];
            return sums.map((sum) => sum / (data.length / 4));
        }"""
    )
    return red, green, blue


def until_stable(seconds: float) -> None:
    """Give a guest under emulation time to draw; used for pictures only, never to order steps."""
    time.sleep(seconds)
