"""Operations on a library's tree, from agents and browsers alike: saves, folders, renames, deletes.

All of them run under the library's lock (see Tree), so compare-and-swap needs no retry and numbers follow commits.
Decisions are rules.py's; here they are carried out, recorded and answered.
"""

from collections.abc import Sequence
from dataclasses import replace

from sync.core.manifest import Manifest
from sync.core.protocol import Commit, Delete, MakeFolder, Op, OpAnswer, Problem, Rename
from sync.library.assets.access import get_asset, get_trashed, get_version
from sync.library.assets.answers import Answers, earlier_answers, not_allowed, own_receipt, shown_in
from sync.library.assets.log import Receipt
from sync.library.assets.models import Node
from sync.library.assets.permits import Permits
from sync.library.assets.tree import lock_tree
from sync.library.assets.writer import Writer
from sync.library.content.access import load_manifest
from sync.library.content.actions import CheckedPack, record_packs
from sync.library.libraries.access import find_library, library_absent
from sync.library.libraries.rules import Right
from workspace.db import new_id
from workspace.errors import InvalidInput, NotAllowed
from workspace.i18n import _
from workspace.work import Work

OPS_AT_ONCE = 100
"""Operations in one transaction: enough to share its cost, few enough that nobody waits long for the lock."""


def apply_ops(
    work: Work,
    library_id: str,
    ops: Sequence[Op],
    *,
    packs: Sequence[CheckedPack] = (),
    receipt: Receipt | None = None,
    done: bool = False,
) -> list[bytes]:
    """Carry out operations in order. Returns each OpAnswer as JSON; a resent op_id gets its first answer again.

    receipt: of a caller that takes several transactions for one answer and settles itself. done: the operations were done on
    somebody's machine already, so that a save of what another has checked out becomes a second head instead of being refused.

    NotFound when the actor may not see the library. Who may only see it is refused each operation.
    """
    tree = lock_tree(work, library_id)
    permits = Permits(tree)
    if permits.view.best < Right.SEE:
        raise library_absent()
    earlier = earlier_answers(work, library_id, ops)
    answers = Answers(work, library_id, earlier)
    receipt = receipt or own_receipt(work, library_id)
    receipt.tell_of(*(node.seq for body in earlier.values() for node in shown_in(body)))
    if permits.view.best >= Right.EDIT:
        record_packs(work, library_id, packs, uneven=bool(permits.boundaries))
        writer = Writer(tree, [op for op in ops if op.op_id not in earlier], receipt, permits)
        writer.done = done
        bodies = [answers.to(op, writer.apply) for op in ops]
        writer.finish()
    else:
        bodies = [answers.to(op, not_allowed) for op in ops]
    answers.keep()
    return bodies


def save_upload(
    work: Work,
    library_id: str,
    *,
    folder_id: str,
    name: str,
    manifest: Manifest,
    packs: Sequence[CheckedPack],
    folders: Sequence[str] = (),
    note: str = "",
    asset_id: str | None = None,
    modified_ms: int | None = None,
) -> OpAnswer:
    """Save a file that somebody brought by browser: a new asset, or the next version of the one with this name.

    folders: names below the folder, made where they are not there. asset_id: the asset that gets the version, whatever its name and
    place are by now. The browser shows the head as it is now, so the head as it is now is its base: an upload never conflicts.
    """
    find_library(work, library_id, to=Right.EDIT, anywhere=True)
    tree = lock_tree(work, library_id)
    record_packs(work, library_id, packs)
    modified_ms = int(work.now.timestamp() * 1000) if modified_ms is None else modified_ms
    op = Commit(new_id(), asset_id or new_id(), folder_id, name, 0, manifest, modified_ms)
    writer = Writer(tree, [op])
    writer.note = note
    for folder in folders:
        made = writer.apply(MakeFolder(new_id(), new_id(), op.parent, folder))
        if made.node is None:
            return made
        op = replace(op, parent=made.node.id)
    there = tree.node(asset_id) if asset_id is not None else tree.named(op.parent, name)
    if there is not None and there.kind == "file":
        op = replace(op, node=there.id, base_version=there.version)
    answer = writer.apply(op)
    writer.finish()
    return answer


def make_folder(work: Work, library_id: str, *, parent_id: str, name: str) -> OpAnswer:
    """A folder for a browser; the existing one when a folder has this name already."""
    return _apply_one(work, library_id, MakeFolder(new_id(), new_id(), parent_id, name))


def make_folders(work: Work, folder: Node, paths: Sequence[Sequence[str]]) -> None:
    """Folders below a folder, with those on the way to them; what is there stays. paths: the names down to each of them."""
    writer = Writer(lock_tree(work, folder.library_id), [])
    made: dict[tuple[str, ...], str] = {(): folder.id}
    for path in paths:
        for depth in range(1, len(path) + 1):
            way = tuple(path[:depth])
            if way not in made:
                answer = writer.apply(MakeFolder(new_id(), new_id(), made[way[:-1]], way[-1]))
                if isinstance(answer.error, Problem):
                    raise InvalidInput(
                        answer.error.title, answer.error.message, fields={"files": answer.error.message or answer.error.title}
                    )
                assert answer.node is not None  # It was made, or was there.
                made[way] = answer.node.id
    writer.finish()


def rename_node(work: Work, node: Node, *, name: str) -> OpAnswer:
    """A new name in the same folder, by browser."""
    return _apply_one(work, node.library_id, Rename(new_id(), node.id, str(node.parent_id), name))


def delete_node(work: Work, node: Node, *, base_version: int) -> OpAnswer:
    """To the trash, with what is inside. base_version: the version that the person saw; a newer one is kept."""
    return _apply_one(work, node.library_id, Delete(new_id(), node.id, base_version, recursive=node.kind == "folder"))


def move_nodes(work: Work, nodes: Sequence[Node], folder: Node) -> list[tuple[Node, OpAnswer]]:
    """Into another folder of the same library, each on its own: what cannot be moved stays, and its answer says why."""
    return _apply_each(work, folder, [(node, Rename(new_id(), node.id, folder.id, node.name)) for node in nodes])


def delete_nodes(work: Work, folder: Node, versions: Sequence[tuple[Node, int]]) -> list[tuple[Node, OpAnswer]]:
    """To the trash, each with the version that the person saw: a newer one is kept. folder: of their library."""
    ops = [(node, Delete(new_id(), node.id, version, recursive=node.kind == "folder")) for node, version in versions]
    return _apply_each(work, folder, ops)


def _apply_each(work: Work, folder: Node, ops: Sequence[tuple[Node, Op]]) -> list[tuple[Node, OpAnswer]]:
    find_library(work, folder.library_id, to=Right.EDIT, anywhere=True)
    writer = Writer(lock_tree(work, folder.library_id), [op for _node, op in ops])
    answers = [(node, writer.apply(op)) for node, op in ops]
    writer.finish()
    return answers


def restore_version(work: Work, asset_id: str, number: int) -> OpAnswer:
    """Make an earlier version the newest again, as a version of its own; brings a deleted file back. Nothing is overwritten."""
    node = get_asset(work, asset_id, to=Right.EDIT)
    manifest = load_manifest(work, get_version(work, asset_id, number).digest)
    now_ms = int(work.now.timestamp() * 1000)
    return _apply_one(work, node.library_id, Commit(new_id(), node.id, str(node.parent_id), node.name, node.version, manifest, now_ms))


def restore_node(work: Work, node_id: str) -> Node:
    """Bring a file or folder back out of the trash, with what went in with it, under its folder; that comes back too when gone.

    A name that is taken by now is made telling. NotFound when it is not in the trash of a library that the actor may edit.
    """
    node = get_trashed(work, node_id, to=Right.EDIT)
    writer = Writer(lock_tree(work, node.library_id), [])
    work.session.refresh(node)  # Somebody may have brought it back while this waited for the lock.
    restored = get_trashed(work, node_id, to=Right.EDIT)
    if not writer.permits.may_take_all(restored):
        raise NotAllowed(_("您不能恢复这个文件夹"), _("其中有您不能修改的内容，请联系素材库的管理者。"))
    writer.restore(restored)
    writer.finish()
    return node


def _apply_one(work: Work, library_id: str, op: Op) -> OpAnswer:
    find_library(work, library_id, to=Right.EDIT, anywhere=True)
    writer = Writer(lock_tree(work, library_id), [op])
    answer = writer.apply(op)
    writer.finish()
    return answer
