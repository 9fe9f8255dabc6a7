"""Loading uploads: only who began one may go on with it, and only while they may edit where it leads."""

from sqlalchemy import func, select

from sync.library.assets.access import get_asset, get_node
from sync.library.assets.models import Node
from sync.library.content.access import stored_bytes
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from sync.library.uploads.models import Upload
from sync.library.uploads.rules import KEPT, RESERVED_FOR
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.work import Work


def get_upload(work: Work, upload_id: str) -> Upload:
    """One's own upload, finished or not, that has not expired."""
    upload = work.session.get(Upload, upload_id)
    if upload is None or upload.member_id != work.actor.member_id or upload.expires_at <= work.now:
        raise NotFound(_("没有找到这次上传"), _("它可能已过期，请重新上传。"))
    if upload.asset_id is not None:
        get_asset(work, upload.asset_id, to=Right.EDIT)
    else:
        get_folder(work, upload.folder_id)
    return upload


def get_folder(work: Work, folder_id: str) -> Node:
    """A live folder that the actor may put files into."""
    folder = get_node(work, folder_id, to=Right.EDIT)
    if folder.kind != "folder":
        raise NotFound(_("没有找到这个文件夹"), _("它可能已被删除，或您没有查看的权限。"))
    return folder


def room_left(work: Work, library_id: str) -> int | None:
    """Bytes that may still be brought to a library, beside what others are just bringing; None without a limit."""
    quota = work.session.get_one(Library, library_id).quota_bytes
    if quota is None:
        return None
    moving = select(func.coalesce(func.sum(Upload.size_bytes - Upload.offset_bytes), 0)).where(
        Upload.library_id == library_id, Upload.node_id.is_(None), Upload.expires_at > work.now + KEPT - RESERVED_FOR
    )  # fmt: skip
    return max(0, quota - stored_bytes(work, library_id) - int(work.session.scalar(moving) or 0))


def unfinished_uploads(work: Work, folder_id: str) -> list[Upload]:
    """One's own uploads into a folder that wait for more, newest first."""
    query = select(Upload).where(
        Upload.member_id == work.actor.member_id, Upload.folder_id == folder_id, Upload.node_id.is_(None), Upload.expires_at > work.now
    )  # fmt: skip
    return list(work.session.scalars(query.order_by(Upload.created_at.desc(), Upload.id.desc()).limit(100)))
