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
