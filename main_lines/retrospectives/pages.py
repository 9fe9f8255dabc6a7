"""The retrospective of a main line in the browser, on paper and as a table."""

from dataclasses import asdict
from typing import Any

from flask import flash, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.lines.access import get_line
from main_lines.lines.models import MainLine
from main_lines.lines.queries import line_head
from main_lines.numbers.pages import WORDS as NUMBER_WORDS
from main_lines.order_tables.sending import Form, send_table
from main_lines.playbooks.access import directed_by_editor
from main_lines.playbooks.models import PlaybookPermission
from main_lines.playbooks.rules import changes_between, faults_of
from main_lines.playbooks.words import changes_words, fault_words
from main_lines.retrospectives import actions
from main_lines.retrospectives.bodies import ConclusionBody, EditBody, LearnBody
from main_lines.retrospectives.learning import LessonKind
from main_lines.retrospectives.queries import learning_of, retrospective_of
from main_lines.retrospectives.rules import OVER_DAYS, OVER_DAYS_MOST
from main_lines.retrospectives.table import orders_table
from main_lines.retrospectives.words import ANSWERS, CONCLUSIONS, HANDS, LESSONS, length_words
from workspace.errors import Conflict, InvalidInput, MainlineError
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


@pages.get("/lines/<line_id>/retrospective/playbook", needs=SIGNED_IN)
def show_lessons(work: Work, line_id: str) -> str:
    """What a playbook could learn from the line, and what it would be with the lessons that are chosen; nothing is written."""
    return _lessons(work, directed_by_editor(work, line_id), request.args)


@pages.post("/lines/<line_id>/retrospective/playbook", needs=SIGNED_IN)
def submit_lessons(work: Work, line_id: str) -> Response | tuple[str, int]:
    """Write the chosen lessons into the next version of the playbook."""
    line = directed_by_editor(work, line_id)
    try:
        body = parse_form(LearnBody)
        page = retrospective_of(work, line, baseline=body.baseline, over_days=body.over)
        learning = learning_of(work, line, page, playbook=body.playbook)
        playbook = actions.write_lessons(work, line, learning, chosen=body.take, base=body.base, note=body.note)
    except (InvalidInput, Conflict) as error:
        return _lessons(work, line, request.form, error), error.status
    flash(_("已写入作战手册“%(name)s”第 %(version)s 版", name=playbook.name, version=playbook.version), "success")
    return redirect(f"/playbooks/{playbook.id}", code=303)


def _lessons(work: Work, line: MainLine, asked: MultiDict[str, str], error: MainlineError | None = None) -> str:
    over_days = asked.get("over", default=OVER_DAYS, type=_over_days)
    page = retrospective_of(work, line, baseline=asked.get("baseline", ""), over_days=over_days)
    learning = learning_of(work, line, page, playbook=asked.get("playbook", ""))
    usual = [lesson.id for lesson in learning.lessons if lesson.kind in (LessonKind.LATER, LessonKind.LONGER)]
    there = {lesson.id for lesson in learning.lessons}
    chosen = [id for id in asked.getlist("take") if id in there] if "chosen" in asked else usual
    after = learning.content(chosen)
    changes = changes_between(learning.book.content, after) if learning.book else None
    return render_template(
        "retrospectives/learn.html", head=line_head(work, line), page=page, learning=learning, chosen=chosen, lessons=LESSONS, form=asked,
        groups=[(kind, found) for kind in LessonKind if (found := [one for one in learning.lessons if one.kind is kind])],
        changes=changes_words(asdict(changes)) if changes else "", error=error, errors=getattr(error, "fields", {}),
        troubles=[fault_words(fault) for fault in faults_of(after)] if chosen else [],
    )  # fmt: skip


def _retrospective(work: Work, line_id: str) -> dict[str, Any]:
    line = get_line(work, line_id)
    over_days = request.args.get("over", default=OVER_DAYS, type=_over_days)
    page = retrospective_of(work, line, baseline=request.args.get("baseline", ""), over_days=over_days)
    head = line_head(work, line)
    return {
        "head": head, "page": page, "at": page.at, "found": page.found, "hands": HANDS, "kinds": CONCLUSIONS,
        "answers": ANSWERS, "w": NUMBER_WORDS,
        "length": length_words, "query": request.query_string.decode(),
        "may_learn": head.i_direct and work.actor.may(PlaybookPermission.EDIT),
    }  # fmt: skip


def _over_days(text: str) -> int:
    """ValueError, for which Flask takes the default, for what is no number of days."""
    number = int(text)
    if not 0 <= number <= OVER_DAYS_MOST:
        raise ValueError(text)
    return number
