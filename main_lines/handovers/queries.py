"""Handovers as pages show them: what waits for the reader, and how an order came to where it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from main_lines.handovers.access import handovers_of, holder_standing, offered_to_me, standing_of
from main_lines.handovers.models import Handover
from main_lines.handovers.rules import State, Verb, Why, decide_answer, decide_offer
from main_lines.lines.queries import members_of
from main_lines.tasks.access import get_task
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.queries import TaskRow, task_row
from main_lines.tasks.rules import State as OrderState
from workspace.people.models import Member
from workspace.people.queries import MemberRow, list_departments
from workspace.work import Work


@dataclass(frozen=True)
class HandoverRow:
    """giver, receiver: a member, else the department. verbs: what the reader may answer now."""

    id: str
    giver: str
    receiver: str
    offered_by: str
    offered_at: datetime
    note: str
    state: State
    answer: str
    answered_by: str
    answered_at: datetime | None
    verbs: Sequence[Verb]


@dataclass(frozen=True)
class OfferedOrder:
    """An order that somebody wants the reader to take over."""

    order: TaskRow
    handover: HandoverRow


@dataclass(frozen=True)
class OrderHandovers:
    """Of one order, the newest first. departments, members: to whom the reader may offer it now; both empty when they may not."""

    rows: Sequence[HandoverRow]
    departments: Sequence[tuple[str, str]]
    members: Sequence[MemberRow]

    @property
    def may_offer(self) -> bool:
        return bool(self.departments or self.members)


def waiting_for_me(work: Work) -> list[OfferedOrder]:
    found = offered_to_me(work)
    orders = [task_row(work, get_task(work, one.task_id)) for one in found]
    return [OfferedOrder(order, row) for order, row in zip(orders, _rows(work, found), strict=True)]


def handovers_of_order(work: Work, order: TaskOrder) -> OrderHandovers:
    """The caller has loaded the order through access."""
    rows = _rows(work, handovers_of(work, order.id))
    already = any(row.state is State.OFFERED for row in rows)
    if decide_offer(OrderState(order.state), holder_standing(work, order), offered_already=already, to_itself=False) is not None:
        return OrderHandovers(rows, (), ())
    members = [row.card for row in members_of(work, order.line_id)]
    here = {card.department_id for card in members} - {order.department_id}
    departments = [(id, name) for id, name in list_departments(work) if id in here]
    return OrderHandovers(rows, departments, [card for card in members if card.id != order.owner_id])


def _rows(work: Work, handovers: Iterable[Handover]) -> list[HandoverRow]:
    found = list(handovers)
    if not found:
        return []
    departments, orders = dict(list_departments(work)), {one.task_id: get_task(work, one.task_id) for one in found}
    return [_row(work, one, orders[one.task_id], departments) for one in found]


def _row(work: Work, one: Handover, order: TaskOrder, departments: dict[str, str]) -> HandoverRow:
    who = standing_of(work, one, order) if one.state == State.OFFERED.value else None
    verbs = [verb for verb in Verb if who and not isinstance(decide_answer(State(one.state), verb, who, OrderState(order.state)), Why)]
    return HandoverRow(
        one.id, _name(work, one.from_id) or departments.get(one.from_department_id, ""),
        _name(work, one.to_id) or departments.get(one.to_department_id, ""), _name(work, one.offered_by_id), one.offered_at, one.note,
        State(one.state), one.answer, _name(work, one.answered_by_id), one.answered_at, verbs,
    )  # fmt: skip


def _name(work: Work, member_id: str | None) -> str:
    return work.session.get_one(Member, member_id).name if member_id else ""
