"""Uploads: begin one, count what arrived, make a version of what is whole, give one up, let old ones expire."""

from sqlalchemy import delete, func, select, update

from sync.core.chunking import Chunk, choose_cutter
from sync.core.manifest import Manifest, manifest_of
from sync.core.protocol import ErrorCode, OpAnswer, Problem
from sync.library.assets.access import get_asset
from sync.library.assets.actions import save_upload
from sync.library.assets.tree import lock_tree
from sync.library.assets.wire import name_problem_in_words
from sync.library.content.actions import record_packs
from sync.library.libraries.rules import Right
from sync.library.uploads.access import get_folder, get_upload, no_room
from sync.library.uploads.models import Upload, UploadPart
from sync.library.uploads.receiving import Received
from sync.library.uploads.rules import DEPTH_MOST, KEPT, OPEN_MOST, SIZE_MOST, NameRefused, Wish, pack_chunks, refuse_path, unpack_chunks
from workspace.db import new_id
from workspace.errors import Conflict, InvalidInput, NotFound, TooManyRequests
from workspace.i18n import _
from workspace.work import Work


def begin_upload(work: Work, folder_id: str, wish: Wish) -> Upload:
    """A place for a file's bytes. InvalidInput names what is wrong with its path or length."""
    folder = get_folder(work, folder_id)
    name = wish.name
    if wish.asset_id is not None:
        asset = get_asset(work, wish.asset_id, to=Right.EDIT)
        if asset.library_id != folder.library_id:  # Its bytes would be stored in one library and be a version in none.
            raise NotFound(_("没有找到这个文件"), _("它可能已被删除，或您没有查看的权限。"))
        folder_id, name = str(asset.parent_id), asset.name
    elif refused := refuse_path(wish):
        raise _path_error(refused)
    _check_room(work, folder.library_id, wish.size_bytes)
    upload = Upload(
        id=new_id(), library_id=folder.library_id, folder_id=folder_id, asset_id=wish.asset_id, member_id=str(work.actor.member_id),
        folders=list(wish.folders) if wish.asset_id is None else [], name=name, note=wish.note, size_bytes=wish.size_bytes, offset_bytes=0,
        tail_bytes=0, tail_key="", node_id=None, version=0, created_at=work.now, expires_at=work.now + KEPT,
    )  # fmt: skip
    work.session.add(upload)
    return upload


def _check_room(work: Work, library_id: str, size_bytes: int) -> None:
    if size_bytes > SIZE_MOST:
        raise InvalidInput(_("文件太大"), _("一个文件最大 64 GB。"), fields={"files": _("一个文件最大 64 GB。")})
    lock_tree(work, library_id)  # Two that begin at once must not both be given the same room.
    refusal = no_room(work, library_id, size_bytes)
    if refusal is not None:
        raise InvalidInput(*refusal)
    mine = select(func.count()).select_from(Upload).where(
        Upload.member_id == work.actor.member_id, Upload.node_id.is_(None), Upload.expires_at > work.now
    )  # fmt: skip
    if int(work.session.scalar(mine) or 0) >= OPEN_MOST:
        raise TooManyRequests(_("未传完的文件太多"), _("请先传完或放弃一些再上传。"))


def _path_error(refused: NameRefused) -> InvalidInput:
    if refused.problem is None:
        words = _("文件夹最多 %(n)s 层。", n=DEPTH_MOST)
        return InvalidInput(_("“%(name)s”的层数太多", name=refused.name[:80]), words, fields={"files": words})
    words = name_problem_in_words(refused.problem)
    return InvalidInput(_("“%(name)s”这个名称不能用", name=refused.name[:80]), words, fields={"files": words})


def count_bytes(work: Work, upload_id: str, offset_bytes: int, received: Received) -> Upload:
    """What arrived belongs to the upload from now on; when it is whole, it becomes a version.

    Conflict when another request was first: bytes count once, at the offset where they belong.
    """
    upload = get_upload(work, upload_id)
    reached = offset_bytes + received.count
    moved = update(Upload).where(Upload.id == upload.id, Upload.offset_bytes == offset_bytes, Upload.node_id.is_(None)).values(
        offset_bytes=reached, tail_bytes=received.tail_bytes, tail_key=received.tail_key, expires_at=work.now + KEPT
    )  # fmt: skip
    if not work.session.execute(moved.execution_options(synchronize_session=False)).rowcount:  # type: ignore[attr-defined]
        raise offset_conflict(upload)
    work.session.refresh(upload)
    record_packs(work, upload.library_id, received.packs)
    if received.chunks:
        work.session.add(UploadPart(upload_id=upload.id, offset_bytes=reached, chunks=pack_chunks(received.chunks)))
        work.session.flush()
    if reached == upload.size_bytes:
        _finish(work, upload)
    return upload


def offset_conflict(upload: Upload) -> Conflict:
    """The client is not where the upload is; it asks for the offset and goes on from there."""
    return Conflict(_("上传位置不一致"), _("请从已收到的位置继续。"), code="offset", offset=upload.offset_bytes)


def _finish(work: Work, upload: Upload) -> None:
    answer = save_upload(
        work, upload.library_id, folder_id=upload.folder_id, folders=upload.folders, name=upload.name, manifest=_manifest(work, upload),
        packs=(), note=upload.note, asset_id=upload.asset_id,
    )  # fmt: skip
    if isinstance(answer.error, Problem) and answer.error.code is ErrorCode.CHUNKS_MISSING:
        return _begin_again(work, upload)
    raise_refusal(answer, field="files")
    shown = answer.second or answer.node
    assert shown is not None
    upload.node_id, upload.version = shown.id, shown.version
    work.session.execute(delete(UploadPart).where(UploadPart.upload_id == upload.id))


def _begin_again(work: Work, upload: Upload) -> None:
    """A chunk that was known when it was skipped has been collected since: all is sent once more."""
    work.session.execute(delete(UploadPart).where(UploadPart.upload_id == upload.id))
    upload.offset_bytes, upload.tail_bytes, upload.tail_key = 0, 0, ""


def _manifest(work: Work, upload: Upload) -> Manifest:
    query = select(UploadPart.chunks).where(UploadPart.upload_id == upload.id).order_by(UploadPart.offset_bytes)
    chunks: list[Chunk] = []
    for body in work.session.scalars(query):
        chunks += unpack_chunks(bytes(body))
    return manifest_of(chunks, choose_cutter(upload.name, upload.size_bytes))


def raise_refusal(answer: OpAnswer, *, field: str) -> None:
    """What the library refused, as the error of a form."""
    if isinstance(answer.error, Problem):
        raise InvalidInput(answer.error.title, answer.error.message, fields={field: answer.error.message or answer.error.title})


def give_up(work: Work, upload_id: str) -> str:
    """Forget one's upload; returns its id, under which objects may be left."""
    upload = get_upload(work, upload_id)
    work.session.delete(upload)
    return upload.id


def expire_uploads(work: Work, most: int) -> list[str]:
    """Forget uploads whose time is over; returns their ids."""
    ids = list(work.session.scalars(select(Upload.id).where(Upload.expires_at <= work.now).order_by(Upload.expires_at).limit(most)))
    work.session.execute(delete(UploadPart).where(UploadPart.upload_id.in_(ids)))
    work.session.execute(delete(Upload).where(Upload.id.in_(ids)))
    return ids
