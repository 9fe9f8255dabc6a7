"""A main line in the browser: its feed, its members, and what its director says about it."""

from secrets import token_hex

from flask import flash, render_template, request
from werkzeug.wrappers import Response

from main_lines.back import way_back
from main_lines.lines import actions, queries
from main_lines.lines.access import get_line
from main_lines.lines.bodies import DDayBody, HealthBody, MemberBody, PostBody, sequence
from main_lines.lines.rules import Health
from main_lines.lines.words import KINDS
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, is_htmx, parse_form
from workspace.work import Work

pages = Routes("lines", __name__)


@pages.get("/lines/<line_id>", needs=SIGNED_IN)
def show_line(work: Work, line_id: str) -> str:
    """The feed of a main line: posts and everything that happened, newest first."""
    line = get_line(work, line_id)
    return render_template(
        "lines/line.html", head=queries.line_head(work, line), feed=queries.line_feed(work, line), gates=queries.gates_of(work, line.id),
        members=queries.members_of(work, line.id), post_key=token_hex(16), kinds=KINDS,
    )  # fmt: skip


@pages.get("/lines/<line_id>/feed", needs=SIGNED_IN)
def show_feed(work: Work, line_id: str) -> str:
    """Rows of the feed: ``before`` a sequence (older ones), or ``since`` one (the part that is kept fresh)."""
    line = get_line(work, line_id)
    before = request.args.get("before", type=sequence)
    if before is not None:
        return render_template("lines/_feed_older.html", feed=queries.line_feed(work, line, before=before), line_id=line.id)
    return render_template(
        "lines/_feed.html", feed=queries.line_feed_since(work, line, request.args.get("since", default=0, type=sequence))
    )


@pages.post("/lines/<line_id>/posts", needs=SIGNED_IN)
def submit_post(work: Work, line_id: str) -> str | Response:
    """Write a progress post. htmx gets a fresh form; the post itself arrives as an event."""
    actions.post_progress(work, line_id, text=parse_form(PostBody).text)
    if not is_htmx():
        return way_back(f"/lines/{line_id}")
    return render_template("lines/_post_form.html", line_id=line_id, post_key=token_hex(16))


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
    actions.move_d_day(work, line_id, parse_form(DDayBody).d_day)
    flash(_("D 日已调整，未固定的日期随之移动"), "success")
    return way_back(f"/lines/{line_id}/board")
