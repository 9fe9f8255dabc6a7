"""The timeline of a main line: by department, with what waits for what, against a baseline."""

from typing import Any

from flask import flash, jsonify, render_template, request
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.lines.access import get_line
from main_lines.lines.bodies import day_in_address
from main_lines.lines.queries import line_head
from main_lines.plans import actions
from main_lines.plans.access import milestones_of
from main_lines.plans.bodies import BaselineBody, MilestoneBody, NeedBody, PlaceBody
from main_lines.plans.chart import FILLED, Scale, chart_of
from main_lines.plans.queries import begin_of, clashes_of, d_day_move, named_days, plan_of, waits_of
from main_lines.tasks.access import get_task
from main_lines.tasks.models import TaskOrder
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, is_htmx, parse_form
from workspace.work import Work

pages = Routes("plans", __name__)
ROOM_COOKIE = "mainline_plan_room"
"""Pixels that the reader's window has beside the names; set by plan.js."""


@pages.get("/lines/<line_id>/plan", needs=SIGNED_IN)
def show_plan(work: Work, line_id: str) -> str:
    """The timeline; ``baseline`` names what to compare with, ``scale`` how wide a day is drawn."""
    return render_template("plans/plan.html", **_plan(work, line_id))


@pages.get("/lines/<line_id>/plan/rows", needs=SIGNED_IN)
def show_plan_rows(work: Work, line_id: str) -> str:
    """The timeline alone, for refreshing it."""
    return render_template("plans/_plan.html", **_plan(work, line_id))


@pages.get("/lines/<line_id>/d-day", needs=SIGNED_IN)
def show_d_day_move(work: Work, line_id: str) -> str:
    """What another D-day, named by ``d_day``, would move, for the dialog in which it is chosen."""
    line = get_line(work, line_id)
    asked = request.args.get("d_day", default=line.d_day, type=day_in_address)
    return render_template("plans/_d_day.html", move=d_day_move(work, line, asked))


@pages.get("/tasks/<task_id>/needs", needs=SIGNED_IN)
def show_needs(work: Work, task_id: str) -> str:
    """What an order waits for and what waits for it, for the page of the order."""
    order = get_task(work, task_id)
    return render_template("plans/_needs.html", order=order, waits=waits_of(work, order))


@pages.post("/tasks/<task_id>/place", needs=SIGNED_IN)
def submit_place(work: Work, task_id: str) -> Response:
    """Move the order in time. The timeline is told where it went, what that is at odds with, and the mark for taking it back."""
    body = parse_form(PlaceBody)
    order = actions.move_order(work, task_id, due=body.due, days=body.days, seen=body.seen)
    if not is_htmx():
        return way_back(f"/lines/{order.line_id}/plan")
    work.session.flush()
    days = f"{begin_of(body.due, order.days):%m-%d} – {body.due:%m-%d}"
    title = _("“%(title)s”移到 %(days)s", title=order.title, days=days)
    return jsonify(title=title, detail=_clash_words(work, order), undo=_("撤销"), seen=order.mark)


@pages.post("/tasks/<task_id>/needs", needs=SIGNED_IN)
def submit_need(work: Work, task_id: str) -> Response:
    """Let the order wait for another."""
    actions.add_need(work, task_id, parse_form(NeedBody).needs_id)
    return way_back(f"/tasks/{task_id}")


@pages.post("/tasks/<task_id>/needs/<needs_id>/drop", needs=SIGNED_IN)
def submit_dropped_need(work: Work, task_id: str, needs_id: str) -> Response:
    """The order no longer waits for the other."""
    actions.drop_need(work, task_id, needs_id)
    return way_back(f"/tasks/{task_id}")


@pages.post("/lines/<line_id>/baselines", needs=SIGNED_IN)
def submit_baseline(work: Work, line_id: str) -> Response:
    """Keep the plan as it stands under a name."""
    baseline = actions.keep_baseline(work, line_id, name=parse_form(BaselineBody).name)
    flash(_("已记下基线“%(name)s”", name=baseline.name), "success")
    return way_back(f"/lines/{line_id}/plan")


@pages.post("/baselines/<baseline_id>/drop", needs=SIGNED_IN)
def submit_dropped_baseline(work: Work, baseline_id: str) -> Response:
    """Forget a baseline that was kept by hand."""
    line_id = actions.drop_baseline(work, baseline_id).id
    flash(_("已删除基线"), "success")
    return way_back(f"/lines/{line_id}/plan")


@pages.post("/lines/<line_id>/milestones", needs=SIGNED_IN)
def submit_milestone(work: Work, line_id: str) -> Response:
    """Set a day that everybody looks at."""
    body = parse_form(MilestoneBody)
    actions.set_milestone(work, line_id, name=body.name, day=body.day)
    flash(_("已定下里程碑“%(name)s”", name=body.name), "success")
    return way_back(f"/lines/{line_id}/plan")


@pages.post("/milestones/<milestone_id>/drop", needs=SIGNED_IN)
def submit_dropped_milestone(work: Work, milestone_id: str) -> Response:
    """Forget a milestone."""
    line_id = actions.drop_milestone(work, milestone_id).id
    flash(_("已删除里程碑"), "success")
    return way_back(f"/lines/{line_id}/plan")


def _clash_words(work: Work, order: TaskOrder) -> str:
    """Empty where nothing is in the way. A need forbids nothing: a director may know better, and is told."""
    found = clashes_of(work, order)
    words: list[str] = []
    if (need := found.too_early) and need.due:
        words.append(_("它等的“%(title)s”到 %(day)s 才截止。", title=need.title, day=f"{need.due:%m-%d}"))
    if (next_one := found.too_late) and next_one.due:
        day = f"{begin_of(next_one.due, next_one.days):%m-%d}"
        words.append(_("等它的“%(title)s”%(day)s 就要开始。", title=next_one.title, day=day))
    return "".join(words)


def _plan(work: Work, line_id: str) -> dict[str, Any]:
    line = get_line(work, line_id)
    plan = plan_of(work, line, baseline=request.args.get("baseline", ""))
    asked = request.args.get("scale", "")
    scale = Scale(asked) if asked in list(Scale) else Scale.WEEKS
    days = [(one.day, one.name) for one in named_days(work, line)]
    room = request.cookies.get(ROOM_COOKIE, FILLED, type=int)
    return {
        "head": line_head(work, line), "plan": plan, "chart": chart_of(plan, line.d_day, scale, days, room=room),
        "milestones": milestones_of(work, line.id), "query": request.query_string.decode(),
    }  # fmt: skip
