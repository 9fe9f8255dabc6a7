from dataclasses import dataclass

from main_lines.board.rules import grid, pressing
from main_lines.lines.rules import Phase
from main_lines.tasks.rules import Tone


@dataclass(frozen=True)
class Order:
    tone: Tone
    phase: str = "prepare"
    department_id: str = "design"
    department_name: str = "设计策划"
    late_days: int = 0

    @property
    def finished(self) -> bool:
        return self.tone is Tone.DONE


def test_grid_when_made_then_each_cell_has_the_worst_order_and_its_counts() -> None:
    orders = [Order(Tone.DONE), Order(Tone.LATE, late_days=1), Order(Tone.LATE, late_days=4), Order(Tone.RUNNING, phase="execute")]
    (row,) = grid(orders)
    prepare, execute, review = row.cells
    assert (prepare.phase, prepare.tone, prepare.done, prepare.total) == (Phase.PREPARE, Tone.LATE, 1, 3)
    assert prepare.worst is orders[2], "the longest overdue one answers for the cell"
    assert (execute.tone, execute.total) == (Tone.RUNNING, 1)
    assert (review.tone, review.worst, review.total) == (None, None, 0)


def test_grid_when_departments_differ_then_the_worst_is_on_top() -> None:
    orders = [Order(Tone.RUNNING, department_id="a"), Order(Tone.BLOCKED, department_id="b"), Order(Tone.DONE, department_id="c")]
    assert [row.department_id for row in grid(orders)] == ["b", "a", "c"]
    assert [row.department_id for row in grid(orders[::-1])] == ["b", "a", "c"]


def test_grid_when_all_is_done_then_nobody_is_blamed() -> None:
    (row,) = grid([Order(Tone.DONE), Order(Tone.DONE)])
    assert row.cells[0].tone is Tone.DONE


def test_pressing_when_sorted_then_blocked_first_then_longest_overdue() -> None:
    late, later = Order(Tone.LATE, late_days=1), Order(Tone.LATE, late_days=9)
    blocked = Order(Tone.BLOCKED)
    assert pressing([late, Order(Tone.RUNNING), later, blocked, Order(Tone.WAITING)]) == [blocked, later, late]
