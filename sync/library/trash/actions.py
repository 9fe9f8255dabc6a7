"""Emptying the trash, by a person or by time. Bringing back is an operation on the tree: assets/actions.restore_node.

What leaves the trash is found by nobody any more. Its rows and content stay where approvals that pinned a version find them.
"""

from datetime import datetime

from sqlalchemy import func, select, update

from sync.library.assets.models import AssetEvent, Node
from sync.library.assets.tree import lock_tree
from sync.library.libraries.access import find_library, rooms_of_library
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from sync.library.trash.rules import KEPT
from workspace.work import Work


def empty_trash(work: Work, library_id: str) -> int:
    """Let go of everything in the trash of a library that the actor manages. Returns how many files and folders that were."""
    find_library(work, library_id, to=Right.MANAGE)
    return _purge(work, lock_tree(work, library_id).library, AssetEvent.TRASH_EMPTIED, before=None)


def expire_trash(work: Work, library_id: str) -> int:
    """Let go of what has lain in the trash for its time."""
    return _purge(work, lock_tree(work, library_id).library, AssetEvent.TRASH_EXPIRED, before=work.now - KEPT)


def _purge(work: Work, library: Library, kind: AssetEvent, *, before: datetime | None) -> int:
    lies = [Node.library_id == library.id, Node.deleted_at.is_not(None), Node.purged_at.is_(None)]
    if before is not None:
        lies.append(Node.deleted_at < before)
    count = int(work.session.scalar(select(func.count()).select_from(Node).where(*lies)) or 0)
    if count:
        work.session.execute(update(Node).where(*lies).values(purged_at=work.now).execution_options(synchronize_session=False))
        work.record(
            kind, subject=f"library:{library.id}", rooms=rooms_of_library(library),
            library=library.name, library_id=library.id, count=count,
        )  # fmt: skip
    return count
