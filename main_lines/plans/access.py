"""Loading what belongs to a plan: as confidential as its main line."""

from collections import defaultdict

from sqlalchemy import select

from main_lines.lines.access import get_as_director
from main_lines.plans.models import Baseline, LineMilestone, TaskNeed
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.work import Work


def needs_of(work: Work, line_id: str) -> dict[str, list[str]]:
    """Order -> the orders that it waits for. The caller has loaded the line through access."""
    found: dict[str, list[str]] = defaultdict(list)
    rows = select(TaskNeed.task_id, TaskNeed.needs_id).where(TaskNeed.line_id == line_id).order_by(TaskNeed.task_id, TaskNeed.needs_id)
    for task_id, needs_id in work.read(rows).all():
        found[task_id].append(needs_id)
    return dict(found)


def milestones_of(work: Work, line_id: str) -> list[LineMilestone]:
    """By day. The caller has loaded the line through access."""
    found = select(LineMilestone).where(LineMilestone.line_id == line_id)
    return list(work.session.scalars(found.order_by(LineMilestone.due_offset, LineMilestone.id)))


def get_milestone(work: Work, milestone_id: str) -> LineMilestone:
    """A milestone of a line that the actor directs; NotFound otherwise, NotAllowed for its other members."""
    milestone = get_as_director(work, LineMilestone, milestone_id)
    if milestone is None:
        raise NotFound(_("没有找到这个里程碑"), _("地址有误，或您不是这条主线的成员。"))
    return milestone


def get_baseline(work: Work, baseline_id: str) -> Baseline:
    """A kept baseline of a line that the actor directs; NotFound otherwise, NotAllowed for its other members."""
    baseline = get_as_director(work, Baseline, baseline_id)
    if baseline is None:
        raise NotFound(_("没有找到这条基线"), _("地址有误，或您不是这条主线的成员。"))
    return baseline
