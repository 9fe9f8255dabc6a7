"""What pages read about task orders: rows of a line, my work, one order with its verbs and history."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, and_, bindparam, cast, func, not_, or_, select
from sqlalchemy.orm import aliased

from main_lines.lines.access import Whose, company_today, director_ids, in_my_open_lines, in_open_lines_of
from main_lines.lines.models import LineMember, LineSigner, MainLine
from main_lines.lines.queries import FeedRow, cards_of, feed_rows
from main_lines.lines.rules import days_from
from main_lines.seen import mark_of
from main_lines.tasks.access import asked_to_sign, is_frozen, pieces_of, standing_of
from main_lines.tasks.glances import Shown
from main_lines.tasks.models import WRITTEN, TaskDeliverable, TaskOrder, seen_of
from main_lines.tasks.rules import (
    OPEN,
    UNSIGNED,
    Bucket,
    State,
    Tone,
    Verb,
    allowed_verbs,
    bucket,
    days_late,
    decide_filing,
    due_day,
    still_missing,
    tone_of,
)
from workspace.events.access import in_words
from workspace.events.models import Event
from workspace.people.models import Department, Member, Site
from workspace.people.queries import MemberRow, initials, list_departments
from workspace.work import Work

HISTORY_MOST = 100
WORKABLE = (State.READY, State.IN_PROGRESS, State.RETURNED)


@dataclass(frozen=True)
class TaskRow(Shown):
    """An order as lists show it. due_from_d: whole days from D-day. late_days: 0 when in time or handed in. days: that it takes.

    age_days: whole days in its present state. city_name: the order's, else its owner's; a store counts to its city.
    mark: of what is shown, brought back by who signs or accepts it.
    """

    id: str
    number: int
    title: str
    line_id: str
    line_name: str
    phase: str
    state: State
    tone: Tone
    blocked_reason: str
    returned_reason: str
    due: date | None
    due_from_d: int | None
    late_days: int
    days: int
    age_days: int
    state_at: datetime
    department_id: str
    department_name: str
    owner_id: str | None
    owner_name: str
    city_name: str
    _order: Row[Any] = field(repr=False, compare=False)

    @property
    def mark(self) -> str:
        """Made when asked for: a map of a thousand orders shows few of them."""
        return mark_of(seen_of(self._order))

    @property
    def checklist(self) -> Sequence[dict[str, Any]]:
        return self._order.checklist

    @property
    def approval_id(self) -> str | None:
        """The approval that carries what was handed in."""
        return self._order.approval_id

    @property
    def owner_initials(self) -> str:
        return initials(self.owner_name)

    @property
    def pinned(self) -> bool:
        """Its due day is a date of its own and stays where it is when D-day moves."""
        return self._order.due_on is not None

    @property
    def cancelled(self) -> bool:
        return self.state is State.CANCELLED

    @property
    def involved(self) -> Sequence[str]:
        """Ids of the departments that take part."""
        return self._order.involved

    @property
    def expected(self) -> Sequence[str]:
        return self._order.expected


def line_tasks(work: Work, line: MainLine) -> list[TaskRow]:
    """The orders of a line by department, then by due day. The caller has loaded the line through access."""
    return sorted(_rows(work, TaskOrder.line_id == line.id), key=lambda row: (row.department_id, row.due or date.max, row.number))


def rows_of(work: Work, line: MainLine, ids: Collection[str]) -> list[TaskRow]:
    """These orders of a line, in this order. The caller has loaded the line through access."""
    rows = {row.id: row for row in (_rows(work, TaskOrder.line_id == line.id, TaskOrder.id.in_(ids)) if ids else ())}
    return [rows[id] for id in ids if id in rows]


@dataclass(frozen=True)
class MyWork:
    """What wants something of the actor. to_sign is by age, oldest first; the rest by due day.

    waiting_others: unsigned or handed in; among them the drafts, which in truth wait for their owner.
    """

    to_sign: list[TaskRow] = field(default_factory=list)
    to_accept: list[TaskRow] = field(default_factory=list)
    today: list[TaskRow] = field(default_factory=list)
    week: list[TaskRow] = field(default_factory=list)
    later: list[TaskRow] = field(default_factory=list)
    waiting_others: list[TaskRow] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many want the actor to act now."""
        return len(self.to_sign) + len(self.to_accept) + len(self.today) + len(self.week) + len(self.later)

    @property
    def drafts(self) -> list[TaskRow]:
        """Own orders that were not sent for signature yet."""
        return [row for row in self.waiting_others if row.state is State.DRAFT]

    @property
    def with_others(self) -> list[TaskRow]:
        """Own orders that somebody else has to sign or accept."""
        return [row for row in self.waiting_others if row.state is not State.DRAFT]


def my_work(work: Work) -> MyWork:
    """Orders that the actor owns (or could take on for their department), and those that wait for their signature or acceptance."""
    me, today = work.actor.member_id, company_today(work)
    my_department = select(Member.department_id).where(Member.id == me).scalar_subquery()
    mine = or_(
        TaskOrder.owner_id == me,
        and_(TaskOrder.owner_id.is_(None), TaskOrder.department_id == my_department, TaskOrder.state == State.READY.value),
    )
    states = [state.value for state in OPEN]
    rows = _rows(work, in_my_open_lines(work, TaskOrder.line_id), TaskOrder.state.in_(states), mine)
    buckets: dict[Bucket, list[TaskRow]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.due or date.max, row.number)):
        found = bucket(row.state, row.due, today)
        if found is not None:
            buckets[found].append(row)
    directed = for_director(work)
    return MyWork(
        [row for row in directed if row.state is State.WAITING], [row for row in directed if row.state is State.DELIVERED],
        buckets[Bucket.TODAY], buckets[Bucket.WEEK], buckets[Bucket.LATER], buckets[Bucket.WAITING_OTHERS],
    )  # fmt: skip


def for_director(work: Work) -> list[TaskRow]:
    """Orders that wait for the actor's signature, or as the director's for acceptance, oldest first."""
    return sorted(_rows(work, in_my_open_lines(work, TaskOrder.line_id), _asks_me(work.actor.member_id)), key=lambda row: row.state_at)


def asking_me(work: Work, line_id: str) -> dict[str, State]:
    """Orders of a line that wait for the actor's signature, or as the director's for acceptance, oldest first, each with its state.

    The caller has checked the line.
    """
    rows = work.read(_ASKING, {"me": work.actor.member_id, "line_id": line_id})
    return {id: _STATES[state] for id, state in rows.all()}


def to_sign(work: Work) -> list[TaskRow]:
    """Orders that wait for the actor's signature, oldest first."""
    return sorted(_rows(work, in_my_open_lines(work, TaskOrder.line_id), asks_my_signature(work)), key=lambda row: row.state_at)


def asks_my_signature(work: Work) -> ColumnElement[bool]:
    """``asked_to_sign`` as a condition on orders: whoever the line names is asked, else, and in a frozen line, its director."""
    return _asks_signature_of(work.actor.member_id)


def _asks_signature_of(me: Whose) -> ColumnElement[bool]:
    frozen = aliased(MainLine)
    frozen_lines = select(frozen.id).where(frozen.frozen_at.is_not(None))
    of_line = select(LineSigner.line_id).where(LineSigner.line_id == TaskOrder.line_id)
    for_department = of_line.where(LineSigner.department_id == TaskOrder.department_id)
    for_all = of_line.where(LineSigner.department_id == "")
    i_am_named = or_(
        for_department.where(LineSigner.member_id == me).exists(),
        and_(for_all.where(LineSigner.member_id == me).exists(), not_(for_department.exists())),
    )
    nobody_named = not_(or_(for_department.exists(), for_all.exists()))
    return and_(
        TaskOrder.state == State.WAITING.value,
        or_(
            and_(TaskOrder.line_id.in_(_directed(me)), or_(nobody_named, TaskOrder.line_id.in_(frozen_lines))),
            and_(i_am_named, TaskOrder.line_id.not_in(frozen_lines)),
        ),
    )


def _asks_me(me: Whose) -> ColumnElement[bool]:
    handed_in = and_(TaskOrder.state == State.DELIVERED.value, TaskOrder.line_id.in_(_directed(me)))
    return or_(_asks_signature_of(me), handed_in)


def _directed(me: Whose) -> Select[str]:
    return select(LineMember.line_id).where(LineMember.member_id == me, LineMember.role == "director")


# Made once: each page asks for the count, and putting the condition together cost more than the answer.
_ME = bindparam("me", type_=LineMember.member_id.type)
_ASKED = and_(in_open_lines_of(_ME, TaskOrder.line_id), _asks_me(_ME))
_ASKED_COUNT = select(func.count()).select_from(TaskOrder).where(_ASKED)
_ASKING = (
    select(TaskOrder.id, TaskOrder.state)
    .where(TaskOrder.line_id == bindparam("line_id"), _ASKED)
    .order_by(TaskOrder.state_at, TaskOrder.id)
)
_STATES = {state.value: state for state in State}


def asks_me_count(work: Work) -> int:
    """How many ``for_director`` gives, without reading them."""
    return int(work.read(_ASKED_COUNT, {"me": work.actor.member_id}).scalar() or 0)


def involved_tasks(work: Work) -> list[TaskRow]:
    """Signed orders, still open, in which the actor's department takes part beside the one that carries them out; by due day."""
    department_id = work.session.scalar(select(Member.department_id).where(Member.id == work.actor.member_id))
    if department_id is None:
        return []
    states = [state.value for state in OPEN - UNSIGNED]
    takes_part = cast(TaskOrder.involved, Text).contains(f'"{department_id}"')
    rows = _rows(work, in_my_open_lines(work, TaskOrder.line_id), TaskOrder.state.in_(states), takes_part)
    others = [row for row in rows if row.owner_id != work.actor.member_id and row.department_id != department_id]
    return sorted(others, key=lambda row: (row.due or date.max, row.number))


@dataclass(frozen=True)
class TaskPage:
    """One order in full. verbs: what the actor may do now. signers: who is asked for the signature. missing: names of the expected
    deliverables that nothing lies under. may_file: whether the actor may lay something there now."""

    row: TaskRow
    requirements: str
    checklist: list[dict[str, Any]]
    owner: MemberRow | None
    writer: MemberRow | None
    signer: MemberRow | None
    signed_at: datetime | None
    signed: bool
    deliverable: dict[str, Any]
    delivered_at: datetime | None
    approval_id: str | None
    directors: list[MemberRow]
    signers: list[MemberRow]
    involved: list[str]
    expected: list[str]
    pieces: list[TaskDeliverable]
    missing: list[str]
    may_file: bool
    may_order: bool
    frozen: bool
    verbs: list[Verb]
    may_assign: bool
    may_check: bool
    history: Sequence[FeedRow]


def task_row(work: Work, order: TaskOrder) -> TaskRow:
    return _rows(work, TaskOrder.id == order.id)[0]


def task_page(work: Work, order: TaskOrder) -> TaskPage:
    """The caller has loaded the order through access."""
    who = standing_of(work, order)
    directors, signers, pieces = director_ids(work, order.line_id), asked_to_sign(work, order), pieces_of(work, order.id)
    by = [piece.by_id for piece in pieces]
    people = {order.owner_id, order.written_by_id, order.signed_by_id, *directors, *signers, *by} - {None}
    cards = {card.id: card for card in cards_of(work, [member_id for member_id in people if member_id])}
    open_now, frozen = State(order.state) in OPEN, is_frozen(work, order)
    departments = dict(list_departments(work)) if order.involved else {}
    return TaskPage(
        row=task_row(work, order), requirements=order.requirements, checklist=order.checklist, owner=cards.get(order.owner_id or ""),
        writer=cards.get(order.written_by_id), signer=cards.get(order.signed_by_id or ""), signed_at=order.signed_at,
        signed=order.signed_revision == order.revision, deliverable=order.deliverable, delivered_at=order.delivered_at,
        approval_id=order.approval_id, directors=[cards[found] for found in directors if found in cards],
        signers=[cards[found] for found in signers if found in cards],
        involved=[name for id, name in departments.items() if id in order.involved], expected=order.expected, pieces=pieces,
        missing=still_missing(order.expected, [piece.name for piece in pieces]),
        may_file=decide_filing(State(order.state), who) is None, may_order=open_now and (who.directs or who.works or who.wrote),
        frozen=frozen, verbs=allowed_verbs(State(order.state), who, blocked=order.blocked_at is not None, frozen=frozen),
        may_assign=open_now and who.directs, may_check=open_now and (who.directs or who.works),
        history=_history(work, order),
    )  # fmt: skip


def _history(work: Work, order: TaskOrder) -> list[FeedRow]:
    query = select(Event).where(Event.subject == f"task:{order.id}").order_by(Event.seq.desc()).limit(HISTORY_MOST)
    return feed_rows(in_words(event) for event in work.session.scalars(query))


_SITES = select(Site.id, Site.name, Site.parent_id)
# Of an order, what lists show, and what its mark is made of. Not the order itself: an entity costs more than all else of a row.
_COLUMNS = (
    *(getattr(TaskOrder, name) for name in WRITTEN), TaskOrder.id, TaskOrder.line_id, TaskOrder.number, TaskOrder.state, TaskOrder.state_at,
    TaskOrder.blocked_at.is_not(None).label("blocked"), TaskOrder.blocked_reason, TaskOrder.returned_reason, TaskOrder.checklist,
    TaskOrder.deliverable, TaskOrder.delivered_at, TaskOrder.approval_id, MainLine.name.label("line_name"), MainLine.d_day,
    Department.name.label("department_name"), Member.name.label("owner_name"),
    func.coalesce(TaskOrder.site_id, Member.site_id).label("place"),
)  # fmt: skip
_ROWS = (
    select(*_COLUMNS)
    .join(MainLine, MainLine.id == TaskOrder.line_id)
    .join(Department, Department.id == TaskOrder.department_id)
    .outerjoin(Member, Member.id == TaskOrder.owner_id)
)


def _rows(work: Work, *where: ColumnElement[bool]) -> list[TaskRow]:
    today, city_names = company_today(work), _city_names(work)
    return [_row(order, work.now, today, city_names) for order in work.read(_ROWS.where(*where))]


def _row(order: Row[Any], now: datetime, today: date, city_names: dict[str, str]) -> TaskRow:
    state = State(order.state)
    due = due_day(order.d_day, offset=order.due_offset, on=order.due_on)
    late = days_late(due, state, today)
    return TaskRow(
        id=order.id, number=order.number, title=order.title, line_id=order.line_id, line_name=order.line_name, phase=order.phase,
        state=state, tone=tone_of(state, blocked=order.blocked, late=late > 0), blocked_reason=order.blocked_reason,
        returned_reason=order.returned_reason, due=due, due_from_d=days_from(order.d_day, due) if due else None, late_days=late,
        days=order.days, age_days=(now - order.state_at).days, state_at=order.state_at, department_id=order.department_id,
        department_name=order.department_name, owner_id=order.owner_id, owner_name=order.owner_name or "",
        city_name=city_names.get(order.place or "", ""), _order=order,
    )  # fmt: skip


def _city_names(work: Work) -> dict[str, str]:
    """Site id -> name of its city."""
    sites = {id: (name, parent_id) for id, name, parent_id in work.read(_SITES)}
    return {id: sites[parent_id][0] if parent_id else name for id, (name, parent_id) in sites.items()}
