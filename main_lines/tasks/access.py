"""Loading task orders. They are as confidential as their main line: the same rule decides both."""

from sqlalchemy import func, select

from main_lines.lines.access import director_ids, get_line, is_director, named_signers, require_going_on, require_members
from main_lines.lines.models import MainLine
from main_lines.lines.rules import signers_of
from main_lines.tasks.models import TaskDeliverable, TaskOrder
from main_lines.tasks.rules import OPEN, Standing, State
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.people.models import Member
from workspace.work import SYSTEM, Work


def get_task(work: Work, task_id: str, *, lock: bool = False) -> TaskOrder:
    """An order of one of the actor's main lines; NotFound otherwise. The system sees every order.

    lock: hold its row until the commit, so that a signature and an edit cannot pass each other (SQLite writers are
    alone anyway). Who does that means to change it: Conflict in a line that is over.
    """
    order = work.session.get(TaskOrder, task_id, with_for_update=lock or None, populate_existing=lock)
    if order is None:
        raise _absent()
    try:
        get_line(work, order.line_id)
    except NotFound:
        raise _absent() from None
    if lock and work.actor != SYSTEM:
        require_going_on(work, order.line_id)
    return order


def line_of(work: Work, order: TaskOrder) -> MainLine:
    """The main line of an order that has been loaded through get_task."""
    return work.session.get_one(MainLine, order.line_id)


def standing_of(work: Work, order: TaskOrder) -> Standing:
    """What the actor is to this order now: nothing in a line that is over."""
    if work.actor == SYSTEM:
        return Standing(directs=True, wrote=True, works=True, signs=True)
    if line_of(work, order).is_over:
        return Standing()
    me = work.actor.member_id
    return Standing(
        directs=is_director(work, order.line_id), wrote=order.written_by_id == me, works=works_on(work, order, me),
        signs=me in signers_of(named_signers(work, order.line_id), order.department_id),
    )  # fmt: skip


def is_frozen(work: Work, order: TaskOrder) -> bool:
    """Whether the plan of its line is."""
    return line_of(work, order).frozen_at is not None


def asked_to_sign(work: Work, order: TaskOrder) -> list[str]:
    """Who is asked for the signature: whoever the line names for it, else, and once the plan is frozen, its director."""
    named = [] if is_frozen(work, order) else list(signers_of(named_signers(work, order.line_id), order.department_id))
    return named or director_ids(work, order.line_id)


def works_on(work: Work, order: TaskOrder, member_id: str | None) -> bool:
    """Whether the order is theirs to carry out: as its owner, or, while it has none, for its department."""
    if order.owner_id is not None:
        return order.owner_id == member_id
    return work.session.scalar(select(Member.department_id).where(Member.id == member_id)) == order.department_id


def workers_of(work: Work, order: TaskOrder) -> set[str]:
    """Whose it is to carry out: its owner, or, while it has none, everybody of its department, in the line or not."""
    if order.owner_id is not None:
        return {order.owner_id}
    return set(work.session.scalars(select(Member.id).where(Member.department_id == order.department_id)))


def take_up(work: Work, order: TaskOrder) -> None:
    """Who works on an order that nobody owns becomes its owner, and stays in the line until the commit."""
    if order.owner_id is None and work.actor.member_id is not None:
        require_members(work, order.line_id, [work.actor.member_id])
        order.owner_id = work.actor.member_id


def held_by(work: Work, order: TaskOrder) -> set[str]:
    """Whose turn it is: to send a draft for signature, to sign, to accept, else to carry it out. In the line or not."""
    match State(order.state):
        case State.DRAFT:
            return {order.written_by_id} | workers_of(work, order)
        case State.WAITING:
            return set(asked_to_sign(work, order))
        case State.DELIVERED:
            return set(director_ids(work, order.line_id))
    return workers_of(work, order)


def pieces_of(work: Work, task_id: str) -> list[TaskDeliverable]:
    """What lies with an order, as it was laid there."""
    return list(work.session.scalars(select(TaskDeliverable).where(TaskDeliverable.task_id == task_id).order_by(TaskDeliverable.id)))


def count_open_orders(work: Work, line_id: str, phase: str) -> int:
    """Orders of a phase that are neither accepted nor closed: what its gate is asked about."""
    states = [state.value for state in State if state in OPEN]
    query = select(func.count()).select_from(TaskOrder)
    return work.session.scalar(query.where(TaskOrder.line_id == line_id, TaskOrder.phase == phase, TaskOrder.state.in_(states))) or 0


def _absent() -> NotFound:
    return NotFound(_("没有找到这张任务单"), _("地址有误，或您不是这条主线的成员。"))
