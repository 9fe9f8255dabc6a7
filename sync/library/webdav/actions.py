"""What programs do in a network folder, in terms of the library's operations: same rules, same versions, same records.

Each of these opens its own Work, because the bytes of a file arrive between two of them.
"""

from collections.abc import Callable
from typing import BinaryIO

from sync.core.codec import from_bytes
from sync.core.manifest import Manifest
from sync.core.paths import normal_name
from sync.core.protocol import Commit, Delete, MakeFolder, Op, OpAnswer, Problem, Rename
from sync.library.assets.access import content_of, get_asset, get_node
from sync.library.assets.actions import apply_ops, save_upload
from sync.library.assets.wire import to_ms
from sync.library.content.access import load_manifest
from sync.library.content.reading import plan_reading, stream_reading
from sync.library.content.writing import write_file
from sync.library.storage import ObjectStore
from workspace.db import new_id
from workspace.devices.access import check_active_device
from workspace.errors import MainlineError
from workspace.web import request_work, web
from workspace.work import Work


class Refused(MainlineError):
    """The library refused an operation; ``code`` is the protocol's."""

    status = 403

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title, problem.message, code=problem.code)


def save_file(library_id: str, folder_id: str, name: str, stream: BinaryIO, size_bytes: int) -> str:
    """A new asset, or the next version of the one with this name; returns its id. stream: at its start."""
    name = normal_name(name)
    written = write_file(_store(), library_id, name=name, stream=stream, size_bytes=size_bytes)
    with request_work(writes=True) as work:
        check_active_device(work)
        answer = save_upload(work, library_id, folder_id=folder_id, name=name, manifest=written.manifest, packs=written.packs)
    return _node_of(answer)


def make_folder(library_id: str, parent_id: str, name: str) -> str:
    return _node_of(_apply(library_id, lambda work: [MakeFolder(new_id(), new_id(), parent_id, normal_name(name))])[0])


def move_node(library_id: str, node_id: str, parent_id: str, name: str) -> None:
    """One row, whatever is inside."""
    _apply(library_id, lambda work: [Rename(new_id(), node_id, parent_id, normal_name(name))])


def replace_file(library_id: str, source_id: str, target_id: str, *, keep_source: bool) -> None:
    """The source's content becomes the target's next version: programs that save through a temporary file keep the asset."""

    def ops(work: Work) -> list[Op]:
        target = get_node(work, target_id)
        save = Commit(new_id(), target.id, str(target.parent_id), target.name, target.version, *_content(work, source_id))
        return [save] if keep_source else [save, _deletion(work, source_id)]

    _apply(library_id, ops)


def copy_file(library_id: str, source_id: str, folder_id: str, name: str) -> None:
    """A new asset with the same content; not a byte moves."""
    _apply(library_id, lambda work: [Commit(new_id(), new_id(), folder_id, normal_name(name), 0, *_content(work, source_id))])


def copy_across(source_id: str, library_id: str, folder_id: str, name: str, scratch: BinaryIO) -> None:
    """To another library: the bytes go over, since chunks of one library say nothing in another."""
    with request_work(writes=False) as work:
        content = content_of(work, source_id, get_asset(work, source_id).version)
        reading = plan_reading(work, content.library_id, content.manifest, 0, content.manifest.size_bytes)
    for piece in stream_reading(_store(), reading):
        scratch.write(piece)
    scratch.seek(0)
    save_file(library_id, folder_id, name, scratch, reading.length)


def delete_node(library_id: str, node_id: str) -> None:
    """To the trash, with what is inside."""
    _apply(library_id, lambda work: [_deletion(work, node_id)])


def _deletion(work: Work, node_id: str) -> Delete:
    node = get_node(work, node_id)
    return Delete(new_id(), node.id, node.version, recursive=node.kind == "folder")


def _content(work: Work, asset_id: str) -> tuple[Manifest, int]:
    asset = get_asset(work, asset_id)
    return load_manifest(work, str(asset.digest)), to_ms(asset.modified_at)


def _apply(library_id: str, make_ops: Callable[[Work], list[Op]]) -> list[OpAnswer]:
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
