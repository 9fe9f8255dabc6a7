"""A preview as an HTTP answer, for pages that have checked who may see the version."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator

from flask import Response, request

from sync.library.heads.sending import send_to_object
from sync.library.previews.access import film_key, find_preview, find_previews, preview_key
from sync.library.previews.rules import Film
from sync.library.storage import STEADY, ObjectStore, Shown
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.web import passed, request_work, web
from workspace.work import Work

_FILM_PIECE_BYTES = 1024 * 1024
_SANDBOX = "default-src 'none'; sandbox"
_KEPT = "private, max-age=604800, immutable"
_IN_PLACE = Shown("image/webp", "inline", _KEPT)
_FILM = Shown("video/mp4", "inline", _KEPT)


class Pictures:
    """Small pictures that were sent lately, by their key: a grid asks for dozens at once. Thread-safe; most_bytes bounds it."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._bytes = most_bytes, 0
        self._guard = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str) -> bytes | None:
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, picture: bytes) -> None:
        with self._guard:
            self._bytes += len(picture) - len(self._kept.pop(key, b""))
            self._kept[key] = picture
            while self._bytes > self._most:
                self._bytes -= len(self._kept.popitem(last=False)[1])


_PICTURES = Pictures(32 * 1024 * 1024)


def send_preview(load: Callable[[Work], str], *, size: str = "small", direct: bool = False) -> Response:
    """Answer the current request with the picture of a content. ``load`` checks access and gives the digest.

    For views with ``opens_work=False``. size: small (480 px) or large (1600 px). NotFound while there is none.
    A page that has just shown the picture to this reader noted its digest (web.let_pass): then nothing is asked.
    direct: the browser may be sent to the store for a large one. A small one is in this process already, and smaller than the detour.
    """
    size = "large" if size == "large" else "small"
    digest = passed() or _load(load)
    headers = _headers(f'"{digest}-{size}"')
    if headers["ETag"] in (request.headers.get("If-None-Match") or ""):
        return Response(status=304, headers=headers)
    key = preview_key(digest, size)
    if direct and size == "large" and (answer := send_to_object(key, _IN_PLACE)) is not None:
        answer.headers["Cache-Control"] = f"private, max-age={int(STEADY.total_seconds())}"
        return answer
    store = web().parts.get(ObjectStore)  # type: ignore[type-abstract]
    picture = _PICTURES.get(key)
    if picture is None:
        picture = store.get(key)
        if size == "small":
            _PICTURES.put(key, picture)
    return Response(picture, content_type="image/webp", headers=headers)


def _load(load: Callable[[Work], str]) -> str:
    with request_work(writes=False) as work:
        digest = load(work)
        if digest not in find_previews(work, [digest]):
            raise NotFound(_("还没有预览"), _("请稍后再看，或下载原文件。"))
    return digest


def send_film(load: Callable[[Work], str], *, direct: bool = False) -> Response:
    """Answer with the playable copy of a film, whole or the one range that is asked for. NotFound while there is none.

    direct: the browser may be sent to the store.
    """
    with request_work(writes=False) as work:
        digest = load(work)
        found = find_preview(work, digest)
        if found is None or found.film != Film.COPIED.value:
            raise NotFound(_("还没有预览"), _("请稍后再看，或下载原文件。"))
        size_bytes = found.film_bytes
    headers = {**_headers(f'"{digest}-film"'), "Accept-Ranges": "bytes"}
    began_here = request.headers.get("If-Range") == headers["ETag"]
    if direct and not began_here and (answer := send_to_object(film_key(digest), _FILM)) is not None:
        return answer
    wanted = request.range if request.headers.get("If-Range", headers["ETag"]) == headers["ETag"] else None
    start, stop, status = 0, size_bytes, 200
    if wanted is not None and wanted.units == "bytes" and len(wanted.ranges) == 1:
        part = wanted.range_for_length(size_bytes)
        if part is None:
            return Response(status=416, headers={"Content-Range": f"bytes */{size_bytes}"})
        (start, stop), status = part, 206
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size_bytes}"
    headers["Content-Length"] = str(stop - start)
    store = web().parts.get(ObjectStore)  # type: ignore[type-abstract]
    body = () if request.method == "HEAD" else _pieces(store, film_key(digest), start, stop)
    return Response(body, status=status, content_type="video/mp4", headers=headers)


def _pieces(store: ObjectStore, key: str, start: int, stop: int) -> Iterator[bytes]:
    for offset in range(start, stop, _FILM_PIECE_BYTES):
        yield store.get_range(key, offset, min(_FILM_PIECE_BYTES, stop - offset))


def _headers(etag: str) -> dict[str, str]:
    return {
        "ETag": etag,
        "Cache-Control": _KEPT,
        "Content-Security-Policy": _SANDBOX,
        "Cross-Origin-Resource-Policy": "same-origin",
    }
