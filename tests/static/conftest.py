"""The real app with three pages of every part on it."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from flask import Flask, redirect, render_template, request
from jinja2 import ChoiceLoader, FileSystemLoader
from werkzeug.wrappers import Response

from workspace.errors import InvalidInput
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
def app(app: Flask) -> Flask:
    """The real app with the test pages on it."""
    loader = ChoiceLoader([FileSystemLoader(ROOT / "templates"), FileSystemLoader(ROOT / "tests/static/pages")])
    app.jinja_env = app.jinja_env.overlay(loader=loader)  # type: ignore[assignment]
    register(app, _test_pages())
    return app
