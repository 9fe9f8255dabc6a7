"""A member's notices in the browser."""

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from workspace.notices import actions, queries
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("notices", __name__)


@pages.get("/notices", needs=SIGNED_IN)
def show_notices(work: Work) -> str:
    """Everything that concerned the reader, newest first; ``show=unread`` leaves out what was read."""
    return render_template("notices/notices.html", **_listed(work))


@pages.get("/notices/fragment", needs=SIGNED_IN)
def show_notices_fragment(work: Work) -> str:
    """The rows alone, for a page that moves by itself or asks for earlier ones."""
    return render_template("notices/_rows.html", **_listed(work))


@pages.post("/notices/<notice_id>/open", needs=SIGNED_IN)
def open_notice(work: Work, notice_id: str) -> Response:
    """Mark as read and go where it leads."""
    return redirect(actions.read_notice(work, notice_id), 303)


@pages.post("/notices/read", needs=SIGNED_IN)
def read_all(work: Work) -> Response:
    """Mark everything as read."""
    actions.read_all(work)
    return redirect("/notices", 303)


def _listed(work: Work) -> dict[str, object]:
    unread_only = request.args.get("show") == "unread"
    rows = queries.list_notices(work, unread_only=unread_only, before=request.args.get("before"))
    show = "unread" if unread_only else "all"
    older = f"/notices/fragment?show={show}&before={rows[-1].id}" if len(rows) == queries.PAGE else ""
    return {"rows": rows, "unread": queries.unread_count(work), "show": show, "older": older}
