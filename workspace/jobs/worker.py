"""Runs jobs: claim one under a lease, run its handler, delete it; at least once, in threads per lane.

Claiming is one transaction (SQLite's only writer, ``FOR UPDATE SKIP LOCKED`` on PostgreSQL), so several workers share one
table. A worker that is killed leaves a lease behind; when it ends, the job runs again.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, cast

import structlog
from sqlalchemy import CompoundSelect, Table, bindparam, delete, exists, literal, select, union_all, update
from sqlalchemy.exc import IntegrityError

from workspace.db import Database, new_id
from workspace.errors import MainlineError
from workspace.events.models import Event
from workspace.jobs.models import Job, PeriodicRun
from workspace.jobs.registry import JOBS, JobType, lanes
from workspace.parts import Parts
from workspace.wake import Listener, Wake
from workspace.work import SYSTEM, Actor, Work, open_work

log = structlog.get_logger("jobs")

THREADS = {"quick": 3, "desktops": 3, "media": 1}
POLL_S = 1.0
RETRY_CAP_S = 300
A_MOMENT = timedelta(seconds=5)
"""What is put off no longer than this is put off so that much of it is done at once; ``run_due`` does not wait for it."""

# Made once, on the plain table: the worker asks these after every commit of anybody, and the making was most of their cost.
_JOBS = cast(Table, Job.__table__)
_JOB = _JOBS.c
# Each follows the index (state, lane, run_at) to its first row: asked as one, with OR, a backlog was sorted for every job of it.
_READY = (_JOB.state == "waiting") & (_JOB.run_at <= bindparam("soon")) & ((_JOB.run_at <= bindparam("now")) | _JOB.error.is_(None))
_LEFT = (_JOB.state == "running") & (_JOB.lease_until < bindparam("now"))
_KNOWN = _JOB.name.in_(bindparam("names", expanding=True))  # What a newer version has put there is left to it.
_IN_LANE = _JOB.lane == bindparam("lane")
_WAITS = union_all(*(select(select(_JOB.id).where(_IN_LANE, state).limit(1).subquery().c.id) for state in (_LEFT, _READY)))
_NEXT = tuple(
    select(_JOB.id, _JOB.name, _JOB.args, _JOB.attempts).where(_IN_LANE, state, _KNOWN).order_by(_JOB.run_at).limit(1)
    for state in (_LEFT, _READY)
)
_NEXT_UNLOCKED = tuple(query.with_for_update(skip_locked=True) for query in _NEXT)
_TAKE = (
    update(_JOBS).where(_JOB.id == bindparam("job"))
    .values(state="running", attempts=bindparam("attempt"), lease_until=bindparam("until"))
)  # fmt: skip
_RENEW = update(_JOBS).where(_JOB.id == bindparam("job"), _JOB.state == "running").values(lease_until=bindparam("until"))
_LAST_RUNS = select(PeriodicRun.name, PeriodicRun.last_at)
_DONE = delete(_JOBS).where(_JOB.id == bindparam("job"))


@dataclass(frozen=True)
class Claimed:
    """A job that this worker runs. attempts: this one included."""

    id: str
    name: str
    args: dict[str, Any]
    attempts: int


@dataclass(frozen=True)
class JobRun:
    """What a handler gets. Slow outside work happens between its ``open_work`` blocks, never inside one."""

    database: Database
    parts: Parts
    attempt: int
    job_id: str
    stopping: threading.Event

    def open_work(self, *, actor: Actor = SYSTEM, writes: bool = True) -> AbstractContextManager[Work]:
        return open_work(self.database, actor=actor, writes=writes, parts=self.parts, origin={"job": self.job_id})

    def event(self, seq: int) -> Event:
        with self.open_work(writes=False) as work:
            return work.session.get_one(Event, seq)


class Again(MainlineError):
    """Raised by a handler that has to wait for the outside; it runs again after ``delay_s`` without counting as a failure."""

    def __init__(self, delay_s: float, why: str = "") -> None:
        super().__init__(f"again in {delay_s} s", why)
        self.delay_s = delay_s


class _Bell:
    """Rung for the threads of one lane: one of them wakes, or the next one that would wait does not."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._rung = self._ended = False

    def ring(self) -> None:
        with self._condition:
            self._rung = True
            self._condition.notify()

    def end(self) -> None:
        """From now on nobody waits."""
        with self._condition:
            self._ended = True
            self._condition.notify_all()

    def wait(self, timeout_s: float) -> None:
        with self._condition:
            if not self._rung and not self._ended:
                self._condition.wait(timeout_s)
            self._rung = False


class Worker:
    """All lanes of one process. ``run_until(stopping)`` blocks; ``run_due()`` runs what is due once, for tests."""

    def __init__(self, database: Database, parts: Parts, wake: Wake | None = None) -> None:
        self.database, self.parts, self.wake = database, parts, wake
        self.stopping = threading.Event()
        self._bells = {lane: _Bell() for lane in lanes()}
        self._leases = _Leases(database)

    def run_until_stopped(self) -> None:
        threads = [
            threading.Thread(target=self._lane_loop, args=(lane,), name=f"{lane}-{number}", daemon=True)
            for lane in sorted(lanes())
            for number in range(THREADS.get(lane, 1))
        ]
        threads.append(threading.Thread(target=self._periodic_loop, name="periodic", daemon=True))
        threads.append(threading.Thread(target=self._ring_loop, name="bells", daemon=True))
        threads.append(threading.Thread(target=self._leases.renew_until, args=(self.stopping,), name="leases", daemon=True))
        for thread in threads:
            thread.start()
        self.stopping.wait()
        self.stop()
        for thread in threads:
            thread.join(timeout=10)

    def stop(self) -> None:
        """Each thread ends with the job that it runs."""
        self.stopping.set()
        for bell in self._bells.values():
            bell.end()

    def run_due(self, *, limit: int = 1000) -> int:
        """Run what is due in any lane, now or in a moment, in this thread, until nothing is. Returns how many ran."""
        ran = 0
        while ran < limit and any(self.run_one(lane, ahead=A_MOMENT) for lane in sorted(lanes())):
            ran += 1
        return ran

    def run_one(self, lane: str, *, ahead: timedelta = timedelta(0)) -> bool:
        """Claim and run one job that is due, or will be ``ahead``; False when there is none."""
        claimed = claim_job(self.database, lane, ahead=ahead)
        if claimed is not None and self._run(claimed, lane):
            _delete_job(self.database, claimed.id)
        return claimed is not None

    def _run(self, claimed: Claimed, lane: str) -> bool:
        """Whether it is done, and its row may go."""
        self._bells[lane].ring()  # Another thread looks whether there is more.
        known = JOBS[claimed.name]
        if known.every_s is None and claimed.attempts > known.max_attempts:  # Every attempt took its worker with it.
            _put_back(self.database, claimed, delay_s=0, error="the worker ended whenever it ran", counts=True, state="failed")
            return False
        run = JobRun(self.database, self.parts, claimed.attempts, claimed.id, self.stopping)
        with self._leases.held(claimed.id, known.lease_s):
            try:
                known.handler(run, **claimed.args)
            except Again as again:
                _put_back(self.database, claimed, delay_s=again.delay_s, error=again.message, counts=False)
            except Exception as error:  # noqa: BLE001  A handler's crash must not end the lane; it is logged and retried here.
                self._failed(claimed, known, error)
            else:
                return True
        return False

    def _failed(self, claimed: Claimed, known: JobType, error: Exception) -> None:
        last = claimed.attempts >= known.max_attempts
        log.error("job.failed", job=claimed.name, id=claimed.id, attempt=claimed.attempts, last=last, exc_info=error)
        delay_s = min(RETRY_CAP_S, 2 ** min(claimed.attempts, 10) / 2)
        _put_back(self.database, claimed, delay_s=delay_s, error=repr(error), counts=True, state="failed" if last else "waiting")

    def _lane_loop(self, lane: str) -> None:
        done: str | None = None  # Its row goes with the claim of the next: a commit less for each job.
        while not self.stopping.is_set():
            try:
                claimed = claim_job(self.database, lane, done=done)
                done = claimed.id if claimed is not None and self._run(claimed, lane) else None
            except Exception as error:  # The database may be away for a moment; the lane waits and goes on.
                log.error("lane.failed", lane=lane, exc_info=error)
                self.stopping.wait(POLL_S)
                continue
            if claimed is None:
                self._bells[lane].wait(POLL_S * 5)
        if done is not None:
            _delete_job(self.database, done)

    def _ring_loop(self) -> None:
        """Look for all lanes at once, after each commit of anybody: threads that each look are most of what a worker costs."""
        while not self.stopping.is_set():
            try:
                with contextlib.ExitStack() as stack:
                    listener = stack.enter_context(contextlib.closing(self.wake.listener())) if self.wake else None
                    self._ring(listener)
            except Exception as error:
                log.error("bells.failed", exc_info=error)
                self.stopping.wait(POLL_S)

    def _ring(self, listener: Listener | None) -> None:
        while not self.stopping.is_set():
            for lane in due_lanes(self.database):
                if lane in self._bells:
                    self._bells[lane].ring()
            if listener:
                listener.wait(POLL_S)
            else:
                self.stopping.wait(POLL_S)

    def _periodic_loop(self) -> None:
        while not self.stopping.wait(POLL_S):
            try:
                due = due_periodics(self.database, datetime.now(UTC))
            except Exception as error:  # The database may be away for a moment.
                log.error("periodics.failed", exc_info=error)
                continue
            for known in due:
                try:
                    put_periodic(self.database, known, datetime.now(UTC))
                except Exception as error:
                    log.error("periodic.failed", job=known.name, exc_info=error)


def due_lanes(database: Database) -> set[str]:
    """Lanes in which a job is due."""
    with database.session(writes=False) as session:
        return set(session.connection().scalars(_due_lanes(tuple(lanes())), _asked()))


@cache
def _due_lanes(among: tuple[str, ...]) -> CompoundSelect[tuple[str]]:
    """One look at the first due job of each lane, however many wait in it."""
    return union_all(
        *(select(literal(lane)).where(exists().where(_JOB.lane == lane, state)) for lane in among for state in (_LEFT, _READY))
    )


def claim_job(database: Database, lane: str, *, done: str | None = None, ahead: timedelta = timedelta(0)) -> Claimed | None:
    """Lease a job of the lane whose lease has ended, or the oldest due one. done: of a job whose row is to go in the same transaction.

    ahead: what will be due so soon counts as due, unless it was put back.
    """
    asked = {**_asked(ahead), "lane": lane}
    if done is None:
        with database.session(writes=False) as session:  # Looking must not queue for SQLite's write lock.
            if session.connection().scalar(_WAITS, asked) is None:
                return None
    with database.session(writes=True) as session:
        connection = session.connection()
        if done is not None:
            connection.execute(_DONE, {"job": done})
        queries = _NEXT if database.is_sqlite else _NEXT_UNLOCKED
        known = {**asked, "names": list(JOBS)}
        found = next((row for query in queries if (row := connection.execute(query, known).first())), None)
        if found is not None:
            until = datetime.now(UTC) + timedelta(seconds=JOBS[found.name].lease_s)
            connection.execute(_TAKE, {"job": found.id, "attempt": found.attempts + 1, "until": until})
        session.commit()
    return Claimed(found.id, found.name, found.args, found.attempts + 1) if found is not None else None


def _asked(ahead: timedelta = timedelta(0)) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {"now": now, "soon": now + ahead}


def due_periodics(database: Database, now: datetime) -> list[JobType]:
    """Periodic jobs whose period has passed, in one look: one for each was most of what an idle worker did."""
    with database.session(writes=False) as session:
        last = {row.name: row.last_at for row in session.connection().execute(_LAST_RUNS)}
    never = datetime.min.replace(tzinfo=UTC)
    return [known for known in JOBS.values() if known.every_s and last.get(known.name, never) <= now - timedelta(seconds=known.every_s)]


def put_periodic(database: Database, known: JobType, now: datetime) -> bool:
    """Add the periodic job if its period has passed; exactly one of several workers wins. Its former failure goes."""
    assert known.every_s is not None
    before = now - timedelta(seconds=known.every_s)
    with database.session(writes=False) as session:
        last = session.get(PeriodicRun, known.name)
        if last is not None and last.last_at > before:
            return False
    with database.session(writes=True) as session:
        if session.get(PeriodicRun, known.name) is None:
            session.add(PeriodicRun(name=known.name, last_at=now))
            try:
                session.flush()
            except IntegrityError:
                return False
        else:
            moved = session.execute(
                update(PeriodicRun).where(PeriodicRun.name == known.name, PeriodicRun.last_at <= before).values(last_at=now)
            )
            if moved.rowcount != 1:  # type: ignore[attr-defined]
                return False
        session.execute(delete(Job).where(Job.name == known.name, Job.state == "failed"))
        if session.scalar(select(Job.id).where(Job.name == known.name)) is None:
            session.add(
                Job(
                    id=new_id(),
                    name=known.name,
                    key=None,
                    lane=known.lane,
                    args={},
                    state="waiting",
                    run_at=now,
                    created_at=now,
                    attempts=0,
                )
            )
        session.commit()
    return True


class _Leases:
    """The jobs that run in this process: each one's lease is renewed at a third of its length. One thread for all, most end before that."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._held: dict[str, tuple[float, int]] = {}  # job -> when its lease is to be renewed, and how long that lasts

    @contextmanager
    def held(self, job_id: str, lease_s: int) -> Iterator[None]:
        """While the handler runs."""
        self._hold(job_id, lease_s)
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(job_id, None)

    def renew_until(self, stopping: threading.Event) -> None:
        """The body of the thread. What still runs when the worker is to end has two thirds of its lease left."""
        while not stopping.wait(POLL_S):
            with self._lock:
                due = [(job_id, lease_s) for job_id, (at, lease_s) in self._held.items() if at <= time.monotonic()]
            for job_id, lease_s in due:
                try:
                    self._renew(job_id, lease_s)
                except Exception as error:  # The database may be away for a moment; without the next try the job would run twice at once.
                    log.error("lease.not_renewed", id=job_id, exc_info=error)

    def _renew(self, job_id: str, lease_s: int) -> None:
        with self._database.session(writes=True) as session:
            session.connection().execute(_RENEW, {"job": job_id, "until": datetime.now(UTC) + timedelta(seconds=lease_s)})
            session.commit()
        with self._lock:
            if job_id in self._held:
                self._held[job_id] = (time.monotonic() + lease_s / 3, lease_s)

    def _hold(self, job_id: str, lease_s: int) -> None:
        with self._lock:
            self._held[job_id] = (time.monotonic() + lease_s / 3, lease_s)


def _delete_job(database: Database, job_id: str) -> None:
    with database.session(writes=True) as session:
        session.connection().execute(_DONE, {"job": job_id})
        session.commit()


def _put_back(database: Database, claimed: Claimed, *, delay_s: float, error: str, counts: bool, state: str = "waiting") -> None:
    with database.session(writes=True) as session:
        job = session.get_one(Job, claimed.id)
        job.state, job.error, job.lease_until = state, str(error)[:4000], None
        job.run_at = datetime.now(UTC) + timedelta(seconds=delay_s)
        job.attempts = job.attempts if counts else job.attempts - 1
        session.commit()
