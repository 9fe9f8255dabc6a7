"""Where an asset is used: its main line, the task orders that deliver it, the approvals that decide about it, the posts that carry it. Each
only if the reader may see it: that somewhere an approval exists is as confidential as the approval."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import String, cast, or_, select

from main_lines.approvals.access import visible_approvals
from main_lines.approvals.models import Approval, ApprovalForm
from main_lines.feed.models import ProgressPost
from main_lines.lines.access import in_my_lines
from main_lines.lines.models import MainLine
from main_lines.tasks.models import TaskDeliverable, TaskOrder
from sync.library.assets.access import get_asset, library_of
from workspace.people.models import Member
from workspace.work import Work

APPROVALS_SHOWN = 20


@dataclass(frozen=True)
class LineUse:
    id: str
    name: str
    phase: str


@dataclass(frozen=True)
class TaskUse:
    """version: the one that is delivered."""

    id: str
    title: str
    line_name: str
    state: str
    version: int


@dataclass(frozen=True)
class ApprovalUse:
    """versions: all that were ever sent in it, ascending; the last is the one it is about now, if it is still about this asset."""

    id: str
    title: str
    state: str
    moved_at: datetime
    versions: list[int]


@dataclass(frozen=True)
class PostUse:
    """version: the one that is attached."""

    url: str
    author: str
    line_name: str
    at: datetime
    version: int


@dataclass(frozen=True)
class Uses:
    """line: that the asset's library belongs to. approvals: those that moved last first; more: there are others."""

    asset_id: str
    line: LineUse | None
    tasks: list[TaskUse]
    approvals: list[ApprovalUse]
    posts: list[PostUse]
    more: bool

    def __bool__(self) -> bool:
        return self.line is not None or bool(self.tasks or self.approvals or self.posts)


def uses_of(work: Work, asset_id: str) -> Uses:
    """NotFound unless the reader may see the asset."""
    node = get_asset(work, asset_id)
    approvals = _approvals(work, asset_id)
    return Uses(
        asset_id, _line(work, library_of(work, node).scope_room), _tasks(work, asset_id), approvals[:APPROVALS_SHOWN],
        _posts(work, asset_id), len(approvals) > APPROVALS_SHOWN,
    )  # fmt: skip


def _line(work: Work, scope_room: str | None) -> LineUse | None:
    kind, _sep, line_id = (scope_room or "").partition(":")
    if kind != "line":
        return None
    line = work.session.scalars(select(MainLine).where(MainLine.id == line_id, in_my_lines(work, MainLine.id))).one_or_none()
    return LineUse(line.id, line.name, line.phase) if line is not None else None


def _tasks(work: Work, asset_id: str) -> list[TaskUse]:
    pieces = select(TaskDeliverable).where(in_my_lines(work, TaskDeliverable.line_id), TaskDeliverable.asset_id == asset_id)
    lies = {piece.task_id: piece.content["version"] for piece in work.session.scalars(pieces.order_by(TaskDeliverable.id))}
    query = select(TaskOrder, MainLine.name).join(MainLine, MainLine.id == TaskOrder.line_id)
    uses = or_(TaskOrder.deliverable["asset_id"].as_string() == asset_id, TaskOrder.id.in_(list(lies)))
    query = query.where(in_my_lines(work, TaskOrder.line_id), uses)
    rows = work.session.execute(query.order_by(TaskOrder.state_at.desc(), TaskOrder.id).limit(APPROVALS_SHOWN))
    return [
        TaskUse(
            order.id, order.title, line_name, "blocked" if order.blocked_at else order.state,
            lies.get(order.id) or order.deliverable["version"],
        )
        for order, line_name in rows
    ]  # fmt: skip


def _posts(work: Work, asset_id: str) -> list[PostUse]:
    """The newest ones that stand."""
    query = select(ProgressPost, Member.name, MainLine.name).join(Member, Member.id == ProgressPost.author_id)
    query = query.join(MainLine, MainLine.id == ProgressPost.line_id)
    query = query.where(
        in_my_lines(work, ProgressPost.line_id), ProgressPost.withdrawn_at.is_(None), cast(ProgressPost.files, String).contains(asset_id)
    )
    rows = work.session.execute(query.order_by(ProgressPost.id.desc()).limit(APPROVALS_SHOWN))
    return [
        PostUse(post.url, author, line_name, post.at, file["version"])
        for post, author, line_name in rows
        for file in post.files
        if file["asset_id"] == asset_id
    ]


def _approvals(work: Work, asset_id: str) -> list[ApprovalUse]:
    """One more than are shown, when there are."""
    of_asset = ApprovalForm.pin["asset_id"].as_string() == asset_id
    sent = select(ApprovalForm.approval_id).where(of_asset)
    query = visible_approvals(work).where(Approval.id.in_(sent)).order_by(Approval.moved_at.desc(), Approval.id.desc())
    approvals = list(work.session.scalars(query.limit(APPROVALS_SHOWN + 1)))
    forms = select(ApprovalForm.approval_id, ApprovalForm.pin).where(
        of_asset, ApprovalForm.approval_id.in_([each.id for each in approvals])
    )
    versions: dict[str, set[int]] = defaultdict(set)
    for approval_id, pin in work.session.execute(forms):
        versions[approval_id].add(pin["version"])
    return [ApprovalUse(each.id, each.title, each.state, each.moved_at, sorted(versions[each.id])) for each in approvals]
