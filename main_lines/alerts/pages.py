"""Alerts in the browser: those of a line, one of them with who has acknowledged it, and how a line is watched."""

from typing import Any

from flask import flash, render_template, request
from werkzeug.wrappers import Response

from main_lines.alerts import actions, checks
from main_lines.alerts.access import get_alert, rules_mark, settings_of, stairs_of
from main_lines.alerts.bodies import AlertBody, RulesBody
from main_lines.alerts.models import Alert
from main_lines.alerts.queries import alert_page, closed_alerts, open_alerts
from main_lines.alerts.rules import LIMITS, LONGEST_STEP_MINUTES, UNITS, AlertRule, Severity, Step, Unit
from main_lines.alerts.words import KINDS, RULE_HINTS, RULES, SEVERITIES, STEPS, UNIT_WORDS, duration
from main_lines.back import way_back
from main_lines.lines.access import get_line
from main_lines.lines.models import MainLine
from main_lines.lines.queries import line_head
from workspace.errors import Conflict, InvalidInput, MainlineError
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, parse_form, validated
from workspace.work import Work

pages = Routes("alerts", __name__)

DELAYS = (5, 10, 15, 30, 60, 120, 240, 480, 720, 1440, 2880, 4320, 10080)
"""Minutes that the form offers for a step."""


@pages.get("/lines/<line_id>/alerts", needs=SIGNED_IN)
def show_alerts(work: Work, line_id: str) -> str:
    """Alerts that stand, each with who has not acknowledged it yet; ``show=closed`` those that are over; and the form to raise one."""
    line = get_line(work, line_id)
    return render_template("alerts/alerts.html", head=line_head(work, line), severities=SEVERITIES, **_listed(work, line))


@pages.get("/lines/<line_id>/alerts/rows", needs=SIGNED_IN)
def show_alert_rows(work: Work, line_id: str) -> str:
    """The alerts alone, for refreshing them."""
    return render_template("alerts/_rows.html", **_listed(work, get_line(work, line_id)))


@pages.get("/lines/<line_id>/alerts/top", needs=SIGNED_IN)
def show_critical(work: Work, line_id: str) -> str:
    """What stands on top of every page of the line: its critical alerts."""
    return render_template("alerts/_top.html", head=line_head(work, get_line(work, line_id)))


@pages.post("/lines/<line_id>/alerts", needs=SIGNED_IN)
def submit_alert(work: Work, line_id: str) -> Response:
    """Raise an alert: everybody in the line is told at once."""
    body = parse_form(AlertBody)
    actions.raise_alert(work, line_id, kind=body.kind, severity=body.severity, title=body.title, detail=body.detail)
    flash(_("预警已发给全体成员"), "success")
    return way_back(f"/lines/{line_id}/alerts")


@pages.post("/lines/<line_id>/alerts/acknowledge", needs=SIGNED_IN)
def submit_all_acknowledged(work: Work, line_id: str) -> Response:
    """Say "I have seen it" to all that stand."""
    count = actions.acknowledge_all(work, line_id)
    flash(_("已确认 %(n)s 条预警", n=count), "success")
    return way_back(f"/lines/{line_id}/alerts")


@pages.get("/lines/<line_id>/alerts/rules", needs=SIGNED_IN)
def show_rules(work: Work, line_id: str) -> str:
    """What the line is watched for, and who is told when nobody answers; its director changes it."""
    line = get_line(work, line_id)
    return _rules_page(work, line, _as_form(work, line))


@pages.post("/lines/<line_id>/alerts/rules", needs=SIGNED_IN)
def submit_rules(work: Work, line_id: str) -> Response | tuple[str, int]:
    """Save the rules; what was typed stays when something does not fit."""
    line = get_line(work, line_id)
    try:
        checks.save(work, line.id, validated(RulesBody, checks.sent(request.form)))
    except (InvalidInput, Conflict) as error:
        return _rules_page(work, line, dict(request.form), error=error), error.status
    flash(_("预警规则已保存"), "success")
    return way_back(f"/lines/{line_id}/alerts/rules")


@pages.get("/alerts/<alert_id>", needs=SIGNED_IN)
def show_alert(work: Work, alert_id: str) -> str:
    """One alert: what is wrong, who knows, who does not, who is told next."""
    alert = get_alert(work, alert_id, lock=False)
    head = line_head(work, work.session.get_one(MainLine, alert.line_id))
    return render_template("alerts/alert.html", head=head, **_one(work, alert))


@pages.get("/alerts/<alert_id>/fragment", needs=SIGNED_IN)
def show_alert_fragment(work: Work, alert_id: str) -> str:
    """The alert alone, for refreshing it."""
    return render_template("alerts/_alert.html", **_one(work, get_alert(work, alert_id, lock=False)))


@pages.post("/alerts/<alert_id>/acknowledge", needs=SIGNED_IN)
def submit_acknowledgement(work: Work, alert_id: str) -> Response:
    """Say "I have seen it"."""
    return way_back(actions.acknowledge_alert(work, alert_id).url)


@pages.post("/alerts/<alert_id>/remind", needs=SIGNED_IN)
def submit_reminder(work: Work, alert_id: str) -> Response:
    """Ask those who have not acknowledged once more."""
    flash(_("已再次提醒 %(n)s 人", n=actions.remind_missing(work, alert_id)), "success")
    return way_back(f"/alerts/{alert_id}")


@pages.post("/alerts/<alert_id>/close", needs=SIGNED_IN)
def submit_alert_close(work: Work, alert_id: str) -> Response:
    """The alert is over."""
    return way_back(f"/lines/{actions.close_alert(work, alert_id).line_id}/alerts")


def _listed(work: Work, line: MainLine) -> dict[str, Any]:
    closed = request.args.get("show") == "closed"
    rows = closed_alerts(work, line.id) if closed else open_alerts(work, line.id)
    return {
        "alerts": rows, "alert_kinds": KINDS, "line_id": line.id, "back": f"/lines/{line.id}/alerts", "names": True,
        "show": "closed" if closed else "open",
    }  # fmt: skip


def _one(work: Work, alert: Alert) -> dict[str, Any]:
    page = alert_page(work, alert)
    return {"page": page, "alert": page.row, "alert_kinds": KINDS, "rules": RULES, "line_id": alert.line_id}


def _as_form(work: Work, line: MainLine) -> dict[str, Any]:
    """What holds now, under the names of the form's fields."""
    settings, stairs = settings_of(work, line.id), stairs_of(work, line.id)
    form: dict[str, Any] = {"seen": rules_mark(settings, stairs)}
    for rule, setting in settings.items():
        form |= {f"{rule.value}_threshold": setting.threshold, f"{rule.value}_severity": setting.severity.value}
        form |= {f"{rule.value}_on": "true"} if setting.on else {}
    for severity, stair in stairs.items():
        form |= {f"{severity.value}_{step.value}": stair.minutes(step) or "" for step in Step}
    return form


def _rules_page(work: Work, line: MainLine, form: dict[str, Any], *, error: MainlineError | None = None) -> str:
    rules = [
        {"key": rule.value, "words": RULES[rule], "hint": RULE_HINTS[rule], "unit": UNIT_WORDS[UNITS[rule]], "limits": LIMITS[UNITS[rule]],
         "counts": UNITS[rule] is not Unit.NONE}
        for rule in AlertRule
    ]  # fmt: skip
    return render_template(
        "alerts/rules.html", head=line_head(work, line), rules=rules, form=form, error=error,
        errors=checks.beside(error.facts.get("fields", {})) if error else {}, severities=[(one.value, SEVERITIES[one]) for one in Severity],
        steps=[(step.value, STEPS[step]) for step in Step], delays=_delays(form),
    )  # fmt: skip


def _delays(form: dict[str, Any]) -> list[tuple[str, str]]:
    """What is offered for a step, and what the API or an earlier form has set beside that."""
    set_now = {str(form.get(f"{severity.value}_{step.value}", "")) for severity in Severity for step in Step}
    numbers = sorted({*DELAYS, *(int(one) for one in set_now if one.isascii() and one.isdigit() and 0 < int(one) <= LONGEST_STEP_MINUTES)})
    return [("", _("跳过")), *((str(number), duration(number)) for number in numbers)]
