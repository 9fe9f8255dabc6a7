"""The battle map and the list of main lines as JSON."""

from datetime import date, datetime

from pydantic import BaseModel

from main_lines.alerts.api import AlertOut, alerts_out
from main_lines.board.queries import board_of, my_line_cards
from main_lines.board.rules import Cell
from main_lines.gates.actions import close_current_phase
from main_lines.lines.access import get_line
from main_lines.lines.bodies import GateBody
from main_lines.lines.rules import ShownHealth
from main_lines.numbers.api import NumbersOut, numbers_out
from main_lines.plans.api import PlanOrderOut, order_out
from main_lines.tasks.api import TaskOut, task_out
from main_lines.tasks.glances import Counts, Glance
from main_lines.work.api import PlaceOut, place_out
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("board_api", __name__, api=True)


class HealthOut(BaseModel):
    """source: stated by the director, facts of the task orders, stale (older than 24 h), or never stated. at: when stated."""

    health: str
    source: str
    reason: str
    at: datetime | None


class CountsOut(BaseModel):
    total: int
    done: int
    blocked: int
    late: int
    waiting: int


class LineCardOut(BaseModel):
    id: str
    name: str
    kind: str
    d_day: date
    day: int
    phase: str
    health: HealthOut
    counts: CountsOut


class LinesOut(BaseModel):
    lines: list[LineCardOut]


class CellOut(BaseModel):
    """tone: of the worst order, null for an empty cell; holder: who is responsible for that order."""

    phase: str
    tone: str | None
    done: int
    total: int
    holder: str
    task_id: str | None


class GridRowOut(BaseModel):
    department: str
    cells: list[CellOut]


class PathOut(BaseModel):
    """The critical path, its first order first. ends: when its last order can be ready; late_by: days after it has to be.

    slip: days by which the order that slipped the most is later than in the baseline.
    """

    orders: list[PlanOrderOut]
    ends: date | None
    late_by: int
    slip: int
    baseline: str


class BoardOut(BaseModel):
    """cities: with their stores; numbers: target against actual, with source and time."""

    line_id: str
    name: str
    d_day: date
    day: int
    phase: str
    health: HealthOut
    counts: CountsOut
    pressing: list[TaskOut]
    for_me: list[TaskOut]
    grid: list[GridRowOut]
    path: PathOut
    cities: list[PlaceOut]
    numbers: NumbersOut
    alerts: list[AlertOut]


class PhaseOut(BaseModel):
    phase: str


@api.get("/lines", needs=SIGNED_IN, returns=LinesOut)
def list_lines(work: Work) -> LinesOut:
    """The reader's main lines, open ones first, by D-day."""
    cards = [
        LineCardOut(
            id=card.id,
            name=card.name,
            kind=card.kind,
            d_day=card.d_day,
            day=card.day,
            phase=card.phase,
            health=_health(card.health, card.health_reason),
            counts=_counts(card.counts),
        )
        for card in my_line_cards(work)
    ]
    return LinesOut(lines=cards)


@api.get("/lines/<line_id>/board", needs=SIGNED_IN, returns=BoardOut)
def get_board(work: Work, line_id: str) -> BoardOut:
    """The battle map."""
    board = board_of(work, get_line(work, line_id), most=None)
    plan = board.plan
    return BoardOut(
        line_id=board.head.id, name=board.head.name, d_day=board.head.d_day, day=board.head.day, phase=board.head.phase,
        health=_health(board.health, board.health_reason), counts=_counts(board.counts),
        pressing=[task_out(row) for row in board.pressing], for_me=[task_out(row) for row in board.for_me],
        grid=[GridRowOut(department=row.department_name, cells=[_cell(cell) for cell in row.cells]) for row in board.grid],
        path=PathOut(
            orders=[order_out(row) for row in plan.critical], ends=plan.ends, late_by=plan.late_by, slip=plan.slip,
            baseline=plan.baseline.name,
        ),
        cities=[place_out(city) for city in board.places.cities], numbers=numbers_out(board.numbers),
        alerts=alerts_out(work, line_id).alerts,
    )  # fmt: skip


@api.post("/lines/<line_id>/gate", needs=SIGNED_IN, body=GateBody, returns=PhaseOut)
def close_gate(work: Work, line_id: str, body: GateBody) -> PhaseOut:
    """Pass the gate with which the present phase ends; director only. In spite of what stands in its way only with a note."""
    get_line(work, line_id, lock=True)
    return PhaseOut(phase=close_current_phase(work, line_id, note=body.note, expected=body.phase).value)


def _health(shown: ShownHealth, reason: str) -> HealthOut:
    return HealthOut(health=shown.health.value, source=shown.source.value, reason=reason, at=shown.at)


def _counts(counts: Counts) -> CountsOut:
    return CountsOut(total=counts.total, done=counts.done, blocked=counts.blocked, late=counts.late, waiting=counts.waiting)


def _cell(cell: Cell[Glance]) -> CellOut:
    worst = cell.worst
    return CellOut(
        phase=cell.phase.value, tone=cell.tone.value if cell.tone else None, done=cell.done, total=cell.total,
        holder=worst.holder if worst else "", task_id=worst.id if worst else None,
    )  # fmt: skip
