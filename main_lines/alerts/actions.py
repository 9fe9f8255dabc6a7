"""Raising, acknowledging and closing alerts of a main line."""

from typing import Any

from sqlalchemy import func, select

from main_lines.alerts.access import get_alert
from main_lines.alerts.models import Alert, AlertAcknowledgement, AlertEvent
from main_lines.alerts.rules import AlertKind
from main_lines.alerts.words import KINDS
from main_lines.lines.access import get_line, is_director, line_member_ids
from main_lines.lines.models import MainLine
from workspace.db import new_id
from workspace.errors import Conflict, NotAllowed
from workspace.i18n import _, source
from workspace.notices.actions import read_about
from workspace.work import Work


def raise_alert(work: Work, line_id: str, *, kind: AlertKind, title: str, detail: str = "") -> Alert:
    """Tell every participant at once; any member may. Who raises it has seen it."""
    line = get_line(work, line_id)
    alert = Alert(
        id=new_id(), line_id=line.id, kind=kind.value, title=title.strip(), detail=detail.strip(),
        raised_by_id=work.actor.member_id, raised_at=work.now,
    )  # fmt: skip
    work.session.add(alert)
    work.session.flush()
    work.session.add(AlertAcknowledgement(alert_id=alert.id, member_id=work.actor.member_id, at=work.now))
    _record(work, AlertEvent.RAISED, alert, about=alert.kind, kind_words=source(KINDS[kind]), detail=alert.detail)
    return alert


def acknowledge_alert(work: Work, alert_id: str) -> Alert:
    """Say "I have seen it". Saying it twice changes nothing."""
    alert = get_alert(work, alert_id)
    if work.session.get(AlertAcknowledgement, (alert.id, work.actor.member_id)) is not None:
        return alert
    work.session.add(AlertAcknowledgement(alert_id=alert.id, member_id=work.actor.member_id, at=work.now))
    read_about(work, f"/lines/{alert.line_id}/alerts")
    work.session.flush()
    members = line_member_ids(work, alert.line_id)
    query = select(func.count()).select_from(AlertAcknowledgement)
    seen = work.session.scalar(query.where(AlertAcknowledgement.alert_id == alert.id, AlertAcknowledgement.member_id.in_(members)))
    _record(work, AlertEvent.ACKNOWLEDGED, alert, acknowledged=seen, people=len(members))
    return alert


def close_alert(work: Work, alert_id: str) -> Alert:
    """The director, or who raised it, says that it is over."""
    alert = get_alert(work, alert_id)
    if alert.raised_by_id != work.actor.member_id and not is_director(work, alert.line_id):
        raise NotAllowed(_("只有主线负责人或发出者可以解除预警"))
    if alert.closed_at is not None:
        raise Conflict(_("预警已经解除"))
    alert.closed_at = work.now
    _record(work, AlertEvent.CLOSED, alert)
    return alert


def _record(work: Work, kind: AlertEvent, alert: Alert, **facts: Any) -> None:
    line = work.session.get_one(MainLine, alert.line_id)
    work.record(
        kind, subject=f"alert:{alert.id}", rooms=[line.room], line=line.name, line_id=line.id, alert_id=alert.id, title=alert.title, **facts
    )
