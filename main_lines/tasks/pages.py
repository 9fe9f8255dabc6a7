"""Task orders in the browser: the orders of a line, one order with its verbs. My work: main_lines/work."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zlib import crc32

from flask import flash, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.lines.access import get_line
from main_lines.lines.models import MainLine
from main_lines.lines.queries import cards_of, line_head, members_of
from main_lines.lines.words import PHASES
from main_lines.order_templates.access import get_order_template
from main_lines.order_templates.queries import list_order_templates, template_form
from main_lines.plans.access import needs_of
from main_lines.plans.actions import edit_with_needs, set_needs
from main_lines.plans.queries import waits_of
from main_lines.tasks import actions, queries
from main_lines.tasks.access import get_task, line_of
from main_lines.tasks.bodies import AssignBody, CheckBody, DeliverBody, MoveBody, TaskBody
from main_lines.tasks.deliverables import delivery_of, lying_with, recent_versions
from main_lines.tasks.glances import Glance, counts_of, line_glances
from main_lines.tasks.models import WRITTEN, TaskOrder
from main_lines.tasks.narrowing import Narrow
from main_lines.tasks.reminding import reminded_lately, whom_to_remind
from main_lines.tasks.rules import Verb
from main_lines.tasks.verbs import move_task
from main_lines.tasks.words import SHOWS, VERBS
from workspace.errors import MainlineError
from workspace.i18n import _
from workspace.people.queries import list_cities, list_departments
from workspace.web import SIGNED_IN, Routes, is_htmx, parse_form
from workspace.work import Work

pages = Routes("tasks", __name__)


@pages.get("/lines/<line_id>/tasks", needs=SIGNED_IN)
def show_line_tasks(work: Work, line_id: str) -> str:
    """The orders of a line by department; ``department`` (its own and those in which it takes part), ``phase`` and ``show`` narrow it."""
    return render_template("tasks/line.html", **_line_tasks(work, line_id))


@pages.get("/lines/<line_id>/tasks/rows", needs=SIGNED_IN)
def show_line_task_rows(work: Work, line_id: str) -> str:
    """The orders of a line alone, for refreshing them."""
    return render_template("tasks/_line_rows.html", **_line_tasks(work, line_id))


@pages.get("/lines/<line_id>/tasks/new", needs=SIGNED_IN)
def show_new_task(work: Work, line_id: str) -> str:
    """The form for a new order; ``template`` fills it in."""
    line = get_line(work, line_id)
    chosen = request.args.get("template", "")
    form = template_form(get_order_template(work, chosen)) if chosen else {}
    return _form(work, line, {"phase": line.phase, **form})


@pages.post("/lines/<line_id>/tasks", needs=SIGNED_IN)
def submit_new_task(work: Work, line_id: str) -> Response | tuple[str, int]:
    """Write an order; ``then`` = submit or sign does that in the same commit."""
    line = get_line(work, line_id)
    try:
        body = parse_form(TaskBody)
        order = actions.write_task(work, line.id, body.draft())
        set_needs(work, order.id, body.needs or [])
        if request.form.get("then") in ("submit", "sign"):
            move_task(work, order.id, Verb(request.form["then"]))
    except MainlineError as error:
        return _form(work, line, request.form, error=error), error.status
    return redirect(f"/tasks/{order.id}", code=303)


@pages.get("/tasks/<task_id>", needs=SIGNED_IN)
def show_task(work: Work, task_id: str) -> str:
    """One order: requirements, who holds it, what can be done now, what happened."""
    order = get_task(work, task_id)
    return render_template("tasks/task.html", **_task(work, order), head=line_head(work, line_of(work, order)))


@pages.get("/tasks/<task_id>/fragment", needs=SIGNED_IN)
def show_task_fragment(work: Work, task_id: str) -> str:
    """The order alone, for refreshing it."""
    return order_fragment(work, get_task(work, task_id))


@pages.get("/tasks/<task_id>/edit", needs=SIGNED_IN)
def show_task_form(work: Work, task_id: str) -> str:
    """The form for changing an order."""
    order = get_task(work, task_id)
    return _form(work, line_of(work, order), _as_form(work, order), order=order)


@pages.post("/tasks/<task_id>", needs=SIGNED_IN)
def submit_edit(work: Work, task_id: str) -> Response | tuple[str, int]:
    """Change what is written; new requirements of a signed order wait for a new signature."""
    order = get_task(work, task_id)
    try:
        body = parse_form(TaskBody)
        edit_with_needs(work, task_id, body.draft(), needs=body.needs, seen=body.seen)
    except MainlineError as error:
        return _form(work, line_of(work, order), request.form, order=order, error=error), error.status
    return redirect(f"/tasks/{task_id}", code=303)


@pages.post("/tasks/<task_id>/moves", needs=SIGNED_IN)
def submit_move(work: Work, task_id: str) -> Response:
    """One verb that needs at most a reason."""
    body = parse_form(MoveBody)
    order = move_task(work, task_id, Verb(body.verb), reason=body.reason, seen=body.seen)
    flash(_("任务单“%(title)s”：%(verb)s", title=order.title, verb=VERBS[Verb(body.verb)].label), "success")
    return way_back(f"/tasks/{task_id}")


@pages.post("/tasks/<task_id>/deliver", needs=SIGNED_IN)
def submit_delivery(work: Work, task_id: str) -> Response:
    """Hand in an asset version, a link, a text, or what lies with the order."""
    body = parse_form(DeliverBody)
    actions.deliver_task(work, task_id, delivery_of(body), name=body.name, note=body.note)
    flash(_("已交付，等待验收"), "success")
    return way_back(f"/tasks/{task_id}")


@pages.post("/tasks/<task_id>/assign", needs=SIGNED_IN)
def submit_assignment(work: Work, task_id: str) -> Response:
    """Hand the order to a member of the line."""
    actions.assign_task(work, task_id, parse_form(AssignBody).owner_id)
    flash(_("已指派"), "success")
    return way_back(f"/tasks/{task_id}")


@pages.post("/tasks/<task_id>/check", needs=SIGNED_IN)
def submit_check(work: Work, task_id: str) -> Response | str:
    """Tick or untick a line of the checklist; the order comes back as it is then."""
    body = parse_form(CheckBody)
    order = actions.check_item(work, task_id, body.index, done=body.done)
    return order_fragment(work, order) if is_htmx() else way_back(f"/tasks/{task_id}")


def order_fragment(work: Work, order: TaskOrder) -> str:
    """What stands on the page of an order, without the page."""
    return render_template("tasks/_task.html", **_task(work, order))


def _line_tasks(work: Work, line_id: str) -> dict[str, Any]:
    line = get_line(work, line_id)
    chosen, everything = Narrow.asked(request.args), queries.line_tasks(work, line)
    rows = [row for row in everything if chosen.keeps(row)]
    return {
        "head": line_head(work, line), "rows": rows, "counts": counts_of(everything), "chosen": chosen,
        "departments": list({row.department_id: row.department_name for row in everything}.items()), "phases": PHASES, "shows": SHOWS,
        "query": request.query_string.decode(), "members": [row.card for row in members_of(work, line.id)],
    }  # fmt: skip


def _task(work: Work, order: TaskOrder) -> dict[str, Any]:
    line = line_of(work, order)
    page = queries.task_page(work, order)
    delivers = Verb.DELIVER in page.verbs or page.may_file
    return {
        "task": page, "row": page.row, "verbs": VERBS, "lying": lying_with(work, order, page.pieces), "checklist": _checklist(order),
        "versions": recent_versions(work, line.library_id) if delivers else [], "line_id": line.id,
        "names": {card.id: card.name for card in cards_of(work, [piece.by_id for piece in page.pieces])},
        "members": [row.card for row in members_of(work, line.id)] if page.may_assign else [], "phases": PHASES,
        "may_remind": bool(whom_to_remind(work, order)), "reminded_at": reminded_lately(work, [order.id]).get(order.id),
    }  # fmt: skip


def _checklist(order: TaskOrder) -> list[dict[str, Any]]:
    """Each line with who ticked it when. key: of its words, so that focus stays with a line that moves."""
    return [
        {
            "index": index, "text": item["text"], "done": item["done"], "by": item.get("by", ""),
            "at": datetime.fromisoformat(item["at"]) if item.get("at") else None, "key": f"{crc32(item['text'].encode()):08x}",
        }
        for index, item in enumerate(order.checklist)
    ]  # fmt: skip


def _form(
    work: Work, line: MainLine, form: Mapping[str, Any], *, order: TaskOrder | None = None, error: MainlineError | None = None
) -> str:
    chosen = {name: form.getlist(name) if isinstance(form, MultiDict) else list(form.get(name, ())) for name in ("involved", "needs")}
    return render_template(
        "tasks/form.html", head=line_head(work, line), form=form, chosen=chosen, order=order, error=error,
        errors=getattr(error, "fields", {}), departments=list_departments(work), cities=list_cities(work), phases=PHASES,
        members=[row.card for row in members_of(work, line.id)], others=_could_wait_for(work, line, order),
        templates=[] if order else list_order_templates(work),
    )  # fmt: skip


def _could_wait_for(work: Work, line: MainLine, order: TaskOrder | None) -> list[queries.TaskRow | Glance]:
    """Orders of the line that this one waits for or could wait for without a circle."""
    if order is None:
        return sorted(line_glances(work, line), key=lambda row: row.number)
    waits = waits_of(work, order)
    return sorted([*waits.needs, *waits.candidates], key=lambda row: row.number)


def _as_form(work: Work, order: TaskOrder) -> dict[str, Any]:
    """The order's fields as the form shows them; None becomes an empty field."""
    values = {name: getattr(order, name) for name in WRITTEN}
    lists = {"checklist": "\n".join(item["text"] for item in order.checklist), "expected": "\n".join(order.expected)}
    needs = needs_of(work, order.line_id).get(order.id, [])
    return {name: "" if value is None else value for name, value in values.items()} | lists | {"needs": needs, "seen": order.mark}
