"""Alerts as JSON."""

from datetime import datetime

from pydantic import BaseModel

from main_lines.alerts import actions
from main_lines.alerts.bodies import AlertBody
from main_lines.alerts.queries import open_alerts
from main_lines.lines.access import get_line
from main_lines.lines.api import Created, Done
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("alerts_api", __name__, api=True)


class AlertOut(BaseModel):
    """acknowledged of people have seen it; missing names the others."""

    id: str
    kind: str
    title: str
    detail: str
    raised_by: str
    raised_at: datetime
    acknowledged: int
    people: int
    missing: list[str]


class AlertsOut(BaseModel):
    alerts: list[AlertOut]


def alerts_out(work: Work, line_id: str) -> AlertsOut:
    """The caller has checked the line."""
    rows = [
        AlertOut(
            id=row.id,
            kind=row.kind,
            title=row.title,
            detail=row.detail,
            raised_by=row.raised_by,
            raised_at=row.raised_at,
            acknowledged=row.acknowledged,
            people=row.people,
            missing=[card.name for card in row.missing],
        )
        for row in open_alerts(work, line_id)
    ]
    return AlertsOut(alerts=rows)


@api.get("/lines/<line_id>/alerts", needs=SIGNED_IN, returns=AlertsOut)
def list_alerts(work: Work, line_id: str) -> AlertsOut:
    """Alerts that stand."""
    return alerts_out(work, get_line(work, line_id).id)


@api.post("/lines/<line_id>/alerts", needs=SIGNED_IN, body=AlertBody, returns=Created)
def raise_alert(work: Work, line_id: str, body: AlertBody) -> tuple[Created, int]:
    """Raise an alert: every participant is told at once."""
    return Created(id=actions.raise_alert(work, line_id, kind=body.kind, title=body.title, detail=body.detail).id), 201


@api.post("/alerts/<alert_id>/acknowledge", needs=SIGNED_IN, returns=Done)
def acknowledge_alert(work: Work, alert_id: str) -> Done:
    """Say "I have seen it"."""
    actions.acknowledge_alert(work, alert_id)
    return Done()


@api.post("/alerts/<alert_id>/close", needs=SIGNED_IN, returns=Done)
def close_alert(work: Work, alert_id: str) -> Done:
    """The alert is over; director or who raised it."""
    actions.close_alert(work, alert_id)
    return Done()
