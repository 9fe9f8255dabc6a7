"""A whole life on real parts: the product as it is served, a real guest, its screen through the gateway, its mount."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3
from sqlalchemy import update
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from demo import DEMO_PASSWORD
from desktops.images.build import Image
from desktops.templates.models import DesktopTemplate
from tests.desktops.rfb_client import RfbClient
from tests.product import Product, running_product
from workspace.db import Database
from workspace.settings import Settings

pytestmark = pytest.mark.guest
SHIFT = 0xFFE1


class Browser:
    """Signed in, without a browser: cookies, CSRF, JSON."""

    def __init__(self, url: str, login: str) -> None:
        self.url, self.cookies, self.http = url, {}, urllib3.PoolManager()
        form = urlencode({"login": login, "password": DEMO_PASSWORD})
        answer = self.send("POST", "/sign-in", form, "application/x-www-form-urlencoded")
        assert answer.status in (302, 303)

    def send(self, method: str, path: str, body: str | None = None, kind: str = "application/json") -> urllib3.BaseHTTPResponse:
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Accept": "application/json",
            "Content-Type": kind,
        }
        if method != "GET":
            page = self.http.request("GET", f"{self.url}/no-such-page", headers={**headers, "Accept": "text/html"})
            self._keep(page)
            headers["X-CSRF-Token"] = re.search(rb'name="csrf-token" content="([0-9a-f]+)"', page.data).group(1).decode()
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.http.request(method, f"{self.url}{path}", body=body, headers=headers, redirect=False)
        self._keep(answer)
        return answer

    def _keep(self, answer: urllib3.BaseHTTPResponse) -> None:
        for cookie in answer.headers.getlist("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value

    def get(self, path: str) -> dict[str, Any]:
        return json.loads(self.send("GET", path).data)

    def post(self, path: str) -> dict[str, Any]:
        answer = self.send("POST", path, "{}")
        assert answer.status == 200, answer.data
        return json.loads(answer.data)

    def wait_for(self, desktop_id: str, *states: str, within_s: float) -> dict[str, Any]:
        look = lambda: (found := self.get(f"/api/desktops/{desktop_id}"))["state"] in states and found  # noqa: E731
        return wait(look, within_s, f"{states}", every_s=1)

    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/api/events?since=0")["events"]
        return found

    def versions_of(self, name: str) -> list[dict[str, Any]]:
        return [one for one in self.events() if one["kind"] == "library.version.committed" and name in json.dumps(one["facts"])]


def wait(question: Callable[[], Any], within_s: float, what: str, *, every_s: float = 0.3) -> Any:
    """Ask until there is an answer; the desktop is another machine."""
    deadline = time.monotonic() + within_s
    while not (answer := question()):
        assert time.monotonic() < deadline, f"{what} did not come within {within_s} s"
        time.sleep(every_s)
    return answer


class Tunnel:
    """A unix socket whose other end is a console opened through the gateway with a token."""

    def __init__(self, product: Product, browser: Browser, desktop_id: str, path: Path) -> None:
        console = browser.post(f"/api/desktops/{desktop_id}/console")
        self.web: ClientConnection = connect(
            console["url"], subprotocols=["binary", f"mainline.{console['token']}"], origin=product.url, compression=None
        )  # type: ignore[list-item,arg-type]
        path.unlink(missing_ok=True)
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(str(path))
        self.server.listen(1)
        threading.Thread(target=self._carry, daemon=True).start()

    def _carry(self) -> None:
        ours, _peer = self.server.accept()
        threading.Thread(target=self._to_web, args=(ours,), daemon=True).start()
        with ours, suppress(OSError, ConnectionClosed):
            for message in self.web:
                ours.sendall(message)  # type: ignore[arg-type]

    def _to_web(self, ours: socket.socket) -> None:
        with suppress(OSError, ConnectionClosed):
            while data := ours.recv(65536):
                self.web.send(data)

    def close(self) -> None:
        self.web.close()
        self.server.close()


def type_line(screen: RfbClient, line: str) -> None:
    for character in line + "\n":
        if character in '~!@#$%^&*()_+{}|:"<>?' or character.isupper():
            screen.press(SHIFT, character)
        else:
            screen.type(character)
        time.sleep(0.05)  # A person's speed: the guest's keyboard has a short memory.


@pytest.fixture
def product(short_tmp: Path, golden_image: Image) -> Iterator[Product]:
    folder = short_tmp / "life"
    with running_product(folder, MAINLINE_IMAGE_DIR=str(golden_image.folder.parent)) as running:
        yield running
        manager = Browser(running.url, "guanli")
        for desktop in manager.get("/api/desktops")["desktops"]:
            manager.post(f"/api/desktops/{desktop['id']}/reclaim")
        wait(lambda: not manager.get("/api/desktops")["desktops"], 180, "the end of the guests")


def sleep_after(product: Product, minutes: int | None) -> None:
    """How long a desktop may be idle from now on; None: half an hour, longer than any step takes on a busy machine."""
    database = Database(Settings(data_dir=product.data_dir).effective_database_url)
    with database.session(writes=True) as session:
        session.execute(update(DesktopTemplate).values(idle_minutes=minutes))
        session.commit()
    database.dispose()


def test_life_when_on_real_parts_then_files_are_versions_and_sleep_keeps_the_mount(product: Product, short_tmp: Path) -> None:
    suhang = Browser(product.url, "suhang")
    desktop_id = suhang.post("/api/desktops/open")["id"]
    suhang.wait_for(desktop_id, "ready", within_s=400)

    tunnel = Tunnel(product, suhang, desktop_id, short_tmp / "screen")
    screen = RfbClient(short_tmp / "screen")
    open_terminal(screen)
    type_line(screen, "cd /assets/*; echo one > note.txt")
    versions = wait(lambda: suhang.versions_of("note.txt"), 180, "the first version")
    assert versions[0]["actor"] == "苏航"
    assert suhang.get(f"/api/desktops/{desktop_id}")["state"] in ("in_use", "ready")
    screen.close()
    tunnel.close()

    sleep_after(product, 1)
    suhang.wait_for(desktop_id, "hibernated", within_s=360)
    assert "desktops.desktop.idle" in {event["kind"] for event in suhang.events()}, "it was said before"
    sleep_after(product, None)

    suhang.post(f"/api/desktops/{desktop_id}/connect")
    suhang.wait_for(desktop_id, "ready", "in_use", within_s=240)
    tunnel = Tunnel(product, suhang, desktop_id, short_tmp / "screen")
    screen = RfbClient(short_tmp / "screen")
    type_line(screen, "echo two > note.txt")
    wait(lambda: len(suhang.versions_of("note.txt")) >= 2, 180, "the second version, after the wake")
    screen.close()
    tunnel.close()


def brightness(screen: RfbClient) -> float:
    """Of the middle of the screen: the desktop is dark blue, the file manager white, the terminal nearly black."""
    middle = screen.picture().crop((400, 300, 900, 550)).convert("L").tobytes()
    return sum(middle) / len(middle)


def open_terminal(screen: RfbClient) -> None:
    """Over the file manager, which opens by itself after the mount and takes the focus."""
    wait(lambda: brightness(screen) > 200, 180, "the file manager")
    screen.press("ctrl", "alt", "t")
    wait(lambda: brightness(screen) < 60, 180, "the terminal")
    blank = screen.picture().tobytes()
    wait(lambda: screen.picture().tobytes() != blank, 180, "its prompt")
