"""The calendar of a member: the page on which its addresses are made and stopped, and the file that programs fetch."""

import hashlib
from urllib.parse import urlsplit

from flask import flash, redirect, render_template, request
from flask_babel import force_locale
from werkzeug.wrappers import Response

from main_lines.calendars.access import own_feeds, work_of_reader
from main_lines.calendars.actions import make_feed, note_reading, stop_feed
from main_lines.calendars.ics import ics_of
from main_lines.calendars.queries import calendar_of
from workspace.errors import InvalidInput
from workspace.i18n import LOCALES, _
from workspace.settings import Settings
from workspace.web import ANYONE, SIGNED_IN, Routes, web
from workspace.work import Work

pages = Routes("calendars", __name__)


@pages.get("/calendar", needs=SIGNED_IN)
def show_calendar(work: Work) -> str:
    """One's addresses, and how a phone takes one up."""
    return _page(work)


@pages.post("/calendar", needs=SIGNED_IN)
def add_feed(work: Work) -> str | tuple[str, int]:
    """A new address; it is shown this once."""
    try:
        token = make_feed(work, name=request.form.get("name", ""))
    except InvalidInput as error:
        return _page(work, error=error), error.status
    work.session.flush()
    address = f"{request.host_url}calendar/{token}.ics"
    return _page(work, address=address, webcal=f"webcal://{urlsplit(address).netloc}{urlsplit(address).path}")


@pages.post("/calendar/<feed_id>/revocation", needs=SIGNED_IN)
def revoke(work: Work, feed_id: str) -> Response:
    """Stop an address at once."""
    name = stop_feed(work, feed_id)
    flash(_("已停用“%(name)s”", name=name), "success")
    return redirect("/calendar", code=303)


@pages.get("/calendar/<feed_token>.ics", needs=ANYONE, opens_work=False)
def send_calendar(feed_token: str) -> Response:
    """The calendar as a file, for whoever has its address: no session, and nothing that its member may not see now."""
    settings = web().parts.get(Settings)
    with work_of_reader(feed_token) as (work, feed, member):
        with force_locale(member.locale if member.locale in LOCALES else settings.default_locale):
            name, entries = _("主线 · %(name)s", name=member.name), calendar_of(work)
        now = work.now
    content = ics_of(entries, name=name, base_url=request.host_url.rstrip("/"))
    note_reading(web().database, feed, now)
    response = Response(content, content_type="text/calendar; charset=utf-8")
    response.set_etag(hashlib.sha256(content).hexdigest()[:32])
    response.headers["Content-Disposition"] = 'inline; filename="mainline.ics"'
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response.make_conditional(request.environ)


def _page(work: Work, *, address: str = "", webcal: str = "", error: InvalidInput | None = None) -> str:
    return render_template(
        "calendars/calendar.html", feeds=own_feeds(work), address=address, webcal=webcal, error=error,
        errors=error.fields if error else {}, typed=request.form.get("name", "") if error else "",
    )  # fmt: skip
