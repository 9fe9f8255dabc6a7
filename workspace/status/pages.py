"""The state of the running product, for the administrator."""

from typing import Any

from flask import flash, redirect, render_template

from workspace.i18n import _
from workspace.jobs.actions import retry_job, retry_jobs
from workspace.roles.models import WorkspacePermission
from workspace.settings import Settings
from workspace.status.queries import probe_parts, read_status
from workspace.web import Routes, request_work, web
from workspace.work import Work

pages = Routes("status", __name__)


@pages.get("/status", needs=WorkspacePermission.SETTINGS_READ, opens_work=False)
def show_status() -> str:
    """Parts that answer, and the job queue."""
    parts = probe_parts(web().parts.get(Settings), web().database)
    with request_work(writes=False) as work:
        status = read_status(work, parts)
    return render_template("status/status.html", status=status)


@pages.post("/status/jobs/<job_id>/retry", needs=WorkspacePermission.SETTINGS_READ)
def retry(work: Work, job_id: str) -> Any:
    """Let a failed job begin anew."""
    retry_job(work, job_id)
    flash(_("任务会马上重新执行"), "success")
    return redirect("/status", 303)


@pages.post("/status/jobs/retry", needs=WorkspacePermission.SETTINGS_READ)
def retry_all(work: Work) -> Any:
    """Let every failed job begin anew."""
    flash(_("%(n)s 个任务会马上重新执行", n=retry_jobs(work)), "success")
    return redirect("/status", 303)
