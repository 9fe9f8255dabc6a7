"""What has served its purpose is forgotten, what is younger stays."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from workspace.db import Database, new_id
from workspace.idempotency import Reply
from workspace.jobs.models import Job
from workspace.jobs.registry import JOBS
from workspace.jobs.worker import put_periodic
from workspace.people.models import Member
from workspace.signin.models import FailedAttempt, SignInSession


def test_forget_when_it_runs_then_only_what_is_old_goes(company: Database, run_jobs: Callable[[], int]) -> None:
    now = datetime.now(UTC)
    with company.session(writes=True) as session:
        session.query(Job).delete()
        member_id = session.scalars(select(Member.id)).first()
        for word, at in (("old", now - timedelta(days=60)), ("young", now - timedelta(minutes=5))):
            session.add(Reply(member_id=member_id, key=word, digest="", status=200, content_type="", body=b"", location="", at=at))
            session.add(FailedAttempt(id=new_id(), name=word, at=at, count=1))
            session.add(SignInSession(id=new_id(), token_hash=word, member_id=member_id, created_at=at, expires_at=at))
            session.add(Job(id=new_id(), name="x", key=word, lane="quick", args={}, state="failed", run_at=at, created_at=at, attempts=1))
        session.commit()
    assert put_periodic(company, JOBS["workspace.forget_old"], now)
    run_jobs()
    with company.session(writes=False) as session:
        for column in (Reply.key, FailedAttempt.name, SignInSession.token_hash, Job.key):
            assert list(session.scalars(select(column))) == ["young"], column
