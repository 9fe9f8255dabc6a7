"""Folders and assets in the browser: browsing, versions, content, upload."""

from dataclasses import replace
from typing import Any, BinaryIO, cast

from flask import Response, flash, jsonify, redirect, render_template, request
from werkzeug.datastructures import FileStorage

from sync.core.paths import NameProblem, normal_name, refuse_name
from sync.core.protocol import OpAnswer, Outcome, Problem
from sync.library.assets.access import content_of, get_node, get_version
from sync.library.assets.actions import delete_node, make_folder, rename_node, restore_version, save_upload
from sync.library.assets.comparing import compare_view
from sync.library.assets.listing import read_listing
from sync.library.assets.queries import ITEMS_AT_ONCE, ITEMS_FIRST, FolderView, asset_view, folder_view
from sync.library.assets.seeing import seen_view
from sync.library.assets.wire import name_problem_in_words
from sync.library.content.sending import send_version
from sync.library.content.writing import write_file
from sync.library.libraries.access import find_library
from sync.library.libraries.rules import Right
from sync.library.previews.sending import send_film, send_preview
from sync.library.storage import ObjectStore
from sync.library.tags.queries import marks_view
from workspace.errors import Conflict, InvalidInput
from workspace.i18n import _
from workspace.web import SIGNED_IN, Routes, is_htmx, let_pass, request_work, wants_json, web
from workspace.work import Work

pages = Routes("assets", __name__)

VIEW_COOKIE = "mainline_library_view"
VIEWS = ("grid", "list")


@pages.get("/library/<library_id>", needs=SIGNED_IN)
def show_library(work: Work, library_id: str) -> Response:
    """A library: its top folder."""
    return _show_folder(work, find_library(work, library_id).library.root_id)


@pages.get("/library/folders/<folder_id>", needs=SIGNED_IN)
def show_folder(work: Work, folder_id: str) -> Response:
    """A folder of a library, as pictures or as a list."""
    return _show_folder(work, folder_id)


@pages.get("/library/folders/<folder_id>/items", needs=SIGNED_IN)
def show_items(work: Work, folder_id: str) -> str:
    """What is in the folder, for a page that moves by itself or asks for more."""
    listing = read_listing(request.args)
    usual = ITEMS_AT_ONCE if listing.after else ITEMS_FIRST
    folder = folder_view(work, folder_id, listing, count=request.args.get("count", usual, type=int))
    _let_pictures(folder)
    return render_template("library/_more.html" if listing.after else "library/_items.html", folder=folder, view=_view())


@pages.post("/library/folders/<folder_id>/folders", needs=SIGNED_IN)
def add_folder(work: Work, folder_id: str) -> Any:
    """Create a folder; the existing one is opened when there is one of this name."""
    parent = get_node(work, folder_id, to=Right.EDIT)
    name = normal_name(request.form.get("name", "").strip())
    answer = make_folder(work, parent.library_id, parent_id=parent.id, name=name)
    _raise_refusal(answer, field="name")
    assert answer.node is not None
    return _go_to(f"/library/folders/{answer.node.id}")


@pages.post("/library/folders/<folder_id>/upload", needs=SIGNED_IN, opens_work=False)
def upload(folder_id: str) -> Any:
    """Files brought by browser: each becomes an asset, or the next version of the one with its name."""
    files = [file for file in request.files.getlist("files") if file.filename]
    if not files:
        raise InvalidInput(_("没有选择文件"), _("请选择要上传的文件。"))
    with request_work(writes=False) as work:
        library_id = get_node(work, folder_id, to=Right.EDIT).library_id
    saved = [_upload_one(library_id, folder_id, file) for file in files]
    if wants_json():
        return jsonify({"saved": saved})
    flash(_("已上传 %(n)s 个文件", n=len(saved)), "success")
    return redirect(f"/library/folders/{folder_id}", 303)


@pages.get("/library/assets/<asset_id>", needs=SIGNED_IN)
def show_asset(work: Work, asset_id: str) -> str:
    """An asset: preview, versions, what can be done."""
    return render_template("library/asset.html", asset=_asset(work, asset_id), seen=seen_view(work, asset_id))


@pages.get("/library/assets/<asset_id>/fragment", needs=SIGNED_IN)
def show_asset_fragment(work: Work, asset_id: str) -> str:
    """The same without the frame, for a page that moves by itself."""
    return render_template("library/_asset.html", asset=_asset(work, asset_id), seen=seen_view(work, asset_id))


@pages.get("/library/assets/<asset_id>/seen", needs=SIGNED_IN)
def show_seen(work: Work, asset_id: str) -> str:
    """On how many other desktops and PCs the newest version has arrived."""
    return render_template("library/_seen.html", asset={"id": asset_id}, seen=seen_view(work, asset_id))


@pages.get("/library/assets/<asset_id>/comparison", needs=SIGNED_IN)
def compare(work: Work, asset_id: str) -> str:
    """Two versions beside each other."""
    wanted = {name: request.args.get(name, type=int) for name in ("left", "right")}
    view = compare_view(work, asset_id, **wanted, other_id=request.args.get("other", "")[:40])
    return render_template("library/compare.html", view=view)


@pages.get("/library/assets/<asset_id>/versions", needs=SIGNED_IN)
def show_older_versions(work: Work, asset_id: str) -> str:
    """Versions before a number."""
    before = request.args.get("before", type=int)
    return render_template("library/_versions.html", asset=asset_view(work, asset_id, before=before), seen=seen_view(work, asset_id))


@pages.get("/library/assets/<asset_id>/versions/<int:number>/content", needs=SIGNED_IN, opens_work=False)
def send_content(asset_id: str, number: int) -> Response:
    """The bytes of a version, every chunk verified, with Range; or the way to its head."""

    def load(work: Work) -> Any:
        get_version(work, asset_id, number)
        return content_of(work, asset_id, number)

    return send_version(load, download="download" in request.args, direct=True)


@pages.get("/library/assets/<asset_id>/versions/<int:number>/preview", needs=SIGNED_IN, opens_work=False)
def send_picture(asset_id: str, number: int) -> Response:
    """The picture of a version."""
    return send_preview(lambda work: get_version(work, asset_id, number).digest, size=request.args.get("size", "small"), direct=True)


@pages.get("/library/assets/<asset_id>/versions/<int:number>/film", needs=SIGNED_IN, opens_work=False)
def send_copy(asset_id: str, number: int) -> Response:
    """The copy of a film that browsers play, with Range."""
    return send_film(lambda work: get_version(work, asset_id, number).digest, direct=True)


@pages.post("/library/nodes/<node_id>/name", needs=SIGNED_IN)
def rename(work: Work, node_id: str) -> Any:
    """Give a file or folder another name."""
    node = get_node(work, node_id, to=Right.EDIT)
    _raise_refusal(rename_node(work, node, name=normal_name(request.form.get("name", "").strip())), field="name")
    return _go_to(f"/library/{'assets' if node.kind == 'file' else 'folders'}/{node.id}")


@pages.post("/library/nodes/<node_id>/deletion", needs=SIGNED_IN)
def delete(work: Work, node_id: str) -> Any:
    """Take a file or folder out of the library; its versions stay readable by link."""
    node = get_node(work, node_id, to=Right.EDIT)
    parent_id = node.parent_id
    answer = delete_node(work, node, base_version=request.form.get("version", node.version, type=int))
    _raise_refusal(answer, field="version")
    if answer.outcome is Outcome.KEPT:
        raise Conflict(_("没有删除：刚刚有人保存了新版本"), _("请先看看版本 %(n)s。", n=node.version))
    return _go_to(f"/library/folders/{parent_id}")


@pages.post("/library/assets/<asset_id>/versions/<int:number>/restoration", needs=SIGNED_IN)
def restore(work: Work, asset_id: str, number: int) -> Any:
    """Make an earlier version the newest again; also brings a deleted file back."""
    _raise_refusal(restore_version(work, asset_id, number), field="version")
    return _go_to(f"/library/assets/{asset_id}")


def _go_to(url: str) -> Any:
    return Response(status=204, headers={"HX-Redirect": url}) if is_htmx() else redirect(url, 303)


def _show_folder(work: Work, folder_id: str) -> Response:
    view = _view()
    folder = folder_view(work, folder_id, replace(read_listing(request.args), after=""))
    _let_pictures(folder)
    marks, undo = marks_view(work, folder_id), request.args.get("undo", "")[:40]
    response = Response(render_template("library/folder.html", folder=folder, view=view, marks=marks, undo=undo))
    if request.args.get("view") in VIEWS:
        response.set_cookie(VIEW_COOKIE, view, max_age=365 * 86400, httponly=True, samesite="Lax")
    return response


def _let_pictures(folder: FolderView) -> None:
    """Whoever is shown the folder asks for its pictures next, dozens at once."""
    let_pass({item.picture_url: item.digest for item in folder.items if item.picture})


def _view() -> str:
    return next((wish for wish in (request.args.get("view"), request.cookies.get(VIEW_COOKIE)) if wish in VIEWS), "grid")


def _asset(work: Work, asset_id: str) -> Any:
    number = request.args.get("version", type=int)
    return asset_view(work, asset_id, number=number)


def _upload_one(library_id: str, folder_id: str, file: FileStorage) -> dict[str, object]:
    name = normal_name(str(file.filename).rpartition("/")[2].rpartition("\\")[2])
    if problem := refuse_name(name):
        raise _name_error(problem, name)
    size_bytes = file.stream.seek(0, 2)
    file.stream.seek(0)
    store = web().parts.get(ObjectStore)  # type: ignore[type-abstract]
    written = write_file(store, library_id, name=name, stream=cast(BinaryIO, file.stream), size_bytes=size_bytes)
    with request_work(writes=True) as work:
        answer = save_upload(work, library_id, folder_id=folder_id, name=name, manifest=written.manifest, packs=written.packs)
        _raise_refusal(answer, field="files")
    assert answer.node is not None
    return {
        "name": answer.node.name,
        "version": answer.node.version,
        "outcome": answer.outcome.value,
        "url": f"/library/assets/{answer.node.id}",
    }


def _name_error(problem: NameProblem, name: str) -> InvalidInput:
    words = name_problem_in_words(problem)
    return InvalidInput(_("“%(name)s”这个名称不能用", name=name[:80]), words, fields={"name": words})


def _raise_refusal(answer: OpAnswer, *, field: str) -> None:
    if isinstance(answer.error, Problem):
        raise InvalidInput(answer.error.title, answer.error.message, fields={field: answer.error.message or answer.error.title})
