"""The web layer: a Work per request, declared permission per route, one JSON error shape. No business here.

A view gets its Work first: ``def show_line(work, line_id)``. Returning commits; raising, or an answer of 400
and above, rolls back. Every route says what it ``needs``; one that does not say cannot be registered.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import pydantic
import sqlalchemy.exc
from flask import Blueprint, Flask, Response, current_app, g, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from workspace.db import Database
from workspace.errors import Conflict, InvalidInput, MainlineError, NotAllowed, NotFound, NotSignedIn, Unavailable
from workspace.i18n import _
from workspace.idempotency import store_reply, stored_reply
from workspace.parts import Parts
from workspace.passes import Passes
from workspace.roles.permissions import Permission
from workspace.security import SESSION_COOKIE
from workspace.work import Actor, Work, head_and_epoch, open_work

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
ANYONE = "anyone"
SIGNED_IN = "signed in"
DEVICE = "device"
DEVICE_UNKNOWN = "unauthenticated"
Need = str | Permission
View = Callable[..., Any]
M = TypeVar("M", bound=pydantic.BaseModel)


@dataclass(frozen=True)
class RouteFacts:
    """What a route declares; read by the OpenAPI document and by the tests that walk every route.

    opens_work: False for a view that takes its Work in pieces (``request_work``), such as sign-in or a long poll.
    csrf: False only where no cookie lends the request any authority, as when a program enrols with a code of its own.
    """

    endpoint: str
    rule: str
    methods: tuple[str, ...]
    needs: Need
    is_api: bool
    body: Any = None
    returns: Any = None
    doc: str = ""
    opens_work: bool = True
    csrf: bool = True


class Routes:
    """A Flask blueprint whose routes declare what they need.

    api=True: URLs start with /api, views return plain values or pydantic models, bodies are validated models.
    """

    def __init__(self, name: str, import_name: str, *, api: bool = False) -> None:
        self.blueprint = Blueprint(name, import_name)
        self.is_api = api
        self.facts: list[RouteFacts] = []

    def get(self, rule: str, **options: Any) -> Callable[[View], View]:
        return self.route(rule, methods=("GET",), **options)

    def post(self, rule: str, **options: Any) -> Callable[[View], View]:
        return self.route(rule, methods=("POST",), **options)

    def route(
        self,
        rule: str,
        *,
        methods: tuple[str, ...],
        needs: Need,
        body: Any = None,
        returns: Any = None,
        opens_work: bool = True,
        csrf: bool = True,
    ) -> Callable[[View], View]:
        rule = f"/api{rule}" if self.is_api else rule

        def decorate(view: View) -> View:
            endpoint = f"{self.blueprint.name}.{view.__name__}"
            facts = RouteFacts(endpoint, rule, methods, needs, self.is_api, body, returns, (view.__doc__ or "").strip(), opens_work, csrf)
            self.facts.append(facts)
            self.blueprint.add_url_rule(rule, view.__name__, _wrapped(view, facts), methods=list(methods))
            return view

        return decorate


@dataclass
class Web:
    """What the web layer of one process knows; kept as ``app.extensions["mainline"]``."""

    database: Database
    parts: Parts
    identify: Callable[[Work], Actor | None]
    check_csrf: Callable[[], None]
    facts: list[RouteFacts] = field(default_factory=list)
    passes: Passes = field(default_factory=Passes)


def web() -> Web:
    found: Web = current_app.extensions["mainline"]
    return found


def register(app: Flask, routes: Routes) -> None:
    app.register_blueprint(routes.blueprint)
    app.extensions["mainline"].facts.extend(routes.facts)


@contextmanager
def request_work(*, writes: bool) -> Iterator[Work]:
    """A Work by the person who sent this request; anonymous requests act as nobody."""
    state = web()
    origin = {"ip": request.remote_addr or "", "request": g.get("request_id", "")}
    actor = g.get("actor") or Actor(None, "访客")
    with open_work(state.database, actor=actor, writes=writes, parts=state.parts, origin=origin, now=datetime.now(UTC)) as work:
        yield work


def allow(actor: Actor | None, needs: Need) -> None:
    """Raise unless ``needs`` is met. Who lacks a permission is told so only where the page itself is no secret."""
    if needs == ANYONE:
        return
    if needs == DEVICE:
        if actor is None or actor.device_id is None:
            raise NotSignedIn(_("设备未登记"), _("请重新登记此设备。"), code=DEVICE_UNKNOWN)
        return
    if actor is None or actor.member_id is None or actor.device_id is not None:
        raise NotSignedIn(_("请先登录"), _("登录后继续。"))
    if isinstance(needs, Permission) and not actor.may(needs):
        raise NotAllowed(_("没有权限"), _("此操作需要“%(permission)s”权限，请联系管理员。", permission=needs.label))


def parse_body(model: type[M]) -> M:
    """The JSON body as the route's model; InvalidInput names each field that does not fit."""
    try:
        payload = request.get_json(silent=True)
        if payload is not None:
            return validated(model, payload)
    except RecursionError:
        pass  # Thousands of brackets are no mistake of ours.
    raise InvalidInput(_("请求内容不是 JSON"), _("请检查请求格式。"))


def parse_form(model: type[M]) -> M:
    """The submitted HTML form as a model; repeated fields become lists where the model wants one."""
    wants_list = {name for name, info in model.model_fields.items() if "list" in str(info.annotation)}
    values = {name: request.form.getlist(name) if name in wants_list else request.form[name].strip() for name in request.form}
    return validated(model, {name: value for name, value in values.items() if name in model.model_fields})


def validated(model: type[M], payload: Any) -> M:
    try:
        return model.model_validate(payload)
    except pydantic.ValidationError as error:
        fields = {".".join(map(str, item["loc"])): _sentence(item) for item in error.errors()}
        raise InvalidInput(_("有内容需要修改"), _("请按提示修改后再提交。"), fields=fields) from error


def is_htmx() -> bool:
    return request.headers.get("HX-Request") == "true"


def _wrapped(view: View, facts: RouteFacts) -> View:
    writes = not SAFE_METHODS.issuperset(facts.methods)

    @functools.wraps(view)
    def serve(**path: Any) -> Response:
        allow(g.get("actor"), facts.needs)
        if writes and facts.csrf and facts.needs != DEVICE:
            web().check_csrf()
        arguments = {**path, "body": parse_body(facts.body)} if facts.body is not None else path
        if not facts.opens_work:
            return _answer(view(**arguments), facts)
        try:
            with request_work(writes=writes) as work:
                return _once(work, view, arguments, facts) if writes else _answer(view(work, **arguments), facts)
        except _Refused as refused:
            return refused.response

    return serve


def install_identity(app: Flask) -> None:
    """Find out who asks before anything else, so that limits count people and not addresses."""

    @app.before_request
    def _identify() -> None:
        if request.endpoint in ("static", "health"):
            return
        session = request.cookies.get(SESSION_COOKIE)
        found = web().passes.find(session, request.path) if session and request.method == "GET" else None
        if found is not None:
            g.actor, g.passed = found.actor, found.what
            return
        with open_work(web().database, writes=False, parts=web().parts) as work:
            g.actor = web().identify(work)
            if g.actor is None or g.actor.device_id is None:  # A program shows no page.
                g.head, g.epoch = head_and_epoch(work.session)  # Before the view reads: its page is true up to here at least.


def let_pass(addresses: Mapping[str, str]) -> None:
    """The page being made shows these to its reader, who asks for them at once; see workspace.passes. path -> what to note for it."""
    session, actor = request.cookies.get(SESSION_COOKIE), g.get("actor")
    if session and actor is not None:
        web().passes.let(session, actor, addresses)


def passed() -> str | None:
    """What was noted for this address by the page that shows it; None when the request must be checked."""
    found: str | None = g.get("passed")
    return found


class _Refused(Exception):
    """Carries a finished answer out of the transaction that it rolls back."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def _once(work: Work, view: View, arguments: dict[str, Any], facts: RouteFacts) -> Response:
    """Run a writing view; with an Idempotency-Key a second identical request gets the stored reply."""
    key = request.headers.get("Idempotency-Key", "")
    digest = hashlib.sha256(request.full_path.encode() + b"\n" + request.get_data()).hexdigest() if key else ""
    if key and work.actor.member_id:
        earlier = stored_reply(work, key, digest)
        if earlier is not None:
            headers = {"Location": earlier.location} if earlier.location else None
            return Response(earlier.body, earlier.status, headers, content_type=earlier.content_type)
    response = _answer(view(work, **arguments), facts)
    if response.status_code >= 400:
        raise _Refused(response)
    if key and work.actor.member_id:
        store_reply(work, key, digest, response)
    return response


def _answer(value: Any, facts: RouteFacts) -> Response:
    if not facts.is_api or isinstance(value, Response):
        return make_response(value)
    status = 200
    if isinstance(value, tuple):
        value, status = value
    return Response(_json(value), status, content_type="application/json")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, pydantic.BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value)


def wants_json() -> bool:
    return request.path.startswith("/api/") or request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json"


def answer_error(error: Exception) -> Any:
    """Every error as JSON for programs and as a page for people."""
    ours = error if isinstance(error, MainlineError) else _from_database(error) or _from_http(error)
    if wants_json():
        response = jsonify(ours.as_json())
    elif isinstance(ours, NotSignedIn) and ours.code != DEVICE_UNKNOWN and not is_htmx():  # A program has no use for the form.
        return current_app.redirect(f"/sign-in?next={_next_path()}")
    else:
        response = make_response(render_template("errors/error.html", error=ours))
    response.status_code = ours.status
    if isinstance(ours, Conflict) or ours.status == 429:
        response.headers["Retry-After"] = "1"
    return response


def _next_path() -> str:
    """Where who signs in goes on: the page that was asked for, or the one with the form that was sent."""
    if request.method == "GET":
        return quote(request.full_path.rstrip("?"), safe="/")
    sent_from = urlsplit(request.referrer or "")
    return quote(sent_from.path, safe="/") if sent_from.netloc == request.host else "/"


def _from_database(error: Exception) -> MainlineError | None:
    """The border to the database: away or busy, or a value that no column can hold, such as a number of thirty digits."""
    if isinstance(error, (sqlalchemy.exc.OperationalError, sqlalchemy.exc.TimeoutError)):
        g.database_away = True  # The page that says so must not ask it for the reader's name.
        return Unavailable(_("数据库暂时没有应答"), _("请稍候片刻再试。"))
    if isinstance(error, (sqlalchemy.exc.DataError, OverflowError)):
        return InvalidInput(_("内容不符合要求"), _("请检查后重新输入。"))
    return None


def _from_http(error: Exception) -> MainlineError:
    status = error.code if isinstance(error, HTTPException) and error.code else 500
    if status == 404:
        return NotFound(_("没有找到"), _("地址有误，或您没有查看的权限。"))
    known = {
        405: (_("不支持这种操作"), _("请返回上一页重试。")),
        413: (_("内容太大"), _("请减小文件后再试。")),
        429: (_("操作太频繁"), _("请稍候片刻再试。")),
        400: (_("请求有误"), _("请刷新页面后再试。")),
    }
    title, message = known.get(status, (_("出错了"), _("系统已记录这个问题，请稍后再试。")))
    ours = MainlineError(
        title,
        message,
        code={405: "method_not_allowed", 413: "too_large", 429: "too_many_requests", 400: "bad_request"}.get(status, "error"),
    )
    ours.status = status
    ours.retryable = status in (429, 500)
    return ours


def _sentence(item: Any) -> str:
    kind, context = item["type"], item.get("ctx", {})
    sentences = {
        "missing": _("请填写此项"),
        "string_too_short": _("请填写此项") if context.get("min_length") == 1 else _("至少 %(n)s 个字", n=context.get("min_length")),
        "string_too_long": _("最多 %(n)s 个字", n=context.get("max_length")),
        "date_from_datetime_parsing": _("日期格式不对"),
        "date_parsing": _("日期格式不对"),
        "int_parsing": _("请填写整数"),
        "too_short": _("请至少选择一项"),
        "extra_forbidden": _("不认识的字段"),
    }
    return sentences.get(kind, _("内容不符合要求"))
