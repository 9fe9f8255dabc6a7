"""What a table of task orders is read against, and the rows of an export."""

from collections.abc import Sequence

from sqlalchemy import select

from main_lines.lines.access import is_director
from main_lines.lines.models import MainLine
from main_lines.lines.queries import members_of
from main_lines.lines.rules import Phase
from main_lines.lines.words import PHASES
from main_lines.order_tables.cells import cell_of
from main_lines.order_tables.headings import Column
from main_lines.order_tables.rules import FIELDS, Existing, Known, Person
from main_lines.order_tables.words import HEADINGS
from main_lines.plans.access import needs_of
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.queries import TaskRow
from main_lines.tasks.rules import OPEN, Move, Refuse, Standing, State, Verb, Why, decide
from main_lines.tasks.words import STATES
from workspace.people.names import Named, Names
from workspace.people.queries import list_cities, list_departments, list_members, list_stores
from workspace.work import Work


def known_of(work: Work, line: MainLine) -> Known:
    """Everything that a table of this line may name. The caller has loaded the line through access."""
    inside = [row.card for row in members_of(work, line.id)]
    ids = {card.id for card in inside}
    places = [Named(id, name) for id, name in list_cities(work)]
    places += [store.named for store in list_stores(work)]
    return Known(
        departments=Names(Named(id, name) for id, name in list_departments(work)), places=Names(places),
        members=[Person(card.id, card.name, card.login, card.department_id) for card in inside],
        others=frozenset(card.name for card in list_members(work) if card.id not in ids),
        orders=_orders(work, line), phase=Phase(line.phase),
    )  # fmt: skip


def _orders(work: Work, line: MainLine) -> list[Existing]:
    needs, me = needs_of(work, line.id), work.actor.member_id
    directs = is_director(work, line.id)
    orders = work.session.scalars(select(TaskOrder).where(TaskOrder.line_id == line.id).order_by(TaskOrder.number))
    frozen = line.frozen_at is not None
    return [
        _existing(order, frozenset(needs.get(order.id, ())), Standing(directs=directs, wrote=order.written_by_id == me), frozen=frozen)
        for order in orders
    ]


def _existing(order: TaskOrder, needs: frozenset[str], who: Standing, *, frozen: bool) -> Existing:
    state = State(order.state)
    names = [name for names in FIELDS.values() for name in names if name not in ("checklist", "phase")]
    written = {name: getattr(order, name) for name in names}
    written |= {"phase": Phase(order.phase), "checklist": [item["text"] for item in order.checklist]}
    decision = decide(state, Verb.EDIT, who, blocked=order.blocked_at is not None, frozen=frozen)
    return Existing(
        id=order.id, number=order.number, title=order.title, mark=order.mark, written=written, needs=needs, is_open=state in OPEN,
        cancelled=state is State.CANCELLED, signed=order.signed_revision is not None and state is not State.DRAFT,
        may_edit=who.directs or who.wrote, may_rewrite=isinstance(decision, Move),
        frozen=decision == Refuse(Why.FROZEN),
    )  # fmt: skip


def orders_table(work: Work, line: MainLine, rows: Sequence[TaskRow]) -> tuple[list[str], list[list[str]]]:
    """Heading and cells of these orders; imported again, they change nothing."""
    known = known_of(work, line)
    orders = {order.id: order for order in known.orders}
    numbers = {order.id: order.number for order in known.orders}
    return header(), [_cells(row, orders[row.id], numbers, known) for row in rows if row.id in orders]


def header(columns: Sequence[Column] = tuple(Column)) -> list[str]:
    return [str(HEADINGS[column]) for column in columns]


def _cells(row: TaskRow, order: Existing, numbers: dict[str, int], known: Known) -> list[str]:
    cells = {column: cell_of(column, order.written, known) for column in FIELDS} | {
        Column.NUMBER: str(order.number),
        Column.PHASE: str(PHASES[order.written["phase"]]),
        Column.NEEDS: "、".join(map(str, sorted(numbers[id] for id in order.needs if id in numbers))),
        Column.STATE: str(STATES[row.state]),
        Column.DUE_DAY: row.due.isoformat() if row.due else "",
        Column.LATE: str(row.late_days) if row.late_days else "",
    }
    return [cells[column] for column in Column]
