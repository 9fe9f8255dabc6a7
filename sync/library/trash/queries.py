"""The trash of a library as the browser shows it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased

from sync.library.assets.access import path_of
from sync.library.assets.models import Node
from sync.library.assets.queries import icon_of
from sync.library.grants.access import reachable, rights_of
from sync.library.libraries.access import find_library
from sync.library.libraries.rules import Right
from sync.library.trash.rules import days_left
from workspace.work import Work

ITEMS_AT_ONCE = 60


@dataclass(frozen=True)
class TrashedItem:
    """folder: where it lay, "" for the top. who: "" where that was not written down."""

    id: str
    name: str
    is_folder: bool
    folder: str
    who: str
    at: datetime
    days_left: int
    size_bytes: int
    may_edit: bool

    @property
    def icon(self) -> str:
        return "folder" if self.is_folder else icon_of(self.name)


@dataclass(frozen=True)
class TrashView:
    """more_after: key of the last item shown when there are more, else ""."""

    library_id: str
    library_name: str
    root_id: str
    may_empty: bool
    items: list[TrashedItem]
    more_after: str


def trash_view(work: Work, library_id: str, *, after: str = "") -> TrashView:
    """What was deleted, newest first; a folder stands for what went with it. after: key of the last item of the page before."""
    opened = find_library(work, library_id)
    above = aliased(Node)
    query = select(Node).join(above, above.id == Node.parent_id).where(
        Node.library_id == library_id, Node.deleted_at.is_not(None), Node.purged_at.is_(None),
        or_(above.deleted_at.is_(None), above.deleted_at != Node.deleted_at), reachable(opened.view),
    )  # fmt: skip
    last = work.session.get(Node, after) if after else None
    if last is not None and last.deleted_at is not None and last.library_id == library_id:
        query = query.where(or_(Node.deleted_at < last.deleted_at, and_(Node.deleted_at == last.deleted_at, Node.id < last.id)))
    rows = list(work.session.scalars(query.order_by(Node.deleted_at.desc(), Node.id.desc()).limit(ITEMS_AT_ONCE + 1)))
    shown = rows[:ITEMS_AT_ONCE]
    rights = rights_of(work, opened.view, shown)
    return TrashView(
        library_id=library_id, library_name=opened.library.name, root_id=opened.library.root_id,
        may_empty=opened.right >= Right.MANAGE, items=[_item(work, node, rights[node.id] >= Right.EDIT) for node in shown],
        more_after=shown[-1].id if len(rows) > ITEMS_AT_ONCE else "",
    )  # fmt: skip


def _item(work: Work, node: Node, may_edit: bool) -> TrashedItem:
    at = node.deleted_at or work.now
    return TrashedItem(
        id=node.id, name=node.name, is_folder=node.kind == "folder", folder=path_of(work, node).rpartition("/")[0],
        who=node.deleted_by_name or "", at=at, days_left=days_left(at, work.now), size_bytes=node.size_bytes, may_edit=may_edit,
    )  # fmt: skip
