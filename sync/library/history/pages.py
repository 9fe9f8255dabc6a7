"""A folder as it was at a time, to look at and to download."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Response, flash, redirect, render_template, request

from sync.library.assets.access import get_node
from sync.library.history.actions import restore_folder
from sync.library.history.queries import past_view, plan_past_zip
from sync.library.history.restoring import restoration_view
from sync.library.history.rules import Act
from sync.library.libraries.rules import Right
from sync.library.zips.pages import send_zip
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.settings import Settings
from workspace.web import SIGNED_IN, Routes, request_work, web
from workspace.work import Work

pages = Routes("history", __name__)


@pages.get("/library/folders/<folder_id>/past", needs=SIGNED_IN)
def show_past(work: Work, folder_id: str) -> str:
    """What lay in a folder then, read-only."""
    at = _asked_time(work.now)
    return render_template("library/past.html", past=past_view(work, folder_id, at), local=at.astimezone(_zone()))


@pages.get("/library/folders/<folder_id>/past/zip", needs=SIGNED_IN, opens_work=False)
def download_past(folder_id: str) -> Response:
    """The folder as it was then, as one zip."""
    with request_work(writes=False) as work:
        at = _asked_time(work.now)
        plan = plan_past_zip(work, folder_id, at, f"{at.astimezone(_zone()):%Y-%m-%d %H.%M}")
    return send_zip(plan)


@pages.get("/library/folders/<folder_id>/past/restoration", needs=SIGNED_IN)
def show_restoration(work: Work, folder_id: str) -> str:
    """What restoring the folder to then would change, before it is done."""
    get_node(work, folder_id, to=Right.EDIT)
    at = _asked_time(work.now)
    plan = restoration_view(work, folder_id, at)
    local, undo = at.astimezone(_zone()), "undo" in request.args
    return render_template("library/restoration.html", plan=plan, local=local, at=at.isoformat(), undo=undo, ACT=Act)


@pages.post("/library/folders/<folder_id>/past/restoration", needs=SIGNED_IN)
def restore_to_then(work: Work, folder_id: str) -> Any:
    """Make the folder what it was then, as one act."""
    at = _asked_time(work.now)
    said = f"{at.astimezone(_zone()):%Y-%m-%d %H:%M}"
    take_away, stamp = request.form.get("later") == "away", request.form.get("stamp", "")[:40]
    count = restore_folder(work, folder_id, at, take_away=take_away, stamp=stamp, said=said)
    flash(_("已恢复到 %(when)s 的样子，改动了 %(n)s 项", when=said, n=count), "success")
    before = (work.now - timedelta(microseconds=1)).isoformat()
    return redirect(f"/library/folders/{folder_id}?{urlencode({'undo': before})}", 303)


def _asked_time(now: datetime) -> datetime:
    """``at``: a local time as a form field gives it, or one with its offset; now without one."""
    text = request.values.get("at", "")[:40]
    if not text:
        return now
    try:
        asked = datetime.fromisoformat(text)
        asked = asked if asked.tzinfo else asked.replace(tzinfo=_zone())
        return min(asked.astimezone(UTC), now)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(_("时间格式不对"), _("请选择一个日期和时间。"), fields={"at": _("请选择一个日期和时间。")}) from error


def _zone() -> ZoneInfo:
    return ZoneInfo(web().parts.get(Settings).time_zone)
