"""Alerts as JSON: for members, and for programs that report with a subject of their own."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from main_lines.alerts import actions
from main_lines.alerts.access import get_alert, rules_mark, settings_of, stairs_of
from main_lines.alerts.bodies import ClearBody, ReportBody, RuleBody, RulesBody, StairBody
from main_lines.alerts.checks import save
from main_lines.alerts.queries import AlertRow, alert_page, open_alerts
from main_lines.alerts.rules import REPORTED, UNITS, AlertRule, Severity, Step
from main_lines.lines.access import get_line
from main_lines.lines.api import Created, Done
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("alerts_api", __name__, api=True)


class AlertOut(BaseModel):
    """acknowledged of people have seen it; missing names the others. raised_by: empty for a rule. closed_at: null while it stands."""

    id: str
    kind: str
    severity: str
    rule: str
    title: str
    detail: str
    raised_by: str
    raised_at: datetime
    closed_at: datetime | None
    acknowledged: int
    people: int
    missing: list[str]


class AlertsOut(BaseModel):
    alerts: list[AlertOut]


class SeenOut(BaseModel):
    name: str
    at: datetime


class StepOut(BaseModel):
    """at: when it was taken or will be. told: names; empty for what is to come."""

    step: str
    at: datetime
    taken: bool
    told: list[str]


class FullAlertOut(AlertOut):
    """seen: who has acknowledged and when. stair: who was told, and who will be while somebody is missing."""

    seen: list[SeenOut]
    stair: list[StepOut]


class RuleOut(RuleBody):
    unit: str


class RulesOut(BaseModel):
    """mark: see ``seen``."""

    rules: list[RuleOut]
    stairs: list[StairBody]
    mark: str


class Count(BaseModel):
    count: int


def alerts_out(work: Work, line_id: str) -> AlertsOut:
    """The caller has checked the line."""
    return AlertsOut(alerts=[AlertOut(**_facts(row)) for row in open_alerts(work, line_id)])


@api.get("/lines/<line_id>/alerts", needs=SIGNED_IN, returns=AlertsOut)
def list_alerts(work: Work, line_id: str) -> AlertsOut:
    """Alerts that stand, the worst first, of these the oldest."""
    return alerts_out(work, get_line(work, line_id).id)


@api.post("/lines/<line_id>/alerts", needs=SIGNED_IN, body=ReportBody, returns=Created)
def raise_alert(work: Work, line_id: str, body: ReportBody) -> tuple[Created, int]:
    """Raise an alert: every participant is told at once. 200 with the id of the one that stands when its subject was raised before."""
    alert, is_new = actions.report_alert(
        work, line_id, subject=body.subject, kind=body.kind, severity=body.severity, title=body.title, detail=body.detail
    )
    return Created(id=alert.id), 201 if is_new else 200


@api.post("/lines/<line_id>/alerts/clear", needs=SIGNED_IN, body=ClearBody, returns=Count)
def clear_alert(work: Work, line_id: str, body: ClearBody) -> Count:
    """What was raised with this subject is over; any member may say so. count: 0 when nothing stood."""
    return Count(count=int(actions.clear_by_rule(work, line_id, REPORTED, body.subject)))


@api.post("/lines/<line_id>/alerts/acknowledge", needs=SIGNED_IN, returns=Count)
def acknowledge_all(work: Work, line_id: str) -> Count:
    """Say "I have seen it" to all that stand."""
    return Count(count=actions.acknowledge_all(work, line_id))


@api.get("/lines/<line_id>/alert-rules", needs=SIGNED_IN, returns=RulesOut)
def list_rules(work: Work, line_id: str) -> RulesOut:
    """What the line is watched for, and who is told when of alerts that are not acknowledged."""
    return rules_out(work, get_line(work, line_id).id)


@api.route("/lines/<line_id>/alert-rules", methods=("PUT",), needs=SIGNED_IN, body=RulesBody, returns=RulesOut)
def save_rules(work: Work, line_id: str, body: RulesBody) -> RulesOut:
    """Change rules and stairs; director only. What is not named stays as it is."""
    save(work, line_id, body)
    return rules_out(work, line_id)


@api.get("/alerts/<alert_id>", needs=SIGNED_IN, returns=FullAlertOut)
def get_one_alert(work: Work, alert_id: str) -> FullAlertOut:
    """One alert with who has acknowledged it and its stair."""
    page = alert_page(work, get_alert(work, alert_id, lock=False))
    return FullAlertOut(
        **_facts(page.row), seen=[SeenOut(name=one.card.name, at=one.at) for one in page.seen],
        stair=[StepOut(step=row.words, at=row.at, taken=row.taken, told=row.told) for row in page.stair],
    )  # fmt: skip


@api.post("/alerts/<alert_id>/acknowledge", needs=SIGNED_IN, returns=Done)
def acknowledge_alert(work: Work, alert_id: str) -> Done:
    """Say "I have seen it"."""
    actions.acknowledge_alert(work, alert_id)
    return Done()


@api.post("/alerts/<alert_id>/remind", needs=SIGNED_IN, returns=Count)
def remind_missing(work: Work, alert_id: str) -> Count:
    """Ask those who have not acknowledged once more; director or who raised it. count: how many they are."""
    return Count(count=actions.remind_missing(work, alert_id))


@api.post("/alerts/<alert_id>/close", needs=SIGNED_IN, returns=Done)
def close_alert(work: Work, alert_id: str) -> Done:
    """The alert is over; director or who raised it."""
    actions.close_alert(work, alert_id)
    return Done()


def rules_out(work: Work, line_id: str) -> RulesOut:
    """The caller has checked the line."""
    rules, stairs = settings_of(work, line_id), stairs_of(work, line_id)
    return RulesOut(
        rules=[
            RuleOut(rule=rule, unit=UNITS[rule].value, on=rules[rule].on, threshold=rules[rule].threshold, severity=rules[rule].severity)
            for rule in AlertRule
        ],
        stairs=[StairBody(severity=one, **{step.value: stairs[one].minutes(step) for step in Step}) for one in Severity],
        mark=rules_mark(rules, stairs),
    )  # fmt: skip


def _facts(row: AlertRow) -> dict[str, Any]:
    names = ("id", "kind", "severity", "rule", "title", "detail", "raised_by", "raised_at", "closed_at", "acknowledged", "people")
    return {name: getattr(row, name) for name in names} | {"missing": [card.name for card in row.missing]}
