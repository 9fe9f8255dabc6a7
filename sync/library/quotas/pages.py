"""Where limits are set: of departments, and of libraries."""

from typing import Any

from flask import flash, redirect, render_template, request

from sync.library.quotas.actions import set_library_quota, set_quota
from sync.library.quotas.queries import library_rows, quota_rows
from sync.library.quotas.rules import parse_gigabytes
from workspace.i18n import _
from workspace.roles.models import WorkspacePermission
from workspace.web import Routes
from workspace.work import Work

pages = Routes("quotas", __name__)


@pages.get("/library/quotas", needs=WorkspacePermission.MEMBER_MANAGE)
def show_quotas(work: Work) -> str:
    """What each department has saved in the libraries, what each library holds, and their limits."""
    return _page(work, {}, {})


@pages.post("/library/quotas/<department_id>", needs=WorkspacePermission.MEMBER_MANAGE)
def change_quota(work: Work, department_id: str) -> Any:
    """Set or lift a department's limit."""
    try:
        set_quota(work, department_id, _typed())
    except ValueError:
        return _nonsense(work, department_id)
    flash(_("部门配额已修改"), "success")
    return redirect("/library/quotas", 303)


@pages.post("/library/quotas/libraries/<library_id>", needs=WorkspacePermission.MEMBER_MANAGE)
def change_library_quota(work: Work, library_id: str) -> Any:
    """Set or lift a library's limit."""
    try:
        set_library_quota(work, library_id, _typed())
    except ValueError:
        return _nonsense(work, library_id)
    flash(_("素材库配额已修改"), "success")
    return redirect("/library/quotas", 303)


def _typed() -> int | None:
    return parse_gigabytes(request.form.get("quota", "")[:20])


def _nonsense(work: Work, row_id: str) -> Any:
    problem = _("请填写 0.001 到 1000000 之间的数，留空表示不限。")
    return _page(work, {row_id: request.form.get("quota", "")[:20]}, {row_id: problem}), 422


def _page(work: Work, typed: dict[str, str], problems: dict[str, str]) -> str:
    return render_template(
        "library/quotas.html", departments=quota_rows(work), libraries=library_rows(work), typed=typed, problems=problems
    )  # fmt: skip
