"""What stands on top of every page of a line: its critical alerts. Read by the head of a line, so it knows of no page itself."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from main_lines.alerts.models import Alert, AlertAcknowledgement
from main_lines.alerts.rules import Severity
from main_lines.alerts.words import detail_of, title_of
from main_lines.lines.access import line_member_ids
from workspace.work import Work

LOOKED_AT = 20


@dataclass(frozen=True)
class CriticalAlert:
    """acknowledged of people: over the line's members of now. about: where to do something about it, empty for nowhere."""

    id: str
    kind: str
    title: str
    detail: str
    raised_at: datetime
    acknowledged: int
    people: int
    by_me: bool
    about: str


def critical_alerts(work: Work, line_id: str) -> list[CriticalAlert]:
    """Those that stand, what the reader has not acknowledged first, of these the oldest. The caller has checked the line."""
    query = select(Alert).where(Alert.line_id == line_id, Alert.closed_at.is_(None), Alert.severity == Severity.CRITICAL.value)
    alerts = work.session.scalars(query.order_by(Alert.id).limit(LOOKED_AT)).all()
    if not alerts:
        return []
    members = line_member_ids(work, line_id)
    seen: dict[str, set[str]] = {alert.id: set() for alert in alerts}
    said = select(AlertAcknowledgement.alert_id, AlertAcknowledgement.member_id).where(AlertAcknowledgement.alert_id.in_(seen))
    for alert_id, member_id in work.session.execute(said.where(AlertAcknowledgement.member_id.in_(members))):
        seen[alert_id].add(member_id)
    me = work.actor.member_id
    found = [
        CriticalAlert(
            alert.id,
            alert.kind,
            title_of(alert),
            detail_of(alert),
            alert.raised_at,
            len(seen[alert.id]),
            len(members),
            me in seen[alert.id],
            alert.about,
        )
        for alert in alerts
    ]
    return sorted(found, key=lambda alert: alert.by_me)


def count_standing(work: Work, line_id: str) -> int:
    """Alerts of any severity that stand."""
    query = select(func.count()).select_from(Alert).where(Alert.line_id == line_id, Alert.closed_at.is_(None))
    return work.session.scalar(query) or 0
