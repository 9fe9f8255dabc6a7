"""Who may do what in a library or folder, and what a library occupies, in the browser."""

from typing import Any

from flask import flash, redirect, render_template, request

from sync.library.assets.access import get_node
from sync.library.grants.actions import set_right
from sync.library.grants.queries import GrantsView, explain, find_subjects, grants_view, usage_view
from sync.library.grants.rules import Subject, SubjectKind
from sync.library.grants.words import RIGHTS
from sync.library.libraries.rules import Right, right_named
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.people.queries import list_members
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("grants", __name__)


@pages.get("/library/folders/<folder_id>/rights", needs=SIGNED_IN)
def show_rights(work: Work, folder_id: str) -> str:
    """Who may do what in a folder, where that comes from, and the reader's own right in a sentence."""
    return _page(work, grants_view(work, folder_id))


@pages.get("/library/folders/<folder_id>/rights/subjects", needs=SIGNED_IN)
def show_subjects(work: Work, folder_id: str) -> str:
    """Whom a grant could name, as the manager types."""
    get_node(work, folder_id, to=Right.MANAGE)
    found = find_subjects(work, request.args.get("q", ""))
    return render_template(
        "library/_subjects.html", folder_id=folder_id, found=found, asked=request.args.get("q", "").strip(), rights=RIGHTS
    )


@pages.get("/library/folders/<folder_id>/rights/effective", needs=SIGNED_IN)
def show_effective(work: Work, folder_id: str) -> str:
    """What a chosen member may do here, and why."""
    get_node(work, folder_id, to=Right.MANAGE)
    member_id = request.args.get("member", "")
    return render_template("library/_effective.html", sentence=explain(work, folder_id, member_id) if member_id else "")


@pages.post("/library/folders/<folder_id>/rights", needs=SIGNED_IN)
def change(work: Work, folder_id: str) -> Any:
    """Give somebody a right here, or another one."""
    set_right(work, folder_id, _subject(), _right())
    flash(_("权限已修改"), "success")
    return redirect(f"/library/folders/{folder_id}/rights", 303)


@pages.post("/library/folders/<folder_id>/rights/removal", needs=SIGNED_IN)
def remove(work: Work, folder_id: str) -> Any:
    """Say nothing about somebody here any more: what folders above say counts again."""
    set_right(work, folder_id, _subject(), None)
    flash(_("已取消这项设置"), "success")
    return redirect(f"/library/folders/{folder_id}/rights", 303)


@pages.get("/library/<library_id>/usage", needs=SIGNED_IN)
def show_usage(work: Work, library_id: str) -> str:
    """What a library occupies, by department."""
    return render_template("library/usage.html", usage=usage_view(work, library_id))


def _page(work: Work, view: GrantsView) -> str:
    member_id, asked = request.args.get("member", ""), request.args.get("q", "").strip()
    return render_template(
        "library/rights.html", view=view, rights=RIGHTS, members=list_members(work) if view.may_manage else [], member=member_id,
        sentence=explain(work, view.folder_id, member_id) if view.may_manage and member_id else "",
        asked=asked, found=find_subjects(work, asked) if view.may_manage else [], folder_id=view.folder_id,
    )  # fmt: skip


def _subject() -> Subject:
    kind, _colon, found_id = request.form.get("subject", "").partition(":")
    if kind not in list(SubjectKind) or not 0 < len(found_id) <= 40:
        raise InvalidInput(_("请选择授权的对象"), fields={"subject": _("请从列表中选择")})
    return Subject(SubjectKind(kind), found_id)


def _right() -> Right:
    wish = request.form.get("right", "")
    if wish not in {right.stored for right in Right}:
        raise InvalidInput(_("请选择一种权限"), fields={"right": _("请从列表中选择")})
    return right_named(wish)
