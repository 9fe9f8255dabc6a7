"""Pure decisions of the battle map: the grid's cells, what is most pressing."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from main_lines.lines.rules import WORK_PHASES, Phase
from main_lines.tasks.rules import RANK, Tone, worst

URGENT = (Tone.BLOCKED, Tone.LATE)


class Order(Protocol):
    """What the map needs to know of an order."""

    @property
    def tone(self) -> Tone: ...
    @property
    def phase(self) -> str: ...
    @property
    def department_id(self) -> str: ...
    @property
    def department_name(self) -> str: ...
    @property
    def late_days(self) -> int: ...
    @property
    def finished(self) -> bool: ...


OrderT = TypeVar("OrderT", bound=Order)


@dataclass(frozen=True)
class Cell(Generic[OrderT]):
    """Orders of one department in one phase. worst: the order that colours it, None when there is none at all."""

    phase: Phase
    tone: Tone | None
    worst: OrderT | None
    done: int
    total: int


@dataclass(frozen=True)
class GridRow(Generic[OrderT]):
    department_id: str
    department_name: str
    cells: tuple[Cell[OrderT], ...]


def grid(orders: Iterable[OrderT]) -> list[GridRow[OrderT]]:
    """Department × phase; the department with the worst order is on top, so that trouble is read first."""
    by_department = _grouped(orders, lambda order: order.department_id)
    rows = []
    for department_id, mine in by_department.items():
        cells = tuple(_cell(phase, [order for order in mine if order.phase == phase]) for phase in WORK_PHASES)
        rows.append(GridRow(department_id, mine[0].department_name, cells))
    return sorted(rows, key=lambda row: (min(_rank(cell.tone) for cell in row.cells), row.department_id))


def pressing(orders: Iterable[OrderT]) -> list[OrderT]:
    """Blocked, then late, each the longest overdue first: what to do something about now."""
    urgent = [order for order in orders if order.tone in URGENT]
    return sorted(urgent, key=lambda order: (_rank(order.tone), -order.late_days))


def _cell(phase: Phase, orders: Sequence[OrderT]) -> Cell[OrderT]:
    tone = worst(order.tone for order in orders)
    bad = max((order for order in orders if order.tone is tone), key=lambda order: order.late_days, default=None)
    return Cell(phase, tone, bad, sum(order.finished for order in orders), len(orders))


def _rank(tone: Tone | None) -> int:
    return RANK[tone] if tone is not None else len(RANK)


def _grouped(orders: Iterable[OrderT], key: Callable[[OrderT], str]) -> dict[str, list[OrderT]]:
    groups: dict[str, list[OrderT]] = defaultdict(list)
    for order in orders:
        groups[key(order)].append(order)
    return dict(groups)
