"""Composition: wires every feature's pages, api, jobs and reactions into the processes. Nothing imports this module."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, g, request
from flask_babel import Babel
from flask_compress import Compress
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from werkzeug.middleware.proxy_fix import ProxyFix

import workspace.cli
from demo import welcome
from demo_line import seed_demo
from desktops.consoles.gateway import run_gateway
from desktops.hosts import jobs as host_jobs
from desktops.hosts.access import only_simulated
from desktops.hosts.drivers import Hypervisors, hypervisors_factory
from desktops.images.cli import image_commands
from desktops.machines import jobs as machine_jobs
from desktops.machines.api import api as desktops_api
from desktops.machines.files import DesktopSockets
from desktops.machines.pages import pages as desktops_pages
from main_lines.alerts import reactions as alert_reactions
from main_lines.alerts.api import api as alerts_api
from main_lines.alerts.pages import pages as alerts_pages
from main_lines.approvals import reactions as approval_reactions
from main_lines.approvals.api import api as approvals_api
from main_lines.approvals.asset_pages import pages as approvals_asset_pages
from main_lines.approvals.compose_pages import pages as approvals_compose_pages
from main_lines.approvals.pages import pages as approvals_pages
from main_lines.approvals.queries import todo_count
from main_lines.approvals.verify import verify_approvals
from main_lines.board.api import api as board_api
from main_lines.board.pages import pages as board_pages
from main_lines.lines import reactions as line_reactions
from main_lines.lines.api import api as lines_api
from main_lines.lines.pages import pages as lines_pages
from main_lines.playbooks.api import api as playbooks_api
from main_lines.playbooks.pages import pages as playbooks_pages
from main_lines.tasks import reactions as task_reactions
from main_lines.tasks.api import api as tasks_api
from main_lines.tasks.pages import pages as tasks_pages
from main_lines.tasks.queries import for_me_count
from processes import run_product
from sync.library.agents_api.api import api as agents_api
from sync.library.agents_api.feed import Bell
from sync.library.assets import jobs as asset_jobs
from sync.library.assets.pages import pages as asset_pages
from sync.library.libraries.pages import pages as library_pages
from sync.library.previews import jobs as preview_jobs
from sync.library.storage import ObjectStore, store_factory
from workspace import retention
from workspace.context import NavGroup, NavItem, chosen_locale, install_context
from workspace.db import Database
from workspace.errors import MainlineError
from workspace.events.api import api as events_api
from workspace.events.pages import pages as audit_pages
from workspace.events.verify import verify_events
from workspace.home.pages import pages as home_pages
from workspace.i18n import _l
from workspace.logs import configure_logs
from workspace.notices.api import api as notices_api
from workspace.notices.pages import pages as notices_pages
from workspace.notices.queries import unread_count
from workspace.openapi import install_openapi
from workspace.parts import Parts
from workspace.people.pages import pages as people_pages
from workspace.roles.models import WorkspacePermission
from workspace.search.pages import api as search_api
from workspace.search.pages import pages as search_pages
from workspace.secrets import SigningKey, load_signing_key
from workspace.security import Csrf, install_headers
from workspace.settings import Settings, load_settings
from workspace.signin.access import identify
from workspace.signin.pages import pages as signin_pages
from workspace.status.pages import pages as status_pages
from workspace.wake import Wake, make_wake
from workspace.web import Web, answer_error, install_identity, register

DEVICE_RATE_LIMIT = "6000 per minute"  # A sync agent sends a request for each batch of files.

ROUTES = (
    signin_pages,
    home_pages,
    events_api,
    audit_pages,
    people_pages,
    status_pages,
    search_pages,
    search_api,
    agents_api,
    desktops_pages,
    desktops_api,
    library_pages,
    asset_pages,
    lines_pages,
    lines_api,
    tasks_pages,
    tasks_api,
    board_pages,
    board_api,
    alerts_pages,
    alerts_api,
    playbooks_pages,
    playbooks_api,
    approvals_compose_pages,
    approvals_pages,
    approvals_asset_pages,
    approvals_api,
    notices_pages,
    notices_api,
)

REGISTERS = (
    host_jobs,
    machine_jobs,
    asset_jobs,
    preview_jobs,
    approval_reactions,
    line_reactions,
    alert_reactions,
    task_reactions,
    retention,
)  # Modules imported for the jobs and reactions that they register.

NAV = (
    NavGroup(
        _l("工作"),
        (
            NavItem(_l("工作台"), "/", "home"),
            NavItem(_l("主线"), "/lines", "timeline-event", tab=_l("主线")),
            NavItem(_l("任务单"), "/tasks", "clipboard-check", tab=_l("任务"), count=for_me_count),
            NavItem(_l("审批"), "/approvals", "checkup-list", tab=_l("审批"), count=todo_count),
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


def make_parts(settings: Settings) -> Parts:
    """The outside things of one process, made when first asked for."""
    wake = make_wake(settings)
    parts = Parts(wake)
    parts.provide(Settings, lambda: settings)
    parts.provide(Database, lambda: Database(settings.effective_database_url))
    parts.provide(SigningKey, lambda: load_signing_key(settings))
    parts.provide(Wake, lambda: wake)  # type: ignore[type-abstract]
    parts.provide(ObjectStore, store_factory(settings))  # type: ignore[type-abstract]
    parts.provide(Hypervisors, hypervisors_factory(parts))
    parts.simulated = lambda: only_simulated(parts.get(Database))
    parts.provide(Bell, lambda: _make_bell(settings, parts))
    return parts


def _make_bell(settings: Settings, parts: Parts) -> Bell:
    bell = Bell(parts.get(Wake), places=settings.web_threads // 2)  # type: ignore[type-abstract]
    parts.at_stop(bell.close)
    return bell


def create_app(settings: Settings | None = None, parts: Parts | None = None) -> Flask:
    """The web application. gunicorn runs ``app:create_app()``; tests pass settings and fakes."""
    settings = settings or load_settings()
    configure_logs(settings)
    parts = parts or make_parts(settings)
    csrf = Csrf(parts.get(SigningKey))
    app = Flask(__name__)
    app.secret_key = parts.get(SigningKey).mac("flask", "messages after a redirect")
    app.config.update(
        MAX_CONTENT_LENGTH=64 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_STREAMS=True,  # Static files are streamed; without this they would go out as they are.
        BABEL_DEFAULT_LOCALE="zh",
        BABEL_TRANSLATION_DIRECTORIES="translations",
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    Babel(app, locale_selector=chosen_locale, timezone_selector=lambda: ZoneInfo(settings.time_zone).key)
    app.extensions["mainline"] = Web(database=parts.get(Database), parts=parts, identify=identify, check_csrf=csrf.check)
    install_headers(app, settings)
    install_identity(app)
    install_limits(app, settings)
    install_context(app, settings, csrf, NAV)
    Compress(app)
    for routes in ROUTES:
        register(app, routes)
    install_openapi(app)
    app.add_url_rule("/health", "health", lambda: {"ok": True})
    app.register_error_handler(Exception, _error_answer)
    return app


def install_limits(app: Flask, settings: Settings) -> None:
    """A ceiling per member or address; sign-in has its own lock-out besides."""
    limiter = Limiter(
        key_func=_who_is_counted,
        default_limits=[lambda: DEVICE_RATE_LIMIT if g.get("actor") and g.actor.device_id else settings.rate_limit],
        storage_uri=settings.redis_url or "memory://",
        storage_options={"socket_timeout": 1, "socket_connect_timeout": 1} if settings.redis_url else {},
        in_memory_fallback_enabled=True,  # While Redis is away each process counts for itself.
        strategy="moving-window",
    )
    limiter.request_filter(lambda: request.path.startswith("/static/") or request.path == "/health")
    limiter.init_app(app)


def _who_is_counted() -> str:
    actor = g.get("actor")
    return f"{actor.member_id}:{actor.device_id}" if actor else get_remote_address()


def _error_answer(error: Exception) -> Any:
    from werkzeug.exceptions import HTTPException

    if not isinstance(error, (MainlineError, HTTPException)):
        import structlog

        structlog.get_logger("web").error("request.crashed", path=request.path, request=g.get("request_id"), exc_info=error)
    return answer_error(error)


def start_gateway(settings: Settings, parts: Parts) -> None:
    """The gateway process: consoles and guest channels of the desktops on this machine."""
    run_gateway(settings, parts, DesktopSockets(settings))


def main() -> None:
    """The ``mainline`` command."""
    workspace.cli.mainline.add_command(image_commands)
    workspace.cli.run(
        make_parts=make_parts,
        create_app=create_app,
        seed_company=seed_demo,
        run_gateway=start_gateway,
        run_product=run_product,
        welcome=welcome,
        checks=(verify_events, verify_approvals),
    )
