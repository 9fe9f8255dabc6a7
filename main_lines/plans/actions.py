"""What people do to the plan: let one order wait for another, move an order in time, keep a baseline."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from main_lines.lines.access import get_line, get_line_as_director, require_going_on
from main_lines.lines.models import MainLine
from main_lines.plans.access import get_baseline, get_milestone, needs_of
from main_lines.plans.models import BASELINE_NAME_LENGTH, MILESTONE_NAME_LENGTH, Baseline, LineMilestone, PlanEvent, TaskNeed
from main_lines.plans.rules import way_between
from main_lines.tasks.access import get_task, line_of, standing_of
from main_lines.tasks.actions import Draft, draft_of, edit_task
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.rules import OPEN, State
from workspace.db import new_id
from workspace.errors import Conflict, InvalidInput, NotAllowed
from workspace.i18n import _
from workspace.work import Work


def add_need(work: Work, task_id: str, needs_id: str) -> None:
    """The order waits for another one of its line. Conflict, with the circle named, when that one waits for it already.

    Saying it twice changes nothing.
    """
    order, other = _two(work, task_id, needs_id)
    needs = needs_of(work, order.line_id)
    if other.id in needs.get(order.id, ()):
        return
    if circle := way_between(needs, other.id, order.id):
        named = " → ".join(_short(work.session.get_one(TaskOrder, id)) for id in [order.id, *circle])
        raise Conflict(
            _("这样会互相等待"), _("%(circle)s。请先去掉其中一处等待。", circle=named), code="needs_circle", circle=[order.id, *circle]
        )
    link_orders(work, order, other)


def link_orders(work: Work, order: TaskOrder, other: TaskOrder) -> None:
    """Let ``order`` wait for ``other``, for a caller who knows that it may be so and makes no circle."""
    work.session.add(TaskNeed(task_id=order.id, needs_id=other.id, line_id=order.line_id))
    _record_need(work, PlanEvent.NEED_ADDED, order, other)


def drop_need(work: Work, task_id: str, needs_id: str) -> None:
    """The order no longer waits for the other. Saying it twice changes nothing."""
    order, other = _two(work, task_id, needs_id)
    need = work.session.get(TaskNeed, (order.id, other.id))
    if need is None:
        return
    work.session.delete(need)
    _record_need(work, PlanEvent.NEED_DROPPED, order, other)


def set_needs(work: Work, task_id: str, needs_ids: Iterable[str]) -> None:
    """The order waits for exactly these, as a form sends them; see ``add_need``."""
    order = get_task(work, task_id)
    wanted, now = [id for id in dict.fromkeys(needs_ids) if id], needs_of(work, order.line_id).get(order.id, [])
    for gone in now:
        if gone not in wanted:
            drop_need(work, order.id, gone)
    for needed in wanted:
        if needed not in now:
            add_need(work, order.id, needed)
            work.session.flush()


def edit_with_needs(work: Work, task_id: str, draft: Draft, *, needs: Iterable[str] | None, seen: str = "") -> TaskOrder:
    """``edit_task`` and ``set_needs`` as one; None leaves alone what the order waits for.

    The line is held first, as by whoever imports a table: held the other way round, each would wait for the other.
    """
    order = get_task(work, task_id)
    if needs is None:
        return edit_task(work, order.id, draft, seen=seen)
    get_line(work, order.line_id, lock=True)
    edited = edit_task(work, order.id, draft, seen=seen)
    set_needs(work, order.id, needs)
    return edited


def move_order(work: Work, task_id: str, *, due: date, days: int | None = None, seen: str = "") -> TaskOrder:
    """Move an order in time, as by dragging it. What counts from D-day goes on counting from it, what is pinned stays pinned.

    days: also its length. seen: see ``edit_task``, which decides who may.
    """
    order = get_task(work, task_id, lock=True)
    draft = replace(draft_of(order), days=days or order.days)
    if order.due_on is not None:
        draft = replace(draft, due_on=due)
    else:
        draft = replace(draft, due_offset=(due - line_of(work, order).d_day).days)
    return edit_task(work, task_id, draft, seen=seen)


def keep_baseline(work: Work, line_id: str, *, name: str) -> Baseline:
    """Remember the plan as it stands now under a name; director only."""
    line = get_line_as_director(work, line_id)
    name = name.strip()
    if not name or len(name) > BASELINE_NAME_LENGTH:
        raise InvalidInput(_("请填写名称"), fields={"name": _("1 到 %(n)s 个字", n=BASELINE_NAME_LENGTH)})
    baseline = Baseline(id=new_id(), line_id=line.id, name=name, at=work.now, kept_by_id=work.actor.member_id)
    work.session.add(baseline)
    _record(work, PlanEvent.BASELINE_KEPT, line, name=name, baseline_id=baseline.id)
    return baseline


def drop_baseline(work: Work, baseline_id: str) -> MainLine:
    """Forget the name; the events, and with them the plan of then, stay. Returns its line."""
    baseline = get_baseline(work, baseline_id)
    work.session.delete(baseline)
    line = work.session.get_one(MainLine, baseline.line_id)
    _record(work, PlanEvent.BASELINE_DROPPED, line, name=baseline.name, baseline_id=baseline.id)
    return line


def set_milestone(work: Work, line_id: str, *, name: str, day: date) -> LineMilestone:
    """A day that everybody looks at; director only. It counts from D-day and moves with it."""
    line = get_line_as_director(work, line_id)
    name = name.strip()
    if not name or len(name) > MILESTONE_NAME_LENGTH:
        raise InvalidInput(_("请填写名称"), fields={"name": _("1 到 %(n)s 个字", n=MILESTONE_NAME_LENGTH)})
    return place_milestone(work, line, name=name, offset=(day - line.d_day).days)


def place_milestone(work: Work, line: MainLine, *, name: str, offset: int) -> LineMilestone:
    """For a caller who knows that it may be so."""
    milestone = LineMilestone(id=new_id(), line_id=line.id, name=name, due_offset=offset)
    work.session.add(milestone)
    day = line.d_day + timedelta(days=offset)
    _record(work, PlanEvent.MILESTONE_SET, line, name=name, milestone_id=milestone.id, day=day.isoformat(), offset=offset)
    return milestone


def drop_milestone(work: Work, milestone_id: str) -> MainLine:
    """Returns its line."""
    milestone = get_milestone(work, milestone_id)
    work.session.delete(milestone)
    line = work.session.get_one(MainLine, milestone.line_id)
    _record(work, PlanEvent.MILESTONE_DROPPED, line, name=milestone.name, milestone_id=milestone.id)
    return line


def _two(work: Work, task_id: str, needs_id: str) -> tuple[TaskOrder, TaskOrder]:
    """Both orders, the line held, so that two needs that make a circle together cannot be added at once."""
    order, other = get_task(work, task_id), get_task(work, needs_id)
    get_line(work, order.line_id, lock=True)
    require_going_on(work, order.line_id)
    if other.line_id != order.line_id:
        raise InvalidInput(_("只能等待同一条主线的任务单"), fields={"needs_id": _("只能等待同一条主线的任务单")})
    who = standing_of(work, order)
    if not (who.directs or who.wrote or who.works):
        raise NotAllowed(_("这张任务单不由您安排"), _("请联系主线负责人或起草人。"))
    if State(order.state) not in OPEN:
        raise Conflict(_("任务单已经结束"), _("请刷新后查看最新状态。"))
    return order, other


def _short(order: TaskOrder) -> str:
    return _("第 %(number)s 号单“%(title)s”", number=order.number, title=order.title)


def _record_need(work: Work, kind: PlanEvent, order: TaskOrder, other: TaskOrder) -> None:
    line = line_of(work, order)
    work.record(
        kind, subject=f"task:{order.id}", rooms=[line.room], line=line.name, line_id=line.id, task_id=order.id, number=order.number,
        title=order.title, needs=other.title, needs_id=other.id,
    )  # fmt: skip


def _record(work: Work, kind: PlanEvent, line: MainLine, **facts: Any) -> None:
    work.record(kind, subject=line.room, rooms=[line.room], line=line.name, line_id=line.id, **facts)
