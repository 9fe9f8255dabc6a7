"""What every template can use: the reader, the navigation, URLs of files, translation."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, current_app, g, request
from markupsafe import Markup
from sqlalchemy import select

from workspace.i18n import LOCALES
from workspace.people.models import Department, Member, Site
from workspace.people.queries import initials
from workspace.phrases import said
from workspace.realtime_line import LOOK_PURPOSE
from workspace.roles.permissions import Permission
from workspace.secrets import SigningKey
from workspace.security import Csrf, service_urls
from workspace.settings import ROOT, Settings
from workspace.web import request_work, web
from workspace.work import SYSTEM, Work


@dataclass(frozen=True)
class NavItem:
    """One entry of the main navigation. needs: None = everybody who is signed in. tab: its short name in the phone's bottom bar.

    count: how much waits for the reader there, shown beside the label; one cheap query. places: the same for an entry under which
    several pages lie, by the address of each; the entry shows their sum. also: beginnings of other addresses that belong to it.
    """

    label: Any
    url: str
    icon: str
    needs: Permission | None = None
    tab: Any = None
    count: Callable[[Work], int] | None = None
    places: Callable[[Work], Mapping[str, int]] | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class NavGroup:
    label: Any
    items: tuple[NavItem, ...]


@dataclass(frozen=True)
class Me:
    """The reader, as pages show them."""

    id: str
    name: str
    title: str
    department_name: str
    city_name: str

    @property
    def initials(self) -> str:
        return initials(self.name)


def install_context(app: Flask, settings: Settings, csrf: Csrf, nav: tuple[NavGroup, ...]) -> None:
    app.extensions["mainline_nav"] = nav
    app.jinja_env.globals.update(
        asset_url=asset_url,
        asset_text=asset_text,
        vendor_url=vendor_url,
        waiting_at=waiting_at,
        look_token=look_token,
        said=said,
        system_name=SYSTEM.name,
    )

    app.jinja_env.filters["clock"] = partial(clock, ZoneInfo(settings.time_zone))

    @app.context_processor
    def _values() -> dict[str, Any]:
        away = g.get("database_away", False)
        actor = None if away else g.get("actor")
        signed_in = actor is not None and actor.member_id is not None
        return {
            "me": _me() if signed_in else None,
            "can": lambda permission: actor is not None and signed_in and actor.may(permission),
            "nav": cache(
                lambda: _nav(nav, actor) if signed_in else []
            ),  # Its counts cost more than many a fragment, which shows none of it.
            "csrf_token": csrf.token(),
            "csp_nonce": g.get("csp_nonce", ""),
            "locale": chosen_locale(),
            "realtime": _realtime(settings, actor.member_id) if actor is not None and signed_in else None,
            "company_name": settings.company_name,
            "simulated": not away and bool(app.extensions["mainline"].parts.simulated()),
        }


def _realtime(settings: Settings, member_id: str | None) -> dict[str, Any]:
    """What the page's scripts need to be told of what happens."""
    url = service_urls(settings)["realtime"]
    head, epoch = g.get("head", 0), g.get("epoch", "")
    return {"url": url, "ticket_url": "/api/realtime/ticket", "head": head, "epoch": epoch, "member": member_id}


def look_token(subject: str, room: str) -> str:
    """Signed for the reader: this page is about ``subject``, and whoever has ``room`` open may know that they look at it."""
    me = _me()
    if me is None:
        return ""
    page = {"member": me.id, "name": me.name, "initials": me.initials, "subject": subject, "room": room}
    return web().parts.get(SigningKey).sign(LOOK_PURPOSE, page)


def chosen_locale() -> str:
    """The reader's cookie, else the setting; a ``lang`` parameter wins for one page."""
    for wish in (request.args.get("lang"), request.cookies.get("mainline_locale")):
        if wish in LOCALES:
            return str(wish)
    return web().parts.get(Settings).default_locale


def _me() -> Me | None:
    if "me" not in g:
        with request_work(writes=False) as work:
            query = select(Member.id, Member.name, Member.title, Department.name.label("department"), Site.name.label("city"))
            query = query.join(Department, Department.id == Member.department_id).join(Site, Site.id == Member.site_id)
            row = work.session.execute(query.where(Member.id == work.actor.member_id)).first()
        g.me = Me(row.id, row.name, row.title, row.department, row.city) if row else None
    return g.me


def nav_counts() -> dict[str, int]:
    """URL of each entry, and of each place under one, that counts something -> how much; asked once per request."""
    if "nav_counts" not in g:
        groups: tuple[NavGroup, ...] = current_app.extensions["mainline_nav"]
        with request_work(writes=False) as work:
            g.nav_counts = {}
            for item in (item for group in groups for item in group.items):
                if item.places:
                    places = item.places(work)
                    g.nav_counts |= {**places, item.url: sum(places.values())}
                elif item.count:
                    g.nav_counts[item.url] = item.count(work)
    found: dict[str, int] = g.nav_counts
    return found


def waiting_at(url: str) -> int:
    """How much waits for the reader at an address that the navigation counts, or that lies under one of its entries; for templates."""
    return nav_counts().get(url, 0)


def _nav(groups: tuple[NavGroup, ...], actor: Any) -> list[dict[str, Any]]:
    shown = []
    counts = nav_counts()
    for group in groups:
        items = [
            {
                "label": str(item.label),
                "url": item.url,
                "icon": item.icon,
                "tab": str(item.tab) if item.tab else False,
                "active": any(map(_is_active, (item.url, *item.also))),
                "count": counts.get(item.url, 0),
            }
            for item in group.items
            if item.needs is None or actor.may(item.needs)
        ]
        if items:
            shown.append({"label": str(group.label), "items": items})
    return shown


def _is_active(url: str) -> bool:
    return request.path == url or (url != "/" and request.path.startswith(f"{url}/"))


def clock(zone: ZoneInfo, at: datetime, *, full: bool = False) -> str:
    """An instant on the company's clock, in the digits that every language here has. full: with its year and seconds."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S" if full else "%m-%d %H:%M")


@lru_cache(maxsize=512)
def asset_url(path: str) -> str:
    """URL of our own static file with a content hash, so that browsers may keep it for ever."""
    digest = hashlib.sha256((ROOT / "static" / path).read_bytes()).hexdigest()[:10]
    return f"/static/{path}?v={digest}"


@lru_cache(maxsize=16)
def asset_text(path: str) -> Markup:
    """Our own static file itself, for the few lines that a page must not wait for."""
    return Markup((ROOT / "static" / path).read_text("utf-8"))


@lru_cache(maxsize=1)
def _vendor_manifest() -> dict[str, str]:
    path = ROOT / "static" / "vendor" / "manifest.json"
    if not path.exists():
        raise LookupError("browser libraries are not installed: run script/setup")
    loaded: dict[str, str] = json.loads(path.read_text("utf-8"))
    return loaded


def vendor_url(name: str) -> str:
    """URL of a browser library copied at set-up under its content hash."""
    return f"/static/vendor/{_vendor_manifest()[name]}"
