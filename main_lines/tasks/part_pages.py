"""Parts of an order that are changed one by one (deliverables, the order of its checklist), orders in which one takes part, and many
orders at once."""

from collections.abc import Sequence

from flask import flash, render_template
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.lines.access import get_line
from main_lines.tasks import actions, bulk, pieces, queries
from main_lines.tasks.bodies import BulkBody, DeliverBody, ItemPlaceBody
from main_lines.tasks.deliverables import delivery_of
from main_lines.tasks.pages import order_fragment
from main_lines.tasks.reminding import remind_of_task
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, is_htmx, parse_form
from workspace.work import Work

pages = Routes("task_parts", __name__)

REFUSALS_SHOWN = 3
NAMES_SHOWN = 5
TITLE_SHOWN = 24  # Messages travel in a cookie.


@pages.get("/tasks/involved/fragment", needs=SIGNED_IN)
def show_involved(work: Work) -> str:
    """Orders of other departments in which the reader's takes part."""
    return render_template("tasks/_involved.html", rows=queries.involved_tasks(work))


@pages.post("/tasks/<task_id>/pieces", needs=SIGNED_IN)
def submit_piece(work: Work, task_id: str) -> Response:
    """Lay one deliverable with the order, without handing in."""
    body = parse_form(DeliverBody)
    pieces.file_piece(work, task_id, delivery_of(body), name=body.name)
    flash(_("已放入，交付前可以替换"), "success")
    return way_back(f"/tasks/{task_id}")


@pages.post("/tasks/<task_id>/pieces/<piece_id>/drop", needs=SIGNED_IN)
def submit_dropped_piece(work: Work, task_id: str, piece_id: str) -> Response:
    """Take one out again."""
    pieces.drop_piece(work, task_id, piece_id)
    return way_back(f"/tasks/{task_id}")


@pages.post("/tasks/<task_id>/checklist", needs=SIGNED_IN)
def submit_item_place(work: Work, task_id: str) -> Response | str:
    """Move a line of the checklist up or down; the order comes back, so that focus stays on the button."""
    body = parse_form(ItemPlaceBody)
    order = actions.move_item(work, task_id, body.index, to=body.to)
    return order_fragment(work, order) if is_htmx() else way_back(f"/tasks/{task_id}")


@pages.post("/tasks/<task_id>/remind", needs=SIGNED_IN)
def submit_reminder(work: Work, task_id: str) -> Response:
    """Ask whoever the order waits for once more."""
    names = remind_of_task(work, task_id)
    flash(_("已提醒%(names)s", names=_("、").join(names[:NAMES_SHOWN])), "success")
    return way_back(f"/tasks/{task_id}")


@pages.post("/lines/<line_id>/tasks/bulk", needs=SIGNED_IN)
def submit_bulk(work: Work, line_id: str) -> Response:
    """Sign, assign or move the chosen orders."""
    line, body = get_line(work, line_id), parse_form(BulkBody)
    marks = body.marks()
    bulk.of_line(work, line.id, marks)
    match body.act:
        case "sign":
            outcomes = bulk.sign_tasks(work, marks)
        case "assign":
            outcomes = bulk.assign_tasks(work, marks, owner_id=body.owner_id)
        case "shift":
            outcomes = bulk.shift_tasks(work, marks, days=body.days)
    tell_outcomes(outcomes)
    return way_back(f"/lines/{line.id}/tasks")


def tell_outcomes(outcomes: Sequence[bulk.Outcome]) -> None:
    """How many were done, and of the first few others why not, as messages on the next page."""
    done, refused = bulk.done_of(outcomes), [one for one in outcomes if one.refused]
    if done:
        flash(_("已处理 %(n)s 张任务单", n=done), "success")
    for one in refused[:REFUSALS_SHOWN]:
        flash(_("“%(title)s”没有处理：%(why)s", title=one.title[:TITLE_SHOWN], why=one.refused), "warning")
    if len(refused) > REFUSALS_SHOWN:
        flash(_("另有 %(n)s 张没有处理", n=len(refused) - REFUSALS_SHOWN), "warning")
