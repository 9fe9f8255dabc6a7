"""The real app with three pages of every part on it, served on loopback, and a signed-in Chromium."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from flask import Flask, redirect, render_template, request
from jinja2 import ChoiceLoader, FileSystemLoader
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from tests.house import Person
from workspace.errors import InvalidInput
from workspace.security import SESSION_COOKIE
from workspace.settings import ROOT
from workspace.web import SIGNED_IN, Routes, register
from workspace.work import Work

PEOPLE = [
    SimpleNamespace(id=f"m{n}", name=name, initials=name, department_name="Design", city_name="Shanghai")
    for n, name in enumerate(("Lin", "Zhou", "Chen", "He", "Wang", "Zhao", "Sun"))
]


def _test_pages() -> Routes:
    pages = Routes("parts_in_tests", __name__)
    shown = {"people": PEOPLE, "at": datetime.now(UTC) - timedelta(hours=3)}
    live = {"rows": 1}

    @pages.get("/parts", needs=SIGNED_IN)
    def parts(work: Work) -> str:
        return render_template("parts.html", **shown)

    @pages.get("/phone", needs=SIGNED_IN)
    def phone(work: Work) -> str:
        return render_template("phone.html", **shown)

    @pages.get("/wall", needs=SIGNED_IN)
    def wall(work: Work) -> str:
        return render_template("wall.html", **shown)

    @pages.get("/elsewhere", needs=SIGNED_IN)
    def elsewhere(work: Work) -> str:
        return "elsewhere"

    @pages.get("/live", needs=SIGNED_IN)
    def live_rows(work: Work) -> str:
        live["rows"] += 1
        rows = "".join(f'<li id="row-{n}">row {n}</li>' for n in range(live["rows"]))
        return f'<div class="card-body"><ul>{rows}</ul><input id="typed" aria-label="typed"></div>'

    @pages.post("/save", needs=SIGNED_IN)
    def save(work: Work) -> str:
        raise InvalidInput("refused", "look at the title", fields={"title": "too short"})

    @pages.post("/reject", needs=SIGNED_IN)
    def reject(work: Work) -> Response:
        return redirect(f"/elsewhere?comment={request.form['comment']}")

    @pages.post("/remind", needs=SIGNED_IN)
    def remind(work: Work) -> str:
        return f"reminded: {request.form['comment']}"

    return pages


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """Address of the app with the test pages."""
    app.jinja_loader = ChoiceLoader([FileSystemLoader(ROOT / "templates"), FileSystemLoader(ROOT / "tests/static/pages")])
    register(app, _test_pages())
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def open_page(site: str, chromium: Browser, signed_in: Callable[[str], Person]) -> Iterator[Callable[..., Page]]:
    """``open_page("/parts", theme="dark", width=390)`` as 林悦; fails at the end when the browser refused or missed anything."""
    contexts, troubles = [], []
    session = signed_in("linyue").client.get_cookie(SESSION_COOKIE)
    assert session

    def opened(path: str, *, theme: str = "light", width: int = 1440, height: int = 900) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=theme, locale="zh-CN", base_url=site)
        contexts.append(context)
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
