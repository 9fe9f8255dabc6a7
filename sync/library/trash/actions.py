"""Emptying the trash, by a person or by time. Bringing back is an operation on the tree: assets/actions.restore_node.

What leaves the trash is found by nobody any more. Its versions are let go of by sync/library/retention, but for those that approvals
pinned; its row stays, so that a late edit by somebody who was offline finds its place.
"""

from sqlalchemy import ColumnElement, select, update

from sync.library.assets.models import AssetEvent, Node
from sync.library.assets.tree import Tree, lock_tree
from sync.library.grants.access import reachable
from sync.library.libraries.access import find_library, rooms_of_library
from sync.library.libraries.rules import Right
from sync.library.trash.rules import KEPT
from workspace.work import Work

NODES_A_NOTE = 1000


def empty_trash(work: Work, library_id: str) -> int:
    """Let go of everything in the trash of a library that the actor manages. Returns how many files and folders that were."""
    view = find_library(work, library_id, to=Right.MANAGE).view
    return _purge(work, lock_tree(work, library_id), AssetEvent.TRASH_EMPTIED, reachable(view, Right.MANAGE))


def expire_trash(work: Work, library_id: str) -> int:
    """Let go of what has lain in the trash for its time."""
    return _purge(work, lock_tree(work, library_id), AssetEvent.TRASH_EXPIRED, Node.deleted_at < work.now - KEPT)


def _purge(work: Work, tree: Tree, kind: AssetEvent, which: ColumnElement[bool]) -> int:
    library = tree.library
    lies = [Node.library_id == library.id, Node.deleted_at.is_not(None), Node.purged_at.is_(None), which]
    node_ids = list(work.session.scalars(select(Node.id).where(*lies).order_by(Node.id)))
    count = len(node_ids)
    if count:
        for start in range(0, count, NODES_A_NOTE):
            tree.tell(purged=node_ids[start : start + NODES_A_NOTE])
        work.session.execute(update(Node).where(*lies).values(purged_at=work.now).execution_options(synchronize_session=False))
        work.record(
            kind, subject=f"library:{library.id}", rooms=rooms_of_library(library),
            library=library.name, library_id=library.id, count=count,
        )  # fmt: skip
    return count
