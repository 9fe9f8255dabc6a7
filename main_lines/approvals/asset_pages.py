"""The pinned version, shown to whoever takes part in the approval: a grant on its library is not needed."""

from flask import Response

from main_lines.approvals.access import get_request
from main_lines.approvals.links import pinned_content
from sync.library.content.sending import VersionContent, send_version
from sync.library.previews.access import find_previews, preview_key
from sync.library.storage import ObjectStore
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, request_work, web
from workspace.work import Work

pages = Routes("approvals_asset", __name__)
YEAR_S = 365 * 24 * 3600


@pages.get("/approvals/<approval_id>/asset/content", needs=SIGNED_IN, opens_work=False)
def show_content(approval_id: str) -> Response:
    """The bytes of exactly the pinned version, or the way to its head."""
    return send_version(lambda work: _pinned(work, approval_id), direct=True)


@pages.get("/approvals/<approval_id>/asset/thumb", needs=SIGNED_IN, opens_work=False)
def show_thumb(approval_id: str) -> Response:
    """The picture of exactly the pinned version."""
    with request_work(writes=False) as work:
        digest = _pinned(work, approval_id).digest
        if digest not in find_previews(work, [digest]):
            raise NotFound(_("没有预览"), _("可以下载查看。"))
    picture = web().parts.get(ObjectStore).get(preview_key(digest, "large"))  # type: ignore[type-abstract]
    return Response(picture, content_type="image/webp", headers={"Cache-Control": f"private, max-age={YEAR_S}, immutable"})


def _pinned(work: Work, approval_id: str) -> VersionContent:
    pin = get_request(work, approval_id).pin
    if not pin:
        raise NotFound(_("没有找到"), _("这项审批没有素材。"))
    return pinned_content(work, pin)
