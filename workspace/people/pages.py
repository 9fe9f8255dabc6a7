"""The directory in the browser."""

from flask import render_template

from workspace.people.queries import departments_with_members
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("people", __name__)


@pages.get("/people", needs=SIGNED_IN)
def show_people(work: Work) -> str:
    """Departments and who works in them, where."""
    departments = departments_with_members(work)
    cities = sorted({member.city_name for department in departments for member in department.members})
    return render_template("people/people.html", departments=departments, cities=cities)
