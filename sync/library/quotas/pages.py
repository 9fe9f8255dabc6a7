"""Departments and what they may save, for who manages members."""

from typing import Any

from flask import flash, redirect, render_template, request

from sync.library.quotas.actions import set_quota
from sync.library.quotas.queries import quota_rows
from sync.library.quotas.rules import parse_gigabytes
from workspace.i18n import _
from workspace.roles.models import WorkspacePermission
from workspace.web import Routes
from workspace.work import Work

pages = Routes("quotas", __name__)


@pages.get("/library/quotas", needs=WorkspacePermission.MEMBER_MANAGE)
def show_quotas(work: Work) -> str:
    """What each department has saved in the libraries, and its limit."""
    return render_template("library/quotas.html", rows=quota_rows(work), typed={}, problems={})


@pages.post("/library/quotas/<department_id>", needs=WorkspacePermission.MEMBER_MANAGE)
def change_quota(work: Work, department_id: str) -> Any:
    """Set or lift a department's limit."""
    text = request.form.get("quota", "")[:20]
    try:
        quota_bytes = parse_gigabytes(text)
    except ValueError:
        problem = _("请填写 0.001 到 1000000 之间的数，留空表示不限。")
        rows = quota_rows(work)
        return render_template("library/quotas.html", rows=rows, typed={department_id: text}, problems={department_id: problem}), 422
    set_quota(work, department_id, quota_bytes)
    flash(_("部门配额已修改"), "success")
    return redirect("/library/quotas", 303)
