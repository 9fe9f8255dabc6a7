"""The sign-in page."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from workspace.errors import MainlineError
from workspace.i18n import LOCALES, _
from workspace.security import SESSION_COOKIE, own_path
from workspace.settings import Settings
from workspace.signin import actions
from workspace.web import ANYONE, SIGNED_IN, Routes, request_work, web
from workspace.work import Work

pages = Routes("signin", __name__)
YEAR_S = 365 * 24 * 3600


@pages.get("/sign-in", needs=ANYONE)
def show_sign_in(work: Work) -> str | BaseResponse:
    """The sign-in form; somebody who is signed in goes on."""
    if work.actor.member_id:
        return redirect(_safe_next())
    return render_template("signin/sign_in.html", login="", error=None, next=_safe_next())


@pages.post("/sign-in", needs=ANYONE, opens_work=False)
def submit_sign_in() -> BaseResponse | tuple[str, int]:
    """Check the password and start a new session; the old cookie is replaced (session rotation)."""
    login, password = request.form.get("login", "").strip().lower(), request.form.get("password", "")
    address = request.remote_addr or ""
    try:
        with request_work(writes=False) as work:
            stored = actions.stored_password(work, login, address=address)
        if not actions.password_matches(stored, password):
            with request_work(writes=True) as work:
                actions.note_failure(work, login, address=address)
            raise actions.WrongPassword(_("账号或密码不正确"), _("请检查后重新输入。"))
    except MainlineError as error:
        return render_template("signin/sign_in.html", login=login, error=error, next=_safe_next()), error.status
    with request_work(writes=True) as work:
        token = actions.sign_in(work, login)
    response = redirect(_safe_next())
    settings = web().parts.get(Settings)
    response.set_cookie(
        SESSION_COOKIE, token, httponly=True, samesite="Lax", secure=settings.secure_cookies, max_age=settings.session_hours * 3600
    )
    return response


@pages.post("/sign-out", needs=SIGNED_IN)
def submit_sign_out(work: Work) -> BaseResponse:
    """End this browser's session."""
    session = request.cookies.get(SESSION_COOKIE, "")
    actions.sign_out(work, session)
    web().passes.forget(session)
    response = redirect("/sign-in")
    response.delete_cookie(SESSION_COOKIE)
    return response


@pages.get("/language/<locale>", needs=ANYONE)
def choose_language(work: Work, locale: str) -> BaseResponse:
    """Remember the language in a cookie and go back to the page."""
    back = urlsplit(request.referrer or "/")
    asked = urlencode([(name, value) for name, value in parse_qsl(back.query, keep_blank_values=True) if name != "lang"])
    page = f"{back.path}?{asked}" if asked else back.path
    response = redirect(own_path(page if back.netloc in ("", request.host) else "/"))
    if locale in LOCALES:
        response.set_cookie("mainline_locale", locale, max_age=YEAR_S, samesite="Lax")
    return response


def _safe_next() -> str:
    return own_path(request.values.get("next", "/"))
