"""The workbench: the first page after signing in. Each feature serves its own fragment; here stand only their addresses."""

from flask import render_template

from workspace.home.queries import recent_events
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("home", __name__)


@pages.get("/", needs=SIGNED_IN)
def show_home(work: Work) -> str:
    """My task orders, my approvals, my desktop, my main lines, and what happened lately."""
    return render_template("home/home.html", events=recent_events(work))


@pages.get("/home/events", needs=SIGNED_IN)
def show_home_events(work: Work) -> str:
    """What happened lately, for refreshing it."""
    return render_template("home/_events.html", events=recent_events(work))
