"""Work: one transaction, never a change without an event, jobs and events together with it."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.event import listen

from tests.house import NOW
from tests.product import wait_until
from workspace.db import Database
from workspace.events.models import Event, EventRoom
from workspace.events.rules import CHAINED, first_broken
from workspace.jobs import worker as worker_module
from workspace.jobs.models import Job
from workspace.jobs.registry import JOBS, job, periodic, reactions_to, reacts_to
from workspace.jobs.worker import JobRun, Worker, claim_job, due_lanes, due_periodics, put_periodic
from workspace.parts import Parts
from workspace.people.actions import add_department
from workspace.people.models import Department, PeopleEvent
from workspace.settings import Settings
from workspace.wake import Listener, LocalWake
from workspace.work import Unrecorded, open_work


def rows(database: Database) -> list[dict[str, object]]:
    with open_work(database, writes=False) as work:
        return [
            {name: getattr(event, name) for name in (*CHAINED, "prev_hash", "hash")}
            for event in work.session.scalars(select(Event).order_by(Event.seq))
        ]


def test_commit_when_on_sqlite_then_on_the_disk_before_it_returns(tmp_path: Path) -> None:
    """The databases of the other tests do not wait for the disk."""
    database = Database(f"sqlite:///{tmp_path / 'own.db'}")
    with database.engine.connect() as connection:
        set_to = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert set_to == ["wal", 2], "2 is FULL"
    database.dispose()


def test_commit_when_rows_changed_without_event_then_refused(database: Database) -> None:
    with pytest.raises(Unrecorded, match="department"), open_work(database, now=NOW) as work:
        work.session.add(Department(id="d1", name="设计"))
    with open_work(database, writes=False) as work:
        assert work.session.get(Department, "d1") is None


def test_commit_when_changed_by_statement_without_event_then_refused(database: Database) -> None:
    with open_work(database, now=NOW) as work:
        add_department(work, name="设计")
    with pytest.raises(Unrecorded), open_work(database, now=NOW) as work:
        work.session.query(Department).update({"name": "客服"})


def test_commit_when_block_raises_then_nothing_is_written(database: Database) -> None:
    def fail() -> None:
        with open_work(database, now=NOW) as work:
            add_department(work, name="设计")
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        fail()
    assert rows(database) == []


def test_events_when_committed_then_chained_and_tampering_found(database: Database) -> None:
    for name in ("设计", "客服", "财务"):
        with open_work(database, now=NOW) as work:
            add_department(work, name=name)
    chain = rows(database)
    assert [row["seq"] for row in chain] == [1, 2, 3]
    assert first_broken(chain) is None
    assert first_broken([chain[0], {**chain[1], "facts": {"name": "别的"}}, chain[2]]) == 2
    assert first_broken([chain[0], chain[2]]) == 3


def test_events_when_written_by_many_threads_then_one_gapless_sequence(database: Database) -> None:
    def add(number: int) -> None:
        with open_work(database, now=NOW) as work:
            add_department(work, name=f"部门{number}")

    threads = [threading.Thread(target=add, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    chain = rows(database)
    assert [row["seq"] for row in chain] == list(range(1, 25))
    assert first_broken(chain) is None


def test_rooms_when_recorded_twice_then_kept_once(database: Database) -> None:
    with open_work(database, now=NOW) as work:
        work.record(PeopleEvent.SITE_ADDED, subject="site:x", rooms=["company", "company", "audit"], name="北京")
    with open_work(database, writes=False) as work:
        assert sorted(work.session.scalars(select(EventRoom.room))) == ["audit", "company"]


@pytest.fixture
def counted() -> list[int]:
    seen: list[int] = []

    @reacts_to(PeopleEvent.SITE_ADDED, name="tests.count_site")
    def count_site(run: object, seq: int) -> None:
        seen.append(seq)

    yield seen
    JOBS.pop("tests.count_site")
    from workspace.jobs import registry

    registry._REACTIONS[str(PeopleEvent.SITE_ADDED)].remove("tests.count_site")


def test_reaction_when_event_committed_then_runs_once(database: Database, run_jobs: Callable[[], int], counted: list[int]) -> None:
    with open_work(database, now=NOW) as work:
        work.record(PeopleEvent.SITE_ADDED, subject="site:x", rooms=["company"], name="北京")
    assert run_jobs() == len(reactions_to(PeopleEvent.SITE_ADDED)), "ours and those of features"
    assert counted == [1]
    assert run_jobs() == 0


def test_job_when_handler_fails_then_waits_with_its_error(database: Database, run_jobs: Callable[[], int]) -> None:
    @job("tests.always_fails")
    def always_fails(run: object) -> None:
        raise RuntimeError("no luck")

    try:
        with open_work(database, now=NOW) as work:
            work.after_commit("tests.always_fails")
        run_jobs()
        with open_work(database, writes=False) as work:
            waiting = work.session.scalars(select(Job)).one()
            assert (waiting.state, waiting.attempts) == ("waiting", 1)
            assert "no luck" in waiting.error
    finally:
        JOBS.pop("tests.always_fails")


def states(database: Database) -> list[tuple[str, int]]:
    with open_work(database, writes=False) as work:
        return [(row.state, row.attempts) for row in work.session.scalars(select(Job).order_by(Job.id))]


def test_job_when_its_worker_dies_each_time_then_given_up_and_not_for_ever(database: Database, run_jobs: Callable[[], int]) -> None:
    ran: list[int] = []
    job("tests.deadly", max_attempts=2)(lambda run: ran.append(run.attempt))
    try:
        with open_work(database, now=NOW) as work:
            work.after_commit("tests.deadly")
        for _death in range(2):
            assert claim_job(database, "quick") is not None  # …and the worker is killed here.
            with database.session(writes=True) as session:
                session.query(Job).update({"lease_until": NOW})
                session.commit()
        run_jobs()
        assert (ran, states(database)) == ([], [("failed", 3)])
    finally:
        JOBS.pop("tests.deadly")


def test_job_when_done_then_its_row_goes_with_the_claim_of_the_next(database: Database) -> None:
    job("tests.one")(lambda run: None)
    try:
        with open_work(database, now=NOW) as work:
            work.after_commit("tests.one")
            work.after_commit("tests.one")
        first = claim_job(database, "quick")
        second = claim_job(database, "quick", done=first.id)
        assert states(database) == [("running", 1)]
        assert claim_job(database, "quick", done=second.id) is None
        assert states(database) == []
    finally:
        JOBS.pop("tests.one")


def test_jobs_when_many_wait_then_the_next_is_found_in_as_many_steps(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("counts the steps of SQLite's own machine")
    steps = [0]

    def step() -> None:
        steps[0] += 1

    def claim_after(waiting: int) -> int:
        with open_work(database, now=NOW) as work:
            for _job in range(waiting):
                work.after_commit("tests.many")
        for dbapi_connection in connections:
            dbapi_connection.set_progress_handler(step, 10)
        steps[0] = 0
        assert claim_job(database, "quick")
        assert due_lanes(database) == {"quick"}
        return steps[0]

    connections: list[Any] = []
    listen(database.engine, "checkout", lambda connection, _record, _proxy: connections.append(connection))
    job("tests.many")(lambda run: None)
    try:
        few, many = claim_after(20), claim_after(2000)
        assert 0 < many < 2 * few
    finally:
        JOBS.pop("tests.many")
        for connection in connections:
            connection.set_progress_handler(None, 0)


def test_job_when_it_runs_long_then_its_lease_is_renewed(database: Database, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "POLL_S", 0.01)
    job("tests.long", lease_s=60)(lambda run: None)
    worker = Worker(database, parts)

    def lease() -> object:
        with open_work(database, writes=False) as work:
            return work.session.scalars(select(Job.lease_until)).one()

    try:
        with open_work(database, now=NOW) as work:
            work.after_commit("tests.long")
        claimed = claim_job(database, "quick")
        before = lease()
        with worker._leases.held(claimed.id, 0):  # A third of nothing is over at once.
            thread = threading.Thread(target=worker._leases.renew_until, args=(worker.stopping,))
            thread.start()
            wait_until(lambda: lease() != before, what="the lease is renewed")
        worker.stopping.set()
        thread.join(timeout=10)
    finally:
        JOBS.pop("tests.long")


def test_periodic_when_it_fails_each_time_then_one_failure_is_kept_and_a_success_clears_it(
    database: Database, run_jobs: Callable[[], int]
) -> None:
    broken = True

    @periodic("tests.look", every_s=10)
    def look(run: object) -> None:
        if broken:
            raise RuntimeError("no luck")

    try:
        for number in range(3):
            assert put_periodic(database, JOBS["tests.look"], NOW + timedelta(seconds=11 * number))
            run_jobs()
            assert states(database) == [("failed", 1)]
        broken = False
        assert put_periodic(database, JOBS["tests.look"], NOW + timedelta(minutes=5))
        run_jobs()
        assert states(database) == []
    finally:
        JOBS.pop("tests.look")


def test_due_periodics_when_asked_then_those_whose_period_has_passed_in_one_statement(database: Database) -> None:
    def due(after: timedelta) -> set[str]:
        return {known.name for known in due_periodics(database, NOW + after)}

    try:
        for name, every_s in (("tests.often", 10), ("tests.seldom", 1000), ("tests.never_yet", 1000)):
            periodic(name, every_s=every_s)(lambda run: None)
        job("tests.plain")(lambda run: None)
        for name in ("tests.often", "tests.seldom"):
            assert put_periodic(database, JOBS[name], NOW)
        statements: list[str] = []
        listen(database.engine, "before_cursor_execute", lambda _c, _cursor, statement, *_rest: statements.append(statement))
        asked = {"tests.often", "tests.seldom", "tests.never_yet", "tests.plain"}
        assert due(timedelta(seconds=9)) & asked == {"tests.never_yet"}
        assert due(timedelta(seconds=10)) & asked == {"tests.never_yet", "tests.often"}
        assert len(statements) == 2
    finally:
        for name in [name for name in JOBS if name.startswith("tests.")]:
            JOBS.pop(name)


class AwayAtFirst:
    """A wake whose line is down for the first two listeners."""

    def __init__(self, run_dir: Path) -> None:
        self.refused, self._wake = 0, LocalWake(run_dir)

    def __call__(self) -> None:
        self._wake()

    def listener(self) -> Listener:
        if self.refused < 2:
            self.refused += 1
            raise ConnectionError("the line is down")
        return self._wake.listener()


def test_worker_when_the_wake_is_away_at_the_start_then_jobs_run_all_the_same(
    database: Database, parts: Parts, settings: Settings, counted: list[int]
) -> None:
    wake = AwayAtFirst(settings.run_dir)
    worker = Worker(database, parts, wake)
    threads = [threading.Thread(target=worker._ring_loop), threading.Thread(target=worker._lane_loop, args=("quick",))]
    for thread in threads:
        thread.start()
    with open_work(database, now=NOW) as work:
        work.record(PeopleEvent.SITE_ADDED, subject="site:x", rooms=["company"], name="北京")
    wait_until(lambda: counted == [1] and wake.refused == 2, what="the reaction ran, and the line is up")
    worker.stop()
    for thread in threads:
        thread.join()


def test_job_when_many_wait_then_each_thread_of_the_lane_is_woken_for_one(database: Database, parts: Parts, settings: Settings) -> None:
    started, both = threading.Barrier(3), []

    @job("tests.slow")
    def slow(run: JobRun, number: int) -> None:
        started.wait(10)
        both.append(number)

    worker = Worker(database, parts, LocalWake(settings.run_dir))
    threads = [threading.Thread(target=worker._ring_loop), *(threading.Thread(target=worker._lane_loop, args=("quick",)) for _ in range(2))]
    try:
        for thread in threads:
            thread.start()
        with open_work(database, now=NOW) as work:
            for number in range(2):
                work.after_commit("tests.slow", number=number)
        started.wait(10)  # Both run at the same moment, or this breaks.
        wait_until(lambda: sorted(both) == [0, 1], what="both ran")
    finally:
        worker.stop()
        for thread in threads:
            thread.join()
        JOBS.pop("tests.slow")


def test_worker_when_it_is_to_stop_then_no_thread_waits_for_a_bell_any_more(
    database: Database, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "POLL_S", 60)
    before, worker = set(threading.enumerate()), Worker(database, parts)
    running = threading.Thread(target=worker.run_until_stopped, daemon=True)
    running.start()
    wait_until(lambda: all(bell._condition._waiters for bell in worker._bells.values()), what="each lane waits")  # type: ignore[attr-defined]
    worker.stopping.set()
    running.join()
    assert set(threading.enumerate()) <= before
