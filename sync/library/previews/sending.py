"""A preview as an HTTP answer, for pages that have checked who may see the version."""

from collections.abc import Callable

from flask import Response, request

from sync.library.previews.access import find_previews, preview_key
from sync.library.storage import ObjectStore
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.web import request_work, web
from workspace.work import Work


def send_preview(load: Callable[[Work], str], *, size: str = "small") -> Response:
    """Answer the current request with the picture of a content. ``load`` checks access and gives the digest.

    For views with ``opens_work=False``. size: small (480 px) or large (1600 px). NotFound while there is none.
    """
    size = "large" if size == "large" else "small"
    with request_work(writes=False) as work:
        digest = load(work)
        if digest not in find_previews(work, [digest]):
            raise NotFound(_("还没有预览"), _("请稍后再看，或下载原文件。"))
    etag = f'"{digest}-{size}"'
    headers = {"ETag": etag, "Cache-Control": "private, max-age=86400", "Content-Security-Policy": "default-src 'none'; sandbox"}
    if etag in (request.headers.get("If-None-Match") or ""):
        return Response(status=304, headers=headers)
    store = web().parts.get(ObjectStore)  # type: ignore[type-abstract]
    return Response(store.get(preview_key(digest, size)), content_type="image/webp", headers=headers)
