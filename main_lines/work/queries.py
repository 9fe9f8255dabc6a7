"""The views over all work of the actor: what wants me now, what I wait for, how loaded departments are. Places: see places.py."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select

from main_lines.approvals.queries import Card, list_cards
from main_lines.checks.queries import MySheet, my_sheets
from main_lines.handovers.access import offered_to_me
from main_lines.handovers.models import Handover
from main_lines.handovers.rules import State as HandoverState
from main_lines.lines.access import company_today, in_my_open_lines, visible_lines
from main_lines.lines.models import LineMember, MainLine
from main_lines.lines.queries import cards_of
from main_lines.plans.models import TaskNeed
from main_lines.tasks.access import asked_to_sign, get_task
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.queries import WORKABLE, TaskRow, asks_me_count, my_work
from main_lines.tasks.rules import HANDED_IN, OPEN, UNSIGNED, Standing, State, Tone, Verb, allowed_verbs, days_late, due_day, tone_of
from main_lines.work.rules import Carried, DepartmentLoad, days_in, department_loads, monday_of, span_of, weeks_from
from workspace.people.models import Department, Member
from workspace.people.queries import MemberRow, list_members
from workspace.work import Work

WEEKS_SHOWN = 6
THUMB = (Verb.START, Verb.DELIVER, Verb.UNBLOCK, Verb.BLOCK, Verb.SUBMIT)
"""What the owner of an order does to it from a list, most likely first."""


@dataclass(frozen=True)
class Waiting:
    """Something of the actor's that lies with others. kind: signature, acceptance, need, approval or handover. on: their names.

    what: of a need, the order that is waited for; else empty. since: when it came to them.
    """

    kind: str
    title: str
    url: str
    on: Sequence[str]
    since: datetime
    line_name: str = ""
    what: str = ""
    what_url: str = ""


@dataclass(frozen=True)
class Mine:
    """What wants something of the actor, and what of theirs lies with others, the longest wait first."""

    to_sign: Sequence[TaskRow]
    to_accept: Sequence[TaskRow]
    overdue: Sequence[TaskRow]
    today: Sequence[TaskRow]
    week: Sequence[TaskRow]
    later: Sequence[TaskRow]
    drafts: Sequence[TaskRow]
    sheets: Sequence[MySheet]
    waiting: Sequence[Waiting]

    @property
    def pressing(self) -> list[TaskRow]:
        return [*self.to_sign, *self.to_accept, *self.overdue, *self.today]

    @property
    def count(self) -> int:
        """How many want the actor to act, some day."""
        return len(self.pressing) + len(self.week) + len(self.later) + len(self.sheets)

    @property
    def nothing(self) -> bool:
        return not (self.count or self.drafts or self.waiting)


def mine_of(work: Work) -> Mine:
    """The actor's own view over every main line that they are in."""
    mine = my_work(work)
    workable = [*mine.today, *mine.week, *mine.later]
    overdue = sorted((row for row in workable if row.late_days), key=lambda row: -row.late_days)
    return Mine(
        to_sign=mine.to_sign, to_accept=mine.to_accept, overdue=overdue, today=[row for row in mine.today if not row.late_days],
        week=mine.week, later=mine.later, drafts=mine.drafts, sheets=my_sheets(work), waiting=_waiting(work, workable, mine.with_others),
    )  # fmt: skip


def thumb_verbs(row: TaskRow) -> list[Verb]:
    """What its owner may do to an order without opening it. Nothing blocks one that nobody may begin yet."""
    may = allowed_verbs(row.state, Standing(works=True), blocked=row.tone is Tone.BLOCKED)
    return [verb for verb in THUMB if verb in may and not (verb is Verb.BLOCK and row.state in UNSIGNED)]


def _waiting(work: Work, workable: Sequence[TaskRow], with_others: Sequence[TaskRow]) -> list[Waiting]:
    cards = {card.id: card for card in list_cards(work, "mine") if card.state == "running"}
    carried = {row.approval_id for row in with_others if row.approval_id}
    directors = _director_names(work, {row.line_id for row in with_others})
    signers = _signers(work, [row for row in with_others if row.state is State.WAITING])
    rows = [_with_others(row, cards.get(row.approval_id or ""), directors, signers) for row in with_others]
    rows += _needs(work, workable)
    rows += _offered(work)
    rows += [_approval(card) for card in cards.values() if card.id not in carried]
    return sorted(rows, key=lambda row: row.since)


def _signers(work: Work, waiting: Sequence[TaskRow]) -> dict[tuple[str, str], list[str]]:
    """Line and department -> names of those who are asked for its signatures: the same for all its orders."""
    first = {(row.line_id, row.department_id): row.id for row in waiting}
    return {key: [card.name for card in cards_of(work, asked_to_sign(work, get_task(work, id)))] for key, id in first.items()}


def _with_others(
    row: TaskRow, card: Card | None, directors: dict[str, list[str]], signers: dict[tuple[str, str], list[str]]
) -> Waiting:  # fmt: skip
    if row.state is State.WAITING:
        on = signers[row.line_id, row.department_id]
    else:
        on = card.holders if card else directors.get(row.line_id, [])
    kind = "signature" if row.state is State.WAITING else "approval" if card else "acceptance"
    return Waiting(kind, row.title, f"/tasks/{row.id}", on, row.state_at, row.line_name)


def _offered(work: Work) -> list[Waiting]:
    """Orders that the actor has offered to somebody who has not answered yet."""
    query = (
        select(Handover, TaskOrder.title, MainLine.name.label("line"), Department.name.label("department"), Member.name.label("member"))
        .join(TaskOrder, TaskOrder.id == Handover.task_id)
        .join(MainLine, MainLine.id == Handover.line_id)
        .join(Department, Department.id == Handover.to_department_id)
        .outerjoin(Member, Member.id == Handover.to_id)
        .where(
            Handover.state == HandoverState.OFFERED.value, Handover.offered_by_id == work.actor.member_id,
            in_my_open_lines(work, Handover.line_id),
        )
    )  # fmt: skip
    return [
        Waiting("handover", row.title, f"/tasks/{row.Handover.task_id}", [row.member or row.department], row.Handover.offered_at, row.line)
        for row in work.session.execute(query)
    ]


def _approval(card: Card) -> Waiting:
    return Waiting("approval", card.title, f"/approvals/{card.id}", card.holders, card.since)


def _needs(work: Work, workable: Sequence[TaskRow]) -> list[Waiting]:
    """Own orders that wait for what somebody else has not handed in."""
    own = {row.id: row for row in workable}
    query = (
        select(
            TaskNeed.task_id,
            TaskOrder.id,
            TaskOrder.title,
            TaskOrder.state_at,
            Member.name.label("owner"),
            Department.name.label("department"),
        )
        .join(TaskOrder, TaskOrder.id == TaskNeed.needs_id)
        .join(Department, Department.id == TaskOrder.department_id)
        .outerjoin(Member, Member.id == TaskOrder.owner_id)
        .where(
            TaskNeed.task_id.in_(list(own)), TaskOrder.state.not_in([state.value for state in HANDED_IN]),
            TaskOrder.owner_id.is_distinct_from(work.actor.member_id), TaskOrder.id.not_in(list(own)),
        )
        .order_by(TaskOrder.number)
    )  # fmt: skip
    return [
        Waiting(
            "need", own[need.task_id].title, f"/tasks/{need.task_id}", [need.owner or need.department], need.state_at,
            own[need.task_id].line_name, need.title, f"/tasks/{need.id}",
        )
        for need in work.session.execute(query)
    ]  # fmt: skip


def _director_names(work: Work, line_ids: Iterable[str]) -> dict[str, list[str]]:
    query = select(LineMember.line_id, Member.name).join(Member, Member.id == LineMember.member_id)
    found: dict[str, list[str]] = defaultdict(list)
    for line_id, name in work.session.execute(query.where(LineMember.line_id.in_(list(line_ids)), LineMember.role == "director")):
        found[line_id].append(name)
    return found


def now_count(work: Work) -> int:
    """How many want the actor today: to sign, accept or take over, due by today, returned; and sheets of stores due by today."""
    today = company_today(work)
    mine = (
        select(TaskOrder.state, TaskOrder.due_offset, TaskOrder.due_on, MainLine.d_day)
        .join(MainLine, MainLine.id == TaskOrder.line_id)
        .where(
            TaskOrder.owner_id == work.actor.member_id, TaskOrder.state.in_([state.value for state in WORKABLE]),
            in_my_open_lines(work, TaskOrder.line_id),
        )
    )  # fmt: skip
    pressing = sum(
        state == State.RETURNED or ((due := due_day(d_day, offset=offset, on=on)) is not None and due <= today)
        for state, offset, on, d_day in work.session.execute(mine)
    )
    asked = asks_me_count(work) + len(offered_to_me(work))
    return asked + pressing + sum(row.due is not None and row.due <= today for row in my_sheets(work))


@dataclass(frozen=True)
class CarriedOrder:
    """An order in the drill-down. late_days: see TaskRow."""

    id: str
    number: int
    title: str
    line_name: str
    owner_id: str | None
    owner_name: str
    due: date | None
    late_days: int
    state: State
    tone: Tone
    carried: Carried


@dataclass(frozen=True)
class LoadView:
    """rows: each department with its name. people: of the lines, by id. lines: those that the reader is in, to choose from."""

    weeks: Sequence[date]
    today: date
    rows: Sequence[tuple[str, DepartmentLoad]]
    people: dict[str, MemberRow]
    lines: Sequence[tuple[str, str]]
    line_id: str

    def names_of(self, member_ids: Iterable[str]) -> list[str]:
        return [self.people[member_id].name for member_id in member_ids]


def load_view(work: Work, *, line_id: str = "") -> LoadView:
    """Load of the departments as far as the reader's lines go. line_id: only this line; one they are not in is all of them."""
    lines = [line for line in visible_lines(work) if line.phase != "closed"]
    chosen = [line for line in lines if line.id == line_id] or lines
    today = company_today(work)
    weeks = weeks_from(today, WEEKS_SHOWN)
    orders = _carried(work, chosen, today)
    cards = {card.id: card for card in list_members(work, ids=_members(work, chosen))}
    loads = department_loads([order.carried for order in orders], {card.id: card.department_id for card in cards.values()}, weeks, today)
    names = dict(work.session.execute(select(Department.id, Department.name)).all())
    rows = [(names[row.department_id], row) for row in loads]
    only = line_id if any(line.id == line_id for line in lines) else ""
    return LoadView(weeks, today, rows, cards, [(line.id, line.name) for line in lines], only)


@dataclass(frozen=True)
class DepartmentView:
    """One department in full. orders: those that weigh on the chosen week, late ones first; undated: those without a day."""

    id: str
    name: str
    week: date
    load: DepartmentLoad | None
    whole: LoadView
    orders: Sequence[CarriedOrder]
    undated: Sequence[CarriedOrder]


def department_view(work: Work, department: Department, *, week: date | None = None, line_id: str = "") -> DepartmentView:
    """week: any day of it; this week when it is none that is shown."""
    whole = load_view(work, line_id=line_id)
    monday = monday_of(week) if week else whole.weeks[0]
    monday = monday if monday in whole.weeks else whole.weeks[0]
    lines = [line for line in visible_lines(work) if line.phase != "closed" and whole.line_id in ("", line.id)]
    orders = [order for order in _carried(work, lines, whole.today) if order.carried.department_id == department.id]
    load = next((row for _name, row in whole.rows if row.department_id == department.id), None)
    here = [order for order in orders if order.due is not None and _weighs(order, monday, whole.today)]
    return DepartmentView(
        department.id, department.name, monday, load, whole, sorted(here, key=lambda order: (order.due or date.max, order.number)),
        [order for order in orders if order.due is None],
    )  # fmt: skip


def _weighs(order: CarriedOrder, monday: date, today: date) -> bool:
    span = span_of(order.carried, today)
    in_week = order.due is not None and monday <= order.due <= monday + timedelta(days=6)
    return in_week or (span is not None and days_in(span, monday) > 0)


def _members(work: Work, lines: Sequence[MainLine]) -> set[str]:
    return set(work.session.scalars(select(LineMember.member_id).where(LineMember.line_id.in_([line.id for line in lines]))))


def _carried(work: Work, lines: Sequence[MainLine], today: date) -> list[CarriedOrder]:
    """Orders of these lines that somebody still has to work on."""
    states = [state.value for state in OPEN - HANDED_IN]
    query = (
        select(TaskOrder, Member.name)
        .outerjoin(Member, Member.id == TaskOrder.owner_id)
        .where(TaskOrder.line_id.in_([line.id for line in lines]), TaskOrder.state.in_(states))
    )
    by_id = {line.id: line for line in lines}
    return [_carried_order(order, name or "", by_id[order.line_id], today) for order, name in work.session.execute(query)]


def _carried_order(order: TaskOrder, owner_name: str, line: MainLine, today: date) -> CarriedOrder:
    state = State(order.state)
    due = due_day(line.d_day, offset=order.due_offset, on=order.due_on)
    late = days_late(due, state, today)
    return CarriedOrder(
        order.id, order.number, order.title, line.name, order.owner_id, owner_name, due, late, state,
        tone_of(state, blocked=order.blocked_at is not None, late=late > 0),
        Carried(order.id, order.department_id, order.owner_id, due, order.days, begun=state is State.IN_PROGRESS),
    )  # fmt: skip
