"""The retrospective of a main line in the browser, on paper and as a table."""

from typing import Any

from flask import flash, render_template, request
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.lines.access import get_line
from main_lines.lines.queries import line_head
from main_lines.order_tables.sending import Form, send_table
from main_lines.retrospectives import actions
from main_lines.retrospectives.bodies import ConclusionBody, EditBody
from main_lines.retrospectives.queries import OVER_DAYS, OVER_DAYS_MOST, retrospective_of
from main_lines.retrospectives.table import orders_table
from main_lines.retrospectives.words import CONCLUSIONS, HANDS, length_words
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, parse_form
from workspace.work import Work

pages = Routes("retrospectives", __name__)


@pages.get("/lines/<line_id>/retrospective", needs=SIGNED_IN)
def show_retrospective(work: Work, line_id: str) -> str:
    """How it went: slips, waits, returns, alerts, load; what was concluded; what the playbook should plan next time."""
    return render_template("retrospectives/retrospective.html", **_retrospective(work, line_id))


@pages.get("/lines/<line_id>/retrospective/rows", needs=SIGNED_IN)
def show_retrospective_rows(work: Work, line_id: str) -> str:
    """The figures alone, for refreshing them."""
    return render_template("retrospectives/_figures.html", **_retrospective(work, line_id))


@pages.get("/lines/<line_id>/retrospective/conclusions", needs=SIGNED_IN)
def show_conclusions(work: Work, line_id: str) -> str:
    """The conclusions alone, for refreshing them."""
    return render_template("retrospectives/_conclusions.html", **_retrospective(work, line_id))


@pages.get("/lines/<line_id>/retrospective/print", needs=SIGNED_IN)
def show_printed_retrospective(work: Work, line_id: str) -> str:
    """The retrospective for paper."""
    return render_template("retrospectives/print.html", **_retrospective(work, line_id))


@pages.get("/lines/<line_id>/retrospective/export", needs=SIGNED_IN)
def export_retrospective(work: Work, line_id: str) -> Response:
    """Every order with its plan, its day and its waits as a table; ``form`` = csv or xlsx."""
    line = get_line(work, line_id)
    page = retrospective_of(work, line, baseline=request.args.get("baseline", ""))
    header, rows = orders_table(page)
    return send_table(_("%(line)s 复盘", line=line.name), header, rows, Form.asked(request.args.get("form", "")))


@pages.post("/lines/<line_id>/retrospective/conclusions", needs=SIGNED_IN)
def submit_conclusion(work: Work, line_id: str) -> Response:
    """Write a conclusion; any member may."""
    body = parse_form(ConclusionBody)
    actions.write_conclusion(work, line_id, kind=body.kind, text=body.text)
    flash(_("已记入复盘"), "success")
    return way_back(f"/lines/{line_id}/retrospective#conclusions")


@pages.post("/conclusions/<conclusion_id>", needs=SIGNED_IN)
def submit_edit(work: Work, conclusion_id: str) -> Response:
    """Change a conclusion; who wrote it or the director."""
    body = parse_form(EditBody)
    found = actions.edit_conclusion(work, conclusion_id, text=body.text, seen=body.seen)
    flash(_("已修改"), "success")
    return way_back(f"/lines/{found.line_id}/retrospective#conclusions")


@pages.post("/conclusions/<conclusion_id>/drop", needs=SIGNED_IN)
def submit_drop(work: Work, conclusion_id: str) -> Response:
    """Take a conclusion back; who wrote it or the director."""
    line_id = actions.drop_conclusion(work, conclusion_id)
    flash(_("已删除"), "success")
    return way_back(f"/lines/{line_id}/retrospective#conclusions")


def _retrospective(work: Work, line_id: str) -> dict[str, Any]:
    line = get_line(work, line_id)
    over_days = request.args.get("over", default=OVER_DAYS, type=_over_days)
    page = retrospective_of(work, line, baseline=request.args.get("baseline", ""), over_days=over_days)
    return {
        "head": line_head(work, line), "page": page, "at": page.at, "found": page.found, "hands": HANDS, "kinds": CONCLUSIONS,
        "length": length_words, "query": request.query_string.decode(),
    }  # fmt: skip


def _over_days(text: str) -> int:
    """ValueError, for which Flask takes the default, for what is no number of days."""
    number = int(text)
    if not 0 <= number <= OVER_DAYS_MOST:
        raise ValueError(text)
    return number
