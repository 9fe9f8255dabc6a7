"""What the pages of a main line read: its head, members, gates; and how an event looks in a feed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select

from main_lines.alerts.standing import CriticalAlert, count_standing, critical_alerts
from main_lines.lines.access import company_today, director_ids, is_director
from main_lines.lines.models import Gate, LineMember, MainLine
from main_lines.lines.rules import days_from
from workspace.events.access import EventRow
from workspace.people.queries import MemberRow, initials, list_members
from workspace.work import Work


def cards_of(work: Work, member_ids: Iterable[str]) -> list[MemberRow]:
    """Their cards, in the order of the directory; who has left the company is left out."""
    return list_members(work, ids=set(member_ids))


@dataclass(frozen=True)
class LineHead:
    """What stands above every page of a line. day: whole days from D-day (-20 = twenty days before). alerts: how many stand.

    critical: the alerts that everybody is to see wherever they are.
    """

    id: str
    name: str
    kind: str
    goal: str
    d_day: date
    day: int
    phase: str
    room: str
    library_id: str | None
    i_direct: bool
    is_over: bool
    directors: list[MemberRow]
    member_count: int
    alerts: int
    critical: list[CriticalAlert]

    @property
    def i_steer(self) -> bool:
        """The reader directs its work now; who directs a line that is over keeps its members and may open it again."""
        return self.i_direct and not self.is_over


def line_head(work: Work, line: MainLine) -> LineHead:
    count = work.session.scalar(select(func.count()).select_from(LineMember).where(LineMember.line_id == line.id)) or 0
    return LineHead(
        id=line.id, name=line.name, kind=line.kind, goal=line.goal, d_day=line.d_day, day=days_from(line.d_day, company_today(work)),
        phase=line.phase, room=line.room, library_id=line.library_id, i_direct=is_director(work, line.id), is_over=line.is_over,
        directors=cards_of(work, director_ids(work, line.id)), member_count=count,
        alerts=count_standing(work, line.id), critical=critical_alerts(work, line.id),
    )  # fmt: skip


@dataclass(frozen=True)
class LineMemberRow:
    card: MemberRow
    role: str
    joined_at: datetime


def members_of(work: Work, line_id: str) -> list[LineMemberRow]:
    """Directors first, then by department."""
    memberships = {row.member_id: row for row in work.session.scalars(select(LineMember).where(LineMember.line_id == line_id))}
    rows = [LineMemberRow(card, memberships[card.id].role, memberships[card.id].joined_at) for card in cards_of(work, memberships)]
    return sorted(rows, key=lambda row: row.role != "director")


def candidates_for(work: Work, line_id: str) -> list[MemberRow]:
    """Who could be added: everybody active who is not in it."""
    inside = set(work.session.scalars(select(LineMember.member_id).where(LineMember.line_id == line_id)))
    return [card for card in list_members(work) if card.id not in inside]


def gates_of(work: Work, line_id: str) -> list[Gate]:
    return list(work.session.scalars(select(Gate).where(Gate.line_id == line_id).order_by(Gate.closed_at)))


@dataclass(frozen=True)
class Face:
    """Who did it, as the feed draws them."""

    id: str
    name: str
    initials: str


@dataclass(frozen=True)
class FeedRow:
    """An event as the feed shows it. face: None for the system, whose icon stands there. url: where it leads, "" nowhere.

    quote: the text of a progress post (main_lines.feed), which stands under the sentence; "" for whatever else happened.
    """

    seq: int
    at: datetime
    kind: str
    actor: str
    words: str
    face: Face | None
    tone: str
    icon: str
    url: str
    quote: str
    facts: dict[str, Any]

    @property
    def first(self) -> int:
        """The earliest event that it tells of."""
        return self.seq


# How an event stands out in a feed: (tone, icon). Any other kind is quiet.
_LOOK = {
    "main_lines.task.blocked": ("blocked", "hand-stop"),
    "main_lines.task.returned": ("late", "arrow-back-up"),
    "main_lines.task.accepted": ("done", "check"),
    "main_lines.task.delivered": ("waiting", "upload"),
    "main_lines.task.released": ("late", "user-circle"),
    "main_lines.alert.raised": ("blocked", "alert-triangle"),
    "main_lines.alert.escalated": ("late", "stairs-up"),
    "main_lines.alert.closed": ("done", "circle-check"),
    "main_lines.alert.cleared": ("done", "circle-check"),
    "main_lines.alert.replaced": ("idle", "bell"),
    "main_lines.phase.closed": ("done", "flag-3"),
    "main_lines.gate.passed": ("done", "flag-3"),
    "main_lines.gate.forced": ("late", "flag-3"),
    "main_lines.task.offered": ("waiting", "arrows-exchange"),
    "main_lines.task.taken": ("done", "arrows-exchange"),
    "main_lines.task.refused": ("late", "arrows-exchange"),
    "main_lines.approval.approved": ("done", "rubber-stamp"),
    "main_lines.approval.rejected": ("blocked", "x"),
    "library.version.committed": ("running", "versions"),
    "main_lines.check.opened": ("running", "checkup-list"),
    "main_lines.check.closed": ("done", "checkup-list"),
    "main_lines.check.reopened": ("running", "checkup-list"),
    "main_lines.sheet.done": ("done", "building-store"),
    "main_lines.number.imported": ("running", "chart-bar"),
    "main_lines.number.received": ("running", "chart-bar"),
    "main_lines.stock.imported": ("running", "archive"),
    "main_lines.stock.received": ("running", "archive"),
}


def feed_rows(events: Iterable[EventRow]) -> list[FeedRow]:
    """Events with their face, look and link."""
    rows = []
    for event in events:
        tone, icon = _LOOK.get(event.kind, ("", "point"))
        face = Face(event.actor_id, event.actor, initials(event.actor)) if event.actor_id else None
        url = _url_of(event)
        rows.append(FeedRow(event.seq, event.at, event.kind, event.actor, event.words, face, tone, icon, url, "", event.facts))
    return rows


def _url_of(event: EventRow) -> str:
    """Where every member of the line may go on from this event; approvals are for those who take part in them."""
    if event.kind.startswith("main_lines.task."):
        return f"/tasks/{event.facts['task_id']}"
    if event.kind.startswith("main_lines.alert."):
        return f"/alerts/{event.facts['alert_id']}" if "alert_id" in event.facts else f"/lines/{event.facts['line_id']}/alerts/rules"
    if event.kind.startswith("main_lines.gate."):
        return f"/lines/{event.facts['line_id']}/gates"
    if event.kind.startswith("main_lines.check."):
        return f"/checks/{event.facts['check_id']}"
    if event.kind.startswith("main_lines.sheet."):
        return f"/sheets/{event.facts['sheet_id']}"
    if event.kind.startswith("main_lines.conclusion."):
        return f"/lines/{event.facts['line_id']}/retrospective#conclusions"
    if event.kind.startswith("main_lines.stock."):
        return f"/lines/{event.facts['line_id']}/stock"
    if event.kind.startswith("main_lines.number."):
        return f"/numbers/{event.facts['metric_id']}" if "metric_id" in event.facts else f"/lines/{event.facts['line_id']}/numbers"
    if event.kind.startswith("library.version."):
        return f"/library/assets/{event.facts['asset_id']}"
    if event.kind.startswith("library.comment."):
        return f"/library/assets/{event.facts['asset_id']}?version={event.facts['version']}#comment-{event.facts['comment_id']}"
    return ""
