"""Loading task orders. They are as confidential as their main line: the same rule decides both."""

from sqlalchemy import func, select

from main_lines.lines.access import get_line, in_my_lines, is_director
from main_lines.lines.models import MainLine
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.rules import OPEN, Standing, State
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.people.models import Member
from workspace.work import SYSTEM, Work


def get_task(work: Work, task_id: str) -> TaskOrder:
    """An order of one of the actor's main lines; NotFound otherwise. The system sees every order."""
    order = work.session.get(TaskOrder, task_id)
    if order is None:
        raise _absent()
    try:
        get_line(work, order.line_id)
    except NotFound:
        raise _absent() from None
    return order


def line_of(work: Work, order: TaskOrder) -> MainLine:
    """The main line of an order that has been loaded through get_task."""
    return work.session.get_one(MainLine, order.line_id)


def visible_tasks(work: Work) -> list[TaskOrder]:
    """Every order of the actor's main lines."""
    return list(work.session.scalars(select(TaskOrder).where(in_my_lines(work, TaskOrder.line_id)).order_by(TaskOrder.id)))


def standing_of(work: Work, order: TaskOrder) -> Standing:
    """What the actor is to this order now."""
    if work.actor == SYSTEM:
        return Standing(directs=True, wrote=True, works=True)
    me = work.actor.member_id
    if order.owner_id is not None:
        works = order.owner_id == me
    else:
        works = work.session.scalar(select(Member.department_id).where(Member.id == me)) == order.department_id
    return Standing(directs=is_director(work, order.line_id), wrote=order.written_by_id == me, works=works)


def count_open_orders(work: Work, line_id: str, phase: str) -> int:
    """Orders of a phase that are neither accepted nor closed: what its gate is asked about."""
    states = [state.value for state in State if state in OPEN]
    query = select(func.count()).select_from(TaskOrder)
    return work.session.scalar(query.where(TaskOrder.line_id == line_id, TaskOrder.phase == phase, TaskOrder.state.in_(states))) or 0


def _absent() -> NotFound:
    return NotFound(_("没有找到这张任务单"), _("地址有误，或您不是这条主线的成员。"))
