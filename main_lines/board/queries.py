"""The battle map as typed rows, and the lines of a member at a glance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from main_lines.alerts.queries import AlertRow, open_alerts
from main_lines.board.rules import GridRow, grid, pressing
from main_lines.feed.queries import line_feed
from main_lines.lines.access import company_today, visible_lines
from main_lines.lines.models import MainLine
from main_lines.lines.queries import FeedRow, LineHead, feed_rows, line_head
from main_lines.lines.rules import HealthSource, ShownHealth, days_from, shown_health
from main_lines.numbers.queries import Summary, summary_of
from main_lines.plans.queries import Plan, plan_of
from main_lines.tasks.queries import Counts, TaskRow, asking_me, counts_by_line, counts_of, line_tasks
from main_lines.tasks.reminding import reminded_lately
from main_lines.work.places import Places, places_of
from sync.library.libraries.access import rooms_of_scope
from workspace.events.access import EventRow, newest_events
from workspace.work import Work

LAST_EVENTS = 20
ASSET_EVENT = "library.version.committed"
ASSETS_LOOKED_THROUGH = 200
ASSETS_SHOWN = 6
PRESSING_SHOWN = 8


@dataclass(frozen=True)
class Board:
    """Everything on the map but what other features embed by URL.

    for_me: what waits for the reader's signature or acceptance. reminded: of the pressing orders, when somebody was last reminded.
    health_reason: the director's own words when they count, else empty: the page says what the facts are.
    """

    head: LineHead
    health: ShownHealth
    health_reason: str
    counts: Counts
    grid: Sequence[GridRow[TaskRow]]
    pressing: Sequence[TaskRow]
    reminded: Mapping[str, datetime]
    for_me: Sequence[TaskRow]
    alerts: Sequence[AlertRow]
    places: Places
    assets: Sequence[FeedRow]
    events: Sequence[FeedRow]
    plan: Plan
    numbers: Summary


def board_of(work: Work, line: MainLine) -> Board:
    """The caller has loaded the line through access."""
    rows = [row for row in line_tasks(work, line) if not row.cancelled]
    counts = counts_of(rows)
    health = shown_health(line.health, line.health_at, blocked=counts.blocked, late=counts.late, now=work.now)
    head, urgent, asking = line_head(work, line), pressing(rows), asking_me(work, line.id)
    return Board(
        head=head, health=health, health_reason=line.health_reason if health.source is HealthSource.STATED else "",
        counts=counts, grid=grid(rows), pressing=urgent, reminded=reminded_lately(work, [row.id for row in urgent[:PRESSING_SHOWN]]),
        for_me=sorted((row for row in rows if row.id in asking), key=lambda row: row.state_at), alerts=open_alerts(work, line.id),
        places=places_of(work, line, tasks=rows), assets=_assets_of_last_day(work, line),
        events=line_feed(work, line, limit=LAST_EVENTS).rows,
        plan=plan_of(work, line, tasks=rows), numbers=summary_of(work, line),
    )  # fmt: skip


def _assets_of_last_day(work: Work, line: MainLine) -> list[FeedRow]:
    """The newest saved version of each asset in the last 24 hours, as the feed told it."""
    since = work.now - timedelta(hours=24)
    newest: dict[str, EventRow] = {}
    for event in newest_events(work, rooms=rooms_of_scope(work, line.room), limit=ASSETS_LOOKED_THROUGH, only=ASSET_EVENT):
        if event.at >= since:
            newest.setdefault(event.subject, event)
    return feed_rows(list(newest.values())[:ASSETS_SHOWN])


@dataclass(frozen=True)
class LineCard:
    """A main line in a list. day: whole days from D-day."""

    id: str
    name: str
    kind: str
    d_day: date
    day: int
    phase: str
    health: ShownHealth
    health_reason: str
    counts: Counts


def my_line_cards(work: Work) -> list[LineCard]:
    """The actor's main lines, open ones first, by D-day."""
    counts, today = counts_by_line(work), company_today(work)
    return [_card(work, line, counts.get(line.id, Counts()), today) for line in visible_lines(work)]


def _card(work: Work, line: MainLine, counts: Counts, today: date) -> LineCard:
    health = shown_health(line.health, line.health_at, blocked=counts.blocked, late=counts.late, now=work.now)
    reason = line.health_reason if health.source is HealthSource.STATED else ""
    return LineCard(line.id, line.name, line.kind, line.d_day, days_from(line.d_day, today), line.phase, health, reason, counts)
