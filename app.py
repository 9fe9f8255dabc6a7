"""Composition: the web application with every feature's pages and api, on the parts and jobs of wiring.py."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, g, request
from flask_babel import Babel
from flask_compress import Compress
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.middleware.proxy_fix import ProxyFix

from desktops.machines.api import api as desktops_api
from desktops.machines.pages import pages as desktops_pages
from main_lines.alerts.api import api as alerts_api
from main_lines.alerts.pages import pages as alerts_pages
from main_lines.approvals.api import api as approvals_api
from main_lines.approvals.asset_pages import pages as approvals_asset_pages
from main_lines.approvals.compose_pages import pages as approvals_compose_pages
from main_lines.approvals.pages import pages as approvals_pages
from main_lines.approvals.queries import todo_count
from main_lines.board.api import api as board_api
from main_lines.board.pages import pages as board_pages
from main_lines.calendars.pages import pages as calendars_pages
from main_lines.checks.api import api as checks_api
from main_lines.checks.pages import pages as checks_pages
from main_lines.feed.api import api as feed_api
from main_lines.feed.pages import pages as feed_pages
from main_lines.feed.queries import unread_by_line
from main_lines.gates.api import api as gates_api
from main_lines.gates.pages import pages as gates_pages
from main_lines.handovers.api import api as handovers_api
from main_lines.handovers.pages import pages as handovers_pages
from main_lines.lines.api import api as lines_api
from main_lines.lines.pages import pages as lines_pages
from main_lines.numbers.api import api as numbers_api
from main_lines.numbers.import_pages import pages as number_imports_pages
from main_lines.numbers.pages import pages as numbers_pages
from main_lines.order_tables.api import api as order_tables_api
from main_lines.order_tables.pages import pages as order_tables_pages
from main_lines.order_templates.api import api as order_templates_api
from main_lines.order_templates.pages import pages as order_templates_pages
from main_lines.plans.api import api as plans_api
from main_lines.plans.pages import pages as plans_pages
from main_lines.playbooks.api import api as playbooks_api
from main_lines.playbooks.book_pages import pages as playbook_books_pages
from main_lines.playbooks.pages import pages as playbooks_pages
from main_lines.prints.pages import pages as prints_pages
from main_lines.retrospectives.api import api as retrospectives_api
from main_lines.retrospectives.pages import pages as retrospectives_pages
from main_lines.signing.api import api as signing_api
from main_lines.signing.pages import pages as signing_pages
from main_lines.tasks.api import api as tasks_api
from main_lines.tasks.pages import pages as tasks_pages
from main_lines.tasks.part_api import api as task_parts_api
from main_lines.tasks.part_pages import pages as task_parts_pages
from main_lines.uses.pages import pages as uses_pages
from main_lines.work.api import api as work_api
from main_lines.work.pages import pages as work_pages
from main_lines.work.queries import now_count
from sync.library.agents_api.api import api as agents_api
from sync.library.assets.pages import pages as asset_pages
from sync.library.assets.selection_pages import pages as selection_pages
from sync.library.comments.pages import pages as comment_pages
from sync.library.grants.pages import pages as grant_pages
from sync.library.history.pages import pages as history_pages
from sync.library.leases.pages import pages as lease_pages
from sync.library.libraries.pages import pages as library_pages
from sync.library.quotas.pages import pages as quota_pages
from sync.library.retention.pages import pages as retention_pages
from sync.library.shares.pages import pages as share_pages
from sync.library.tags.pages import pages as tags_pages
from sync.library.trash.pages import pages as trash_pages
from sync.library.uploads.pages import pages as upload_pages
from sync.library.webdav.pages import pages as webdav_pages
from sync.library.zips.pages import pages as zip_pages
from wiring import make_parts
from workspace.context import NavGroup, NavItem, chosen_locale, install_context
from workspace.db import Database
from workspace.devices.pages import pages as devices_pages
from workspace.errors import MainlineError
from workspace.events.api import api as events_api
from workspace.events.pages import pages as audit_pages
from workspace.home.pages import pages as home_pages
from workspace.i18n import _l, install_words
from workspace.logs import configure_logs
from workspace.notices.api import api as notices_api
from workspace.notices.pages import pages as notices_pages
from workspace.notices.queries import unread_count
from workspace.openapi import install_openapi
from workspace.parts import Parts
from workspace.people.api import api as people_api
from workspace.people.pages import pages as people_pages
from workspace.rate_limits import ProcessStorage
from workspace.roles.models import WorkspacePermission
from workspace.search.pages import api as search_api
from workspace.search.pages import pages as search_pages
from workspace.secrets import SigningKey, token_hash
from workspace.security import Csrf, install_headers
from workspace.settings import ROOT, Settings, load_settings
from workspace.signin.access import identify
from workspace.signin.pages import pages as signin_pages
from workspace.statics import install_statics
from workspace.status.pages import pages as status_pages
from workspace.web import Web, answer_error, install_identity, passed, register

DEVICE_RATE_LIMIT = "6000 per minute"  # A sync agent sends a request for each batch of files.
CALENDAR_RATE_LIMIT = "60 per minute"  # Of one secret address; a program asks about once an hour.
CALENDAR = "calendars.send_calendar"
MANY_SMALL = {"assets.send_picture", "uploads.create_upload", "uploads.add_bytes"}
"""Pages of a thousand pictures and folders of a thousand files send a request for each: they have the agents' limit."""

ROUTES = (
    signin_pages,
    home_pages,
    events_api,
    audit_pages,
    people_pages,
    people_api,
    devices_pages,
    status_pages,
    search_pages,
    search_api,
    agents_api,
    desktops_pages,
    desktops_api,
    library_pages,
    asset_pages,
    grant_pages,
    comment_pages,
    selection_pages,
    trash_pages,
    share_pages,
    lease_pages,
    retention_pages,
    quota_pages,
    tags_pages,
    upload_pages,
    zip_pages,
    history_pages,
    webdav_pages,
    lines_pages,
    lines_api,
    feed_pages,
    feed_api,
    work_pages,
    work_api,
    tasks_pages,
    tasks_api,
    checks_pages,
    checks_api,
    task_parts_pages,
    task_parts_api,
    signing_pages,
    signing_api,
    handovers_pages,
    handovers_api,
    gates_pages,
    gates_api,
    order_templates_pages,
    order_templates_api,
    plans_pages,
    plans_api,
    numbers_pages,
    number_imports_pages,
    numbers_api,
    board_pages,
    board_api,
    alerts_pages,
    alerts_api,
    playbooks_pages,
    playbook_books_pages,
    playbooks_api,
    calendars_pages,
    prints_pages,
    retrospectives_pages,
    retrospectives_api,
    order_tables_pages,
    order_tables_api,
    approvals_compose_pages,
    approvals_pages,
    approvals_asset_pages,
    approvals_api,
    uses_pages,
    notices_pages,
    notices_api,
)

NAV = (
    NavGroup(
        _l("工作"),
        (
            NavItem(_l("工作台"), "/", "home"),
            NavItem(
                _l("主线"),
                "/lines",
                "timeline-event",
                tab=_l("主线"),
                places=unread_by_line,
                also=("/playbooks", "/numbers", "/alerts", "/checks", "/posts", "/uses"),
            ),
            NavItem(
                _l("我的任务"),
                "/tasks",
                "clipboard-check",
                tab=_l("任务"),
                count=now_count,
                also=("/order-templates", "/sheets", "/handovers"),
            ),
            NavItem(_l("审批"), "/approvals", "rubber-stamp", tab=_l("审批"), count=todo_count),
            NavItem(_l("素材库"), "/library", "photo", tab=_l("素材")),
            NavItem(_l("云桌面"), "/desktops", "device-desktop"),
        ),
    ),
    NavGroup(
        _l("企业"),
        (
            NavItem(_l("通知"), "/notices", "bell", count=unread_count),
            NavItem(_l("组织"), "/people", "users-group"),
            NavItem(_l("审计"), "/audit", "shield-check", needs=WorkspacePermission.AUDIT_READ),
            NavItem(_l("系统状态"), "/status", "settings", needs=WorkspacePermission.SETTINGS_READ),
        ),
    ),
)


def create_app(settings: Settings | None = None, parts: Parts | None = None) -> Flask:
    """The web application. gunicorn runs ``app:create_app()``; tests pass settings and fakes."""
    settings = settings or load_settings()
    configure_logs(settings)
    parts = parts or make_parts(settings)
    csrf = Csrf(parts.get(SigningKey))
    app = Flask(__name__, static_folder=None)
    app.secret_key = parts.get(SigningKey).mac("flask", "messages after a redirect")
    app.config.update(
        MAX_CONTENT_LENGTH=64 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        COMPRESS_ALGORITHM=["br", "gzip"],
        BABEL_DEFAULT_LOCALE="zh",
        BABEL_TRANSLATION_DIRECTORIES="translations",
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    Babel(app, locale_selector=chosen_locale, timezone_selector=lambda: ZoneInfo(settings.time_zone).key)
    install_words(app)
    app.extensions["mainline"] = Web(database=parts.get(Database), parts=parts, identify=identify, check_csrf=csrf.check)
    install_headers(app, settings)
    install_identity(app)
    limiter = install_limits(app, settings)
    install_context(app, settings, csrf, NAV)
    Compress(app)
    install_statics(app, ROOT / "static")
    for routes in ROUTES:
        register(app, routes)
    limit_calendars(app, limiter)
    install_openapi(app)
    app.add_url_rule("/health", "health", lambda: {"ok": True})
    app.register_error_handler(Exception, _error_answer)
    return app


def install_limits(app: Flask, settings: Settings) -> Limiter:
    """A ceiling per member or address; sign-in has its own lock-out besides."""
    limiter = Limiter(
        key_func=_who_is_counted,
        default_limits=[lambda: DEVICE_RATE_LIMIT if _comes_often() else settings.rate_limit],
        storage_uri=settings.redis_url or f"{ProcessStorage.STORAGE_SCHEME[0]}://",
        storage_options={"socket_timeout": 1, "socket_connect_timeout": 1} if settings.redis_url else {},
        in_memory_fallback_enabled=True,  # While Redis is away each process counts for itself.
        strategy="moving-window",
    )
    # What a page has just shown is counted with the page: counting starts a thread, which cost more than the picture.
    limiter.request_filter(lambda: request.path.startswith("/static/") or request.path == "/health" or passed() is not None)
    limiter.init_app(app)
    return limiter


def limit_calendars(app: Flask, limiter: Limiter) -> None:
    """A calendar is fetched without a session: each address has a limit of its own, beside the one of where they ask from."""
    limited: Any = limiter.limit(CALENDAR_RATE_LIMIT, key_func=_which_calendar, override_defaults=False)
    app.view_functions[CALENDAR] = limited(app.view_functions[CALENDAR])


def _which_calendar() -> str:
    return f"calendar:{token_hash(str((request.view_args or {}).get('feed_token')))}"


def _comes_often() -> bool:
    actor = g.get("actor")
    return actor is not None and (actor.device_id is not None or request.endpoint in MANY_SMALL)


def _who_is_counted() -> str:
    actor = g.get("actor")
    return f"{actor.member_id}:{actor.device_id}" if actor else get_remote_address()


def _error_answer(error: Exception) -> Any:
    from werkzeug.exceptions import HTTPException

    if not isinstance(error, (MainlineError, HTTPException)):
        import structlog

        structlog.get_logger("web").error("request.crashed", path=request.path, request=g.get("request_id"), exc_info=error)
    return answer_error(error)
