"""The plan of a main line at any instant, folded from its events. Pure.

Each event that changes the plan of an order carries that plan whole (``TaskOrder.plan``), so the last one up to an instant is
what stood then. Orders that were cancelled later, and dates of a D-day that moved later, are there as they were.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from main_lines.handovers.models import HandoverEvent
from main_lines.lines.models import LineEvent
from main_lines.plans.models import PlanEvent
from main_lines.tasks.models import TaskEvent
from main_lines.tasks.rules import due_day

D_DAY_KINDS = (LineEvent.OPENED, LineEvent.RESCHEDULED)
PLAN_KINDS = (
    TaskEvent.WRITTEN, TaskEvent.EDITED, TaskEvent.ASSIGNED, TaskEvent.RELEASED, TaskEvent.STARTED, TaskEvent.DELIVERED,
    TaskEvent.FILED, TaskEvent.CANCELLED, HandoverEvent.TAKEN,
)  # fmt: skip
NEED_KINDS = (PlanEvent.NEED_ADDED, PlanEvent.NEED_DROPPED)
REPLAYED = tuple(str(kind) for kind in (*D_DAY_KINDS, *PLAN_KINDS, *NEED_KINDS))


@dataclass(slots=True)
class OrderThen:
    """An order as it was planned. number: of the order; needs: ids. Thousands of them are kept."""

    number: int
    title: str
    phase: str
    department_id: str
    owner_id: str | None
    due_offset: int | None
    due_on: date | None
    days: int
    cancelled: bool = False
    needs: frozenset[str] = frozenset()

    def due(self, d_day: date) -> date | None:
        return due_day(d_day, offset=self.due_offset, on=self.due_on)


@dataclass
class PlanThen:
    """orders: by id, the cancelled ones too. d_day: None before the line was opened."""

    d_day: date | None = None
    orders: dict[str, OrderThen] = field(default_factory=dict)

    def due(self, order_id: str) -> date | None:
        """The day on which the order was due then; None for one that had no day, was cancelled or did not exist."""
        order = self.orders.get(order_id)
        return order.due(self.d_day) if order and self.d_day and not order.cancelled else None


def replay(events: Iterable[tuple[str, Mapping[str, Any]]]) -> PlanThen:
    """events: (kind, facts) of the line, in order of their sequence; other kinds change nothing."""
    then = PlanThen()
    for kind, facts in events:
        if kind in D_DAY_KINDS:
            then.d_day = date.fromisoformat(facts["d_day"])
        elif kind == PlanEvent.NEED_ADDED:
            then.orders[facts["task_id"]].needs |= {facts["needs_id"]}
        elif kind == PlanEvent.NEED_DROPPED:
            then.orders[facts["task_id"]].needs -= {facts["needs_id"]}
        elif kind == TaskEvent.CANCELLED and facts["task_id"] in then.orders:
            then.orders[facts["task_id"]].cancelled = True
        elif kind in PLAN_KINDS and "plan" in facts:
            _keep(then, facts)
    return then


def _keep(then: PlanThen, facts: Mapping[str, Any]) -> None:
    plan = {**facts["plan"], "due_on": date.fromisoformat(facts["plan"]["due_on"]) if facts["plan"]["due_on"] else None}
    before = then.orders.get(facts["task_id"])
    needs = before.needs if before else frozenset()
    then.orders[facts["task_id"]] = OrderThen(number=facts["number"], title=facts["title"], needs=needs, **plan)
