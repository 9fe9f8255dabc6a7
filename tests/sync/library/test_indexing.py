"""Finding what agents save: each change is indexed by the job of its own transaction."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from sync.library.assets import indexing, jobs
from sync.library.assets.wire import to_ms
from tests.sync.library.agents import commit, manifest_for
from tests.sync.library.conftest import Room
from workspace.db import Database
from workspace.jobs.models import Job
from workspace.jobs.worker import A_MOMENT, Again, JobRun, Worker, claim_job
from workspace.parts import Parts
from workspace.search.queries import find
from workspace.work import open_work


def save(room: Room, *names: str) -> None:
    for name in names:
        content = b"\0" + name.encode()  # Not text, which would be found as well.
        pack = room.su.put(room.id, [content])
        (answer,) = room.su.ops(room.id, commit(room.root, name, manifest_for(content)), packs=(pack,))
        assert answer.outcome == "applied", answer


@pytest.fixture
def documents(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Titles in the order in which they are indexed."""
    seen: list[str] = []
    index = indexing.index_documents

    def noted(work: Any, documents: Any) -> None:
        seen.extend(document.title for document in documents)
        index(work, documents)

    monkeypatch.setattr(indexing, "index_documents", noted)
    return seen


def test_saves_when_their_jobs_run_late_then_each_is_indexed_once_and_found(
    room: Room, database: Database, parts: Parts, documents: list[str], work_as: Callable[..., Any]
) -> None:
    save(room, "主视觉.txt", "退款话术.txt", "预算.txt")
    Worker(database, parts).run_due()
    assert sorted(documents) == ["主视觉.txt", "退款话术.txt", "预算.txt"]
    with work_as("苏航", writes=False) as work:
        assert [found.title for found in find(work, "退款")] == ["退款话术.txt"]


def waiting(database: Database) -> list[Job]:
    with open_work(database, writes=False) as work:
        return list(work.session.scalars(select(Job).where(Job.name == "library.index_changes").order_by(Job.id)))


def test_saves_when_a_job_waits_then_it_is_for_all_of_them_and_what_comes_once_it_runs_has_the_next(
    room: Room, database: Database, parts: Parts, documents: list[str]
) -> None:
    Worker(database, parts).run_due()  # What the company had asked for before.
    save(room, "一.dat", "二.dat")
    assert len(waiting(database)) == 1
    assert claim_job(database, "quick", ahead=A_MOMENT) is not None
    save(room, "三.dat")
    assert [job.state for job in waiting(database)] == ["running", "waiting"]
    Worker(database, parts).run_due()
    assert documents == ["三.dat"]


def test_job_of_an_earlier_release_when_it_names_an_end_then_nothing_later_is_indexed(
    room: Room, database: Database, parts: Parts, documents: list[str]
) -> None:
    save(room, "一.txt", "二.txt")
    with open_work(database, parts=parts, writes=True) as work:
        only = work.session.scalars(select(Job).where(Job.name == "library.index_changes")).one()
        only.args = {**only.args, "upto": only.args["since"] + 1}
    Worker(database, parts).run_due()
    assert documents == ["一.txt"]


@pytest.fixture
def storm(database: Database, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Three files are many, and an hour is a moment, so that a slow machine finds the same as a quick one."""
    Worker(database, parts).run_due()
    monkeypatch.setattr(jobs, "INDEXED_AT_ONCE", 2)
    monkeypatch.setattr(jobs, "STILL_COMES", timedelta(hours=1))
    monkeypatch.setattr(jobs, "INDEXED_WITHIN", timedelta(hours=1))
    return monkeypatch


@pytest.mark.parametrize("over", ["STILL_COMES", "INDEXED_WITHIN"])
def test_job_when_many_files_still_come_then_it_waits_until_none_does_or_for_long_enough(
    room: Room, database: Database, parts: Parts, documents: list[str], storm: pytest.MonkeyPatch, over: str
) -> None:
    save(room, "一.dat", "二.dat", "三.dat")
    Worker(database, parts).run_due()
    assert documents == []
    save(room, "四.dat")
    assert len(waiting(database)) == 1
    storm.setattr(jobs, over, timedelta(0))
    with open_work(database, parts=parts) as work:
        only = work.session.scalars(select(Job).where(Job.name == "library.index_changes")).one()
        only.run_at = work.now
    Worker(database, parts).run_due()
    assert sorted(documents) == ["一.dat", "三.dat", "二.dat", "四.dat"]


def test_job_when_it_waits_then_what_was_asked_for_since_is_done_with_it(
    room: Room, database: Database, parts: Parts, storm: pytest.MonkeyPatch
) -> None:
    save(room, "一.dat", "二.dat", "三.dat")
    (later,) = waiting(database)
    run = JobRun(database, parts, 1, "job", threading.Event())
    asked_ms = to_ms(datetime.now(UTC))
    for since in (later.args["since"] + 1, 0):
        storm.setattr(jobs, "INDEXED_AT_ONCE", 1)
        with pytest.raises(Again):
            jobs.index_changes(run, library_id=room.id, since=since, asked_ms=asked_ms)
        assert len(waiting(database)) == bool(since)  # One that begins earlier stays: nothing else would index what is before ours.
