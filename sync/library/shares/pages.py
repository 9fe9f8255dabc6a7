"""Share links: made and stopped by members, opened by anybody who has one.

A visitor is let in once (the password, the count) and carries a signed cookie for that link alone; each answer asks again whether
the link, its maker and what it leads to are still there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flask import Response, flash, redirect, render_template, request

from sync.library.assets.access import content_of, get_node, get_version
from sync.library.content.sending import VersionContent, send_version
from sync.library.libraries.rules import Right
from sync.library.previews.access import find_previews
from sync.library.previews.rules import Film
from sync.library.previews.sending import Pictures, send_film, send_preview
from sync.library.shares.access import Shared, find_share, find_shared, limits_of, over, work_of_maker
from sync.library.shares.actions import Wish, begin_attempt, hash_of, make_share, note_failure, open_share, problems_of, revoke_share
from sync.library.shares.models import Share
from sync.library.shares.queries import shared_view, shares_view
from sync.library.shares.rules import DAYS, VISIT, State, may_go_on, state_of
from sync.library.shares.watermark import mark
from sync.library.zips.pages import send_zip
from sync.library.zips.queries import plan_zip
from workspace.errors import InvalidInput, MainlineError, NotAllowed
from workspace.i18n import _
from workspace.secrets import SigningKey
from workspace.settings import Settings
from workspace.signin.actions import password_matches
from workspace.web import ANYONE, SIGNED_IN, Routes, request_work, web
from workspace.work import Work

pages = Routes("shares", __name__)

COOKIE = "mainline_share"
_PURPOSE = "share visit"
_MARKED = Pictures(16 * 1024 * 1024)


# --- members ----------------------------------------------------------------------------------------------------------


@pages.get("/library/nodes/<node_id>/shares", needs=SIGNED_IN)
def show_shares(work: Work, node_id: str) -> str:
    """The links to a file or folder, and a form for another."""
    return _page(work, node_id)


@pages.post("/library/nodes/<node_id>/shares", needs=SIGNED_IN, opens_work=False)
def add_share(node_id: str) -> Any:
    """Make a link."""
    wish = _wish()
    problems = problems_of(wish)
    try:
        with request_work(writes=False) as work:
            get_node(work, node_id, to=Right.EDIT)
        if problems:
            raise InvalidInput(_("有内容需要修改"), _("请按提示修改后再提交。"), fields=problems)
        hashed = hash_of(wish)
        with request_work(writes=True) as work:
            make_share(work, node_id, wish, password_hash=hashed)
    except InvalidInput as error:
        with request_work(writes=False) as work:
            return _page(work, node_id, error=error, typed=request.form), error.status
    flash(_("已生成链接"), "success")
    return redirect(f"/library/nodes/{node_id}/shares", 303)


@pages.post("/library/shares/<share_id>/revocation", needs=SIGNED_IN)
def revoke(work: Work, share_id: str) -> Any:
    """Stop a link at once."""
    share = revoke_share(work, share_id)
    flash(_("链接已停用"), "success")
    return redirect(f"/library/nodes/{share.node_id}/shares", 303)


def _page(work: Work, node_id: str, **values: Any) -> str:
    return render_template("shares/shares.html", view=shares_view(work, node_id), days=DAYS, host=request.host_url.rstrip("/"), **values)


def _wish() -> Wish:
    form = request.form
    number, most_views = form.get("number", ""), form.get("most_views", "").strip()
    return Wish(
        purpose=" ".join(form.get("purpose", "").split()),
        days=form.get("days", 0, type=int),
        number=int(number) if number.isdecimal() and len(number) < 9 else None,
        password=form.get("password") or None,
        most_views=(int(most_views) if most_views.isdecimal() and len(most_views) < 9 else 0) if most_views else None,
        may_download="may_download" in form,
        watermark="watermark" in form,
    )


# --- visitors ---------------------------------------------------------------------------------------------------------


@pages.get("/s/<token>", needs=ANYONE, opens_work=False)
def show_link(token: str) -> Any:
    """What the link leads to, or its door: a question for the password, or a button where each opening counts."""
    share = _share(token)
    if not _is_visitor(share):
        if state_of(limits_of(share), datetime.now(UTC)) is not State.LIVE:
            raise over()
        # Programs that fetch a preview of a link are no visitors. Who was let in a moment ago and brings no cookie keeps none: a button,
        # instead of sending them here and there for ever.
        if share.password_hash is not None or share.most_views is not None or "in" in request.args:
            return render_template("shares/door.html", address=f"/s/{token}", share=share, error=None)
        return _let_in(share, token)
    return _show(share, token, None)


@pages.post("/s/<token>", needs=ANYONE, opens_work=False)
def enter(token: str) -> Any:
    """Open the link, with its password where it has one. Once: another tab of who is inside already counts nothing."""
    share = _share(token)
    if _is_visitor(share):
        return redirect(f"/s/{token}", 303)
    try:
        if state_of(limits_of(share), datetime.now(UTC)) is not State.LIVE:
            raise over()
        if share.password_hash is not None:
            with request_work(writes=True) as work:
                begin_attempt(work, share.id)
        if share.password_hash is not None and not password_matches(share.password_hash, request.form.get("password", "")):
            with request_work(writes=True) as work:
                note_failure(work, share.id)
            raise NotAllowed(_("密码不正确"), _("请检查后重新输入。"))
    except MainlineError as error:
        return render_template("shares/door.html", address=f"/s/{token}", share=share, error=error), error.status
    return _let_in(share, token)


@pages.get("/s/<token>/<item>", needs=ANYONE, opens_work=False)
def show_inside(token: str, item: str) -> Any:
    """A file or folder inside the shared folder."""
    share = _share(token)
    if not _is_visitor(share):
        return redirect(f"/s/{token}")
    return _show(share, token, item)


@pages.get("/s/<token>/<item>/preview", needs=ANYONE, opens_work=False)
def send_picture(token: str, item: str) -> Response:
    """A picture of the shown version, with the watermark where the link has one."""
    share = _visited(token)
    with _inside(share, item) as (work, shared):
        digest = get_version(work, shared.node.id, shared.number).digest
    size = "large" if request.args.get("size") == "large" else "small"
    response = send_preview(lambda work: digest, size=size)
    if share.watermark and response.status_code == 200:
        response = Response(_marked(share, f"{digest}-{size}", response.get_data()), content_type="image/webp")
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


def _marked(share: Share, name: str, picture: bytes) -> bytes:
    """With the watermark; drawn once while it is asked for often, since strangers decide how often."""
    key = f"{share.id}-{name}"
    marked = _MARKED.get(key)
    if marked is None:
        marked = mark(picture, f"{web().parts.get(Settings).company_name} · {share.purpose} · {share.created_at:%Y-%m-%d}")
        _MARKED.put(key, marked)
    return marked


@pages.get("/s/<token>/<item>/film", needs=ANYONE, opens_work=False)
def send_copy(token: str, item: str) -> Response:
    """The film, or the copy that browsers play. Not with a watermark: it cannot be drawn over one."""
    share = _visited(token)
    if share.watermark:
        raise over()
    with _inside(share, item) as (work, shared):
        version = get_version(work, shared.node.id, shared.number)
        content = content_of(work, shared.node.id, shared.number)
        plays = _plays(work, version.digest)
    return send_version(lambda work: content) if plays else send_film(lambda work: content.digest)


@pages.get("/s/<token>/<item>/content", needs=ANYONE, opens_work=False)
def send_content(token: str, item: str) -> Response:
    """The original, where the link allows it."""
    share = _visited(token)
    if not share.may_download:
        raise over()

    with _inside(share, item) as (work, shared):
        content: VersionContent = content_of(work, shared.node.id, shared.number)
    return send_version(lambda work: content, download=True)


@pages.get("/s/<token>/<item>/zip", needs=ANYONE, opens_work=False)
def send_folder(token: str, item: str) -> Response:
    """All originals in the shared folder, or in one below it, where the link allows it. Its visitors share the places of one member."""
    share = _visited(token)
    with _inside(share, item) as (work, shared):
        if not share.may_download or shared.node.kind != "folder":
            raise over()
        plan = plan_zip(work, shared.node.id)
    return send_zip(plan, reader=f"share:{share.id}")


def _show(share: Share, token: str, item: str | None) -> Any:
    with _inside(share, item) as (work, shared):
        view = shared_view(work, shared)
    return render_template("shares/shared.html", view=view, address=f"/s/{token}")


def _let_in(share: Share, token: str) -> Response:
    with _inside(share, None):
        pass  # What it leads to is still there: nobody is counted for nothing.
    with request_work(writes=True) as work:
        open_share(work, share.id)
    response = redirect(f"/s/{token}?in=1", 303)
    settings = web().parts.get(Settings)
    value = web().parts.get(SigningKey).sign(_PURPOSE, {"share": share.id})
    response.set_cookie(
        COOKIE, value, max_age=int(VISIT.total_seconds()), path=f"/s/{token}", httponly=True, samesite="Lax", secure=settings.secure_cookies
    )
    return response  # type: ignore[return-value]


def _share(token: str) -> Share:
    with request_work(writes=False) as work:
        share = find_share(work, token)
        if not may_go_on(limits_of(share), work.now):
            raise over()
        work.session.expunge(share)
    return share


def _visited(token: str) -> Share:
    share = _share(token)
    if not _is_visitor(share):
        raise over()
    return share


def _is_visitor(share: Share) -> bool:
    """Whether this browser was let in."""
    try:
        value = web().parts.get(SigningKey).read(_PURPOSE, request.cookies.get(COOKIE, ""), max_age_s=int(VISIT.total_seconds()))
    except NotAllowed:
        return False
    return value.get("share") == share.id


@contextmanager
def _inside(share: Share, item: str | None) -> Iterator[tuple[Work, Shared]]:
    with work_of_maker(share) as work:
        yield work, find_shared(work, share, item)


def _plays(work: Work, digest: str) -> bool:
    found = find_previews(work, [digest]).get(digest)
    return found is not None and found.film == Film.PLAYS.value


@pages.blueprint.after_request
def _keep_private(response: Response) -> Response:
    if request.path.startswith("/s/"):
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        response.headers["Referrer-Policy"] = "no-referrer"
    return response
