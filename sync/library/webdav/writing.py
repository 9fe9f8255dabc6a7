"""The bytes of one save on their way. They become a version only when all of them have come."""

import shutil
import tempfile
from typing import Any, BinaryIO, cast
from urllib.parse import quote

from wsgidav.dav_error import HTTP_BAD_REQUEST, HTTP_INSUFFICIENT_STORAGE, HTTP_PRECONDITION_FAILED, DAVError
from wsgidav.dav_provider import DAVNonCollection

from sync.core.paths import name_key
from sync.library.uploads.access import no_room, room_left
from sync.library.uploads.rules import SIZE_MOST
from sync.library.webdav import actions
from sync.library.webdav.access import Place
from sync.library.webdav.errors import in_dav_words
from workspace.i18n import _
from workspace.settings import Settings
from workspace.web import request_work, web

_SPOOL_BYTES = 4 * 1024 * 1024
_DISK_KEPT_BYTES = 512 * 1024 * 1024
"""Left free for the database, which lies on the same disk."""


class Written:
    """A resource that a save goes into."""

    environ: dict[str, Any]
    _body: BinaryIO

    @property
    def save_library_id(self) -> str:
        raise NotImplementedError

    def begin_write(self, *, content_type: str | None = None) -> Any:
        folder = web().parts.get(Settings).data_dir / "tmp"
        folder.mkdir(mode=0o700, exist_ok=True)
        promised = self._promised() or 0
        most = max(0, min(room_for(self.save_library_id, promised), shutil.disk_usage(folder).free - _DISK_KEPT_BYTES))
        if promised > most:
            raise _no_room()
        self._body = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES, dir=str(folder)))  # noqa: SIM115 - end_write closes it
        return _Open(self._body, most)

    def end_write(self, *, with_errors: bool) -> None:
        body = getattr(self, "_body", None)
        if body is None:
            return  # It never began.
        with body:
            if with_errors:
                return
            size_bytes = body.tell()
            if self._promised() not in (None, size_bytes):
                raise DAVError(HTTP_BAD_REQUEST, _("内容没有传完，未保存"))
            body.seek(0)
            with in_dav_words():
                self.save(body, size_bytes)

    def _promised(self) -> int | None:
        """How many bytes the program said that it brings."""
        promised = self.environ.get("CONTENT_LENGTH") or ""
        return int(promised) if self.environ["REQUEST_METHOD"] == "PUT" and promised.isdigit() else None

    @property
    def conditional(self) -> bool:
        """Whether the save is only wanted if nothing came meanwhile. WsgiDAV asks before the bytes come, which may take an hour."""
        return "HTTP_IF_MATCH" in self.environ or "HTTP_IF_NONE_MATCH" in self.environ or "[" in self.environ.get("HTTP_IF", "")

    def save(self, body: BinaryIO, size_bytes: int) -> None:
        raise NotImplementedError


class _Open:
    """What WsgiDAV writes to. It closes this before it tells us how it went; the bytes stay until then."""

    def __init__(self, body: BinaryIO, most: int) -> None:
        self._body, self._left = body, most

    def write(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            raise _no_room()
        self._body.write(data)

    def close(self) -> None:
        """See the class."""


def room_for(library_id: str, size_bytes: int) -> int:
    """The most bytes that a file brought to a library may have now. DAVError when those are fewer."""
    with request_work(writes=False) as work:
        room = room_left(work, library_id)
        refusal = no_room(work, library_id, size_bytes)
    if refusal is not None:
        raise DAVError(HTTP_INSUFFICIENT_STORAGE, " ".join(refusal))
    if size_bytes > SIZE_MOST:
        raise _no_room()
    return SIZE_MOST if room is None else min(room, SIZE_MOST)


def _no_room() -> DAVError:
    return DAVError(HTTP_INSUFFICIENT_STORAGE, _("素材库空间已满") + " " + _("请清理旧文件，或联系管理员扩容。"))


class NewFile(Written, DAVNonCollection):
    """A file that a program is about to make. Nothing of it exists before its bytes are here."""

    def __init__(self, folder: Place, name: str, environ: dict[str, Any]) -> None:
        super().__init__(f"{folder.path}/{name}", environ)
        if "HTTP_IF_MATCH" in environ:
            raise DAVError(HTTP_PRECONDITION_FAILED)
        self._folder, self._name = folder, name
        self._made: Any = None

    @property
    def save_library_id(self) -> str:
        return str(self._folder.node.library_id)

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
        base = 0 if self.conditional else None
        actions.save_file(self.save_library_id, self._folder.node.id, self._name, body, size_bytes, base_version=base)
        found = self.provider.get_resource_inst(self.path, self.environ)
        self._made = found if found is not None and not found.is_collection else None
