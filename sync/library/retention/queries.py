"""The plan of a library, and what is kept of an asset, as the browser shows them; and what a thinning has to look at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from sync.library.assets.access import asset_right, get_asset
from sync.library.assets.models import Node, Version
from sync.library.libraries.access import find_library
from sync.library.libraries.rules import Right
from sync.library.retention.access import held_versions, plan_of
from sync.library.retention.models import KeptVersion
from sync.library.retention.rules import Mode, Plan, gaps_between, thinned_before
from workspace.i18n import _
from workspace.work import Work

ASSETS_AT_ONCE = 200


@dataclass(frozen=True)
class PlanView:
    library_id: str
    library_name: str
    root_id: str
    may_manage: bool
    plan: Plan
    kept: int

    @property
    def sentences(self) -> list[str]:
        return sentences_of(self.plan)


@dataclass(frozen=True)
class Kept:
    number: int
    label: str
    by_name: str
    at: datetime


@dataclass(frozen=True)
class KeepsView:
    """number: the version that the page shows. mine: its own keeping, None when it is not kept by hand. gaps: (first, last) of thinned
    versions. held: others than people hold the shown version.
    """

    asset_id: str
    library_id: str
    number: int
    may_edit: bool
    mine: Kept | None
    held: bool
    kept: list[Kept]
    gaps: list[tuple[int, int]]
    sentences: list[str]


def sentences_of(plan: Plan) -> list[str]:
    """The plan in words."""
    if plan.mode is Mode.PAUSED:
        return [_("已暂停：在管理者选定规则之前，任何版本都不会清理。")]
    if plan.mode is Mode.ALL:
        return [_("保留所有版本，不合并。")]
    return [
        _("最近 %(n)s 天的所有版本都保留。", n=plan.all_days),
        _("再往前到 %(n)s 天，每天保留最后一个版本。", n=plan.daily_days),
        _("再往前到 %(n)s 天，每周保留最后一个版本。", n=plan.weekly_days),
        _("更早的每月保留最后一个版本。"),
        _("最新版本、送审或交付过的版本、有批注的版本、手动保留的版本一直保留。"),
    ]


def plan_view(work: Work, library_id: str) -> PlanView:
    opened = find_library(work, library_id)
    kept = select(func.count()).select_from(KeptVersion).where(KeptVersion.library_id == library_id)
    return PlanView(
        library_id, opened.library.name, opened.library.root_id, opened.right >= Right.MANAGE, plan_of(work, library_id),
        int(work.session.scalar(kept) or 0),
    )  # fmt: skip


def keeps_view(work: Work, asset_id: str, number: int | None) -> KeepsView:
    node = get_asset(work, asset_id)
    may_edit = asset_right(work, node) >= Right.EDIT
    shown = number or node.version
    query = select(KeptVersion).where(KeptVersion.node_id == asset_id).order_by(KeptVersion.number.desc())
    kept = [Kept(row.number, row.label, row.by_name, row.at) for row in work.session.scalars(query)]
    numbers = work.session.scalars(select(Version.number).where(Version.node_id == asset_id))
    others = (asset_id, shown) in held_versions(work, node.library_id)
    mine = next((each for each in kept if each.number == shown), None)
    return KeepsView(
        asset_id, node.library_id, shown, may_edit, mine, others and mine is None, kept, gaps_between(numbers),
        sentences_of(plan_of(work, node.library_id)),
    )  # fmt: skip


def assets_to_thin(work: Work, library_id: str) -> Iterator[Sequence[str]]:
    """Assets with a version that is old enough to be looked at and is not their newest, some at a time."""
    plan = plan_of(work, library_id)
    if plan.mode is not Mode.THIN:
        return
    query = select(Version.node_id).join(Node, Node.id == Version.node_id)
    query = query.where(Version.library_id == library_id, Version.at < thinned_before(plan, work.now), Version.number < Node.version)
    yield from _in_parts(list(work.session.scalars(query.distinct().order_by(Version.node_id))))


def assets_to_let_go(work: Work, library_id: str) -> Iterator[Sequence[str]]:
    """Files that have left the trash and still have versions, some at a time."""
    query = select(Version.node_id).join(Node, Node.id == Version.node_id)
    query = query.where(Version.library_id == library_id, Node.purged_at.is_not(None))
    yield from _in_parts(list(work.session.scalars(query.distinct().order_by(Version.node_id))))


def _in_parts(asset_ids: list[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(asset_ids), ASSETS_AT_ONCE):
        yield asset_ids[start : start + ASSETS_AT_ONCE]
