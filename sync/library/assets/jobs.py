"""After a change: the log in the bucket, and the search index.

The log holds every change of a library as lines of JSON, so that the catalogue can be rebuilt from the bucket.

Objects ``log/<library>/<first>-<last>.jsonl`` hold the lines in order of seq. A crash between PUT and removing the
rows sends them again under another name; lines carry their seq, so a reader keeps one of each.
"""

from datetime import timedelta

from sqlalchemy import delete, select

from sync.library.assets.models import LogEntry, Node, OpAnswer
from sync.library.libraries.models import Library
from sync.library.storage import ObjectStore
from workspace.jobs.registry import job, periodic
from workspace.jobs.worker import JobRun
from workspace.search.actions import forget_document, index_document
from workspace.work import Work

LINES_AT_ONCE = 2000
INDEXED_AT_ONCE = 200
ANSWERS_KEPT = timedelta(days=90)
ANSWERS_AT_ONCE = 1000


@job("library.ship_log", max_attempts=1000)
def ship_log(run: JobRun, *, library_id: str) -> None:
    """Send the library's waiting lines to the bucket."""
    store = run.parts.get(ObjectStore)  # type: ignore[type-abstract]
    while True:
        with run.open_work(writes=False) as work:
            query = select(LogEntry.seq, LogEntry.body).where(LogEntry.library_id == library_id).order_by(LogEntry.seq)
            rows = work.session.execute(query.limit(LINES_AT_ONCE)).all()
        if not rows:
            return
        first, last = rows[0].seq, rows[-1].seq
        store.put(f"log/{library_id}/{first:012d}-{last:012d}.jsonl", b"".join(bytes(row.body) + b"\n" for row in rows))
        with run.open_work() as work:
            sent = delete(LogEntry).where(LogEntry.library_id == library_id, LogEntry.seq >= first, LogEntry.seq <= last)
            work.session.execute(sent)


@periodic("library.ship_left_logs", every_s=300)
def ship_left_logs(run: JobRun) -> None:
    """Heal: a line whose job was lost is sent all the same."""
    with run.open_work() as work:
        for library_id in work.session.scalars(select(LogEntry.library_id).distinct()).all():
            work.after_commit("library.ship_log", key=library_id, library_id=library_id)


@periodic("library.forget_answers", every_s=3600)
def forget_answers(run: JobRun) -> None:
    """Answers that no client can still be waiting for, a few at a time, so that nobody waits for the lock."""
    while True:
        with run.open_work() as work:
            old = select(OpAnswer.at).where(OpAnswer.at < work.now - ANSWERS_KEPT).order_by(OpAnswer.at).limit(ANSWERS_AT_ONCE)
            batch = list(work.session.scalars(old))
            if not batch:
                return
            work.session.execute(delete(OpAnswer).where(OpAnswer.at <= batch[-1]))


@job("library.index_changes")
def index_changes(run: JobRun, *, library_id: str, since: int) -> None:
    """Make what changed after a number findable, and take out what was deleted. Idempotent: it reads the state of now."""
    while True:
        with run.open_work() as work:
            query = select(Node).where(Node.library_id == library_id, Node.seq > since, Node.parent_id.is_not(None))
            nodes = list(work.session.scalars(query.order_by(Node.seq).limit(INDEXED_AT_ONCE)))
            library = work.session.get_one(Library, library_id)
            for node in nodes:
                _index(work, library, node)
        if len(nodes) < INDEXED_AT_ONCE:
            return
        since = nodes[-1].seq


def _index(work: Work, library: Library, node: Node) -> None:
    if node.deleted_at is None:
        url = f"/library/{'assets' if node.kind == 'file' else 'folders'}/{node.id}"
        index_document(work, subject=f"asset:{node.id}", room=f"library:{library.id}", title=node.name, url=url, note=library.name)
        return
    level = [node.id]
    while level:
        for node_id in level:
            forget_document(work, f"asset:{node_id}")
        query = select(Node.id).where(Node.parent_id.in_(level), Node.deleted_at.is_not(None))
        level = list(work.session.scalars(query))
