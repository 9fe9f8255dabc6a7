"""A folder as it was at a time, to look at and to download."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from flask import Response, render_template, request

from sync.library.history.queries import past_view, plan_past_zip
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


def _asked_time(now: datetime) -> datetime:
    """``at``: a local time as a form field gives it, or one with its offset; now without one."""
    text = request.args.get("at", "")[:40]
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
