"""The page on which a main line is opened."""

from collections.abc import Mapping

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from main_lines.lines.access import company_today
from main_lines.lines.models import LinePermission
from main_lines.lines.words import KINDS
from main_lines.playbooks.actions import open_line_from
from main_lines.playbooks.bodies import OpenLineBody
from main_lines.playbooks.shipped import PLAYBOOKS
from workspace.errors import MainlineError
from workspace.i18n import _
from workspace.people.queries import departments_with_members
from workspace.web import Routes, parse_form
from workspace.work import Work

pages = Routes("playbooks", __name__)


@pages.get("/lines/new", needs=LinePermission.OPEN)
def show_new_line(work: Work) -> str:
    """The form on which a main line is opened."""
    return _form(work, {"kind": "promotion", "playbook": ""}, [])


@pages.post("/lines", needs=LinePermission.OPEN)
def submit_line(work: Work) -> Response | tuple[str, int]:
    """Open a main line with its members; the form comes back with its errors when something does not fit."""
    try:
        body = parse_form(OpenLineBody)
        line = open_line_from(
            work, name=body.name, kind=body.kind, d_day=body.d_day, goal=body.goal, playbook=body.playbook, member_ids=body.members
        )
    except MainlineError as error:
        return _form(work, request.form, request.form.getlist("members"), error), error.status
    return redirect(f"/lines/{line.id}/board", code=303)


def _form(work: Work, form: Mapping[str, str], chosen: list[str], error: MainlineError | None = None) -> str:
    departments = [department for department in departments_with_members(work) if department.members]
    playbooks = [(found.key.value, _("%(name)s（%(n)s 张任务单）", name=found.name, n=len(found.entries))) for found in PLAYBOOKS.values()]
    return render_template(
        "lines/new.html", form=form, chosen=chosen, error=error, errors=getattr(error, "fields", {}), departments=departments,
        kinds=KINDS, playbooks=playbooks, today=company_today(work),
    )  # fmt: skip
