"""Keeping and letting go of versions. What goes is told to the bucket's log in the same transaction.

A version's row is what keeps its content alive: collection (sync/library/collection) takes what no row needs, days later.
On PostgreSQL an approval may pin a version at the same moment: it holds the row (``access.pin_of``), so the rows are locked here
before it is asked who holds them.
"""

from collections.abc import Sequence
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, tuple_

from sync.library.assets.access import get_asset, get_version
from sync.library.assets.indexing import index_nodes
from sync.library.assets.models import Node, Version
from sync.library.assets.tree import Tree, lock_tree
from sync.library.grants.access import rooms_of_nodes
from sync.library.libraries.access import find_library, rooms_of_library, rooms_of_node
from sync.library.libraries.rules import Right
from sync.library.retention.access import held_versions, plan_of
from sync.library.retention.models import KeptVersion, RetentionEvent, RetentionPlan
from sync.library.retention.rules import LABEL_LENGTH, Mode, Plan, Saved, versions_to_let_go
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.settings import Settings
from workspace.work import Work

VERSIONS_A_NOTE = 500


def set_plan(work: Work, library_id: str, plan: Plan) -> None:
    """The plan of a library that the actor manages, from the next thinning on."""
    library = find_library(work, library_id, to=Right.MANAGE).library
    if not plan.is_possible:
        raise InvalidInput(_("保留规则不合适"), _("三个天数要从小到大，至少 1 天。"))
    lock_tree(work, library_id)  # Two may say it first at the same moment.
    row = work.session.get(RetentionPlan, library_id) or RetentionPlan(library_id=library_id)
    row.mode, row.all_days, row.daily_days, row.weekly_days = plan.mode.value, plan.all_days, plan.daily_days, plan.weekly_days
    work.session.add(row)
    work.record(
        RetentionEvent.PLANNED, subject=f"library:{library.id}", rooms=[*rooms_of_library(library), "audit"],
        library=library.name, library_id=library.id, mode=plan.mode.value, all_days=plan.all_days, daily_days=plan.daily_days,
        weekly_days=plan.weekly_days,
    )  # fmt: skip


def keep_version(work: Work, asset_id: str, number: int, *, label: str) -> None:
    """Keep a version for ever under a name of one's own, which may be empty; again = another name."""
    node = get_asset(work, asset_id, to=Right.EDIT)
    label = label.strip()
    if len(label) > LABEL_LENGTH:
        raise InvalidInput(_("名称太长"), fields={"label": _("最多 %(n)s 个字", n=LABEL_LENGTH)})
    if not label.isprintable():
        raise InvalidInput(_("这个名称不能用"), fields={"label": _("名称里有看不见的控制字符。")})
    tree = lock_tree(work, node.library_id)
    get_version(work, asset_id, number)  # After the lock: thinning may have been about to take it.
    row = work.session.get(KeptVersion, (asset_id, number)) or KeptVersion(node_id=asset_id, number=number, library_id=node.library_id)
    row.label, row.by_name, row.at = label, work.actor.name, work.now
    work.session.add(row)
    tree.tell(kept=[asset_id, number, label])
    _record_of(work, tree, RetentionEvent.KEPT, node, number)


def release_version(work: Work, asset_id: str, number: int) -> None:
    """It is thinned like any other again; nothing happens when it was not kept."""
    node = get_asset(work, asset_id, to=Right.EDIT)
    tree = lock_tree(work, node.library_id)
    row = work.session.get(KeptVersion, (asset_id, number))
    if row is not None:
        work.session.delete(row)
        tree.tell(released=[asset_id, number])
        _record_of(work, tree, RetentionEvent.RELEASED, node, number)


def thin_assets(work: Work, library_id: str, asset_ids: Sequence[str]) -> int:
    """Let go of those versions of these assets that the library's plan does not keep. Returns how many."""
    tree = lock_tree(work, library_id)
    plan, zone = plan_of(work, library_id), ZoneInfo(work.parts.get(Settings).time_zone)
    versions = _locked(work, asset_ids)
    held = held_versions(work, library_id)
    going: list[Version] = []
    for node_id, found in groupby(versions, key=lambda version: version.node_id):
        listed = list(found)
        saved = [Saved(version.number, version.at, (node_id, version.number) in held) for version in listed]
        numbers = set(versions_to_let_go(saved, plan, work.now, zone))
        going += [version for version in listed if version.number in numbers]
    return _let_go(work, tree, RetentionEvent.THINNED, going)


def let_go_of_purged(work: Work, library_id: str, asset_ids: Sequence[str]) -> int:
    """Let go of all versions of files that have left the trash, but for those that are held. Returns how many."""
    tree = lock_tree(work, library_id)
    if plan_of(work, library_id).mode is Mode.PAUSED:
        return 0
    versions = _locked(work, asset_ids)
    gone = set(work.session.scalars(select(Node.id).where(Node.id.in_(asset_ids), Node.purged_at.is_not(None))))
    held = held_versions(work, library_id)
    going = [version for version in versions if version.node_id in gone and (version.node_id, version.number) not in held]
    return _let_go(work, tree, RetentionEvent.LET_GO, going)


def _locked(work: Work, asset_ids: Sequence[str]) -> list[Version]:
    query = select(Version).where(Version.node_id.in_(asset_ids)).order_by(Version.node_id, Version.number)
    return list(work.session.scalars(query.with_for_update()))


def _let_go(work: Work, tree: Tree, kind: RetentionEvent, going: Sequence[Version]) -> int:
    for start in range(0, len(going), VERSIONS_A_NOTE):
        part = going[start : start + VERSIONS_A_NOTE]
        keys = [(version.node_id, version.number) for version in part]
        work.session.execute(delete(Version).where(tuple_(Version.node_id, Version.number).in_(keys)))
        tree.tell(forgot=[[version.node_id, version.number, version.digest] for version in part])
    if going:
        library = tree.library
        work.record(
            kind, subject=f"library:{library.id}", rooms=rooms_of_library(library),
            library=library.name, library_id=library.id, count=len(going),
        )  # fmt: skip
    return len(going)


def _record_of(work: Work, tree: Tree, kind: RetentionEvent, node: Node, number: int) -> None:
    library = tree.library
    work.session.flush()
    if node.deleted_at is None:
        index_nodes(work, library, [node], rooms_of_nodes(work, library, [node]))
    work.record(
        kind, subject=f"asset:{node.id}", rooms=rooms_of_node(work, library, node), asset=node.name, asset_id=node.id, version=number,
        library=library.name, library_id=library.id, parent_id=node.parent_id,
    )  # fmt: skip
