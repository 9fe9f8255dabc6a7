"""Alerts as pages show them: n of m acknowledged, by whom and when, by whom not yet, and the stair of who is told next."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from main_lines.alerts.access import stairs_of
from main_lines.alerts.models import Alert, AlertAcknowledgement
from main_lines.alerts.rules import Severity, Step
from main_lines.alerts.words import BY_HAND, STEPS, detail_of, title_of
from main_lines.lines.access import director_ids, line_member_ids
from main_lines.lines.models import MainLine
from main_lines.lines.queries import FeedRow, cards_of, feed_rows
from workspace.events.access import in_words
from workspace.events.models import Event
from workspace.people.models import Member
from workspace.people.queries import MemberRow
from workspace.work import Work

CLOSED_SHOWN = 50
HISTORY_MOST = 100
_SEVERITIES = [severity.value for severity in Severity]


@dataclass(frozen=True)
class AlertRow:
    """acknowledged of people: counted over the line's members of now. missing: those who have not acknowledged.

    raised_by: empty when a rule has raised it. about: where the thing is that it is about, empty for none.
    """

    id: str
    kind: str
    severity: str
    rule: str
    title: str
    detail: str
    about: str
    raised_by: str
    raised_at: datetime
    closed_at: datetime | None
    acknowledged: int
    people: int
    missing: list[MemberRow]
    by_me: bool
    may_close: bool


def open_alerts(work: Work, line_id: str) -> list[AlertRow]:
    """Alerts that stand, the worst first, of these the oldest: the one that waits longest is on top. The caller has checked the line."""
    rows = _rows(work, line_id, _alerts(work, Alert.line_id == line_id, Alert.closed_at.is_(None)))
    return sorted(rows, key=lambda row: (_SEVERITIES.index(row.severity), row.id))


def closed_alerts(work: Work, line_id: str) -> list[AlertRow]:
    """Those that are over, the last raised first. The caller has checked the line."""
    over = select(Alert).where(Alert.line_id == line_id, Alert.closed_at.is_not(None)).order_by(Alert.id.desc()).limit(CLOSED_SHOWN)
    return _rows(work, line_id, work.session.scalars(over).all())


def _alerts(work: Work, *where: ColumnElement[bool]) -> Sequence[Alert]:
    return work.session.scalars(select(Alert).where(*where).order_by(Alert.id)).all()


def _rows(work: Work, line_id: str, alerts: Sequence[Alert]) -> list[AlertRow]:
    if not alerts:
        return []
    cards = {card.id: card for card in cards_of(work, line_member_ids(work, line_id))}
    directs = work.actor.member_id in director_ids(work, line_id)
    seen = _acknowledged(work, [alert.id for alert in alerts])
    names = _names(work, [alert.raised_by_id for alert in alerts])
    return [_row(work, alert, cards, set(seen[alert.id]) & set(cards), names, directs=directs) for alert in alerts]


def _acknowledged(work: Work, alert_ids: Sequence[str]) -> dict[str, dict[str, datetime]]:
    """Alert id -> members who have acknowledged it, and when."""
    found: dict[str, dict[str, datetime]] = defaultdict(dict)
    query = select(AlertAcknowledgement.alert_id, AlertAcknowledgement.member_id, AlertAcknowledgement.at)
    for alert_id, member_id, at in work.session.execute(query.where(AlertAcknowledgement.alert_id.in_(alert_ids))):
        found[alert_id][member_id] = at
    return found


def _names(work: Work, member_ids: Sequence[str | None]) -> dict[str, str]:
    """Of those who raised or closed, also when they have left the line since."""
    wanted = {member_id for member_id in member_ids if member_id}
    return dict(work.session.execute(select(Member.id, Member.name).where(Member.id.in_(wanted))).all()) if wanted else {}


def _row(work: Work, alert: Alert, cards: dict[str, MemberRow], done: set[str], names: dict[str, str], *, directs: bool) -> AlertRow:
    mine = alert.raised_by_id is not None and work.actor.member_id == alert.raised_by_id
    return AlertRow(
        alert.id, alert.kind, alert.severity, alert.rule, title_of(alert), detail_of(alert), alert.about,
        names.get(alert.raised_by_id or "", ""), alert.raised_at, alert.closed_at, len(done), len(cards),
        [card for card in cards.values() if card.id not in done], work.actor.member_id in done,
        alert.closed_at is None and (directs or mine),
    )  # fmt: skip


@dataclass(frozen=True)
class Acknowledged:
    card: MemberRow
    at: datetime


@dataclass(frozen=True)
class StairRow:
    """A step: at, when it was taken or will be; told, names of whom it told; missing, how many had not acknowledged then."""

    words: str
    at: datetime
    taken: bool
    told: list[str]
    missing: int


@dataclass(frozen=True)
class AlertPage:
    """One alert in full. stair: steps taken and, while somebody is missing, those to come, in the order of time."""

    row: AlertRow
    seen: list[Acknowledged]
    stair: list[StairRow]
    closed_by: str
    may_remind: bool
    history: Sequence[FeedRow]


def alert_page(work: Work, alert: Alert) -> AlertPage:
    """The caller has loaded the alert through access."""
    row = _rows(work, alert.line_id, [alert])[0]
    at = _acknowledged(work, [alert.id])[alert.id]
    cards = {card.id: card for card in cards_of(work, set(at) & set(line_member_ids(work, alert.line_id)))}
    seen = sorted((Acknowledged(card, at[card.id]) for card in cards.values()), key=lambda one: one.at)
    events = select(Event).where(Event.subject == f"alert:{alert.id}").order_by(Event.seq.desc()).limit(HISTORY_MOST)
    return AlertPage(
        row, seen, _stair(work, alert, row), _names(work, [alert.closed_by_id]).get(alert.closed_by_id or "", ""),
        row.may_close and bool(row.missing) and not work.session.get_one(MainLine, alert.line_id).is_over,
        feed_rows(in_words(event) for event in work.session.scalars(events)),
    )  # fmt: skip


def _stair(work: Work, alert: Alert, row: AlertRow) -> list[StairRow]:
    taken = [
        StairRow(
            str(STEPS[Step(one["step"])] if one["step"] else BY_HAND), datetime.fromisoformat(one["at"]), True, one["told"], one["missing"]
        )
        for one in alert.escalations
    ]
    if alert.closed_at is not None or not row.missing:
        return taken
    done = {one["step"] for one in alert.escalations}
    coming = [
        StairRow(str(STEPS[step]), at, False, [], len(row.missing))
        for step, at in stairs_of(work, alert.line_id)[Severity(alert.severity)].times(alert.raised_at)
        if step.value not in done
    ]
    return [*taken, *sorted(coming, key=lambda one: one.at)]
