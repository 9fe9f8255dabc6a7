"""The views over all work in the browser: my work, the load of departments, the cities and stores of a line."""

from typing import Any

from flask import render_template, request

from main_lines.checks.queries import line_checks
from main_lines.lines.access import get_line
from main_lines.lines.bodies import day_in_address
from main_lines.lines.queries import line_head
from main_lines.tasks.words import VERBS
from main_lines.work import queries
from main_lines.work.places import places_of
from workspace.people.access import get_department
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("work", __name__)


@pages.get("/tasks", needs=SIGNED_IN)
def show_my_work(work: Work) -> str:
    """What wants something of me in all my lines: overdue, today, this week; and what lies with others, with whom and since when."""
    return render_template("work/mine.html", **_mine(work))


@pages.get("/tasks/rows", needs=SIGNED_IN)
def show_my_work_rows(work: Work) -> str:
    """My work alone, for refreshing it."""
    return render_template("work/_mine.html", **_mine(work))


@pages.get("/tasks/mine/fragment", needs=SIGNED_IN)
def show_my_work_fragment(work: Work) -> str:
    """My work for the workbench: the most pressing first."""
    return render_template("work/_home.html", mine=queries.mine_of(work))


@pages.get("/tasks/load", needs=SIGNED_IN)
def show_load(work: Work) -> str:
    """How much each department has to carry, week by week; ``line`` narrows it down to one line."""
    return render_template("work/load.html", **_load(work))


@pages.get("/tasks/load/rows", needs=SIGNED_IN)
def show_load_rows(work: Work) -> str:
    """The table alone, for refreshing it."""
    return render_template("work/_load.html", **_load(work))


@pages.get("/tasks/load/<department_id>", needs=SIGNED_IN)
def show_department_load(work: Work, department_id: str) -> str:
    """One department: its people week by week, and the orders of one week, which ``week`` names by any of its days."""
    return render_template("work/department.html", **_department(work, department_id))


@pages.get("/tasks/load/<department_id>/rows", needs=SIGNED_IN)
def show_department_load_rows(work: Work, department_id: str) -> str:
    """The department alone, for refreshing it."""
    return render_template("work/_department.html", **_department(work, department_id))


@pages.get("/lines/<line_id>/cities", needs=SIGNED_IN)
def show_cities(work: Work, line_id: str) -> str:
    """The cities and stores of a line: how ready, what is late or blocked, who is there."""
    return render_template("work/cities.html", **_cities(work, line_id))


@pages.get("/lines/<line_id>/cities/rows", needs=SIGNED_IN)
def show_city_rows(work: Work, line_id: str) -> str:
    """The cities alone, for refreshing them."""
    return render_template("work/_cities.html", **_cities(work, line_id))


def _mine(work: Work) -> dict[str, Any]:
    return {"mine": queries.mine_of(work), "verbs": VERBS, "thumb_verbs": queries.thumb_verbs}


def _load(work: Work) -> dict[str, Any]:
    return {"view": queries.load_view(work, line_id=request.args.get("line", "")), "query": request.query_string.decode()}


def _department(work: Work, department_id: str) -> dict[str, Any]:
    department = get_department(work, department_id)
    week = request.args.get("week", type=day_in_address)
    view = queries.department_view(work, department, week=week, line_id=request.args.get("line", ""))
    return {"view": view, "query": request.query_string.decode()}


def _cities(work: Work, line_id: str) -> dict[str, Any]:
    line = get_line(work, line_id)
    head = line_head(work, line)
    return {"head": head, "places": places_of(work, line), "checks": line_checks(work, line), "may_open": head.i_steer}
