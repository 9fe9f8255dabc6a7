"""What the clock finds in a line: reads the orders that could be in trouble, never all of them, and compares with what stands."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, exists, or_, select

from main_lines.alerts.access import settings_of
from main_lines.alerts.models import Alert, AlertAcknowledgement
from main_lines.alerts.rules import (
    TIMED,
    AlertRule,
    Cause,
    Changes,
    Settings,
    Watched,
    causes_of,
    changes,
    gate_cause,
    gate_in_sight,
)
from main_lines.gates.access import day_of, records_of
from main_lines.gates.rules import PHASE_OF, GateKey
from main_lines.lines.access import company_today
from main_lines.lines.models import LineMember, MainLine
from main_lines.lines.rules import Phase
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.rules import OPEN, State, due_day
from workspace.people.models import Department, Member
from workspace.settings import Settings as Product
from workspace.work import Work

_OPEN = TaskOrder.state.in_([state.value for state in State if state in OPEN])


def changes_in(work: Work, line: MainLine) -> Changes:
    """What is to be raised and cleared by the clock's rules now. A line that is over has no causes any more."""
    timed = [rule.value for rule in TIMED]
    query = select(Alert.rule, Alert.subject).where(Alert.line_id == line.id, Alert.rule.in_(timed), Alert.cause_gone_at.is_(None))
    return changes(causes_in(work, line), [(rule, subject) for rule, subject in work.session.execute(query)])


def alerts_to_escalate(work: Work) -> list[str]:
    """Alerts whose next step is due while somebody who is in the line has not acknowledged."""
    said = exists().where(AlertAcknowledgement.alert_id == Alert.id, AlertAcknowledgement.member_id == LineMember.member_id)
    missing = (
        exists()
        .where(
            LineMember.line_id == Alert.line_id,
            Member.id == LineMember.member_id,
            Member.state == "active",
            ~said.correlate(Alert, LineMember),
        )
        .correlate(Alert)
    )
    due = select(Alert.id).join(MainLine, MainLine.id == Alert.line_id).where(Alert.escalates_at <= work.now, missing)
    return list(work.session.scalars(due.where(Alert.closed_at.is_(None), MainLine.phase != Phase.CLOSED.value).order_by(Alert.id)))


def causes_in(work: Work, line: MainLine) -> list[Cause]:
    if line.phase == Phase.CLOSED.value:
        return []
    settings, today = settings_of(work, line.id), company_today(work)
    orders = _orders(work, line, _suspect(work, line, settings, today))
    found = [cause for order in orders for cause in causes_of(order, settings, now=work.now, today=today)]
    return [*found, *_gates(work, line, settings, today)]


def _suspect(work: Work, line: MainLine, settings: Settings, today: date) -> list[ColumnElement[bool]]:
    """Wide enough for every cause of causes_of, narrow enough that a plan that goes well is not read."""

    def ago(rule: AlertRule) -> datetime:
        return work.now - timedelta(hours=settings[rule].threshold)

    found: list[ColumnElement[bool]] = []
    if settings[AlertRule.BLOCKED].on:
        found.append(TaskOrder.blocked_at <= ago(AlertRule.BLOCKED))
    if settings[AlertRule.SIGN_OFF].on:
        found.append(and_(TaskOrder.state == State.WAITING.value, TaskOrder.state_at <= ago(AlertRule.SIGN_OFF)))
    if settings[AlertRule.LATE].on:
        found.append(_due_by(line, today - timedelta(days=settings[AlertRule.LATE].threshold)))
    if settings[AlertRule.NOT_STARTED].on:
        unbegun = [state.value for state in (State.DRAFT, State.WAITING, State.READY)]
        last = today + timedelta(days=settings[AlertRule.NOT_STARTED].threshold // 24 + 1)
        found.append(and_(TaskOrder.state.in_(unbegun), _due_by(line, last)))
    return found


def _due_by(line: MainLine, day: date) -> ColumnElement[bool]:
    return or_(TaskOrder.due_on <= day, TaskOrder.due_offset <= (day - line.d_day).days)


def _gates(work: Work, line: MainLine, settings: Settings, today: date) -> list[Cause]:
    """Of the gates of the present phase that were not passed. Orders are read only while one is in sight."""
    phase, records = Phase(line.phase), records_of(work, line.id)
    days = {
        gate: day_of(line, gate, records.get(gate))
        for gate in GateKey
        if PHASE_OF[gate] is phase and not (gate in records and records[gate].passed_at)
    }
    days = {gate: day for gate, day in days.items() if gate_in_sight(gate, day, settings, today=today)}
    orders = _orders(work, line, [TaskOrder.phase == phase.value]) if days else []
    causes = [gate_cause(gate, day, orders, settings, today=today) for gate, day in days.items()]
    return [cause for cause in causes if cause is not None]


def _orders(work: Work, line: MainLine, where: Iterable[ColumnElement[bool]]) -> list[Watched]:
    """Open orders for which any of the conditions holds; none when there is no condition."""
    conditions = list(where)
    if not conditions:
        return []
    query = (
        select(
            TaskOrder.id, TaskOrder.title, TaskOrder.phase, TaskOrder.state, TaskOrder.state_at, TaskOrder.blocked_at,
            TaskOrder.blocked_reason, TaskOrder.due_offset, TaskOrder.due_on, Member.name, Department.name,
        )
        .join(Department, Department.id == TaskOrder.department_id)
        .outerjoin(Member, Member.id == TaskOrder.owner_id)
        .where(TaskOrder.line_id == line.id, _OPEN, or_(*conditions))
        .order_by(TaskOrder.number)
    )  # fmt: skip
    zone = ZoneInfo(work.parts.get(Product).time_zone)
    found = []
    for id, title, phase, state, state_at, blocked_at, blocked_reason, offset, on, owner, department in work.session.execute(query):
        due = due_day(line.d_day, offset=offset, on=on)
        ends = datetime.combine(due + timedelta(days=1), time(), zone) if due else None
        found.append(Watched(id, title, phase, State(state), state_at, blocked_at, blocked_reason, due, ends, owner or department))
    return found
