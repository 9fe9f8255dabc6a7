"""The audit in the browser: who did what, when, to what."""

from flask import render_template, request

from workspace.events.kinds import all_kinds
from workspace.events.queries import PAGE, audit_page
from workspace.people.queries import list_members
from workspace.roles.models import WorkspacePermission
from workspace.web import Routes, is_htmx
from workspace.work import Work

pages = Routes("audit", __name__)


@pages.get("/audit", needs=WorkspacePermission.AUDIT_READ)
def show_audit(work: Work) -> str:
    """Every event in words, newest first; filters by area, person and subject."""
    filters = {name: request.args.get(name, "") for name in ("kind", "actor_id", "subject")}
    rows = audit_page(work, before=request.args.get("before", type=int), **filters)
    areas = sorted({str(kind).rsplit(".", 1)[0] for kind in all_kinds()})
    people = [(member.id, member.name) for member in list_members(work)]
    older = rows[-1].seq if len(rows) == PAGE else None
    template = "audit/_rows.html" if is_htmx() and request.args.get("before") else "audit/audit.html"
    return render_template(template, rows=rows, filters=filters, areas=areas, people=people, older=older)
