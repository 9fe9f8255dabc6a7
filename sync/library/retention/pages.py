"""The retention plan of a library, and keeping a version, in the browser."""

from typing import Any

from flask import flash, redirect, render_template, request

from sync.library.retention.actions import keep_version, release_version, set_plan
from sync.library.retention.queries import keeps_view, plan_view
from sync.library.retention.rules import Mode, Plan
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, is_htmx
from workspace.work import Work

pages = Routes("retention", __name__)


@pages.get("/library/<library_id>/retention", needs=SIGNED_IN)
def show_plan(work: Work, library_id: str) -> str:
    """Which versions of a library stay, in words; a form for who manages it."""
    return render_template("library/retention.html", view=plan_view(work, library_id), typed={}, problems={})


@pages.post("/library/<library_id>/retention", needs=SIGNED_IN)
def change_plan(work: Work, library_id: str) -> Any:
    """Change which versions stay."""
    view = plan_view(work, library_id)
    typed = {name: request.form.get(name, "").strip()[:10] for name in ("mode", "all_days", "daily_days", "weekly_days")}
    try:
        set_plan(work, library_id, _plan_of(typed, view.plan))
    except InvalidInput as error:
        problems = error.facts.get("fields") or {"all_days": error.message}
        return render_template("library/retention.html", view=view, typed=typed, problems=problems), error.status
    flash(_("保留规则已修改"), "success")
    return redirect(f"/library/{library_id}/retention", 303)


@pages.get("/library/assets/<asset_id>/keeping", needs=SIGNED_IN)
def show_keeping(work: Work, asset_id: str) -> str:
    """What is kept of an asset; a fragment of its page."""
    return render_template("library/_keeping.html", view=keeps_view(work, asset_id, request.args.get("version", type=int)))


@pages.post("/library/assets/<asset_id>/versions/<int:number>/keeping", needs=SIGNED_IN)
def keep(work: Work, asset_id: str, number: int) -> Any:
    """Keep a version for ever, under a name or without."""
    keep_version(work, asset_id, number, label=request.form.get("label", ""))
    return _shown_again(work, asset_id, number, _("版本 %(n)s 将永远保留", n=number))


@pages.post("/library/assets/<asset_id>/versions/<int:number>/release", needs=SIGNED_IN)
def release(work: Work, asset_id: str, number: int) -> Any:
    """Keep a version no longer than the plan does."""
    release_version(work, asset_id, number)
    return _shown_again(work, asset_id, number, _("版本 %(n)s 不再单独保留", n=number))


def _shown_again(work: Work, asset_id: str, number: int, said: str) -> Any:
    if is_htmx():
        return render_template("library/_keeping.html", view=keeps_view(work, asset_id, number))
    flash(said, "success")
    return redirect(f"/library/assets/{asset_id}?version={number}", 303)


def _plan_of(typed: dict[str, str], plan: Plan) -> Plan:
    """What was typed; a field that is not there, as of a mode that needs none, stays what it was."""
    try:
        mode = Mode(typed["mode"])
    except ValueError as error:
        raise InvalidInput(_("请选择一种规则"), fields={"mode": _("请选择一种规则")}) from error
    days = {}
    for name in ("all_days", "daily_days", "weekly_days"):
        text = typed[name]
        if text and not (text.isascii() and text.isdigit()):
            raise InvalidInput(_("保留规则不合适"), fields={name: _("请填写整数")})
        days[name] = int(text) if text else getattr(plan, name)
    return Plan(mode, **days)
