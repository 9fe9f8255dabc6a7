"""What pages read of a plan: the orders in time with their slack, the critical path, the slip against a baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

from sqlalchemy import select

from main_lines.checks.models import StoreCheck
from main_lines.gates.access import day_of, records_of
from main_lines.gates.models import GateRecord
from main_lines.gates.words import GATES
from main_lines.lines.access import company_today, is_director
from main_lines.lines.models import MainLine
from main_lines.lines.queries import gates_of
from main_lines.lines.rules import Phase
from main_lines.lines.words import PHASES
from main_lines.numbers.models import Metric
from main_lines.plans.access import milestones_of, needs_of
from main_lines.plans.models import Baseline, TaskNeed
from main_lines.plans.past import plan_at
from main_lines.plans.replay import PlanThen
from main_lines.plans.rules import Forecast, Planned, all_waiting_for, critical_path, forecast
from main_lines.tasks.access import line_of, standing_of
from main_lines.tasks.glances import Glance, line_glances
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.queries import TaskRow, line_tasks, rows_of
from main_lines.tasks.rules import HANDED_IN, OPEN, State
from workspace.i18n import _
from workspace.work import Work

MOVABLE = OPEN - HANDED_IN
OrderT = TypeVar("OrderT", TaskRow, Glance)
OPENED = "opened"
"""Key of the baseline that every line has: the plan with which it was opened."""


@dataclass(frozen=True)
class BaselineRow:
    """key: ``opened``, a phase whose gate was closed, or the id of one that was kept by hand, which alone can be dropped."""

    key: str
    name: str
    at: datetime
    kept: bool = False


def baselines_of(work: Work, line: MainLine) -> list[BaselineRow]:
    """Instants to compare with, the oldest first."""
    rows = [BaselineRow(OPENED, _("开启时"), line.opened_at)]
    rows += [
        BaselineRow(gate.phase, _("关闭%(phase)s时", phase=PHASES[Phase(gate.phase)]), gate.closed_at) for gate in gates_of(work, line.id)
    ]
    kept = work.session.scalars(select(Baseline).where(Baseline.line_id == line.id))
    rows += [BaselineRow(found.id, found.name, found.at, kept=True) for found in kept]
    return sorted(rows, key=lambda row: row.at)


@dataclass(frozen=True)
class PlanRow:
    """An order in time. start: the first of its days, None without a due day. forecast: None once it is handed in.

    needs: numbers and titles of the orders it waits for. slip: days by which its due day moved since the baseline, positive for
    later, None where there is nothing to compare. new: it was not in the baseline.
    may_move: whether the actor may change when it is due.
    """

    task: TaskRow | Glance
    days: int
    start: date | None
    needs: Sequence[TaskRow | Glance]
    forecast: Forecast | None
    critical: bool
    due_then: date | None
    slip: int | None
    new: bool
    may_move: bool


@dataclass(frozen=True)
class Gone:
    """An order that was in the baseline and has been cancelled since."""

    number: int
    title: str
    due: date | None


@dataclass(frozen=True)
class Path:
    """What a plan comes to. critical: the chain that decides the end, first one first. ends: when its last order can be ready; late_by:
    days after that order has to be, 0 when in time. slip: of the open order that slipped the most since the baseline, 0 for none."""

    critical: Sequence[PlanRow]
    ends: date | None
    late_by: int
    slip: int
    today: date
    baseline: BaselineRow


@dataclass(frozen=True)
class Plan(Path):
    """d_day_then: of the baseline."""

    rows: Sequence[PlanRow]
    baselines: Sequence[BaselineRow]
    d_day_then: date | None
    gone: Sequence[Gone]


class _Reckoning(Generic[OrderT]):
    """The orders of a line in time: forecast, critical path, and the baseline to compare with."""

    def __init__(self, work: Work, line: MainLine, tasks: Sequence[OrderT], baseline: str) -> None:
        self.by_id: dict[str, OrderT] = {task.id: task for task in tasks}
        self.needs, self.today = needs_of(work, line.id), company_today(work)
        self.forecasts = forecast([_planned(task) for task in tasks if task.state not in HANDED_IN], self.needs, self.today)
        self.chain = critical_path(self.forecasts)
        self.baselines = baselines_of(work, line)
        self.baseline = next((row for row in self.baselines if row.key == baseline), self.baselines[-1])
        self.then = plan_at(work, line, self.baseline.at)
        self._critical = frozenset(self.chain)

    def path(self) -> Path:
        last = self.forecasts[self.chain[-1]] if self.chain else None
        return Path(
            critical=[self.row(self.by_id[id]) for id in self.chain], ends=last.ready if last else None,
            late_by=max(0, -(last.slack or 0)) if last else 0,
            slip=max((self._slip(task) or 0 for task in self.by_id.values() if not task.finished), default=0), today=self.today,
            baseline=self.baseline,
        )  # fmt: skip

    def row(self, task: OrderT, *, may_move: bool = False) -> PlanRow:
        return PlanRow(
            task=task, days=task.days, start=begin_of(task.due, task.days) if task.due else None,
            needs=[self.by_id[id] for id in self.needs.get(task.id, ()) if id in self.by_id], forecast=self.forecasts.get(task.id),
            critical=task.id in self._critical, due_then=self.then.due(task.id), slip=self._slip(task),
            new=task.id not in self.then.orders, may_move=may_move,
        )  # fmt: skip

    def _slip(self, task: OrderT) -> int | None:
        due_then = self.then.due(task.id)
        return (task.due - due_then).days if task.due and due_then else None


def path_of(work: Work, line: MainLine, tasks: Sequence[Glance]) -> Path:
    """What the plan of these orders, all of the line that were not cancelled, comes to against the newest baseline."""
    return _Reckoning(work, line, tasks, "").path()


def plan_of(work: Work, line: MainLine, *, baseline: str = "") -> Plan:
    """baseline: key of the one to compare with; the newest when there is none such. The caller has loaded the line through access."""
    tasks = [task for task in line_tasks(work, line) if not task.cancelled]
    found, directs = _Reckoning(work, line, tasks, baseline), is_director(work, line.id)
    movable = frozenset() if line.is_over else MOVABLE
    written = select(TaskOrder.id).where(TaskOrder.line_id == line.id, TaskOrder.written_by_id == work.actor.member_id)
    mine = found.by_id.keys() if directs else set(work.session.scalars(written))
    path = found.path()
    return Plan(
        **vars(path), rows=[found.row(task, may_move=task.state in movable and task.id in mine) for task in tasks],
        baselines=found.baselines, d_day_then=found.then.d_day, gone=_gone(found.then, found.by_id),
    )  # fmt: skip


def _planned(task: TaskRow | Glance) -> Planned:
    return Planned(task.id, task.due, task.days, begun=task.state is State.IN_PROGRESS)


def _gone(then: PlanThen, by_id: Mapping[str, object]) -> list[Gone]:
    gone = [(id, order) for id, order in then.orders.items() if not order.cancelled and id not in by_id]
    return [Gone(order.number, order.title, then.due(id)) for id, order in gone]


@dataclass(frozen=True)
class Waits:
    """What an order waits for, what waits for it, and what it could wait for. may_change: whether the actor arranges it."""

    needs: Sequence[TaskRow]
    needed_by: Sequence[TaskRow]
    candidates: Sequence[Glance]
    may_change: bool


def waits_of(work: Work, order: TaskOrder) -> Waits:
    """The caller has loaded the order through access."""
    line, needs = line_of(work, order), needs_of(work, order.line_id)
    mine = needs.get(order.id, [])
    never = {*mine, *all_waiting_for(needs, order.id)}
    who = standing_of(work, order)
    return Waits(
        needs=rows_of(work, line, mine), needed_by=rows_of(work, line, [id for id, found in needs.items() if order.id in found]),
        candidates=sorted((one for one in line_glances(work, line) if one.id not in never), key=lambda one: one.number),
        may_change=State(order.state) in OPEN and (who.directs or who.wrote or who.works),
    )  # fmt: skip


@dataclass(frozen=True)
class Clashes:
    """What an order is at odds with where it stands. too_early: what it waits for is due on its first day or later, the last one;
    too_late: what waits for it begins on its last day or earlier, the first one. Handed in, nothing is waited for."""

    too_early: TaskRow | None
    too_late: TaskRow | None


def clashes_of(work: Work, order: TaskOrder) -> Clashes:
    """The caller has loaded the order through access."""
    line, needs = line_of(work, order), needs_of(work, order.line_id)
    waiting = [id for id, found in needs.items() if order.id in found]
    rows = {row.id: row for row in rows_of(work, line, [order.id, *needs.get(order.id, ()), *waiting]) if row.state not in HANDED_IN}
    mine = rows.get(order.id)
    if mine is None or mine.due is None:
        return Clashes(None, None)
    start, due = begin_of(mine.due, mine.days), mine.due
    early = [row for id in needs.get(order.id, ()) if (row := rows.get(id)) and row.due and row.due >= start]
    late = [row for id in waiting if (row := rows.get(id)) and row.due and begin_of(row.due, row.days) <= due]
    return Clashes(
        max(early, key=lambda row: row.due or date.min, default=None),
        min(late, key=lambda row: begin_of(row.due or date.max, row.days), default=None),
    )


def begin_of(due: date, days: int) -> date:
    """The first of an order's days."""
    return due - timedelta(days=days - 1)


def set_free_by(work: Work, task_id: str) -> list[TaskOrder]:
    """Open orders that wait for this one and for nothing else any more."""
    waiting = select(TaskNeed.task_id).where(TaskNeed.needs_id == task_id)
    handed_in = [state.value for state in HANDED_IN]
    held = (
        select(TaskNeed.task_id)
        .join(TaskOrder, TaskOrder.id == TaskNeed.needs_id)
        .where(TaskNeed.task_id.in_(waiting), TaskOrder.state.not_in(handed_in))
    )
    query = select(TaskOrder).where(TaskOrder.id.in_(waiting), TaskOrder.id.not_in(held), TaskOrder.state.not_in(handed_in))
    return list(work.session.scalars(query.order_by(TaskOrder.number)))


@dataclass(frozen=True)
class Moved:
    """An order whose day counts from D-day. over: its new day is over already."""

    task: TaskRow
    due: date
    over: bool


@dataclass(frozen=True)
class NamedDay:
    """A day of the line that has a name: a gate, a milestone, a checklist of its stores. ahead: it is still to come about."""

    name: str
    day: date
    ahead: bool = True


@dataclass(frozen=True)
class MovedDay:
    """over: its new day is over already."""

    name: str
    before: date
    after: date
    over: bool


@dataclass(frozen=True)
class DDayMove:
    """What another D-day does: ``moved`` and ``named`` go with it, ``pinned`` stay. days: by how much, positive for later."""

    d_day: date
    days: int
    moved: Sequence[Moved]
    pinned: Sequence[TaskRow]
    named: Sequence[MovedDay]


def d_day_move(work: Work, line: MainLine, d_day: date) -> DDayMove:
    """Nothing is changed yet; only orders that are still open are named. The caller has loaded the line through access."""
    days, today = (d_day - line.d_day).days, company_today(work)
    waiting = sorted((row for row in line_tasks(work, line) if row.due and not row.finished), key=lambda row: (row.due, row.number))
    moved = [
        Moved(row, row.due + timedelta(days=days), row.due + timedelta(days=days) < today) for row in waiting if row.due and not row.pinned
    ]
    named = [
        MovedDay(one.name, one.day, one.day + timedelta(days=days), one.day + timedelta(days=days) < today)
        for one in sorted([*named_days(work, line), *_check_days(work, line), *_metric_days(work, line)], key=lambda one: one.day)
        if one.ahead
    ]
    return DDayMove(d_day, days, moved, [row for row in waiting if row.pinned], named)


def named_days(work: Work, line: MainLine) -> list[NamedDay]:
    """Gates and milestones, all of which count from D-day. The caller has loaded the line through access."""
    records = records_of(work, line.id)
    gates = [NamedDay(str(words), day_of(line, key, records.get(key)), ahead=not _passed(records.get(key))) for key, words in GATES.items()]
    return gates + [NamedDay(one.name, line.d_day + timedelta(days=one.due_offset)) for one in milestones_of(work, line.id)]


def _passed(record: GateRecord | None) -> bool:
    return record is not None and record.passed_at is not None


def _check_days(work: Work, line: MainLine) -> list[NamedDay]:
    """Open checklists of stores that are due so many days from D-day."""
    query = select(StoreCheck.title, StoreCheck.due_offset).where(StoreCheck.line_id == line.id, StoreCheck.closed_at.is_(None))
    rows = work.session.execute(query.where(StoreCheck.due_offset.is_not(None)).order_by(StoreCheck.id))
    return [NamedDay(title, line.d_day + timedelta(days=offset)) for title, offset in rows if offset is not None]


def _metric_days(work: Work, line: MainLine) -> list[NamedDay]:
    """First and last day for which the figures of a metric are wanted."""
    query = select(Metric).where(Metric.line_id == line.id, Metric.archived_at.is_(None)).order_by(Metric.id)
    found = []
    for metric in work.session.scalars(query):
        found += [
            NamedDay(_("指标“%(name)s”开始", name=metric.name), line.d_day + timedelta(days=metric.start_offset)),
            NamedDay(_("指标“%(name)s”截止", name=metric.name), line.d_day + timedelta(days=metric.end_offset)),
        ]
    return found
