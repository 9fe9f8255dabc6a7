"""A photo that answers an item: it goes into the main line's library, under the checklist and the store, and is pinned.

Slow: the bytes are stored before any transaction that writes is opened.
"""

import hashlib
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

from sqlalchemy import select

from main_lines.checks.access import fills, get_check, get_sheet, line_of_check
from main_lines.checks.actions import attach_photo
from main_lines.checks.models import StoreCheck
from main_lines.checks.rules import Kind
from sync.core.paths import normal_name, refuse_name
from sync.core.protocol import Problem
from sync.library.assets.access import pin_of
from sync.library.assets.actions import save_upload
from sync.library.content.writing import write_file
from sync.library.libraries.access import get_library
from sync.library.storage import ObjectStore
from workspace.errors import InvalidInput, NotAllowed
from workspace.i18n import _
from workspace.people.models import Site
from workspace.work import Work

SUFFIXES = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/heic": "heic", "image/heif": "heif", "image/avif": "avif"}
NAME_LENGTH = 60
READ_BYTES = 1 << 20
FOLDER = "门店清单"
"""In the line's library; a name of a folder stays as it is for every reader."""
_UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')


def file_name(text: str, otherwise: str) -> str:
    """A text that somebody wrote as the name of a file or folder; ``otherwise`` when nothing of it can be one."""
    name = normal_name(_UNFIT.sub("-", text)[:NAME_LENGTH].strip(" .-"))
    return name if name and refuse_name(name) is None else otherwise


def take_photo(
    store: ObjectStore, work_of: Callable[[bool], AbstractContextManager[Work]], sheet_id: str, key: str, *, stream: BinaryIO,
    content_type: str, size_bytes: int,
) -> None:  # fmt: skip
    """Save a photo as the answer to an item; a later one becomes the next version of the same asset.

    work_of: opens a Work by the one who sent it, writing or not. Sending the same photo again changes nothing.
    """
    suffix = SUFFIXES.get(content_type)
    if suffix is None or not size_bytes:
        raise InvalidInput(_("这不是照片"), _("请拍照，或选择 JPG、PNG、WebP、HEIC 图片。"), fields={"photo": _("请选择一张照片")})
    with work_of(False) as work:
        library_id, folders, name = _place(work, sheet_id, key)
    mark = _mark(stream)
    written = write_file(store, library_id, name=f"{name}.{suffix}", stream=stream, size_bytes=size_bytes)
    with work_of(True) as work:
        there = (get_sheet(work, sheet_id).answers.get(key) or {}).get("value")
        if isinstance(there, dict) and there.get("mark") == mark:
            return
        root = _root_of(work, library_id)
        answer = save_upload(
            work, library_id, folder_id=root, folders=folders, name=f"{name}.{suffix}", manifest=written.manifest, packs=written.packs
        )
        if isinstance(answer.error, Problem) or answer.node is None:
            said = answer.error if isinstance(answer.error, Problem) else None
            title, message = (said.title, said.message) if said else (_("照片没有存进素材库"), "")
            raise InvalidInput(title, message, fields={"photo": message or title})
        work.session.flush()
        pin = pin_of(work, answer.node.id, answer.node.version)
        photo: dict[str, Any] = {"asset_id": pin.asset_id, "version": pin.version, "name": pin.name, "digest": pin.digest, "mark": mark}
        attach_photo(work, sheet_id, key, photo)


def _place(work: Work, sheet_id: str, key: str) -> tuple[str, list[str], str]:
    """The library, the folders below its top, and the name of the photo without its suffix; raises unless it may be sent."""
    sheet = get_sheet(work, sheet_id)
    check, site = get_check(work, sheet.check_id), work.session.get_one(Site, sheet.site_id)
    if not fills(work, check, site):
        raise NotAllowed(_("这家门店的清单不由您填写"), _("由门店和所在城市的成员填写，负责人可以代填。"))
    item = next((one for one in check.wanted if one.key == key and one.kind is Kind.PHOTO), None)
    if item is None:
        raise InvalidInput(_("清单里没有这一项"), _("请刷新后查看最新的清单。"), fields={"key": _("清单里没有这一项")})
    library_id = line_of_check(work, check).library_id
    if library_id is None:
        raise InvalidInput(_("这条主线没有素材库"), _("请联系主线负责人。"))
    return library_id, _folders(work, check, site), file_name(item.text, f"photo-{key}")


def _folders(work: Work, check: StoreCheck, site: Site) -> list[str]:
    """A store that shares its name with another has a folder of its own."""
    shared = work.session.scalar(select(Site.id).where(Site.kind == "store", Site.name == site.name, Site.id != site.id).limit(1))
    name = f"{site.name} {site.code or site.id}" if shared else site.name
    return [FOLDER, file_name(check.title, check.id), file_name(name, site.id)]


def _root_of(work: Work, library_id: str) -> str:
    return get_library(work, library_id).root_id


def _mark(stream: BinaryIO) -> str:
    """What tells one photo from another without reading it back from the store."""
    found = hashlib.sha256()
    stream.seek(0)
    while piece := stream.read(READ_BYTES):
        found.update(piece)
    stream.seek(0)
    return found.hexdigest()[:32]
