"""Moving, copying and deleting in a network folder: few operations in one transaction, refused or done as a whole.

WsgiDAV would empty the target first and then find out that the source may not be moved, and would look at each file of a tree.
"""

from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import select

from sync.core.paths import normal_name, stays_local
from sync.core.protocol import Commit, Delete, MakeFolder, Op, Rename
from sync.library.assets.actions import OPS_AT_ONCE
from sync.library.assets.models import Node
from sync.library.assets.models import Place as FormerPlace
from sync.library.webdav.access import Place, children_of
from sync.library.webdav.actions import apply, content_now
from workspace.db import new_id
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.web import request_work
from workspace.work import Work

COPY_MOST = 10_000
"""Files and folders in one COPY."""
_AT_ONCE = 1000
SAVED_WITHIN = timedelta(minutes=10)
"""Between the two renames of a save through a backup."""


def move_within(source: Place, folder: Place, name: str, target: Place | None) -> None:
    """In one library, one row whatever is inside. Of two files, the target gets the source's content as its next version."""

    def ops(work: Work) -> list[Op]:
        moved = Rename(new_id(), source.node.id, folder.node.id, normal_name(name))
        if target is None:
            return _swap_back(work, source.node, folder.node, name) or [moved]
        if target.node.kind == source.node.kind == "file":
            return [_save_into(work, target.node, source.node), _deletion(source.node)]
        return [_deletion(target.node), moved]

    apply(str(source.node.library_id), ops)


def copy_within(source: Place, folder: Place, name: str, target: Place | None, *, deep: bool) -> None:
    """In one library; not a byte moves. Files that are there get a next version, what the source has not goes to the trash."""
    with request_work(writes=False) as work:
        ops: list[Op] = []
        for op in _copies(work, source, folder.node.id, name, target, deep=deep):
            ops.append(op)
            if len(ops) > COPY_MOST:
                raise _too_much()
    for start in range(0, len(ops), OPS_AT_ONCE):
        part = ops[start : start + OPS_AT_ONCE]
        apply(str(source.node.library_id), lambda _work, part=part: part)  # type: ignore[misc]


def check_size(source: Place) -> None:
    """Before something is copied to another library, file by file: InvalidInput when it is too much."""
    with request_work(writes=False) as work:
        found, level = 1, [source.node.id]
        while level and found <= COPY_MOST:
            query = select(Node.id, Node.kind).where(Node.parent_id.in_(level[:_AT_ONCE]), Node.deleted_at.is_(None))
            rows = work.session.execute(query.limit(COPY_MOST + 1)).all()
            found += len(rows)
            level = level[_AT_ONCE:] + [row.id for row in rows if row.kind == "folder"]
    if found > COPY_MOST:
        raise _too_much()


def _too_much() -> InvalidInput:
    return InvalidInput(_("一次复制的内容太多"), _("最多 %(n)s 项，请分几次复制。", n=COPY_MOST))


def _copies(work: Work, source: Place, parent_id: str, name: str, target: Place | None, *, deep: bool) -> Iterator[Op]:
    into = target.node if target is not None and target.node.kind == source.node.kind else None
    if target is not None and (into is None or (into.kind == "folder" and not deep)):
        yield _deletion(target.node)
        into = None
    if source.node.kind == "file":
        if into is not None:
            yield _save_into(work, into, source.node)
        else:
            yield Commit(new_id(), new_id(), parent_id, normal_name(name), 0, *content_now(work, source.node.id))
        return
    folder_id = into.id if into is not None else new_id()
    if into is None:
        yield MakeFolder(new_id(), folder_id, parent_id, normal_name(name))
    if not deep:
        return
    there = {child.node.name_key: child for child in children_of(work, target)} if into is not None and target is not None else {}
    for child in children_of(work, source):
        yield from _copies(work, child, folder_id, child.node.name, there.pop(child.node.name_key, None), deep=True)
    for left in there.values():
        yield _deletion(left.node)


def _swap_back(work: Work, source: Node, folder: Node, name: str) -> list[Op]:
    """Office saves like this: the document gets a temporary name, what was written gets the document's, the former goes away.

    The asset is the one that had the name: it takes it again, with the new content, and the temporary file takes its place.
    """
    if source.kind != "file" or not stays_local(source.name) or stays_local(name):
        return []
    former = select(Node).join(FormerPlace, FormerPlace.node_id == Node.id)
    former = former.where(FormerPlace.parent_id == folder.id, FormerPlace.name == normal_name(name), FormerPlace.deleted.is_(False))
    former = former.where(Node.parent_id == folder.id, Node.deleted_at.is_(None), Node.kind == "file", Node.id != source.id)
    asset = work.session.scalars(former.order_by(FormerPlace.id.desc()).limit(1)).first()
    if asset is None or not stays_local(asset.name) or not _moved_lately(work, asset):
        return []
    return [
        Rename(new_id(), asset.id, folder.id, normal_name(name)), Rename(new_id(), source.id, folder.id, asset.name),
        _save_into(work, asset, source), _save_into(work, source, asset),
    ]  # fmt: skip


def _moved_lately(work: Work, node: Node) -> bool:
    last = work.session.scalar(select(FormerPlace.at).where(FormerPlace.node_id == node.id).order_by(FormerPlace.id.desc()).limit(1))
    return last is not None and work.now - last < SAVED_WITHIN


def _save_into(work: Work, node: Node, source: Node) -> Commit:
    return Commit(new_id(), node.id, str(node.parent_id), node.name, node.version, *content_now(work, source.id))


def _deletion(node: Node) -> Delete:
    return Delete(new_id(), node.id, node.version, recursive=node.kind == "folder")
