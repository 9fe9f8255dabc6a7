"""The state of the running product, for the administrator."""

from flask import render_template

from workspace.roles.models import WorkspacePermission
from workspace.settings import Settings
from workspace.status.queries import probe_parts, read_status
from workspace.web import Routes, request_work, web

pages = Routes("status", __name__)


@pages.get("/status", needs=WorkspacePermission.SETTINGS_READ, opens_work=False)
def show_status() -> str:
    """Parts that answer, and the job queue."""
    parts = probe_parts(web().parts.get(Settings), web().database)
    with request_work(writes=False) as work:
        status = read_status(work, parts)
    return render_template("status/status.html", status=status)
