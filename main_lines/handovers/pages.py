"""Handovers in the browser: a card on the page of the order, and what waits for the reader on their work."""

from flask import flash, render_template
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.handovers.actions import answer_handover, offer_order
from main_lines.handovers.bodies import AnswerBody, OfferBody
from main_lines.handovers.queries import handovers_of_order, waiting_for_me
from main_lines.handovers.rules import Verb
from main_lines.handovers.words import STATES
from main_lines.tasks.access import get_task
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, parse_form
from workspace.work import Work

pages = Routes("handovers", __name__)


@pages.get("/handovers/mine/fragment", needs=SIGNED_IN)
def show_mine(work: Work) -> str:
    """Orders that somebody wants the reader to take over."""
    return render_template("handovers/_mine.html", offered=waiting_for_me(work))


@pages.get("/tasks/<task_id>/handovers", needs=SIGNED_IN)
def show_handovers(work: Work, task_id: str) -> str:
    """How an order came to where it is, and the form to hand it on."""
    order = get_task(work, task_id)
    return render_template("handovers/_order.html", order=order, handovers=handovers_of_order(work, order), states=STATES)


@pages.post("/tasks/<task_id>/handovers", needs=SIGNED_IN)
def submit_offer(work: Work, task_id: str) -> Response:
    """Offer the order to another department or person."""
    body = parse_form(OfferBody)
    department_id, member_id = body.target()
    offer_order(work, task_id, note=body.note, department_id=department_id, member_id=member_id)
    flash(_("已发出移交，等待对方接收"), "success")
    return way_back(f"/tasks/{task_id}")


@pages.post("/handovers/<handover_id>", needs=SIGNED_IN)
def submit_answer(work: Work, handover_id: str) -> Response:
    """Accept, decline or take back."""
    body = parse_form(AnswerBody)
    handover = answer_handover(work, handover_id, Verb(body.verb), reason=body.reason)
    return way_back(f"/tasks/{handover.task_id}")
