"""The status page: every part is on it, also the worker, which listens on no port."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.house import Person
from workspace.db import Database, new_id
from workspace.jobs.models import Job, PeriodicRun


def main_of(person: Person) -> str:
    return person.get("/status").get_data(as_text=True).split("<main")[1].split("</main>")[0]


@pytest.mark.parametrize(
    ("seen", "due", "words"),
    [
        (None, None, "没有进程在执行任务"),
        (timedelta(minutes=5), None, "没有进程在执行任务"),
        (timedelta(seconds=20), None, "任务队列、定时检查与事件转发"),
        (timedelta(seconds=20), timedelta(minutes=7), "最早的任务已等了 7 分钟"),
        (timedelta(seconds=20), -timedelta(minutes=7), "任务队列、定时检查与事件转发"),
    ],
    ids=["never", "long ago", "lately", "stuck", "due later"],
)
def test_worker_when_asked_for_then_its_last_sign_of_life_counts(
    company: Database, signed_in: Callable[[str], Person], seen: timedelta | None, due: timedelta | None, words: str
) -> None:
    now = datetime.now(UTC)
    with company.session(writes=True) as session:
        session.query(Job).delete()
        if seen is not None:
            session.add(PeriodicRun(name="tests.look", last_at=now - seen))
        if due is not None:
            at = now - due
            session.add(Job(id=new_id(), name="x", key=None, lane="quick", args={}, state="waiting", run_at=at, created_at=at, attempts=0))
        session.commit()
    page = main_of(signed_in("guanli"))
    assert "后台任务" in page
    assert words in page


def test_failed_jobs_when_an_administrator_lets_them_begin_anew_then_they_wait_with_all_their_attempts(
    company: Database, signed_in: Callable[[str], Person]
) -> None:
    at = datetime.now(UTC) - timedelta(days=1)
    ids = [new_id() for _ in range(3)]
    with company.session(writes=True) as session:
        session.query(Job).delete()
        for number, job_id in enumerate(ids):
            failed = {"state": "failed", "attempts": 12, "error": f"gone {number}", "run_at": at, "created_at": at}
            session.add(Job(id=job_id, name="library.make_preview", key=None, lane="media", args={}, **failed))
        session.commit()
    person = signed_in("guanli")
    assert all(f"gone {number}" in main_of(person) for number in range(3))
    assert signed_in("suhang").post(f"/status/jobs/{ids[0]}/retry", {}).status_code == 403
    assert [person.post(f"/status/jobs/{ids[0]}/retry", {}).status_code for _ in range(2)] == [303, 404]
    assert "gone 0" not in main_of(person)
    assert person.post("/status/jobs/retry", {}).status_code == 303
    with company.session(writes=False) as session:
        jobs = session.query(Job).filter(Job.id.in_(ids)).all()
        assert {(job.state, job.attempts, job.run_at > at) for job in jobs} == {("waiting", 0, True)}
