"""A main line in the browser: its members, and what its director says about it. Its feed is main_lines.feed."""

from flask import flash, render_template
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.lines import actions, queries
from main_lines.lines.access import get_line
from main_lines.lines.bodies import DDayBody, HealthBody, MemberBody
from main_lines.lines.rules import Health
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, parse_form
from workspace.work import Work

pages = Routes("lines", __name__)


@pages.get("/lines/<line_id>/members", needs=SIGNED_IN)
def show_members(work: Work, line_id: str) -> str:
    """Who is in the line; the director adds and removes."""
    line = get_line(work, line_id)
    return render_template(
        "lines/members.html", head=queries.line_head(work, line), members=queries.members_of(work, line.id),
        candidates=queries.candidates_for(work, line.id),
    )  # fmt: skip


@pages.get("/lines/<line_id>/members/rows", needs=SIGNED_IN)
def show_member_rows(work: Work, line_id: str) -> str:
    """The rows of the member list, for refreshing it."""
    line = get_line(work, line_id)
    return render_template("lines/_members.html", head=queries.line_head(work, line), members=queries.members_of(work, line.id))


@pages.post("/lines/<line_id>/members", needs=SIGNED_IN)
def submit_member(work: Work, line_id: str) -> Response:
    """Add a member; director only."""
    member = actions.add_line_member(work, line_id, parse_form(MemberBody).member_id)
    flash(_("已将%(name)s加入主线", name=member.name), "success")
    return way_back(f"/lines/{line_id}/members")


@pages.post("/lines/<line_id>/members/<member_id>/remove", needs=SIGNED_IN)
def submit_removal(work: Work, line_id: str, member_id: str) -> Response:
    """From this commit on the line does not exist for them."""
    actions.remove_line_member(work, line_id, member_id)
    flash(_("已移出主线"), "success")
    return way_back(f"/lines/{line_id}/members")


@pages.post("/lines/<line_id>/directors", needs=SIGNED_IN)
def submit_director(work: Work, line_id: str) -> Response:
    """Let a member direct the line too; director only."""
    member = actions.name_director(work, line_id, parse_form(MemberBody).member_id)
    flash(_("%(name)s现在也是主线负责人", name=member.name), "success")
    return way_back(f"/lines/{line_id}/members")


@pages.post("/lines/<line_id>/directors/<member_id>/release", needs=SIGNED_IN)
def submit_release(work: Work, line_id: str, member_id: str) -> Response:
    """Let a director be a member like others again; director only."""
    member = actions.release_director(work, line_id, member_id)
    flash(_("%(name)s不再是主线负责人", name=member.name), "success")
    return way_back(f"/lines/{line_id}/members")


@pages.post("/lines/<line_id>/health", needs=SIGNED_IN)
def submit_health(work: Work, line_id: str) -> Response:
    """The director states how the line is."""
    body = parse_form(HealthBody)
    actions.state_health(work, line_id, health=Health(body.health), reason=body.reason)
    flash(_("已更新主线判断"), "success")
    return way_back(f"/lines/{line_id}/board")


@pages.post("/lines/<line_id>/d-day", needs=SIGNED_IN)
def submit_d_day(work: Work, line_id: str) -> Response:
    """Move D-day with every date that is an offset."""
    body = parse_form(DDayBody)
    actions.move_d_day(work, line_id, body.d_day, seen=body.seen)
    flash(_("D 日已调整，未固定的日期随之移动"), "success")
    return way_back(f"/lines/{line_id}/board")
