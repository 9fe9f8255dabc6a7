"""After a change: the log in the bucket made compact, and the search index."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import delete, func, select

from sync.library.assets.indexing import index_nodes
from sync.library.assets.log import head_line, key_of_lines, put_lines, waiting_lines
from sync.library.assets.models import LogEntry, Node, OpAnswer, Version
from sync.library.assets.wire import from_ms
from sync.library.comments.indexing import forget_comments_of, index_comments_of
from sync.library.grants.access import rooms_of_nodes
from sync.library.libraries.models import Library
from sync.library.storage import ObjectStore
from sync.library.words.indexing import forget_words_of, index_words_of
from workspace.jobs.models import Job
from workspace.jobs.registry import job, periodic
from workspace.jobs.worker import Again, JobRun
from workspace.search.actions import forget_document
from workspace.work import Work

INDEXED_AT_ONCE = 200
STILL_COMES = timedelta(seconds=2)
INDEXED_WITHIN = timedelta(seconds=30)
"""While files come by the hundred, indexing them waits until none has come for STILL_COMES, but no longer than this: it takes a processor,
and the database's only place to write, from whoever waits for them to be safe."""
ANSWERS_KEPT = timedelta(days=90)
ANSWERS_AT_ONCE = 1000
_RANGE = re.compile(r"/([0-9]+)-([0-9]+)-")


@job("library.ship_log", max_attempts=1000)
def ship_log(run: JobRun, *, library_id: str) -> None:
    """Gather the library's waiting lines into one object, then remove the small objects that held them.

    A crash in between sends lines again; each carries its seq, so a reader keeps one of each.
    """
    store = run.parts.get(ObjectStore)  # type: ignore[type-abstract]
    gathered: dict[int, bytes] = {}
    while True:
        with run.open_work(writes=False) as work:
            lines = waiting_lines(work, library_id)
            head = head_line(work, library_id) if lines else b""
        if not lines:
            break
        put_lines(store, library_id, head, lines, new=False)
        gathered.update(lines)
        with run.open_work() as work:
            sent = delete(LogEntry).where(LogEntry.library_id == library_id, LogEntry.seq.between(min(lines), max(lines)))
            work.session.execute(sent)
    _remove_gathered(store, library_id, gathered)


def _remove_gathered(store: ObjectStore, library_id: str, gathered: Mapping[int, bytes]) -> None:
    """Small objects go only when each of their lines was seen going into a larger one: another catalogue's lines stay.

    The name of one that holds our lines and no others says so; any other is read.
    """
    if not gathered:
        return
    bodies, seqs = set(gathered.values()), sorted(gathered)
    for found in list(store.list(f"log/{library_id}/new/")):
        if named := _RANGE.search(found.key):
            first, last = map(int, named.groups())
            inside = {seq: gathered[seq] for seq in seqs[bisect_left(seqs, first) : bisect_right(seqs, last)]}
            if inside and found.key == key_of_lines(library_id, inside, new=True):
                store.remove(found.key)
                continue
        _head, *lines = store.get(found.key).splitlines()
        if bodies.issuperset(lines):
            store.remove(found.key)


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
def index_changes(run: JobRun, *, library_id: str, since: int, upto: int | None = None, asked_ms: int = 0) -> None:
    """Make what changed after a number findable, and take out what was deleted. Idempotent: it reads the state of now.

    While a library's job waits, later changes add none: it begins at the first of them. upto: of a job of an earlier release, which added
    one for each transaction. asked_ms: when the first of the changes was made.
    """
    if _more_comes(run, library_id, since=since, asked_ms=asked_ms):
        raise Again(STILL_COMES.total_seconds() / 2, "more comes")
    while True:
        with run.open_work() as work:
            library = work.session.get_one(Library, library_id)
            upto = library.seq if upto is None else upto  # What comes from now on has the next job, which may wait already.
            query = select(Node).where(Node.library_id == library_id, Node.seq > since, Node.seq <= upto, Node.parent_id.is_not(None))
            nodes = list(work.session.scalars(query.order_by(Node.seq).limit(INDEXED_AT_ONCE)))
            rooms = rooms_of_nodes(work, library, nodes)
            live = [node for node in nodes if node.deleted_at is None]
            index_nodes(work, library, live, rooms)
            index_comments_of(work, live, rooms=rooms, library_name=library.name)
            index_words_of(work, [node for node in live if node.kind == "file"], rooms=rooms, library_name=library.name)
            for node in nodes:
                if node.deleted_at is not None:
                    _forget(work, node)
        if len(nodes) < INDEXED_AT_ONCE:
            return
        since = nodes[-1].seq


def _more_comes(run: JobRun, library_id: str, *, since: int, asked_ms: int) -> bool:
    """Whether indexing is to wait. What the changes since it began have asked for is then done with it."""
    with run.open_work(writes=False) as work:
        many = work.session.get_one(Library, library_id).seq - since > INDEXED_AT_ONCE
        if not many or not timedelta(0) <= work.now - from_ms(asked_ms) < INDEXED_WITHIN:
            return False
        newest = work.session.scalar(select(func.max(Version.at)).where(Version.library_id == library_id))
        if newest is None or work.now - newest >= STILL_COMES:
            return False
    with run.open_work() as work:
        query = select(Job).where(Job.name == "library.index_changes", Job.key == library_id, Job.state == "waiting").with_for_update()
        for later in work.session.scalars(query):
            if later.args["since"] >= since:
                work.session.delete(later)
    return True


def _forget(work: Work, node: Node) -> None:
    """A deleted node and what went with it."""
    level = [node.id]
    while level:
        for node_id in level:
            forget_document(work, f"asset:{node_id}")
        forget_comments_of(work, level)
        forget_words_of(work, level)
        query = select(Node.id).where(Node.parent_id.in_(level), Node.deleted_at.is_not(None))
        level = list(work.session.scalars(query))
