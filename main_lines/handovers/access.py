"""Loading handovers. They are as confidential as their order's main line: the same rule decides."""

from sqlalchemy import ColumnElement, and_, or_, select

from main_lines.handovers.models import Handover
from main_lines.handovers.rules import Standing, State
from main_lines.lines.access import in_my_open_lines, line_member_ids
from main_lines.tasks.access import get_task, line_of
from main_lines.tasks.access import standing_of as order_standing
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.rules import OPEN
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.people.models import Member
from workspace.work import Work


def get_handover(work: Work, handover_id: str) -> Handover:
    """A handover of an order in one of the actor's lines, the order held until the commit; NotFound otherwise."""
    found = work.session.get(Handover, handover_id)
    if found is not None:
        try:
            get_task(work, found.task_id, lock=True)
        except NotFound:
            found = None
    if found is None:
        raise NotFound(_("没有找到这次移交"), _("地址有误，或您不是这条主线的成员。"))
    work.session.refresh(found)  # As it is behind whoever held the order before.
    return found


def open_handover(work: Work, task_id: str) -> Handover | None:
    """The one that waits for an answer."""
    return work.session.scalars(select(Handover).where(Handover.task_id == task_id, Handover.state == State.OFFERED.value)).first()


def handovers_of(work: Work, task_id: str) -> list[Handover]:
    """All of an order, the newest first."""
    return list(work.session.scalars(select(Handover).where(Handover.task_id == task_id).order_by(Handover.id.desc())))


def offered_to_me(work: Work) -> list[Handover]:
    """What waits for the actor's answer, the oldest first: orders that are still open and where they were when they were offered."""
    where_it_was = and_(
        TaskOrder.department_id == Handover.from_department_id, or_(TaskOrder.owner_id.is_(None), TaskOrder.owner_id == Handover.from_id)
    )
    query = select(Handover).join(TaskOrder, TaskOrder.id == Handover.task_id).where(TaskOrder.state.in_(OPEN), where_it_was)
    mine = query.where(Handover.state == State.OFFERED.value, in_my_open_lines(work, Handover.line_id), _for_me(work))
    return list(work.session.scalars(mine.order_by(Handover.id)))


def offers_to(work: Work, line_id: str, member_id: str) -> list[Handover]:
    """Those in a line that only this member could answer."""
    query = select(Handover).where(Handover.line_id == line_id, Handover.to_id == member_id, Handover.state == State.OFFERED.value)
    return list(work.session.scalars(query.order_by(Handover.task_id)))


def _for_me(work: Work) -> ColumnElement[bool]:
    my_department = select(Member.department_id).where(Member.id == work.actor.member_id).scalar_subquery()
    return or_(Handover.to_id == work.actor.member_id, and_(Handover.to_id.is_(None), Handover.to_department_id == my_department))


def receivers(work: Work, line_id: str, department_id: str, member_id: str | None) -> set[str]:
    """Who may accept: this member, or with None everybody of the department, as far as they are in the line."""
    inside = set(line_member_ids(work, line_id))
    if member_id is not None:
        return {member_id} & inside
    return inside & set(work.session.scalars(select(Member.id).where(Member.department_id == department_id)))


def standing_of(work: Work, handover: Handover, order: TaskOrder) -> Standing:
    """What the actor is to this handover now; nothing in a line that is over."""
    if line_of(work, order).is_over:
        return Standing()
    me = work.actor.member_id
    receives = me in receivers(work, handover.line_id, handover.to_department_id, handover.to_id)
    moved_on = order.department_id != handover.from_department_id or order.owner_id not in (None, handover.from_id)
    return Standing(receives, handover.offered_by_id == me, holds=_holds(work, order), moved_on=moved_on)


def holder_standing(work: Work, order: TaskOrder) -> Standing:
    """What the actor is to an order that is not offered yet."""
    return Standing(holds=_holds(work, order))


def _holds(work: Work, order: TaskOrder) -> bool:
    who = order_standing(work, order)
    return who.directs or who.works
