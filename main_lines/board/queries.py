"""The battle map as typed rows, and the lines of a member at a glance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from main_lines.alerts.queries import AlertRow, open_alerts
from main_lines.board.rules import GridRow, grid, pressing
from main_lines.feed.queries import line_feed
from main_lines.lines.access import company_today, director_ids, named_signers, visible_lines
from main_lines.lines.models import MainLine
from main_lines.lines.queries import FeedRow, LineHead, cards_of, feed_rows, line_head
from main_lines.lines.rules import HealthSource, ShownHealth, days_from, shown_health, signers_of
from main_lines.numbers.queries import Summary, summary_of
from main_lines.plans.queries import Path, path_of
from main_lines.tasks.glances import Counts, Glance, counts_by_line, counts_of, line_glances
from main_lines.tasks.queries import TaskRow, asking_me, rows_of
from main_lines.tasks.reminding import reminded_lately
from main_lines.tasks.rules import State
from main_lines.work.places import Places, places_of
from sync.library.libraries.access import rooms_of_scope
from workspace.events.access import EventRow, newest_events
from workspace.work import Work

LAST_EVENTS = 20
ASSET_EVENT = "library.version.committed"
ASSETS_LOOKED_THROUGH = 200
ASSETS_SHOWN = 6
PRESSING_SHOWN = 8
MINE_SHOWN = 6
ROWS_SHOWN = 12
"""What a list needs at most: the wall, which shows them by turns."""


@dataclass(frozen=True)
class Board:
    """Everything on the map but what other features embed by URL.

    asking: ids of all orders that wait for the reader's signature or acceptance, oldest first; for_me: those of them that are shown.
    pressing: those that are shown of ``pressing_count``. reminded: of these, when somebody was last reminded. signers: department of
    those that wait for a signature -> names of who is asked for it: in their hands it is, not in its owner's.
    health_reason: the director's own words when they count, else empty: the page says what the facts are.
    """

    head: LineHead
    health: ShownHealth
    health_reason: str
    counts: Counts
    grid: Sequence[GridRow[Glance]]
    pressing: Sequence[TaskRow]
    pressing_count: int
    reminded: Mapping[str, datetime]
    signers: Mapping[str, Sequence[str]]
    asking: Mapping[str, State]
    for_me: Sequence[TaskRow]
    alerts: Sequence[AlertRow]
    places: Places
    assets: Sequence[FeedRow]
    events: Sequence[FeedRow]
    plan: Path
    numbers: Summary

    @property
    def rest_to_sign(self) -> bool:
        """Whether one of those that the map has no room for waits for a signature."""
        return State.WAITING in list(self.asking.values())[MINE_SHOWN:]


def board_of(work: Work, line: MainLine, *, most: int | None = ROWS_SHOWN) -> Board:
    """most: how many orders a list names, None for all. The caller has loaded the line through access."""
    orders = line_glances(work, line)
    counts, urgent, asking = counts_of(orders), pressing(orders), asking_me(work, line.id)
    health = shown_health(line.health, line.health_at, blocked=counts.blocked, late=counts.late, now=work.now)
    named, mine = [order.id for order in urgent[:most]], list(asking)[:most]
    rows = {row.id: row for row in rows_of(work, line, {*named, *mine})}
    return Board(
        head=line_head(work, line), health=health, health_reason=line.health_reason if health.source is HealthSource.STATED else "",
        counts=counts, grid=grid(orders), pressing=[rows[id] for id in named], pressing_count=len(urgent),
        reminded=reminded_lately(work, named[:PRESSING_SHOWN]), signers=_signers(work, line, [rows[id] for id in named]),
        asking=asking, for_me=[rows[id] for id in mine],
        alerts=open_alerts(work, line.id), places=places_of(work, line, tasks=orders), assets=_assets_of_last_day(work, line),
        events=line_feed(work, line, limit=LAST_EVENTS).rows, plan=path_of(work, line, orders), numbers=summary_of(work, line),
    )  # fmt: skip


def _signers(work: Work, line: MainLine, rows: Sequence[TaskRow]) -> dict[str, list[str]]:
    """As ``tasks.access.asked_to_sign`` says of each order, asked once for all."""
    departments = {row.department_id for row in rows if row.state is State.WAITING}
    if not departments:
        return {}
    named = {} if line.frozen_at else named_signers(work, line.id)
    directors = director_ids(work, line.id)
    asked = {department: signers_of(named, department) or directors for department in departments}
    names = {card.id: card.name for card in cards_of(work, {id for ids in asked.values() for id in ids})}
    return {department: [names[id] for id in ids if id in names] for department, ids in asked.items()}


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
