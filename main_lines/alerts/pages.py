"""Alerts in the browser: they show on the battle map; here are their verbs."""

from flask import flash, render_template
from werkzeug.wrappers import Response

from main_lines.alerts import actions
from main_lines.alerts.bodies import AlertBody
from main_lines.alerts.queries import open_alerts
from main_lines.alerts.words import KINDS
from main_lines.back import way_back
from main_lines.lines.access import get_line
from main_lines.lines.queries import line_head
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, parse_form
from workspace.work import Work

pages = Routes("alerts", __name__)


@pages.get("/lines/<line_id>/alerts", needs=SIGNED_IN)
def show_alerts(work: Work, line_id: str) -> str:
    """Alerts that stand, each with who has not acknowledged it yet; and the form to raise one."""
    line = get_line(work, line_id)
    return render_template("lines/alerts.html", head=line_head(work, line), alerts=open_alerts(work, line.id), alert_kinds=KINDS)


@pages.get("/lines/<line_id>/alerts/rows", needs=SIGNED_IN)
def show_alert_rows(work: Work, line_id: str) -> str:
    """The alerts alone, for refreshing them."""
    line = get_line(work, line_id)
    back = f"/lines/{line.id}/alerts"
    return render_template("lines/_alerts.html", alerts=open_alerts(work, line.id), alert_kinds=KINDS, back=back, names=True)


@pages.post("/lines/<line_id>/alerts", needs=SIGNED_IN)
def submit_alert(work: Work, line_id: str) -> Response:
    """Raise an alert: everybody in the line is told at once."""
    body = parse_form(AlertBody)
    actions.raise_alert(work, line_id, kind=body.kind, title=body.title, detail=body.detail)
    flash(_("预警已发给全体成员"), "success")
    return way_back(f"/lines/{line_id}/alerts")


@pages.post("/alerts/<alert_id>/acknowledge", needs=SIGNED_IN)
def submit_acknowledgement(work: Work, alert_id: str) -> Response:
    """Say "I have seen it"."""
    alert = actions.acknowledge_alert(work, alert_id)
    return way_back(f"/lines/{alert.line_id}/alerts")


@pages.post("/alerts/<alert_id>/close", needs=SIGNED_IN)
def submit_alert_close(work: Work, alert_id: str) -> Response:
    """The alert is over."""
    alert = actions.close_alert(work, alert_id)
    return way_back(f"/lines/{alert.line_id}/alerts")
