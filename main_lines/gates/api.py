"""The gates of a main line as JSON."""

from datetime import date, datetime

from pydantic import BaseModel

from main_lines.gates import actions
from main_lines.gates.bodies import GateDayBody, PassBody, RemindBody, ReopenBody
from main_lines.gates.queries import GateRow, gate_rows
from main_lines.lines.access import get_line
from main_lines.lines.api import Done
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("gates_api", __name__, api=True)


class GateOut(BaseModel):
    """gate: plan, freeze, go, wrap or review. standing: passed, over (its phase ended without it), late, today or ahead.

    orders: ids of the task orders in its way, by why; alerts, earlier: ids of alerts and names of gates that stand in it too.
    """

    gate: str
    phase: str
    offset: int
    day: date
    standing: str
    passed_at: datetime | None
    passed_by: str
    note: str
    orders: dict[str, list[str]]
    alerts: list[str]
    earlier: list[str]


class RemindedOut(BaseModel):
    people: int


class GatesOut(BaseModel):
    """frozen_at: when the plan was frozen, null while it is open."""

    gates: list[GateOut]
    frozen_at: datetime | None


@api.get("/lines/<line_id>/gates", needs=SIGNED_IN, returns=GatesOut)
def list_gates(work: Work, line_id: str) -> GatesOut:
    """The gates of a line, in the order in which they come, with what stands in their way."""
    line = get_line(work, line_id)
    return GatesOut(gates=[_out(row) for row in gate_rows(work, line)], frozen_at=line.frozen_at)


@api.post("/lines/<line_id>/gates/pass", needs=SIGNED_IN, body=PassBody, returns=Done)
def pass_gate(work: Work, line_id: str, body: PassBody) -> Done:
    """Pass a gate; director only. 422 with what stands in the way when there is no note."""
    actions.pass_gate(work, line_id, body.gate, note=body.note)
    return Done()


@api.post("/lines/<line_id>/gates/reopen", needs=SIGNED_IN, body=ReopenBody, returns=Done)
def reopen_gate(work: Work, line_id: str, body: ReopenBody) -> Done:
    """Open a gate inside the present phase again; director only."""
    actions.reopen_gate(work, line_id, body.gate, reason=body.reason)
    return Done()


@api.post("/lines/<line_id>/gates/remind", needs=SIGNED_IN, body=RemindBody, returns=RemindedOut)
def remind_of_gate(work: Work, line_id: str, body: RemindBody) -> RemindedOut:
    """Ask whoever holds the orders in its way once more; director only, at most once an hour."""
    return RemindedOut(people=actions.remind_of_gate(work, line_id, body.gate))


@api.post("/lines/<line_id>/gates/day", needs=SIGNED_IN, body=GateDayBody, returns=Done)
def move_gate(work: Work, line_id: str, body: GateDayBody) -> Done:
    """Set the day of a gate, in days from D-day; director only."""
    actions.move_gate(work, line_id, body.gate, offset=body.offset, seen=body.seen)
    return Done()


def _out(row: GateRow) -> GateOut:
    return GateOut(
        gate=row.key.value, phase=row.phase.value, offset=row.offset, day=row.day, standing=row.standing.value, passed_at=row.passed_at,
        passed_by=row.passed_by, note=row.note, orders={name.value: [one.id for one in found] for name, found in row.orders.items()},
        alerts=[alert.id for alert in row.alerts], earlier=[key.value for key in row.earlier],
    )  # fmt: skip
