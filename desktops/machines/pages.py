"""Pages of desktops: one's own as a card, all of them for those who manage, and the fragments that other pages embed."""

from typing import Any

from flask import flash, redirect, render_template, request
from pydantic import BaseModel, Field
from werkzeug.wrappers import Response

from desktops.machines import actions, queries
from desktops.machines.access import get_own_desktop
from desktops.machines.models import DesktopPermission
from desktops.templates.access import all_templates
from main_lines.lines.access import get_line
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, parse_form
from workspace.work import Work

pages = Routes("desktops", __name__)


class OpenForm(BaseModel):
    member_id: str | None = Field(default=None, max_length=26)
    template_id: str | None = Field(default=None, max_length=26)


@pages.get("/desktops", needs=SIGNED_IN)
def show_desktops(work: Work) -> str:
    """One's own desktop; everything for those who manage desktops."""
    return render_template("desktops/machines/desktops.html", **_mine(work), **_all(work), **_opening(work))


@pages.get("/desktops/mine", needs=SIGNED_IN)
def show_mine(work: Work) -> str:
    """The cards of one's own desktops, fetched again as they move."""
    return render_template("desktops/machines/_mine.html", **_mine(work))


@pages.get("/desktops/all", needs=DesktopPermission.MANAGE)
def show_all(work: Work) -> str:
    """Desktops, hosts and images of the company, fetched again as they move."""
    return render_template("desktops/machines/_all.html", **_all(work))


@pages.get("/desktops/mine/fragment", needs=SIGNED_IN)
def show_mine_small(work: Work) -> str:
    """One's own desktop for the home page."""
    return render_template("desktops/machines/_small.html", **_mine(work))


@pages.get("/desktops/strip", needs=SIGNED_IN)
def show_strip(work: Work) -> str:
    """How many desktops of a main line's members are up, by city; absent for who is not in the line."""
    line = get_line(work, request.args.get("line", ""))
    return render_template("desktops/machines/_strip.html", line=line, cities=queries.desktops_by_city(work, line.id))


@pages.post("/desktops/open", needs=SIGNED_IN)
def open_desktop(work: Work) -> Response:
    """Ask for a desktop, for oneself or (with the right to manage) for a member."""
    form = parse_form(OpenForm)
    actions.open_desktop(work, member_id=form.member_id or work.actor.member_id or "", template_id=form.template_id or None)
    return redirect("/desktops", 303)


@pages.post("/desktops/<desktop_id>/hibernate", needs=SIGNED_IN)
def hibernate_desktop(work: Work, desktop_id: str) -> Response:
    """Save its memory and switch it off."""
    actions.hibernate_desktop(work, desktop_id)
    return redirect("/desktops", 303)


@pages.post("/desktops/<desktop_id>/restart", needs=SIGNED_IN)
def restart_desktop(work: Work, desktop_id: str) -> Response:
    """Switch it off and on."""
    actions.restart_desktop(work, desktop_id)
    return redirect("/desktops", 303)


@pages.post("/desktops/<desktop_id>/retry", needs=SIGNED_IN)
def retry_desktop(work: Work, desktop_id: str) -> Response:
    """Try again after a failure."""
    actions.retry_desktop(work, desktop_id)
    return redirect("/desktops", 303)


@pages.post("/desktops/<desktop_id>/reclaim", needs=DesktopPermission.MANAGE)
def reclaim_desktop(work: Work, desktop_id: str) -> Response:
    """Take it away."""
    desktop = actions.reclaim_desktop(work, desktop_id)
    flash(_("云桌面“%(name)s”正在回收，数据盘会保留。", name=desktop.name), "success")
    return redirect("/desktops", 303)


@pages.get("/desktops/<desktop_id>/console", needs=DesktopPermission.OWN)
def show_console(work: Work, desktop_id: str) -> str:
    """The screen of one's own desktop in a full window; an honest page where the host is simulated."""
    desktop = queries.show_desktop(work, get_own_desktop(work, desktop_id).id)
    if desktop.simulated:
        return render_template("desktops/consoles/simulated.html", desktop=desktop, findings=queries.why_simulated(work, desktop_id))
    return render_template("desktops/consoles/console.html", desktop=desktop)


def _mine(work: Work) -> dict[str, Any]:
    may_own = work.actor.may(DesktopPermission.OWN)
    return {"mine": queries.own_desktops(work), "may_own": may_own, "may_open": may_own and bool(all_templates(work))}


def _all(work: Work) -> dict[str, Any]:
    if not work.actor.may(DesktopPermission.MANAGE):
        return {"manages": False}
    return {
        "manages": True,
        "desktops": queries.list_desktops(work),
        "hosts": queries.list_hosts(work),
        "images": queries.list_images(work),
    }


def _opening(work: Work) -> dict[str, Any]:
    """For the form with which a desktop is opened for a member."""
    if not work.actor.may(DesktopPermission.MANAGE):
        return {}
    return {
        "candidates": queries.members_without(work),
        "template_options": [(template.id, template.name) for template in all_templates(work)],
    }
