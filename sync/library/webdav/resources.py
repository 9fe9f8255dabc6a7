"""Libraries as WsgiDAV sees them: collections and files, whose reading is ours (pages.py) and whose writing is an operation."""

import mimetypes
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from flask import g
from wsgidav.dav_error import (
    HTTP_CONFLICT,
    HTTP_FORBIDDEN,
    HTTP_LOCKED,
    DAVError,
)
from wsgidav.dav_provider import DAVCollection, DAVNonCollection, DAVProvider
from wsgidav.request_resolver import RequestResolver
from wsgidav.util import get_uri_name, get_uri_parent
from wsgidav.wsgidav_app import WsgiDAVApp

from sync.core.paths import name_key
from sync.library.webdav import actions
from sync.library.webdav.access import Place, children_of, find_place, place_of, space_of, top_places
from sync.library.webdav.errors import in_dav_words
from sync.library.webdav.locks import LockStorage
from sync.library.webdav.moving import check_size, copy_within, move_within
from sync.library.webdav.properties import Properties
from sync.library.webdav.writing import NewFile, Written, room_for
from workspace.i18n import _
from workspace.web import request_work

ElementTree.register_namespace("D", "DAV:")  # The prefix that every client has seen before.

MOUNT = "/dav"
_BY_REF = "/:ref"


def make_dav_app() -> Callable[..., Any]:
    """The WSGI application below ``MOUNT``. Whoever calls it has identified the reader (pages.py)."""
    return cast(
        Callable[..., Any],
        WsgiDAVApp({
            "mount_path": MOUNT,
            "provider_mapping": {"/": Libraries()},
            "middleware_stack": [RequestResolver],
            "lock_storage": LockStorage(),
            "property_manager": Properties(),
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
            places = top_places(work)
            work.session.expunge_all()
        return [Folder(place, self.environ) for place in places]

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
        return self._bring(dest_path, is_move=True)

    def handle_copy(self, dest_path: str, *, depth_infinity: bool) -> bool:
        return self._bring(dest_path, is_move=False, deep=depth_infinity)

    def _bring(self, dest_path: str, *, is_move: bool, deep: bool = True) -> bool:
        """Move or copy to a path. False: into another library, where nothing is there; WsgiDAV then does it file by file."""
        folder, target, name = self._folder_for(dest_path), self._target_at(dest_path), get_uri_name(dest_path.rstrip("/"))
        if target is not None and target.ref == self.place.ref and not is_move:
            raise DAVError(HTTP_FORBIDDEN, _("已有同名的文件或文件夹"))
        if self.is_top and is_move:
            raise DAVError(HTTP_FORBIDDEN, _("素材库不能在这里删除"))
        if folder is None:
            raise DAVError(HTTP_FORBIDDEN, _("素材库之外不能保存文件"))
        if folder.node.library_id != self.library_id:
            return self._bring_across(folder, target, is_move=is_move)
        with in_dav_words():
            if is_move:
                itself = target is not None and target.ref == self.place.ref  # The same name, spelled otherwise.
                move_within(self.place, folder, name, None if itself else target)
            else:
                copy_within(self.place, folder, name, target, deep=deep)
                self._copy_properties(dest_path)
        if is_move:
            self._release()
        g.webdav_created = target is None
        return True

    def _copy_properties(self, dest_path: str) -> None:
        """Of a file. What programs note about the files of a folder stays with those."""
        made, kept = self.provider.get_resource_inst(dest_path, self.environ), self.provider.prop_manager
        if isinstance(made, File) and (kept.get_properties(self.place.ref) or kept.get_properties(made.place.ref)):
            kept.copy_properties(self.place.ref, made.place.ref)

    def _bring_across(self, folder: Place, target: Place | None, *, is_move: bool) -> bool:
        """Onto a file of another library: that file's next version. What else is there is not emptied for something that may fail."""
        if target is None:
            with in_dav_words():
                check_size(self.place)
            return False
        if target.node.kind != "file" or self.place.node.kind != "file":
            raise DAVError(HTTP_FORBIDDEN, _("已有同名的文件或文件夹"))
        with in_dav_words():
            self.copy_bytes(folder, target.node.name, to_move=is_move)  # type: ignore[attr-defined]
            if is_move:
                actions.delete_node(self.library_id, self.place.node.id)
                self._release()
        g.webdav_created = False
        return True

    def handle_delete(self) -> bool:
        """To the trash in one step. WsgiDAV would ask each file in it first whether it is locked."""
        environ, manager = self.environ, self.provider.lock_manager
        tokens, user = environ["wsgidav.ifLockTokenList"], environ["wsgidav.user_name"]
        manager.check_write_permission(url=self.place.ref, depth="0", token_list=tokens, principal=user)
        for lock in manager.get_url_lock_list(self.place.ref, recursive=True):
            if lock["principal"] != user or lock["token"] not in tokens:
                raise DAVError(HTTP_LOCKED, _("有人正在编辑其中的文件"))
        self.delete()
        return True

    def _release(self) -> None:
        self.remove_all_locks(recursive=True)  # type: ignore[attr-defined]

    def support_recursive_move(self, dest_path: str) -> bool:
        """What can be moved at once was moved by handle_move."""
        return False

    def support_recursive_delete(self) -> bool:
        return not self.is_top

    def delete(self) -> list[Any]:
        if self.is_top:
            raise DAVError(HTTP_FORBIDDEN, _("素材库不能在这里删除"))
        with in_dav_words():
            actions.delete_node(self.library_id, self.place.node.id)
        self._release()
        return []

    def _folder_for(self, path: str) -> Place | None:
        found = self.provider.get_resource_inst(get_uri_parent(path.rstrip("/")), self.environ)
        return found.place if isinstance(found, Folder) else None

    def _target_at(self, path: str) -> Place | None:
        """What is at a path. It would make room: refused where this or a library lies in it."""
        found = self.provider.get_resource_inst(path, self.environ)
        if found is None:
            return None
        if isinstance(found, Root) or found.is_top:
            raise DAVError(HTTP_FORBIDDEN, _("素材库不能在这里删除"))
        if self.place.ref.startswith(f"{found.place.ref}/"):
            raise DAVError(HTTP_FORBIDDEN, _("已有同名的文件或文件夹"))
        return found.place


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
        if self.environ["REQUEST_METHOD"] == "LOCK":  # RFC 4918, 7.3: a lock on a name makes an empty file. Not if it will be refused.
            tokens, user = self.environ["wsgidav.ifLockTokenList"], self.environ["wsgidav.user_name"]
            manager = self.provider.lock_manager
            manager.check_write_permission(url=self.place.ref, depth="0", token_list=tokens, principal=user)
            manager.storage.check_room(user)
            file.begin_write()
            file.end_write(with_errors=False)
        return file

    def create_collection(self, name: str) -> None:
        with in_dav_words():
            actions.make_folder(self.library_id, self.place.node.id, name)

    def copy_move_single(self, dest_path: str, *, is_move: bool) -> None:
        """The folder alone; WsgiDAV brings what is in it."""
        into = self._folder_for(dest_path)
        if into is None:
            raise DAVError(HTTP_CONFLICT)
        if self.provider.get_resource_inst(dest_path, self.environ) is None:
            with in_dav_words():
                actions.make_folder(str(into.node.library_id), into.node.id, get_uri_name(dest_path.rstrip("/")))

    def _space(self) -> tuple[int, int | None]:
        if "mainline.space" not in self.environ:
            self.environ["mainline.space"] = {}
        known: dict[str, tuple[int, int | None]] = self.environ["mainline.space"]
        if self.library_id not in known:
            with request_work(writes=False) as work:
                known[self.library_id] = space_of(work, self.place.top)
        return known[self.library_id]


class File(_Kept, Written, DAVNonCollection):
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

    @property
    def save_library_id(self) -> str:
        return self.library_id

    def save(self, body: BinaryIO, size_bytes: int) -> None:
        node = self.place.node
        base = node.version if self.conditional else None
        actions.save_file(self.library_id, str(node.parent_id), node.name, body, size_bytes, base_version=base)
        self._look_again()

    def copy_move_single(self, dest_path: str, *, is_move: bool) -> None:
        """To another library."""
        into = self._folder_for(dest_path)
        if into is None:
            raise DAVError(HTTP_CONFLICT)
        with in_dav_words():
            self.copy_bytes(into, get_uri_name(dest_path), to_move=is_move)

    def copy_bytes(self, folder: Place, name: str, *, to_move: bool) -> None:
        """See actions.copy_across."""
        library_id = str(folder.node.library_id)
        room_for(library_id, self.place.node.size_bytes)
        actions.copy_across(self.place.node.id, library_id, folder.node.id, name, to_move=to_move)

    def _look_again(self) -> None:
        found = self.provider.get_resource_inst(self.path, self.environ)
        if isinstance(found, File):
            self.place = found.place
