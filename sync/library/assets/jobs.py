"""The log in the bucket: every change of a library as lines of JSON, so that the catalogue can be rebuilt from it.

Objects ``log/<library>/<first>-<last>.jsonl`` hold the lines in order of seq. A crash between PUT and removing the
rows sends them again under another name; lines carry their seq, so a reader keeps one of each.
"""

from sqlalchemy import delete, select

from sync.library.assets.models import LogEntry
from sync.library.storage import ObjectStore
from workspace.jobs.registry import job, periodic
from workspace.jobs.worker import JobRun

LINES_AT_ONCE = 2000


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
