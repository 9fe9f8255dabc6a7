"""The gates of a line as pages show them: when, passed by whom, and what stands in the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from main_lines.alerts.queries import AlertRow, open_alerts
from main_lines.alerts.rules import AlertKind, Severity
from main_lines.gates.access import day_of, records_of, reminded_lately
from main_lines.gates.rules import (
    CLOSING,
    PHASE_OF,
    GateKey,
    Obstacle,
    Standing,
    gates_before,
    in_the_way,
    may_reopen,
    standing_of,
)
from main_lines.lines.access import company_today, is_director
from main_lines.lines.models import MainLine
from main_lines.lines.queries import gates_of
from main_lines.lines.rules import Phase, days_from
from main_lines.tasks.queries import TaskRow, line_tasks
from workspace.people.models import Member
from workspace.work import Work


@dataclass(frozen=True)
class GateRow:
    """offset: days from D-day. orders: that stand in its way, by why. alerts: critical ones that stand. earlier: gates before it that
    are not passed.

    may_pass, may_remind, may_reopen: whether the reader may now. current: it belongs to the phase of now. reminded_at: less than an hour
    ago, else None.
    """

    key: GateKey
    phase: Phase
    offset: int
    day: date
    standing: Standing
    current: bool
    passed_at: datetime | None
    passed_by: str
    note: str
    stood: int
    orders: dict[Obstacle, list[TaskRow]]
    alerts: Sequence[AlertRow]
    earlier: Sequence[GateKey]
    may_pass: bool
    may_remind: bool
    reminded_at: datetime | None
    may_reopen: bool

    @property
    def passed(self) -> bool:
        return self.standing is Standing.PASSED

    @property
    def counts(self) -> dict[str, int]:
        """What stands in its way, by its name."""
        found = {obstacle.value: len(rows) for obstacle, rows in self.orders.items()}
        return found | ({"alerts": len(self.alerts)} if self.alerts else {})

    @property
    def obstacles(self) -> int:
        return sum(self.counts.values())


def gate_rows(work: Work, line: MainLine) -> list[GateRow]:
    """In the order in which they come. The caller has loaded the line through access."""
    records = records_of(work, line.id)
    closed = {CLOSING[Phase(gate.phase)]: gate for gate in gates_of(work, line.id) if Phase(gate.phase) in CLOSING}
    orders = line_tasks(work, line)
    critical = [alert for alert in open_alerts(work, line.id) if alert.severity == Severity.CRITICAL.value]
    alerts = [alert for alert in critical if alert.kind != AlertKind.GATE.value]  # It says of a gate what the gate says itself.
    phase, today, directs = Phase(line.phase), company_today(work), is_director(work, line.id)
    passed = {key for key in GateKey if key in closed or (key in records and records[key].passed_at)}
    rows, reminded = [], reminded_lately(work, line)
    for key in GateKey:
        record, before = records.get(key), closed.get(key)
        day, done, current = day_of(line, key, record), key in passed, PHASE_OF[key] is phase
        row = record if record is not None and record.passed_at else before
        open_now = current and not done
        in_its_way = in_the_way(key, orders) if open_now else {}
        by_id = record.passed_by_id if record is not None and record.passed_at else before.closed_by_id if before else None
        rows.append(GateRow(
            key=key, phase=PHASE_OF[key], offset=days_from(line.d_day, day), day=day,
            standing=standing_of(key, phase, day, today, passed=done), current=current,
            passed_at=record.passed_at if record is not None and record.passed_at else before.closed_at if before else None,
            passed_by=work.session.get_one(Member, by_id).name if by_id else "", note=row.note if row is not None else "",
            stood=sum(record.stood.values()) if record is not None else 0, orders=in_its_way,
            alerts=alerts if open_now else (), earlier=gates_before(key, passed) if open_now else (),
            may_pass=directs and open_now, may_remind=directs and bool(in_its_way), reminded_at=reminded.get(key),
            may_reopen=directs and may_reopen(key, phase, passed=done),
        ))  # fmt: skip
    return rows


def gate_row(work: Work, line: MainLine, key: GateKey) -> GateRow:
    return next(row for row in gate_rows(work, line) if row.key is key)
