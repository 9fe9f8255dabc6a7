"""Uploads that can be resumed: tus 1.0 with creation, creation-with-upload, expiration, termination and checksum.

Every request is by the member who began the upload, with their session and CSRF token. Answers are JSON or empty.
"""

from typing import Any

from flask import Response, jsonify, request

from sync.core.chunking import Chunk
from sync.library.assets.actions import make_folders
from sync.library.assets.answers import own_receipt
from sync.library.assets.models import NOTE_LENGTH, Node
from sync.library.content.places import Places
from sync.library.libraries.access import find_view
from sync.library.libraries.rules import Right
from sync.library.storage import ObjectStore
from sync.library.uploads.access import get_folder, get_upload, unfinished_uploads
from sync.library.uploads.actions import begin_upload, count_bytes, give_up, offset_conflict
from sync.library.uploads.jobs import remove_tails
from sync.library.uploads.models import Upload
from sync.library.uploads.receiving import BadChecksum, KnownChunks, Received, receive
from sync.library.uploads.rules import (
    DEPTH_MOST,
    EXTENSIONS,
    FOLDERS_MOST,
    OFFSET_TYPE,
    PART_LEAST_BYTES,
    SIZE_MOST,
    TUS_VERSION,
    BadHeader,
    read_checksum,
    read_length,
    read_paths,
    read_wish,
)
from workspace.errors import InvalidInput, MainlineError, NotFound
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, request_work, web
from workspace.work import Work

pages = Routes("uploads", __name__)

RECEIVING = Places(most=8, each=4)
NOTHING = Received(0, tuple[Chunk](), (), 0, "")


class Refused(MainlineError):
    """A request that is none of the protocol's, with the status that the protocol gives it."""

    def __init__(self, status: int, code: str, title: str, message: str = "") -> None:
        super().__init__(title, message, code=code)
        self.status = status


@pages.blueprint.after_request
def _say_protocol(response: Response) -> Response:
    response.headers["Tus-Resumable"] = TUS_VERSION
    response.headers["Tus-Version"] = TUS_VERSION
    response.headers["Tus-Extension"] = EXTENSIONS
    response.headers["Tus-Checksum-Algorithm"] = "sha1,sha256"
    response.headers["Tus-Max-Size"] = str(SIZE_MOST)
    return response


@pages.get("/library/folders/<folder_id>/uploads", needs=SIGNED_IN)
def list_uploads(work: Work, folder_id: str) -> Response:
    """One's own unfinished uploads into a folder, to be gone on with."""
    get_folder(work, folder_id)
    return jsonify({"uploads": [_facts(upload) for upload in unfinished_uploads(work, folder_id)]})


@pages.post("/library/folders/<folder_id>/empty-folders", needs=SIGNED_IN)
def add_empty_folders(work: Work, folder_id: str) -> Response:
    """Folders of a dropped folder that no file brings along, because nothing is in them."""
    folder = get_folder(work, folder_id)
    try:
        paths = read_paths(request.form.getlist("paths"))
    except BadHeader as error:
        raise InvalidInput(_("文件夹太多"), _("一次最多 %(n)s 个空文件夹，每个最多 %(m)s 层。", n=FOLDERS_MOST, m=DEPTH_MOST)) from error
    make_folders(work, folder, paths)
    return jsonify({"made": len(paths)})


@pages.post("/library/folders/<folder_id>/uploads", needs=SIGNED_IN, opens_work=False)
def create_upload(folder_id: str) -> Response:
    """Begin an upload; the request may bring the first bytes along, or all of them."""
    try:
        wish = read_wish(request.headers.get("Upload-Length"), request.headers.get("Upload-Metadata", ""), note_length=NOTE_LENGTH)
    except BadHeader as error:
        raise Refused(400, "bad_request", _("上传请求有误"), str(error)) from error
    _check_version()
    with request_work(writes=True) as work:
        upload = begin_upload(work, folder_id, wish)
    if wish.size_bytes == 0:
        upload = _count(upload, NOTHING)
    elif request.mimetype == OFFSET_TYPE and request.content_length:
        upload = _take(upload)
    response = _answer(upload, 201)
    response.headers["Location"] = _url(upload)
    return response


@pages.get("/library/uploads/<upload_id>", needs=SIGNED_IN)
def show_upload(work: Work, upload_id: str) -> Response:
    """How far an upload has come; HEAD gives the offset to go on from."""
    upload = get_upload(work, upload_id)
    if upload.node_id is not None:
        node = work.session.get_one(Node, upload.node_id)
        own_receipt(work, upload.library_id).tell_of(node.seq)  # Complete is said only of what the bucket alone can bring back.
    response = jsonify(_facts(upload))
    return _with_state(response, upload)


@pages.route("/library/uploads/<upload_id>", methods=("PATCH",), needs=SIGNED_IN, opens_work=False)
def add_bytes(upload_id: str) -> Response:
    """The next bytes of an upload, from the offset that the client believes it is at."""
    _check_version()
    if request.mimetype != OFFSET_TYPE:
        raise Refused(415, "bad_type", _("上传请求有误"), f"Content-Type: {OFFSET_TYPE}")
    try:
        offset_bytes = read_length(request.headers.get("Upload-Offset"))
    except BadHeader as error:
        raise Refused(400, "bad_request", _("上传请求有误"), str(error)) from error
    with request_work(writes=False) as work:
        upload = get_upload(work, upload_id)
    if offset_bytes != upload.offset_bytes or upload.node_id is not None:
        raise offset_conflict(upload)
    return _answer(_take(upload), 204)


@pages.route("/library/uploads/<upload_id>", methods=("DELETE",), needs=SIGNED_IN, opens_work=False)
def end_upload(upload_id: str) -> Response:
    """Give an upload up. What it became, if it was complete, stays."""
    with request_work(writes=True) as work:
        left = give_up(work, upload_id)
    remove_tails(web().parts.get(ObjectStore), left)  # type: ignore[type-abstract]
    return Response(status=204)


def _check_version() -> None:
    if request.headers.get("Tus-Resumable") != TUS_VERSION:
        raise Refused(412, "bad_version", _("上传请求有误"), f"Tus-Resumable: {TUS_VERSION}")


def _take(upload: Upload) -> Upload:
    """Store the body of this request and count it. What comes too long, too short or wrong is refused before or after, never kept."""
    length, left = request.content_length, upload.size_bytes - upload.offset_bytes
    if length is None:
        raise Refused(411, "bad_request", _("上传请求有误"), "Content-Length")
    if length > left:
        raise Refused(413, "too_large", _("发来的内容比文件长"), _("请重新选择文件再上传。"))
    if length < min(PART_LEAST_BYTES, left):
        raise Refused(400, "too_small", _("上传请求有误"), _("每次至少上传 64 KB，最后一次除外。"))
    try:
        checksum = read_checksum(request.headers.get("Upload-Checksum"))
    except BadHeader as error:
        raise Refused(400, "bad_request", _("上传请求有误"), str(error)) from error
    with request_work(writes=False) as work:
        view = find_view(work, upload.library_id, to=Right.EDIT, anywhere=True)
    known = KnownChunks(lambda: request_work(writes=False), view)
    store = web().parts.get(ObjectStore)  # type: ignore[type-abstract]
    with RECEIVING.held(upload.member_id):
        try:
            received = receive(store, known, upload, request, checksum)
        except BadChecksum as error:
            raise Refused(460, "checksum", _("内容在途中损坏"), _("会自动重发这一段。")) from error
        except NotFound as error:  # What was kept of the bytes before these, unless another request was first and needs it no more.
            with request_work(writes=False) as work:
                counted = get_upload(work, upload.id)
                raise offset_conflict(counted) if counted.tail_key != upload.tail_key else error from error
        return _count(upload, received)


def _count(upload: Upload, received: Received) -> Upload:
    with request_work(writes=True) as work:
        counted = count_bytes(work, upload.id, upload.offset_bytes, received)
    if upload.tail_key and counted.tail_key != upload.tail_key:
        web().parts.get(ObjectStore).remove(upload.tail_key)  # type: ignore[type-abstract]
    return counted


def _answer(upload: Upload, status: int) -> Response:
    return _with_state(Response(status=status), upload)


def _with_state(response: Response, upload: Upload) -> Response:
    response.headers["Upload-Offset"] = str(upload.offset_bytes)
    response.headers["Upload-Length"] = str(upload.size_bytes)
    response.headers["Upload-Expires"] = upload.expires_at.strftime("%a, %d %b %Y %H:%M:%S GMT")
    response.headers["Cache-Control"] = "no-store"
    if upload.node_id is not None:
        response.headers["Mainline-Asset"] = upload.node_id
        response.headers["Mainline-Version"] = str(upload.version)
    return response


def _url(upload: Upload) -> str:
    return f"/library/uploads/{upload.id}"


def _facts(upload: Upload) -> dict[str, Any]:
    return {
        "url": _url(upload), "name": upload.name, "path": "/".join([*upload.folders, upload.name]), "size_bytes": upload.size_bytes,
        "offset_bytes": upload.offset_bytes, "asset": upload.node_id, "version": upload.version, "next_of": upload.asset_id,
    }  # fmt: skip
