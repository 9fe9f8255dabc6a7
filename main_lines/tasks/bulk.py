"""One act on many orders: each is decided for itself, and what is refused says why; the others are done."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import select

from main_lines.tasks.access import get_task
from main_lines.tasks.actions import Draft, assign_task, draft_of, edit_task, sign_task
from main_lines.tasks.models import TaskOrder
from workspace.errors import Conflict, InvalidInput, MainlineError, NotAllowed, NotFound
from workspace.i18n import _
from workspace.work import Work

AT_ONCE = 200


@dataclass(frozen=True)
class Outcome:
    """What became of one order. refused: why nothing was done to it, empty when it was done. title: empty for one that is not there."""

    id: str
    title: str
    refused: str = ""


def sign_tasks(work: Work, marks: Mapping[str, str]) -> list[Outcome]:
    """Sign each as its signer saw it: order id -> ``mark``."""
    return _each(work, marks, lambda task_id: sign_task(work, task_id, seen=marks[task_id]))


def assign_tasks(work: Work, task_ids: Iterable[str], *, owner_id: str) -> list[Outcome]:
    return _each(work, task_ids, lambda task_id: assign_task(work, task_id, owner_id))


def shift_tasks(work: Work, task_ids: Iterable[str], *, days: int) -> list[Outcome]:
    """Move the due days by as many days, later for a positive number; what counts from D-day goes on counting from it."""
    return _each(work, task_ids, lambda task_id: edit_task(work, task_id, _shifted(draft_of(get_task(work, task_id)), days)))


def of_line(work: Work, line_id: str, task_ids: Iterable[str]) -> list[str]:
    """The same ids; NotFound when one of them is no order of this line. The caller has loaded the line through access."""
    found = list(dict.fromkeys(task_ids))
    here = set(work.session.scalars(select(TaskOrder.id).where(TaskOrder.line_id == line_id, TaskOrder.id.in_(found))))
    if not here.issuperset(found):
        raise NotFound(_("没有找到这张任务单"), _("请刷新后重新选择。"))
    return found


def _shifted(draft: Draft, days: int) -> Draft:
    if draft.due_on is not None:
        return replace(draft, due_on=draft.due_on + timedelta(days=days))
    if draft.due_offset is None:
        raise InvalidInput(_("没有截止日"), _("请先在任务单里写明截止日。"))
    return replace(draft, due_offset=draft.due_offset + days)


def _each(work: Work, task_ids: Iterable[str], act: Callable[[str], object]) -> list[Outcome]:
    """In one order for everybody, so that two who choose the same orders wait for each other and never in a circle."""
    chosen = sorted(set(task_ids))
    if not chosen:
        raise InvalidInput(_("还没有选择任务单"), _("请先勾选要处理的任务单。"))
    if len(chosen) > AT_ONCE:
        raise InvalidInput(_("一次选得太多"), _("一次最多处理 %(n)s 张。", n=AT_ONCE))
    return [_one(work, task_id, act) for task_id in chosen]


def _one(work: Work, task_id: str, act: Callable[[str], object]) -> Outcome:
    """The actions refuse before they change anything, so a refused one leaves nothing behind."""
    try:
        title = get_task(work, task_id).title
    except NotFound as error:
        return Outcome(task_id, "", _words(error))
    try:
        act(task_id)
    except (Conflict, InvalidInput, NotAllowed, NotFound) as error:
        return Outcome(task_id, title, _words(error))
    return Outcome(task_id, title)


def _words(error: MainlineError) -> str:
    return " · ".join(str(part) for part in (error.title, error.message) if str(part))


def done_of(outcomes: Sequence[Outcome]) -> int:
    return sum(not one.refused for one in outcomes)
