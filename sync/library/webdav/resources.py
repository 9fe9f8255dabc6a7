"""Libraries as WsgiDAV sees them: collections and files, whose reading is ours (pages.py) and whose writing is an operation."""

import mimetypes
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from wsgidav.dav_error import (
    HTTP_BAD_REQUEST,
    HTTP_CONFLICT,
    HTTP_FORBIDDEN,
    HTTP_INSUFFICIENT_STORAGE,
    HTTP_LOCKED,
    HTTP_NOT_FOUND,
    HTTP_SERVICE_UNAVAILABLE,
    DAVError,
)
from wsgidav.dav_provider import DAVCollection, DAVNonCollection, DAVProvider
from wsgidav.request_resolver import RequestResolver
from wsgidav.util import get_uri_name, get_uri_parent
from wsgidav.wsgidav_app import WsgiDAVApp

from sync.core.paths import name_key
from sync.library.webdav import actions
from sync.library.webdav.access import Place, children_of, find_place, place_of, space_of, tops
from sync.library.webdav.locks import LockStorage
from workspace.errors import MainlineError
from workspace.i18n import _
from workspace.settings import Settings
from workspace.web import request_work, web

ElementTree.register_namespace("D", "DAV:")  # The prefix that every client has seen before.

MOUNT = "/dav"
_BY_REF = "/:ref"
_SPOOL_BYTES = 4 * 1024 * 1024
_STATUS = {
    "quota": HTTP_INSUFFICIENT_STORAGE, "parent_gone": HTTP_CONFLICT, "node_gone": HTTP_NOT_FOUND, "not_found": HTTP_NOT_FOUND,
    "checked_out": HTTP_LOCKED,
}  # fmt: skip


def make_dav_app() -> Callable[..., Any]:
    """The WSGI application below ``MOUNT``. Whoever calls it has identified the reader (pages.py)."""
    return cast(
        Callable[..., Any],
        WsgiDAVApp({
            "mount_path": MOUNT,
            "provider_mapping": {"/": Libraries()},
            "middleware_stack": [RequestResolver],
            "lock_storage": LockStorage(),
            "property_manager": None,
            "hotfixes": {"emulate_win32_lastmod": True},
            "logging": {"enable": False},
            "suppress_version_info": True,
            "verbose": 1,
        }),
    )  # fmt: skip


class Libraries(DAVProvider):
    """Finds what lies at a path."""

    def get_resource_inst(self, path: str | None, environ: dict[str, Any]) -> "Root | Folder | File | None":
        """path: None above the root."""
        if path is None or path.strip("/") == "":
            return Root(environ)
        with request_work(writes=False) as work:
            found = place_of(work, path.removeprefix(_BY_REF)) if path.startswith(_BY_REF) else find_place(work, path)
            work.session.expunge_all()
        return _resource(found, environ) if found is not None else None

    def ref_url_to_path(self, ref_url: str) -> str:
        return _BY_REF + ref_url

    def is_readonly(self) -> bool:
        return False


def _resource(place: Place, environ: dict[str, Any]) -> "Folder | File":
    return Folder(place, environ) if place.node.kind == "folder" else File(place, environ)


class Root(DAVCollection):
    """The list of libraries. Nothing can be made or moved here."""

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__("/", environ)

    def get_member_list(self) -> list["Folder"]:
        with request_work(writes=False) as work:
            places = [find_place(work, f"/{top.name}") for top in tops(work)]
            work.session.expunge_all()
        return [Folder(place, self.environ) for place in places if place is not None]

    def get_member_names(self) -> list[str]:
        return [member.name for member in self.get_member_list()]

    def get_display_name(self) -> str:
        return _("素材库")

    def prevent_locking(self) -> bool:
        return True

    def create_empty_resource(self, name: str) -> None:
        raise DAVError(HTTP_FORBIDDEN, _("素材库之外不能保存文件"))

    create_collection = create_empty_resource


class _Kept:
    """What files and folders have in common."""

    place: Place
    environ: dict[str, Any]
    provider: Libraries

    @property
    def library_id(self) -> str:
        return str(self.place.node.library_id)

    @property
    def is_top(self) -> bool:
        return self.place.node.parent_id is None

    def get_creation_date(self) -> float:
        return self.place.node.created_at.timestamp()

    def get_last_modified(self) -> float:
        return self.place.node.modified_at.timestamp()

    def get_display_name(self) -> str:
        return self.place.node.name or self.place.top.name

    def get_ref_url(self) -> str:
        return self.place.ref

    def set_last_modified(self, dest_path: str, time_stamp: Any, *, dry_run: bool) -> bool:
        """Taken and let go: the time is part of a version, and a version does not change."""
        return True

    def handle_move(self, dest_path: str) -> bool:
        """Onto a file that is there, its content becomes that file's next version. All else goes the usual way."""
        if self._is_at(dest_path):  # The same name, spelled otherwise.
            self.move_recursive(dest_path)
            return True
        source, target = self.place.node, self._file_at(dest_path)
        if target is None or source.kind != "file":
            return False
        with _in_dav_words():
            actions.replace_file(self.library_id, source.id, target.id, keep_source=False)
        self.remove_all_locks(recursive=True)  # type: ignore[attr-defined]
        return True

    def handle_copy(self, dest_path: str, *, depth_infinity: bool) -> bool:
        if self._is_at(dest_path):
            raise DAVError(HTTP_FORBIDDEN, _("已有同名的文件或文件夹"))
        source, target = self.place.node, self._file_at(dest_path)
        if target is None or source.kind != "file":
            return False
        with _in_dav_words():
            actions.replace_file(self.library_id, source.id, target.id, keep_source=True)
        return True

    def support_recursive_move(self, dest_path: str) -> bool:
        folder = self._folder_for(dest_path)
        return not self.is_top and folder is not None and folder.node.library_id == self.library_id

    def move_recursive(self, dest_path: str) -> list[Any]:
        folder = self._folder_for(dest_path)
        assert folder is not None
        with _in_dav_words():
            actions.move_node(self.library_id, self.place.node.id, folder.node.id, get_uri_name(dest_path.rstrip("/")))
        self.remove_all_locks(recursive=True)  # type: ignore[attr-defined]
        return []

    def support_recursive_delete(self) -> bool:
        return not self.is_top

    def delete(self) -> list[Any]:
        if self.is_top:
            raise DAVError(HTTP_FORBIDDEN, _("素材库不能在这里删除"))
        with _in_dav_words():
            actions.delete_node(self.library_id, self.place.node.id)
        self.remove_all_locks(recursive=True)  # type: ignore[attr-defined]
        return []

    def _folder_for(self, path: str) -> Place | None:
        found = self.provider.get_resource_inst(get_uri_parent(path.rstrip("/")), self.environ)
        return found.place if isinstance(found, Folder) else None

    def _is_at(self, path: str) -> bool:
        """Whether this lies at a path already. What is there would be deleted first: refused where this or a library lies in it."""
        found = self.provider.get_resource_inst(path, self.environ)
        if isinstance(found, Root) or (found is not None and found.is_top):
            raise DAVError(HTTP_FORBIDDEN, _("素材库不能在这里删除"))
        if found is not None and self.place.ref.startswith(f"{found.place.ref}/"):
            raise DAVError(HTTP_FORBIDDEN, _("已有同名的文件或文件夹"))
        return found is not None and found.place.ref == self.place.ref

    def _file_at(self, path: str) -> Any:
        found = self.provider.get_resource_inst(path, self.environ)
        same = isinstance(found, File) and found.library_id == self.library_id
        return found.place.node if same else None  # type: ignore[union-attr]


class Folder(_Kept, DAVCollection):
    """A folder, or the top of a library."""

    def __init__(self, place: Place, environ: dict[str, Any]) -> None:
        super().__init__(place.path, environ)
        self.place = place

    def get_member_list(self) -> list["Folder | File"]:
        with request_work(writes=False) as work:
            places = children_of(work, self.place)
            work.session.expunge_all()
        return [_resource(place, self.environ) for place in places]

    def get_member_names(self) -> list[str]:
        return [member.place.node.name for member in self.get_member_list()]

    def get_member(self, name: str) -> "Folder | File | None":
        key = name_key(name)
        return next((member for member in self.get_member_list() if member.place.node.name_key == key), None)

    def get_used_bytes(self) -> int:
        return self._space()[0]

    def get_available_bytes(self) -> int | None:
        used, most = self._space()
        return None if most is None else max(0, most - used)

    def create_empty_resource(self, name: str) -> "NewFile":
        file = NewFile(self.place, name, self.environ)
        if self.environ["REQUEST_METHOD"] == "LOCK":  # RFC 4918, 7.3: a lock on a name makes an empty file.
            file.begin_write()
            file.end_write(with_errors=False)
        return file

    def create_collection(self, name: str) -> None:
        with _in_dav_words():
            actions.make_folder(self.library_id, self.place.node.id, name)

    def copy_move_single(self, dest_path: str, *, is_move: bool) -> None:
        """The folder alone; WsgiDAV brings what is in it."""
        into = self._folder_for(dest_path)
        if into is None:
            raise DAVError(HTTP_CONFLICT)
        if self.provider.get_resource_inst(dest_path, self.environ) is None:
            with _in_dav_words():
                actions.make_folder(str(into.node.library_id), into.node.id, get_uri_name(dest_path.rstrip("/")))

    def _space(self) -> tuple[int, int | None]:
        if "mainline.space" not in self.environ:
            self.environ["mainline.space"] = {}
        known: dict[str, tuple[int, int | None]] = self.environ["mainline.space"]
        if self.library_id not in known:
            with request_work(writes=False) as work:
                known[self.library_id] = space_of(work, self.place.top)
        return known[self.library_id]


class _Written:
    """Takes the bytes of one save. They become a version only when all of them have come."""

    environ: dict[str, Any]
    _body: BinaryIO

    def begin_write(self, *, content_type: str | None = None) -> Any:
        folder = web().parts.get(Settings).data_dir / "tmp"
        folder.mkdir(mode=0o700, exist_ok=True)
        self._body = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES, dir=str(folder)))  # noqa: SIM115 - end_write closes it
        return _Open(self._body)

    def end_write(self, *, with_errors: bool) -> None:
        with self._body:
            if with_errors:
                return
            size_bytes, promised = self._body.tell(), self.environ.get("CONTENT_LENGTH") or ""
            if self.environ["REQUEST_METHOD"] == "PUT" and promised.isdigit() and int(promised) != size_bytes:
                raise DAVError(HTTP_BAD_REQUEST, _("内容没有传完，未保存"))
            self._body.seek(0)
            with _in_dav_words():
                self.save(self._body, size_bytes)

    def save(self, body: BinaryIO, size_bytes: int) -> None:
        raise NotImplementedError


class _Open:
    """What WsgiDAV writes to. It closes this before it tells us how it went; the bytes stay until then."""

    def __init__(self, body: BinaryIO) -> None:
        self._body = body

    def write(self, data: bytes) -> None:
        self._body.write(data)

    def close(self) -> None:
        """See the class."""


class File(_Kept, _Written, DAVNonCollection):
    """An asset; its newest version is what is read and what a save comes after."""

    def __init__(self, place: Place, environ: dict[str, Any]) -> None:
        super().__init__(place.path, environ)
        self.place = place

    def get_content_length(self) -> int:
        return int(self.place.node.size_bytes)

    def get_content_type(self) -> str:
        return mimetypes.guess_type(self.place.node.name)[0] or "application/octet-stream"

    def get_etag(self) -> str:
        return str(self.place.node.digest)

    def support_etag(self) -> bool:
        return True

    def support_ranges(self) -> bool:
        return True

    def get_content(self) -> Any:
        raise AssertionError("files are read by pages.py")

    def save(self, body: BinaryIO, size_bytes: int) -> None:
        node = self.place.node
        actions.save_file(self.library_id, str(node.parent_id), node.name, body, size_bytes)
        self._look_again()

    def copy_move_single(self, dest_path: str, *, is_move: bool) -> None:
        into = self._folder_for(dest_path)
        if into is None:
            raise DAVError(HTTP_CONFLICT)
        name, library_id = get_uri_name(dest_path), str(into.node.library_id)
        with _in_dav_words():
            if library_id == self.library_id:
                actions.copy_file(library_id, self.place.node.id, into.node.id, name)
                return
            self.begin_write()
            with self._body:
                actions.copy_across(self.place.node.id, library_id, into.node.id, name, self._body)

    def _look_again(self) -> None:
        found = self.provider.get_resource_inst(self.path, self.environ)
        if isinstance(found, File):
            self.place = found.place


class NewFile(_Written, DAVNonCollection):
    """A file that a program is about to make. Nothing of it exists before its bytes are here."""

    def __init__(self, folder: Place, name: str, environ: dict[str, Any]) -> None:
        super().__init__(f"{folder.path}/{name}", environ)
        self._folder, self._name = folder, name
        self._made: File | None = None

    def get_ref_url(self) -> str:
        return self._made.get_ref_url() if self._made else f"{self._folder.ref}/new-{quote(name_key(self._name))}"

    def get_etag(self) -> str | None:
        return self._made.get_etag() if self._made else None

    def support_etag(self) -> bool:
        return True

    def support_ranges(self) -> bool:
        return False

    def get_content_length(self) -> int:
        return 0

    def get_content_type(self) -> str:
        return "application/octet-stream"

    def get_content(self) -> Any:
        raise AssertionError("files are read by pages.py")

    def save(self, body: BinaryIO, size_bytes: int) -> None:
        actions.save_file(str(self._folder.node.library_id), self._folder.node.id, self._name, body, size_bytes)
        found = self.provider.get_resource_inst(self.path, self.environ)
        self._made = found if isinstance(found, File) else None


@contextmanager
def _in_dav_words() -> Iterator[None]:
    """The product's refusals as WebDAV's, with the same sentence."""
    try:
        yield
    except MainlineError as error:
        status = _STATUS.get(error.code, HTTP_SERVICE_UNAVAILABLE if error.retryable else HTTP_FORBIDDEN)
        raise DAVError(status, f"{error.title} {error.message}".strip()) from error
