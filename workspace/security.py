"""CSRF and the security headers of every answer."""

import hmac
import re
import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, g, request

from workspace.errors import NotAllowed
from workspace.i18n import _
from workspace.secrets import SigningKey
from workspace.settings import Settings

SESSION_COOKIE = "mainline_session"
VISIT_COOKIE = "mainline_visit"
_OWN_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x1f\x7f]*")


class Csrf:
    """A token bound to the session (or, before sign-in, to a random visit cookie), sent as a field or header."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key

    def token(self) -> str:
        return self._key.mac("csrf", self._binding())

    def check(self) -> None:
        given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
        if not hmac.compare_digest(given.encode(), self.token().encode()):
            raise NotAllowed(_("页面已过期"), _("请刷新页面后再提交，已填写的内容不会丢失。"), code="csrf")

    def _binding(self) -> str:
        session = request.cookies.get(SESSION_COOKIE)
        if session:
            return f"session:{session}"
        if "visit" not in g:
            g.visit = request.cookies.get(VISIT_COOKIE) or secrets.token_urlsafe(24)
        return f"visit:{g.visit}"


def own_path(target: str) -> str:
    """``target`` when it is a path of our own, else the front page: where a redirect may lead that a stranger can name.

    ``//host`` and ``/\\host`` leave the site; so does either with a tab or a line end inside, which browsers drop.
    """
    return target if _OWN_PATH.fullmatch(target) else "/"


def service_urls(settings: Settings) -> dict[str, str]:
    """Where this visitor's browser finds realtime and the desktop gateway: configured, or the page's host at port + 1, + 2."""
    host = urlsplit(f"//{request.host}").hostname or settings.host
    host = f"[{host}]" if ":" in host else host
    scheme = "https" if request.is_secure else "http"
    return {
        "realtime": settings.realtime_url or f"{scheme}://{host}:{settings.realtime_port}",
        "gateway": settings.gateway_url or f"{scheme}://{host}:{settings.gateway_port}",
    }


def install_headers(app: Flask, settings: Settings) -> None:
    store = f" {settings.s3_public_url.rstrip('/')}" if settings.s3_public_url else ""  # Pictures and films may come from there.

    @app.before_request
    def _nonce() -> None:
        g.csp_nonce = secrets.token_urlsafe(16)
        g.request_id = secrets.token_hex(8)

    @app.after_request
    def _headers(response: Response) -> Response:
        urls = service_urls(settings)
        sockets = " ".join(f"{url} {url.replace('http', 'ws', 1)}" for url in urls.values())
        response.headers.setdefault(
            "Content-Security-Policy",
            "default-src 'self'; "
            f"script-src 'self' 'nonce-{g.get('csp_nonce', '')}'; style-src 'self' 'nonce-{g.get('csp_nonce', '')}'; "
            f"img-src 'self' data: blob:{store}; media-src 'self' blob:{store}; font-src 'self' data:; connect-src 'self' {sockets}; "
            "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
        if settings.secure_cookies:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "no-store")
        if "visit" in g and request.cookies.get(VISIT_COOKIE) != g.visit:
            response.set_cookie(VISIT_COOKIE, g.visit, httponly=True, samesite="Lax", secure=settings.secure_cookies)
        return response
