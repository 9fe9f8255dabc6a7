"""The directory in the browser."""

from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import render_template, request

from workspace.i18n import _
from workspace.people.queries import DepartmentRow, departments_with_members
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("people", __name__)


@dataclass(frozen=True)
class Directory:
    """What the page shows. tabs: (label, url, chosen, members) for everywhere and each city, the largest first."""

    departments: list[DepartmentRow]
    staffed: list[DepartmentRow]
    total: int
    tabs: list[tuple[str, str, bool, int]]

    @property
    def empty(self) -> list[DepartmentRow]:
        """Departments that have nobody in any city."""
        return [department for department in self.departments if not department.members]


@pages.get("/people", needs=SIGNED_IN)
def show_people(work: Work) -> str:
    """Departments and who works in them, where; ``city`` narrows it down."""
    departments = departments_with_members(work)
    return render_template("people/people.html", directory=_directory(departments, request.args.get("city", "")))


def _directory(departments: list[DepartmentRow], city: str) -> Directory:
    count = Counter(member.city_name for department in departments for member in department.members)
    there = [DepartmentRow(row.id, row.name, [m for m in row.members if not city or m.city_name == city]) for row in departments]
    tabs = [(_("全部"), "/people", not city, count.total())]
    tabs += [(name, f"/people?{urlencode({'city': name})}", name == city, n) for name, n in count.most_common()]
    return Directory(departments, [row for row in there if row.members], count.total(), tabs)
