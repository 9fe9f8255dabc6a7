"""What has lain in the trash for its time leaves it, once an hour."""

from sqlalchemy import select

from sync.library.assets.models import Node
from sync.library.trash.actions import expire_trash
from sync.library.trash.rules import KEPT
from workspace.jobs.registry import periodic
from workspace.jobs.worker import JobRun


@periodic("library.expire_trash", every_s=3600)
def expire_all_trash(run: JobRun) -> None:
    """One transaction a library, so that nobody waits long for its lock."""
    with run.open_work(writes=False) as work:
        due = select(Node.library_id).where(Node.deleted_at < work.now - KEPT, Node.purged_at.is_(None)).distinct()
        library_ids = list(work.session.scalars(due))
    for library_id in library_ids:
        with run.open_work() as work:
            expire_trash(work, library_id)
