"""What is forgotten, and when: rows that have served their purpose, so that no table grows for ever. Events are kept for good.

Nothing is recorded: no row here is anybody's act, and what they tell of was recorded when it happened.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, delete

from workspace.db import Base
from workspace.devices.models import EnrolmentCode
from workspace.idempotency import Reply
from workspace.jobs.models import Job
from workspace.jobs.registry import periodic
from workspace.jobs.worker import JobRun
from workspace.signin.models import FailedAttempt, SignInSession

REPLIES_KEPT = timedelta(days=7)  # A phone that was offline resends its commands when it is back.
FAILURES_KEPT = timedelta(days=1)  # They count for minutes, see signin/rules.py.
ENDED_KEPT = timedelta(days=30)


@periodic("workspace.forget_old", every_s=3600)
def forget_old(run: JobRun) -> None:
    """One short transaction a table."""
    for model, outdated in _outdated(datetime.now(UTC)):
        with run.database.session(writes=True) as session:
            session.execute(delete(model).where(outdated))
            session.commit()


def _outdated(now: datetime) -> list[tuple[type[Base], ColumnElement[bool]]]:
    return [
        (Reply, Reply.at < now - REPLIES_KEPT),
        (FailedAttempt, FailedAttempt.at < now - FAILURES_KEPT),
        (SignInSession, SignInSession.expires_at < now - ENDED_KEPT),
        (EnrolmentCode, EnrolmentCode.expires_at < now - ENDED_KEPT),
        (Job, (Job.state == "failed") & (Job.created_at < now - ENDED_KEPT)),
    ]
