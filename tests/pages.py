"""The app of a test in a real browser: served on loopback, opened by a signed-in person."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from tests.house import Person
from workspace.security import SESSION_COOKIE

__all__ = ["open_page", "site"]

PHONE_UA = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36"
OpenPage = Callable[..., Page]


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """Address of the app. Between two programs of one machine nothing is gained by compressing what they send."""
    app.config["COMPRESS_STREAMS"] = False
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))  # How long its end may take.
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def open_page(site: str, chromium: Browser, signed_in: Callable[[str], Person]) -> Iterator[OpenPage]:
    """``open_page("/approvals", "chenmo", phone=True)``; fails at the end when a script failed or the CSP refused something.

    phone: a browser that calls itself one, 390 px wide unless told. script: False for a browser without JavaScript.
    """
    contexts, troubles = [], []

    def opened(
        path: str, login: str = "linyue", *, theme: str = "light", width: int = 0, height: int = 0, phone: bool = False, script: bool = True
    ) -> Page:
        width = width or (390 if phone else 1440)
        options: dict[str, Any] = {"user_agent": PHONE_UA, "is_mobile": True, "has_touch": True} if phone else {}
        context = chromium.new_context(
            viewport={"width": width, "height": height or (844 if width == 390 else 900)}, color_scheme=theme, locale="zh-CN",
            base_url=site, java_script_enabled=script, **options,
        )  # fmt: skip
        contexts.append(context)
        session = signed_in(login).client.get_cookie(SESSION_COOKIE)
        assert session
        context.add_cookies([{"name": SESSION_COOKIE, "value": session.value, "url": site}])
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda line: troubles.append(line.text) if "Content Security Policy" in line.text else None)
        # No realtime process runs here; the connection is left alone so that tests speak for it.
        page.route("**/api/realtime/ticket", lambda route: route.abort())
        page.goto(path)
        page.wait_for_load_state("load")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert troubles == []
