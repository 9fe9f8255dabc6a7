"""Tags as the browser shows them: those of an asset, those that others use, and what a folder can be narrowed down to."""

from dataclasses import dataclass

from sqlalchemy import func, select

from sync.library.assets.access import asset_right, find_folder, get_asset
from sync.library.assets.listing import folders_below
from sync.library.assets.models import Node
from sync.library.grants.access import reachable, view_of
from sync.library.libraries.rules import Right
from sync.library.retention.models import KeptVersion
from sync.library.tags.access import tags_of
from sync.library.tags.models import AssetTag
from sync.library.tags.rules import tag_key
from workspace.work import Work

SUGGESTED = 100


@dataclass(frozen=True)
class TagsView:
    """tags: (key, tag). used: tags of the library that the reader may see and this asset does not have, most used first."""

    asset_id: str
    folder_id: str
    tags: list[tuple[str, str]]
    used: list[str]
    may_edit: bool


@dataclass(frozen=True)
class Marks:
    """By what the files of a folder can be narrowed down. tags: (key, tag); labels: of versions that are kept. used: see TagsView."""

    tags: list[tuple[str, str]]
    labels: list[str]
    used: list[str]


def tags_view(work: Work, asset_id: str) -> TagsView:
    node = get_asset(work, asset_id)
    tags = [(tag_key(tag), tag) for tag in tags_of(work, [node.id]).get(node.id, [])]
    used = [tag for tag in _used(work, node.library_id) if tag_key(tag) not in dict(tags)]
    may_edit = node.deleted_at is None and asset_right(work, node) >= Right.EDIT
    return TagsView(node.id, str(node.parent_id), tags, used, may_edit)


def marks_view(work: Work, folder_id: str) -> Marks:
    """Of the files that the reader sees in a folder and below it."""
    folder, view, right = find_folder(work, folder_id)
    shown = (Node.parent_id.in_(folders_below(folder.id)), Node.deleted_at.is_(None), reachable(view))
    tags = select(AssetTag.tag_key, func.min(AssetTag.tag)).join(Node, Node.id == AssetTag.node_id).where(*shown)
    rows = work.session.execute(tags.group_by(AssetTag.tag_key).order_by(AssetTag.tag_key).limit(SUGGESTED))
    labels = select(KeptVersion.label).join(Node, Node.id == KeptVersion.node_id).where(*shown, KeptVersion.label != "")
    kept = work.session.scalars(labels.distinct().order_by(KeptVersion.label).limit(SUGGESTED))
    used = _used(work, folder.library_id) if right >= Right.EDIT else []
    return Marks([(key, tag) for key, tag in rows], list(kept), used)


def _used(work: Work, library_id: str) -> list[str]:
    view = view_of(work, library_id)
    if view is None:
        return []
    query = select(func.min(AssetTag.tag)).join(Node, Node.id == AssetTag.node_id)
    query = query.where(AssetTag.library_id == library_id, Node.deleted_at.is_(None), reachable(view))
    query = query.group_by(AssetTag.tag_key).order_by(func.count().desc(), AssetTag.tag_key)
    return list(work.session.scalars(query.limit(SUGGESTED)))
