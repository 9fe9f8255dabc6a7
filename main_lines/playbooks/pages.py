"""The page on which a main line is opened, with the schedule that a playbook would give it before anything is written."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from main_lines.gates.words import GATES
from main_lines.lines.access import company_today
from main_lines.lines.bodies import day_in_address
from main_lines.lines.models import LinePermission
from main_lines.lines.words import KINDS
from main_lines.playbooks import queries
from main_lines.playbooks.access import Book, get_book
from main_lines.playbooks.actions import open_line_from
from main_lines.playbooks.bodies import OpenLineBody
from main_lines.playbooks.queries import NOBODY, SKIP, Opening
from main_lines.playbooks.rules import Timing
from workspace.errors import InvalidInput, MainlineError
from workspace.i18n import _
from workspace.people.queries import departments_with_members, list_departments
from workspace.web import Routes, parse_form
from workspace.work import Work

pages = Routes("playbooks", __name__)


@pages.get("/lines/new", needs=LinePermission.OPEN)
def show_new_line(work: Work) -> str:
    """The form on which a main line is opened; an address may fill it in, ``playbook`` and ``d_day`` with the preview."""
    asked = request.args.to_dict()
    return _form(work, {"kind": _kind_of(work, asked.get("playbook", "")), "playbook": ""} | asked, request.args.getlist("members"))


@pages.get("/lines/new/preview", needs=LinePermission.OPEN)
def show_opening(work: Work) -> str:
    """What the chosen playbook would schedule for the chosen D-day, for the form; nothing is written."""
    return render_template("playbooks/_opening.html", **_opening(work, request.args), errors={})


@pages.post("/lines", needs=LinePermission.OPEN)
def submit_line(work: Work) -> Response | tuple[str, int]:
    """Open a main line with its members; the form comes back with its errors when something does not fit."""
    try:
        body = parse_form(OpenLineBody)
        opening = Opening(body.timing)
        if body.playbook:
            book = get_book(work, body.playbook)
            opening = _choices(request.form, book)
            _refuse_unmapped(opening, book)
        line = open_line_from(
            work, name=body.name, kind=body.kind, d_day=body.d_day, goal=body.goal, playbook=body.playbook, member_ids=body.members,
            opening=opening, version=body.version if request.form.get("of") == body.playbook else None,
        )  # fmt: skip
    except MainlineError as error:
        return _form(work, request.form, request.form.getlist("members"), error), error.status
    return redirect(f"/lines/{line.id}/board", code=303)


def _form(work: Work, form: Mapping[str, str], chosen: list[str], error: MainlineError | None = None) -> str:
    departments = [department for department in departments_with_members(work) if department.members]
    playbooks = [(id, _("%(name)s（%(n)s 张任务单）", name=name, n=orders)) for id, name, orders in queries.choices(work)]
    return render_template(
        "lines/new.html", form=form, chosen=chosen, error=error, errors=getattr(error, "fields", {}), departments=departments,
        kinds=KINDS, playbooks=playbooks, today=company_today(work), **_opening(work, form),
    )  # fmt: skip


def _kind_of(work: Work, playbook: str) -> str:
    book = _book(work, playbook)
    return book.kind.value if book else "promotion"


def _book(work: Work, playbook: str) -> Book | None:
    """None for one that is not there any more: the form offers those that are."""
    try:
        return get_book(work, playbook) if playbook else None
    except MainlineError:
        return None


def _opening(work: Work, values: Mapping[str, str]) -> dict[str, Any]:
    """``preview`` is None until a playbook and a D-day that is not over are chosen; ``book`` says whether the former is."""
    book, preview = _book(work, values.get("playbook", "")), None
    d_day: date | None = None
    with suppress(ValueError):
        d_day = day_in_address(values.get("d_day", ""))
    if book and d_day and d_day >= company_today(work):
        preview = queries.preview(work, book, d_day, _choices(values, book))
    return {
        "book": book,
        "preview": preview,
        "all_departments": list_departments(work) if preview else [],
        "skip": SKIP,
        "nobody": NOBODY,
        "gate_names": GATES,
    }


def _choices(values: Mapping[str, str], book: Book) -> Opening:
    """Numbered fields; those that were made for another playbook (``of``) say nothing of this one."""
    timing = Timing(values["timing"]) if values.get("timing") in list(Timing) else Timing.KEEP
    if values.get("of") != book.id:
        return Opening(timing)
    names = list(enumerate(book.content.all_departments()))
    departments = {name: values[f"d{n}"] for n, name in names if f"d{n}" in values}
    return Opening(timing, departments, {name: values[f"o{n}"] for n, name in names if f"o{n}" in values})


def _refuse_unmapped(opening: Opening, book: Book) -> None:
    """A department that the company does not have, and of which the form asked which one it is."""
    names = enumerate(book.content.all_departments())
    missing = {f"d{n}": _("请选择对应的部门，或不要这些任务单") for n, name in names if opening.departments.get(name) == ""}
    if missing:
        raise InvalidInput(_("还有部门没有对应"), _("请为它们选择部门，或不要它们的任务单。"), fields=missing)
