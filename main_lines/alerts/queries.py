"""Alerts as pages show them: n of m acknowledged, and by whom not yet."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from main_lines.alerts.models import Alert, AlertAcknowledgement
from main_lines.lines.access import director_ids, line_member_ids
from main_lines.lines.queries import cards_of
from workspace.people.queries import MemberRow
from workspace.work import Work


@dataclass(frozen=True)
class AlertRow:
    """acknowledged of people: counted over the line's members of now. missing: those who have not acknowledged."""

    id: str
    kind: str
    title: str
    detail: str
    raised_by: str
    raised_at: datetime
    acknowledged: int
    people: int
    missing: list[MemberRow]
    by_me: bool
    may_close: bool


def open_alerts(work: Work, line_id: str) -> list[AlertRow]:
    """Alerts that stand, oldest first: the one that waits longest is on top. The caller has checked the line."""
    alerts = work.session.scalars(select(Alert).where(Alert.line_id == line_id, Alert.closed_at.is_(None)).order_by(Alert.id)).all()
    if not alerts:
        return []
    cards = {card.id: card for card in cards_of(work, line_member_ids(work, line_id))}
    directs = work.actor.member_id in director_ids(work, line_id)
    seen = _acknowledged(work, [alert.id for alert in alerts])
    return [_row(work, alert, cards, seen[alert.id] & set(cards), directs=directs) for alert in alerts]


def _acknowledged(work: Work, alert_ids: Sequence[str]) -> dict[str, set[str]]:
    """Alert id -> members who have acknowledged it."""
    found: dict[str, set[str]] = defaultdict(set)
    query = select(AlertAcknowledgement.alert_id, AlertAcknowledgement.member_id)
    for alert_id, member_id in work.session.execute(query.where(AlertAcknowledgement.alert_id.in_(alert_ids))):
        found[alert_id].add(member_id)
    return found


def _row(work: Work, alert: Alert, cards: dict[str, MemberRow], done: set[str], *, directs: bool) -> AlertRow:
    raiser = cards.get(alert.raised_by_id)
    return AlertRow(
        alert.id, alert.kind, alert.title, alert.detail, raiser.name if raiser else "", alert.raised_at, len(done), len(cards),
        [card for card in cards.values() if card.id not in done], work.actor.member_id in done,
        directs or work.actor.member_id == alert.raised_by_id,
    )  # fmt: skip
