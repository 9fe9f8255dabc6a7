"""The gates of a main line: when each is due, what stands in its way, and the director's verbs."""

from typing import Any

from flask import flash, render_template
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.gates import actions
from main_lines.gates.bodies import GateDayBody, PassBody, RemindBody, ReopenBody
from main_lines.gates.queries import gate_rows
from main_lines.gates.words import ABOUT, GATES, OBSTACLES, STANDINGS, TONES
from main_lines.lines.access import get_line
from main_lines.lines.queries import line_head
from main_lines.lines.words import PHASES
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, parse_form
from workspace.work import Work

pages = Routes("gates", __name__)


@pages.get("/lines/<line_id>/gates", needs=SIGNED_IN)
def show_gates(work: Work, line_id: str) -> str:
    """The gates in the order in which they come."""
    return render_template("gates/gates.html", **_gates(work, line_id))


@pages.get("/lines/<line_id>/gates/rows", needs=SIGNED_IN)
def show_gate_rows(work: Work, line_id: str) -> str:
    """The gates alone, for refreshing them."""
    return render_template("gates/_gates.html", **_gates(work, line_id))


@pages.get("/lines/<line_id>/gates/next", needs=SIGNED_IN)
def show_next_gate(work: Work, line_id: str) -> str:
    """What stands in the way of closing the present phase, for the dialog in which that is done."""
    return render_template("gates/_next.html", **_gates(work, line_id))


@pages.post("/lines/<line_id>/gates/pass", needs=SIGNED_IN)
def submit_passage(work: Work, line_id: str) -> Response:
    """Pass a gate."""
    body = parse_form(PassBody)
    actions.pass_gate(work, line_id, body.gate, note=body.note)
    flash(_("关口“%(gate)s”已通过", gate=GATES[body.gate]), "success")
    return way_back(f"/lines/{line_id}/gates")


@pages.post("/lines/<line_id>/gates/reopen", needs=SIGNED_IN)
def submit_reopening(work: Work, line_id: str) -> Response:
    """Open a gate again."""
    body = parse_form(ReopenBody)
    actions.reopen_gate(work, line_id, body.gate, reason=body.reason)
    flash(_("关口“%(gate)s”已重新打开", gate=GATES[body.gate]), "success")
    return way_back(f"/lines/{line_id}/gates")


@pages.post("/lines/<line_id>/gates/remind", needs=SIGNED_IN)
def submit_reminder(work: Work, line_id: str) -> Response:
    """Ask whoever holds what stands in the way."""
    flash(_("已提醒 %(n)s 人", n=actions.remind_of_gate(work, line_id, parse_form(RemindBody).gate)), "success")
    return way_back(f"/lines/{line_id}/gates")


@pages.post("/lines/<line_id>/gates/day", needs=SIGNED_IN)
def submit_gate_day(work: Work, line_id: str) -> Response:
    """Set the day of a gate."""
    body = parse_form(GateDayBody)
    actions.move_gate(work, line_id, body.gate, offset=body.offset, seen=body.seen)
    return way_back(f"/lines/{line_id}/gates")


def _gates(work: Work, line_id: str) -> dict[str, Any]:
    line = get_line(work, line_id)
    return {
        "head": line_head(work, line), "gates": gate_rows(work, line), "names": GATES, "about": ABOUT, "obstacles": OBSTACLES,
        "tones": TONES, "standings": STANDINGS, "phases": PHASES, "frozen_at": line.frozen_at,
    }  # fmt: skip
