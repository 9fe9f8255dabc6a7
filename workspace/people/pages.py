"""The directory and the company's stores in the browser."""

from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request
from werkzeug.wrappers import Response

from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.people.access import get_store
from workspace.people.actions import change_store
from workspace.people.models import NAME_LENGTH, Site
from workspace.people.names import CODE_LENGTH
from workspace.people.queries import DepartmentRow, departments_with_members, list_stores
from workspace.roles.models import WorkspacePermission
from workspace.texts import shown
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("people", __name__)

KEEPS_STORES = WorkspacePermission.MEMBER_MANAGE


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


@pages.get("/people/stores", needs=SIGNED_IN)
def show_stores(work: Work) -> str:
    """Every store with its code, city by city; ``q`` words of a name, a code or a city."""
    asked = request.args.get("q", "")[:60]
    total = len(list_stores(work))
    return render_template("people/stores.html", stores=list_stores(work, asked=asked), asked=asked, total=total, KEEPS=KEEPS_STORES)


@pages.get("/people/stores/<store_id>", needs=KEEPS_STORES)
def show_store(work: Work, store_id: str) -> str:
    """The form for a store's name and code."""
    return _store_form(work, get_store(work, store_id))


@pages.post("/people/stores/<store_id>", needs=KEEPS_STORES)
def submit_store(work: Work, store_id: str) -> Response | tuple[str, int]:
    """Change a store's name and code. What stands as the form showed it (``was-``) is not said again: a colleague may have changed it."""
    store = get_store(work, store_id)
    given = {name: shown(request.form.get(name, "")) for name in ("name", "code")}
    try:
        change_store(work, store_id, **{name: text for name, text in given.items() if text != request.form.get(f"was-{name}")})
    except InvalidInput as error:
        return _store_form(work, store, given, error), error.status
    flash(_("已保存“%(name)s”", name=store.name), "success")
    return redirect("/people/stores", code=303)


def _store_form(work: Work, store: Site, given: dict[str, str] | None = None, error: InvalidInput | None = None) -> str:
    city = work.session.get(Site, store.parent_id or "")
    now = {"name": store.name, "code": store.code or ""}
    return render_template(
        "people/store.html", store=store, city=city.name if city else "", now=now, form=given or now, error=error,
        errors=error.fields if error else {}, NAME_LENGTH=NAME_LENGTH, CODE_LENGTH=CODE_LENGTH,
    )  # fmt: skip
