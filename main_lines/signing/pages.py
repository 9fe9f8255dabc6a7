"""Signing many orders with one thumb, what has changed since a signature, and who signs in a line."""

from typing import Any

from flask import flash, render_template
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.lines.access import get_line
from main_lines.lines.actions import name_signers
from main_lines.lines.queries import line_head, members_of
from main_lines.lines.words import PHASES
from main_lines.signing.bodies import SignersBody
from main_lines.signing.queries import signers_of_line, waiting_for_me
from main_lines.signing.rules import changes_since
from main_lines.signing.words import FIELDS
from main_lines.tasks.access import get_task
from main_lines.tasks.bodies import ChosenBody
from main_lines.tasks.bulk import sign_tasks
from main_lines.tasks.part_pages import tell_outcomes
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, parse_form
from workspace.work import Work

pages = Routes("signing", __name__)


@pages.get("/tasks/to-sign", needs=SIGNED_IN)
def show_to_sign(work: Work) -> str:
    """What waits for the reader's signature, the oldest first, to be signed one by one or all at once."""
    return render_template("signing/to_sign.html", **_waiting(work))


@pages.get("/tasks/to-sign/rows", needs=SIGNED_IN)
def show_to_sign_rows(work: Work) -> str:
    """The list alone, for refreshing it."""
    return render_template("signing/_to_sign.html", **_waiting(work))


@pages.post("/tasks/sign", needs=SIGNED_IN)
def submit_signatures(work: Work) -> Response:
    """Sign the chosen orders, each only as it was seen."""
    tell_outcomes(sign_tasks(work, parse_form(ChosenBody).marks()))
    return way_back("/tasks/to-sign")


@pages.get("/tasks/<task_id>/changes", needs=SIGNED_IN)
def show_changes(work: Work, task_id: str) -> str:
    """What has changed in an order since it was signed last, for its page."""
    order = get_task(work, task_id)
    return render_template("signing/_changes.html", changes=changes_since(order.signed_as, order.asked), fields=FIELDS, order=order)


@pages.get("/lines/<line_id>/signers", needs=SIGNED_IN)
def show_signers(work: Work, line_id: str) -> str:
    """Who signs the task orders of a line; its director names them."""
    return render_template("signing/signers.html", **_signers(work, line_id))


@pages.get("/lines/<line_id>/signers/rows", needs=SIGNED_IN)
def show_signer_rows(work: Work, line_id: str) -> str:
    """Who signs alone, for refreshing it."""
    return render_template("signing/_signers.html", **_signers(work, line_id))


@pages.post("/lines/<line_id>/signers", needs=SIGNED_IN)
def submit_signers(work: Work, line_id: str) -> Response:
    """Name who signs in the director's place."""
    body = parse_form(SignersBody)
    chosen = [member for member in body.members if member]
    name_signers(work, line_id, department_id=body.department_id, member_ids=chosen, seen=body.seen)
    flash(_("签发人已更新"), "success")
    return way_back(f"/lines/{line_id}/signers")


def _waiting(work: Work) -> dict[str, Any]:
    return {"waiting": waiting_for_me(work), "phases": PHASES, "fields": FIELDS}


def _signers(work: Work, line_id: str) -> dict[str, Any]:
    line = get_line(work, line_id)
    members = [row.card for row in members_of(work, line.id)]
    picks = [(card.id, f"{card.name} · {card.department_name}") for card in members]
    return {"head": line_head(work, line), "signers": signers_of_line(work, line), "picks": picks, "frozen_at": line.frozen_at}
