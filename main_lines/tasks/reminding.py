"""Reminding whoever an order waits for, by hand."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, select

from main_lines.lines.access import line_member_ids
from main_lines.lines.queries import cards_of
from main_lines.tasks.access import get_task, held_by, line_of
from main_lines.tasks.models import TaskEvent, TaskOrder
from main_lines.tasks.record import record, refusal
from main_lines.tasks.rules import OPEN, State, Why
from workspace.errors import Conflict
from workspace.events.models import Event
from workspace.i18n import _
from workspace.people.queries import MemberRow
from workspace.work import Work

REMIND_AGAIN = timedelta(hours=1)
NEW_HANDS = (str(TaskEvent.ASSIGNED), str(TaskEvent.RELEASED), "main_lines.task.taken")
"""Events with which an order comes to others while its state stays; the last of them is that of a handover."""


def remind_of_task(work: Work, task_id: str) -> list[str]:
    """Ask whoever an open order waits for once more; any member of the line may. Returns their names.

    The same turn is reminded of at most once an hour, whoever asks; who holds the order next may be reminded at once.
    """
    order = get_task(work, task_id, lock=True)
    if State(order.state) not in OPEN:
        raise refusal(Why.WRONG_STATE, order)
    if reminded_lately(work, [order.id]).get(order.id, order.state_at) > order.state_at:
        raise Conflict(_("一小时内已经提醒过"), _("请稍后再提醒。"))
    names = [card.name for card in whom_to_remind(work, order)]
    if not names:
        raise Conflict(_("没有可以提醒的人"), _("这一步由您自己处理，或执行部门还没有人在主线中。"))
    record(work, TaskEvent.REMINDED, order, names=_("、").join(names))
    return names


def whom_to_remind(work: Work, order: TaskOrder) -> list[MemberRow]:
    """Whoever else of the line an order waits for; nobody once the order or its line is over."""
    if State(order.state) not in OPEN or line_of(work, order).is_over:
        return []
    return cards_of(work, held_by(work, order) & set(line_member_ids(work, order.line_id)) - {work.actor.member_id})


def reminded_lately(work: Work, task_ids: Iterable[str]) -> dict[str, datetime]:
    """Order -> when somebody was reminded of it, where that is less than an hour ago and nobody else has got it since."""
    subjects = [f"task:{task_id}" for task_id in task_ids]
    kinds = [str(TaskEvent.REMINDED), *NEW_HANDS]
    last = select(Event.subject, Event.kind, func.max(Event.at)).where(Event.subject.in_(subjects), Event.kind.in_(kinds))
    recent = last.where(Event.at > work.now - REMIND_AGAIN).group_by(Event.subject, Event.kind)
    reminded: dict[str, datetime] = {}
    handed: dict[str, datetime] = {}
    for subject, kind, at in work.session.execute(recent).all() if subjects else []:
        latest = handed if kind in NEW_HANDS else reminded
        latest[subject] = max(at, latest.get(subject, at))
    return {subject.removeprefix("task:"): at for subject, at in reminded.items() if at >= handed.get(subject, at)}
