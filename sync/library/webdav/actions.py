"""What programs do in a network folder, in terms of the library's operations: same rules, same versions, same records.

Each of these opens its own Work, because the bytes of a file arrive between two of them.
"""

from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from sync.core.codec import from_bytes
from sync.core.manifest import Manifest
from sync.core.paths import normal_name
from sync.core.protocol import Delete, MakeFolder, Op, OpAnswer, Problem
from sync.library.assets.access import content_of, get_asset, get_node
from sync.library.assets.actions import apply_ops, save_upload
from sync.library.assets.tree import lock_tree
from sync.library.assets.wire import to_ms
from sync.library.content.access import load_manifest
from sync.library.content.reading import plan_reading, stream_reading
from sync.library.content.writing import write_file
from sync.library.libraries.rules import Right
from sync.library.storage import ObjectStore
from sync.library.webdav.errors import CHANGED_MEANWHILE
from workspace.db import new_id
from workspace.devices.access import check_active_device
from workspace.errors import Conflict, MainlineError
from workspace.i18n import _
from workspace.web import request_work, web
from workspace.work import Work


class Refused(MainlineError):
    """The library refused an operation; ``code`` is the protocol's."""

    status = 403

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title, problem.message, code=problem.code)


def save_file(library_id: str, folder_id: str, name: str, stream: BinaryIO, size_bytes: int, *, base_version: int | None = None) -> str:
    """A new asset, or the next version of the one with this name; returns its id. stream: at its start.

    base_version: refused with ``changed_meanwhile`` when the name stands for another version by now, 0 for none; None takes any.
    """
    name = normal_name(name)
    written = write_file(_store(), library_id, name=name, stream=stream, size_bytes=size_bytes)
    with request_work(writes=True) as work:
        check_active_device(work)
        if base_version is not None:
            _check_base(work, library_id, folder_id, name, base_version)
        answer = save_upload(work, library_id, folder_id=folder_id, name=name, manifest=written.manifest, packs=written.packs)
    return _node_of(answer)


def _check_base(work: Work, library_id: str, folder_id: str, name: str, base_version: int) -> None:
    there = lock_tree(work, library_id).named(folder_id, name)
    if (there.version if there is not None and there.kind == "file" else 0) != base_version:
        raise Conflict(_("文件已被别人修改"), _("请重新打开后再保存。"), code=CHANGED_MEANWHILE)


def make_folder(library_id: str, parent_id: str, name: str) -> str:
    return _node_of(apply(library_id, lambda work: [MakeFolder(new_id(), new_id(), parent_id, normal_name(name))])[0])


def copy_across(source_id: str, library_id: str, folder_id: str, name: str, *, to_move: bool = False) -> None:
    """To another library: the bytes go over, since chunks of one library say nothing in another. to_move: the source goes away then.

    They go as they are read and lie on no disk in between: a version may unfold to more than any has room for.
    """
    with request_work(writes=False) as work:
        if to_move:
            get_node(work, source_id, to=Right.EDIT)
        content = content_of(work, source_id, get_asset(work, source_id).version)
        reading = plan_reading(work, content.library_id, content.manifest, 0, content.manifest.size_bytes)
    stream = cast(BinaryIO, _Streamed(stream_reading(_store(), reading)))
    save_file(library_id, folder_id, name, stream, reading.length)


class _Streamed:
    """Pieces as a file that is read once, from its beginning to its end."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._left = pieces, bytearray()

    def read(self, size: int = -1, /) -> bytes:
        """As many bytes as wanted, fewer only at the end."""
        while (size < 0 or len(self._left) < size) and (piece := next(self._pieces, b"")):
            self._left += piece
        found = bytes(self._left if size < 0 else self._left[:size])
        del self._left[: len(found)]
        return found


def delete_node(library_id: str, node_id: str) -> None:
    """To the trash, with what is inside."""

    def ops(work: Work) -> list[Op]:
        node = get_node(work, node_id)
        return [Delete(new_id(), node.id, node.version, recursive=node.kind == "folder")]

    apply(library_id, ops)


def content_now(work: Work, asset_id: str) -> tuple[Manifest, int]:
    """The newest content of an asset that the actor may see, and its date in milliseconds."""
    asset = get_asset(work, asset_id)
    return load_manifest(work, str(asset.digest)), to_ms(asset.modified_at)


def apply(library_id: str, make_ops: Callable[[Work], list[Op]]) -> list[OpAnswer]:
    """Carry out operations in one transaction; Refused, and nothing done, when one of them is."""
    with request_work(writes=True) as work:
        answers = [from_bytes(OpAnswer, body) for body in apply_ops(work, library_id, make_ops(work))]
        for answer in answers:
            if isinstance(answer.error, Problem):
                raise Refused(answer.error)
    return answers


def _node_of(answer: OpAnswer) -> str:
    if isinstance(answer.error, Problem):
        raise Refused(answer.error)
    assert answer.node is not None
    return answer.node.id


def _store() -> ObjectStore:
    return web().parts.get(ObjectStore)  # type: ignore[type-abstract]
