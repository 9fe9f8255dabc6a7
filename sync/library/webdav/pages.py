"""The libraries as a network folder (WebDAV): for programs that know no agent and for systems that can mount one.

A program signs in with a password made for it (workspace/devices); its rights are those of the member who made it. WsgiDAV speaks
the protocol; files are sent by the same code as to a browser, every chunk verified.
"""

import functools
import logging
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import quote

from flask import Response, g, request
from wsgidav.dav_error import DAVError, DAVErrorCondition, get_http_status_string

from sync.core.paths import name_key
from sync.library.assets.access import content_of
from sync.library.content.sending import VersionContent, send_version
from sync.library.webdav.access import find_place, place_of
from sync.library.webdav.aside import answer_aside, path_named
from sync.library.webdav.resources import MOUNT, make_dav_app
from workspace.errors import MainlineError, NotFound
from workspace.i18n import _
from workspace.web import DEVICE, Routes, request_work
from workspace.work import Work

logging.getLogger("wsgidav").setLevel(logging.CRITICAL)  # Its lines name files; ours tell what fails.

pages = Routes("webdav", __name__)
METHODS = ("GET", "HEAD", "OPTIONS", "PROPFIND", "PROPPATCH", "MKCOL", "PUT", "DELETE", "COPY", "MOVE", "LOCK", "UNLOCK")
BODY_MAX_BYTES = 1024 * 1024
"""Of a request that brings XML; what a PUT brings is bounded by the library's space."""


@pages.route(f"{MOUNT}/", methods=METHODS, needs=DEVICE, opens_work=False)
def speak_at_top() -> Response:
    """The list of libraries."""
    if request.method in ("GET", "HEAD"):
        return _sentence(405, _("这里是网络文件夹"), _("请用文件管理器打开；在浏览器里请打开素材库页面。"))
    return _speak("")


@pages.route(f"{MOUNT}/<path:path>", methods=METHODS, needs=DEVICE, opens_work=False)
def speak(path: str) -> Response:
    """A file or folder."""
    if (aside := answer_aside(MOUNT, f"/{path}")) is not None:
        return aside
    return _read(path) if request.method in ("GET", "HEAD") else _speak(path)


def _read(path: str) -> Response:
    """The newest version of a file, with Range."""

    def load(work: Work) -> VersionContent:
        place = find_place(work, path)
        if place is None or place.node.kind != "file":
            raise NotFound(_("没有找到这个文件"), _("它可能已被删除，或您没有查看的权限。"))
        return content_of(work, place.node.id, place.node.version)

    try:
        return send_version(load, download=True)
    except MainlineError as error:
        return _sentence(error.status, error.title, error.message)


def _speak(path: str) -> Response:
    if refusal := _refusal():
        return refusal
    environ = dict(request.environ)
    environ["SCRIPT_NAME"], environ["PATH_INFO"] = MOUNT, _wsgi_text(f"/{path}")
    if request.method in ("COPY", "MOVE") and "HTTP_DESTINATION" in environ:
        environ["HTTP_DESTINATION"] = _read_text(environ["HTTP_DESTINATION"])
        target = path_named(environ["HTTP_DESTINATION"])
        if target is None:
            return _sentence(400, _("请求有误"))
        if name_key(target.rstrip("/")) == name_key(f"{MOUNT}/{path}".rstrip("/")):
            environ["HTTP_OVERWRITE"] = "T"  # A name that is only spelled otherwise is in its own way, and in nobody else's.
    environ["wsgidav.auth.user_name"] = g.actor.member_id
    try:
        response = cast(Response, Response.from_app(_dav_app(), environ, buffered=True))
    except DAVError as error:
        return _answer(error)
    except MainlineError as error:
        return _sentence(error.status, error.title, error.message)
    if response.status_code == 204 and g.get("webdav_created"):
        response.status_code = 201  # WsgiDAV cannot know what we made ourselves.
    return response


@pages.blueprint.after_request
def _ask_for_a_password(response: Response) -> Response:
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Mainline", charset="UTF-8"'
    response.headers["DAV"] = "1, 2"
    response.headers["MS-Author-Via"] = "DAV"
    return response


def _refusal() -> Response | None:
    """What is not even handed on: bodies that are too long, and questions about the whole tree at once."""
    if request.method == "PUT":
        return None
    if (request.content_length or 0) > BODY_MAX_BYTES:
        return _sentence(413, _("请求内容太多"))
    if request.method == "PROPFIND" and request.headers.get("Depth", "infinity").lower() not in ("0", "1"):
        error = ElementTree.Element("{DAV:}error")
        ElementTree.SubElement(error, "{DAV:}propfind-finite-depth")
        return Response(ElementTree.tostring(error, encoding="utf-8"), 403, content_type="application/xml; charset=utf-8")
    return None


def _answer(error: DAVError) -> Response:
    """A refusal of WsgiDAV: its condition as XML where the protocol wants one, else our sentence."""
    status = get_http_status_string(error)
    if error.value in (204, 304):
        return Response(status=status)
    if error.err_condition is not None:
        _name_places(error.err_condition)
        return Response(error.err_condition.as_string(), status, content_type="application/xml; charset=utf-8")
    if error.src_exception is not None and error.value >= 500:
        raise error.src_exception  # A mistake of ours: logged and answered as everywhere.
    return _sentence(error.value, error.context_info or "")


def _name_places(condition: DAVErrorCondition) -> None:
    """What is locked, by addresses; whatever the reader may not see is not named."""
    with request_work(writes=False) as work:
        places = [place_of(work, root) for root in condition.hrefs]
    condition.hrefs = [quote(f"{MOUNT}{place.path}") for place in places if place is not None]


def _sentence(status: int, title: Any, message: Any = "") -> Response:
    return Response(f"{title} {message}".strip() + "\n", status, content_type="text/plain; charset=utf-8")


def _wsgi_text(path: str) -> str:
    """WSGI wants the bytes of the path as Latin-1."""
    return path.encode().decode("latin-1")


def _read_text(header: str) -> str:
    """Some programs send UTF-8 where percent signs belong; WSGI hands it over as Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


@functools.cache
def _dav_app() -> Callable[..., Any]:
    return make_dav_app()
