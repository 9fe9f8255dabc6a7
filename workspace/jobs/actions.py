"""What an administrator may do about jobs. Putting new ones into the table is Work's (``after_commit``)."""

from sqlalchemy import select

from workspace.errors import NotFound
from workspace.i18n import _
from workspace.jobs.models import Job, JobEvent
from workspace.work import Work

AT_ONCE = 1000


def retry_job(work: Work, job_id: str) -> None:
    """Let a job that has failed for good begin anew, with all its attempts: whatever was in its way may be gone."""
    job = work.session.scalars(select(Job).where(Job.id == job_id, Job.state == "failed").with_for_update()).one_or_none()
    if job is None:
        raise NotFound(_("没有找到这个失败的任务"), _("它可能已在重试，请刷新后再看。"))
    _begin_anew(work, job)
    work.record(JobEvent.RETRIED, subject=f"job:{job.id}", rooms=["audit"], job=job.name)


def retry_jobs(work: Work) -> int:
    """The same for all that have failed; returns how many."""
    failed = list(work.session.scalars(select(Job).where(Job.state == "failed").order_by(Job.id).limit(AT_ONCE).with_for_update()))
    for job in failed:
        _begin_anew(work, job)
    if failed:
        work.record(JobEvent.ALL_RETRIED, subject="jobs", rooms=["audit"], count=len(failed))
    return len(failed)


def _begin_anew(work: Work, job: Job) -> None:
    job.state, job.run_at, job.attempts, job.lease_until = "waiting", work.now, 0, None
