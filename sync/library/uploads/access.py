"""Loading uploads: only who began one may go on with it, and only while they may edit where it leads."""

from collections import Counter
from dataclasses import replace

from sqlalchemy import ColumnElement, func, select

from sync.library.assets.access import get_asset, get_node
from sync.library.assets.models import Node
from sync.library.content.access import stored_bytes
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from sync.library.quotas.access import limits_of, words_of
from sync.library.quotas.rules import Limit, first_full, way_up
from sync.library.uploads.models import Upload
from sync.library.uploads.rules import KEPT, RESERVED_FOR
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.people.models import Department, Member
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
    moving = select(func.coalesce(func.sum(Upload.size_bytes - Upload.offset_bytes), 0)).where(Upload.library_id == library_id)
    moving = moving.where(*_under_way(work))
    return max(0, quota - stored_bytes(work, library_id) - int(work.session.scalar(moving) or 0))


def no_room(work: Work, library_id: str, size_bytes: int) -> tuple[str, str] | None:
    """Title and message when a file of this size has no room beside what is there and what others are just bringing, else None."""
    room = room_left(work, library_id)
    if room is not None and size_bytes > room:
        return _("素材库空间已满"), _("请清理旧文件，或联系管理员扩容。")
    full = first_full(_with_what_is_brought(work, limits_of(work)), size_bytes)
    return words_of(full) if full is not None else None


def _with_what_is_brought(work: Work, limits: list[Limit]) -> list[Limit]:
    """Departments count whole versions, once those are there: of a file under way its whole length is still to come."""
    if not limits:
        return []
    query = select(Member.department_id, func.sum(Upload.size_bytes)).join(Member, Member.id == Upload.member_id)
    parents = {row.id: row.parent_id for row in work.session.execute(select(Department.id, Department.parent_id))}
    brought: Counter[str] = Counter()
    for department_id, size_bytes in work.session.execute(query.where(*_under_way(work)).group_by(Member.department_id)):
        for above in way_up(department_id, parents):
            brought[above] += int(size_bytes)
    return [replace(limit, used_bytes=limit.used_bytes + brought[limit.id]) for limit in limits]


def _under_way(work: Work) -> tuple[ColumnElement[bool], ...]:
    return (Upload.node_id.is_(None), Upload.expires_at > work.now + KEPT - RESERVED_FOR)


def unfinished_uploads(work: Work, folder_id: str) -> list[Upload]:
    """One's own uploads into a folder that wait for more, newest first."""
    query = select(Upload).where(
        Upload.member_id == work.actor.member_id, Upload.folder_id == folder_id, Upload.node_id.is_(None), Upload.expires_at > work.now
    )  # fmt: skip
    return list(work.session.scalars(query.order_by(Upload.created_at.desc(), Upload.id.desc()).limit(100)))
