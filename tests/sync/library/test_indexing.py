"""Finding what agents save: each change is indexed by the job of its own transaction."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from sync.library.assets import indexing
from tests.sync.library.agents import commit, manifest_for
from tests.sync.library.conftest import Room
from workspace.db import Database
from workspace.jobs.models import Job
from workspace.jobs.worker import A_MOMENT, Worker, claim_job
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
