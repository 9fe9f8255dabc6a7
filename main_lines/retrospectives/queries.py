"""What the page of a retrospective reads: one query over the events of the line, folded by the rules, and names for the ids in it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from main_lines.alerts.models import AlertEvent
from main_lines.approvals.models import ApprovalEvent
from main_lines.lines.access import company_today, is_director
from main_lines.lines.models import MainLine
from main_lines.lines.queries import gates_of
from main_lines.numbers.queries import MetricRow, metric_rows
from main_lines.plans.past import plan_at
from main_lines.plans.queries import OPENED, BaselineRow, baselines_of
from main_lines.plans.replay import REPLAYED
from main_lines.playbooks.access import Book, get_book
from main_lines.playbooks.queries import line_as_playbook, list_books, origin_of
from main_lines.playbooks.rules import Content
from main_lines.playbooks.taking import Choice, key_of
from main_lines.retrospectives.learning import Lesson, learnt, lessons_of, matched
from main_lines.retrospectives.models import Conclusion
from main_lines.retrospectives.rules import OVER_DAYS, ConclusionKind, Happened, OrderStory, Retrospective, Suggestion, suggestions
from main_lines.retrospectives.walk import look_back
from main_lines.tasks.models import TaskEvent
from workspace.events.kinds import all_kinds
from workspace.events.models import Event, EventRoom
from workspace.people.models import Member
from workspace.people.queries import list_departments
from workspace.settings import Settings
from workspace.work import Work

APPROVAL_KINDS = tuple(
    str(kind)
    for kind in (
        ApprovalEvent.SUBMITTED, ApprovalEvent.APPROVED, ApprovalEvent.REJECTED, ApprovalEvent.RETURNED, ApprovalEvent.RECALLED,
    )
)  # fmt: skip
TASK_KINDS = "main_lines.task."
LEFT_OUT = {str(TaskEvent.CHECKED), str(TaskEvent.REMINDED)}
EVENTS_MOST = 50_000
FRESH = timedelta(minutes=10)
KEPT_MOST = 16
_kept: dict[tuple[str, str, datetime, date], tuple[int, datetime, bool, Retrospective]] = {}


@dataclass(frozen=True)
class ConclusionRow:
    id: str
    text: str
    revision: int
    by: str
    by_id: str
    at: datetime
    edited: bool
    may_change: bool


@dataclass(frozen=True)
class RetrospectivePage:
    """found: the figures. over_days: of the suggestions. whole: False when the line has more events than are looked at.

    departments, members: names by id, also of those who left. by_id: the orders.
    """

    found: Retrospective
    suggestions: Sequence[Suggestion]
    over_days: int
    baseline: BaselineRow
    baselines: Sequence[BaselineRow]
    conclusions: Mapping[ConclusionKind, Sequence[ConclusionRow]]
    departments: Mapping[str, str]
    members: Mapping[str, str]
    by_id: Mapping[str, OrderStory]
    metrics: Sequence[MetricRow]
    whole: bool
    at: datetime


def retrospective_of(work: Work, line: MainLine, *, baseline: str = "", over_days: int = OVER_DAYS) -> RetrospectivePage:
    """baseline: key of the plan that counts as promised, else the first one: that of the opening, or where the line was opened empty
    the first that was kept. The caller has loaded the line."""
    baselines = baselines_of(work, line)
    first = next(row for row in baselines if row.key == OPENED)
    if not plan_at(work, line, first.at).orders:
        first = next((row for row in baselines if row.kept), first)
    promised = next((row for row in baselines if row.key == baseline), first)
    found, whole, at = _look_back(work, line, promised)
    return RetrospectivePage(
        found=found, suggestions=suggestions(found, over_days=over_days), over_days=over_days, baseline=promised, baselines=baselines,
        conclusions=conclusions_of(work, line), departments=dict(list_departments(work)), members=_names(work, found),
        by_id={order.id: order for order in found.orders}, metrics=metric_rows(work, line), whole=whole, at=at,
    )  # fmt: skip


def _look_back(work: Work, line: MainLine, promised: BaselineRow) -> tuple[Retrospective, bool, datetime]:
    """Folded once for all readers until the next event, or until what still waits has waited for ten minutes more.

    In a line that is over nothing waits any longer, and nothing gets later.
    """
    zone = ZoneInfo(work.parts.get(Settings).time_zone)
    over_at = max((gate.closed_at for gate in gates_of(work, line.id)), default=None) if line.is_over else None
    today = over_at.astimezone(zone).date() if over_at else company_today(work)
    newest = work.session.scalar(select(func.max(EventRoom.seq)).where(EventRoom.room == line.room)) or 0
    key = (line.id, promised.key, promised.at, today)
    known = _kept.get(key)
    if known is not None and known[0] == newest and timedelta(0) <= work.now - known[1] < FRESH:
        return known[3], known[2], known[1]
    events = _events(work, line)
    found = look_back(
        events[:EVENTS_MOST], baseline_at=promised.at, now=over_at or work.now, today=today, day_of=lambda at: at.astimezone(zone).date()
    )
    whole = len(events) <= EVENTS_MOST
    if len(_kept) >= KEPT_MOST:
        _kept.clear()
    _kept[key] = (newest, work.now, whole, found)
    return found, whole, work.now


@cache
def _kinds() -> tuple[str, ...]:
    """What moves an order, whichever feature records it; what moves the plan; alerts; approvals, because one may be about an order."""
    orders = {str(kind) for kind in all_kinds() if str(kind).startswith(TASK_KINDS)} - LEFT_OUT
    return tuple(sorted({*REPLAYED, *orders, *APPROVAL_KINDS, *map(str, AlertEvent)}))


def _events(work: Work, line: MainLine) -> list[Happened]:
    query = (
        select(Event.kind, Event.at, Event.facts, Event.actor_name)
        .join(EventRoom, EventRoom.seq == Event.seq)
        .where(EventRoom.room == line.room, Event.kind.in_(_kinds()))
        .order_by(Event.seq)
        .limit(EVENTS_MOST + 1)
    )
    return [Happened(kind, at, facts, actor) for kind, at, facts, actor in work.session.execute(query)]


@dataclass(frozen=True)
class Learning:
    """What a playbook could learn from the line. book: in its newest version; a shipped one is copied, None where none is chosen.

    books: those that could be chosen, id and name. numbers: as orders are called where the line is taken -> in the playbook.
    """

    book: Book | None
    books: Sequence[tuple[str, str]]
    lessons: Sequence[Lesson]
    numbers: Mapping[str, str]

    def content(self, chosen: Collection[str]) -> Content:
        return learnt(self.book.content, self.lessons, chosen, self.numbers) if self.book else Content()


def learning_of(work: Work, line: MainLine, page: RetrospectivePage, *, playbook: str) -> Learning:
    """playbook: an id, else the one that the line was opened from, else the only one. The caller has checked that the actor edits
    playbooks."""
    origin, rows = origin_of(work, line.id), list_books(work)
    books = [(row.id, row.name) for row in rows if not row.shipped or (origin and row.id == origin.playbook)]
    wanted = [playbook, origin.playbook if origin else "", books[0][0] if len(books) == 1 else ""]
    chosen = next((id for id in wanted if id in dict(books)), "")
    if not chosen:
        return Learning(None, books, [], {})
    book, used = get_book(work, chosen), None
    if origin and origin.playbook == chosen:
        used = get_book(work, chosen, number=origin.version)
    orders = page.found.orders
    keys = matched(orders, (used or book).content.entries, page.departments)
    by_number = {entry.key: entry for entry in line_as_playbook(work, line, Choice()).content.entries}
    taken = {order.id: by_number[key] for order in orders if (key := key_of(order.number)) in by_number}
    numbers = {key_of(order.number): keys[order.id] for order in orders if order.id in keys}
    return Learning(book, books, lessons_of(orders, page.suggestions, book.content, keys, taken), numbers)


def conclusions_of(work: Work, line: MainLine) -> dict[ConclusionKind, list[ConclusionRow]]:
    """Every kind, in the order in which they were written."""
    rows: dict[ConclusionKind, list[ConclusionRow]] = {kind: [] for kind in ConclusionKind}
    directs = is_director(work, line.id)
    query = select(Conclusion, Member.name).join(Member, Member.id == Conclusion.written_by_id).where(Conclusion.line_id == line.id)
    for found, name in work.session.execute(query.order_by(Conclusion.written_at, Conclusion.id)):
        mine = directs or found.written_by_id == work.actor.member_id
        row = ConclusionRow(
            found.id, found.text, found.revision, name, found.written_by_id, found.written_at, found.edited_at is not None, mine
        )
        rows[ConclusionKind(found.kind)].append(row)
    return rows


def _names(work: Work, found: Retrospective) -> dict[str, str]:
    ids = {order.owner_id for order in found.orders if order.owner_id}
    return {row.id: row.name for row in work.session.execute(select(Member.id, Member.name).where(Member.id.in_(ids)))}
