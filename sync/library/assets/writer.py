"""Carrying out operations on a locked tree: what rules.py decides is done, recorded and answered here; actions.py opens it."""

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from sync.core.hashing import Address
from sync.core.manifest import manifest_digest
from sync.core.paths import FOLDERS_DEEP, conflict_name, name_key, normal_name, refuse_name
from sync.core.protocol import Commit, Delete, ErrorCode, MakeFolder, Op, OpAnswer, Outcome, Rename, is_id
from sync.library.assets.afterwards import AGAIN_WITHIN, ask_for_index_and_log, ask_for_pictures_and_words
from sync.library.assets.answers import not_allowed, own_receipt
from sync.library.assets.claims import Claims
from sync.library.assets.log import Receipt
from sync.library.assets.models import AssetEvent, Node, Version
from sync.library.assets.permits import Permits
from sync.library.assets.rules import CommitDecision, DeleteDecision, State, decide_commit, decide_delete
from sync.library.assets.tree import Tree
from sync.library.assets.wire import from_ms, name_problem_in_words, node_message, refused
from sync.library.content.actions import keep_manifests
from sync.library.heads.actions import want_heads_of_current
from sync.library.leases.access import binding_leases
from sync.library.leases.words import checked_out
from sync.library.libraries.rules import Right
from sync.library.quotas.access import Room
from workspace.db import insert_into, new_id
from workspace.i18n import _
from workspace.settings import Settings

_ADD_VERSIONS = insert_into(Version)


@dataclass(frozen=True)
class _Place:
    """Where a node was before it was moved. boundary: see Permits."""

    name: str
    path: str
    folder_id: str
    boundary: str
    rooms: list[str]


class Writer:
    """Applies operations of one transaction to a locked tree. ``finish`` once at the end.

    note: why, for the versions that it saves. done: see apply_ops.
    """

    note, done = "", False

    def __init__(self, tree: Tree, ops: Sequence[Op], receipt: Receipt | None = None, permits: Permits | None = None) -> None:
        self.tree, self.work, self.library = tree, tree.work, tree.library
        self._receipt = receipt or own_receipt(self.work, self.library.id)
        self.permits = permits or Permits(tree)
        self._versions: list[dict[str, Any]] = []
        commits = [op for op in ops if isinstance(op, Commit)]
        places = [(op.parent, op.name) for op in ops if not isinstance(op, Delete)]
        tree.fetch([op.node for op in ops] + [parent for parent, _name in places], places)
        self._claims = Claims(tree, self.permits.view, commits)
        keep_manifests(self.work, [op.manifest for op in commits if self._claims.hold(op.manifest)])
        self._room, self._leases = Room(self.work, self.library), binding_leases(self.work, self.library.id)
        self._seq_before = self.library.seq

    def apply(self, op: Op) -> OpAnswer:
        if not is_id(op.node) or not is_id(op.op_id):
            return refused(op.op_id, ErrorCode.BAD_MESSAGE, _("标识格式不对"))
        if self.tree.is_taken(op.node) and self.tree.node(op.node) is None:
            return refused(op.op_id, ErrorCode.NOT_ALLOWED, _("标识已被使用"))
        if not self.permits.allow(op):
            return not_allowed(op, in_folder=self.permits.view.best >= Right.EDIT)
        if self._leases and (refusal := self._refuse_leased(op)):
            return refusal
        if isinstance(op, Commit):
            return self._commit(op)
        if isinstance(op, MakeFolder):
            return self._make_folder(op)
        return self._rename(op) if isinstance(op, Rename) else self._delete(op)

    def finish(self) -> None:
        """Send what happened on its way to the bucket's log and into the search index."""
        if self.library.seq != self._seq_before:
            ask_for_index_and_log(self.work, self.library.id, since=self._seq_before)
            want_heads_of_current(self.work, self.library.id)
        self.tree.keep_notes()
        self.work.write(_ADD_VERSIONS, self._versions)
        self._versions.clear()
        self._room.close()
        self._receipt.add_changes(self.work, self.tree.lines, self.permits.grants if self.tree.lines else ())

    def _refuse_leased(self, op: Op) -> OpAnswer | None:
        """What somebody else has checked out stays as it is and where it is, and so does a folder that would go away with it."""
        node = self.tree.node(op.node)
        if node is None or isinstance(op, MakeFolder) or (isinstance(op, Commit) and self.done):
            return None
        held = {node.id} if node.id in self._leases else set()
        if isinstance(op, Delete) and node.kind == "folder":
            held = {leased for leased in self._leases if (found := self.tree.node(leased)) is not None and self.tree.is_below(found, node)}
        if not held:
            return None
        lease = self._leases[min(held)]
        asset = self.tree.node(lease.node_id)
        assert asset is not None  # A foreign key holds it.
        if not self.permits.sees(asset):
            return refused(op.op_id, ErrorCode.CHECKED_OUT, _("有人正在编辑其中的文件"), _("请稍后再试。"))
        error = checked_out(lease, asset.name)
        return refused(op.op_id, ErrorCode.CHECKED_OUT, str(error.title), str(error.message))

    # --- saves ------------------------------------------------------------------------------------------------------

    def _commit(self, op: Commit) -> OpAnswer:
        node = self.tree.node(op.node)
        if node is None and (refusal := self._refuse_name(op)):
            return refusal
        if lacking := self._claims.lacking(op.manifest):
            return refused(op.op_id, ErrorCode.CHUNKS_MISSING, _("内容尚未上传完整"), missing=lacking)
        if not self._claims.hold(op.manifest):
            return refused(op.op_id, ErrorCode.BAD_MESSAGE, _("内容与清单不符"), _("请更新同步客户端后重新保存。"))
        if no_room := self._room.refusal(op.manifest.size_bytes):
            return refused(op.op_id, ErrorCode.QUOTA, *no_room)
        home, name = self._place_for(op, node)
        op = replace(op, name=name)
        sibling = self.tree.named(home.id, name) if home is not None else None
        if sibling is not None and not self.permits.sees(sibling):
            op, sibling = replace(op, name=self._telling_name(sibling)), None  # Says nothing about the folder that the actor may not see.
        digest = manifest_digest(op.manifest)
        base = -1 if op.node in self._leases else op.base_version  # Checked out by somebody else: never the next version.
        decision = decide_commit(_state(node), _state(sibling), base_version=base, digest=digest, parent_live=home is not None)
        return self._carry_out(op, decision, node=node, sibling=sibling, home=home, digest=digest)

    def _carry_out(
        self, op: Commit, decision: CommitDecision, *, node: Node | None, sibling: Node | None, home: Node | None, digest: Address
    ) -> OpAnswer:
        if decision is CommitDecision.REFUSE_FOLDER:
            return refused(op.op_id, ErrorCode.NOT_ALLOWED, _("文件夹不能保存为文件"))
        if decision is CommitDecision.REFUSE_PARENT or home is None:
            return refused(op.op_id, ErrorCode.PARENT_GONE, _("所在文件夹已被删除"), _("请另存到别的文件夹。"))
        if decision is CommitDecision.SAME:
            return self._answer(op, Outcome.EXISTS, node)
        if decision is CommitDecision.SAME_SIBLING:
            return self._answer(op, Outcome.EXISTS, sibling)
        if decision is CommitDecision.SECOND_OF_SIBLING and sibling is not None:
            return self._second_head(op, winner=sibling, node_id=op.node if node is None else new_id(), digest=digest)
        if decision is CommitDecision.SECOND_OF_NODE and node is not None:
            return self._second_head(op, winner=node, node_id=new_id(), digest=digest)
        if node is None:
            node = self._new_node(op.node, home.id, op.name, kind="file")
        elif decision is CommitDecision.REVIVE:
            node.parent_id, node.name, node.name_key = home.id, normal_name(op.name), name_key(op.name)
            self.tree.raise_up(node)
        self._add_version(node, op, digest)
        self._record(AssetEvent.COMMITTED, node, version=node.version, size_bytes=node.size_bytes)
        return self._answer(op, Outcome.APPLIED, node)

    def _telling_name(self, node: Node) -> str:
        return conflict_name(node.name, self.work.actor.name, self.work.now, taken=self.tree.keys_in(str(node.parent_id)))

    def _second_head(self, op: Commit, *, winner: Node, node_id: str, digest: Address) -> OpAnswer:
        parent_id = str(winner.parent_id)
        local = self.work.now.astimezone(ZoneInfo(self.work.parts.get(Settings).time_zone))
        name = conflict_name(winner.name, self.work.actor.name, local, taken=self.tree.keys_in(parent_id))
        second = self._new_node(node_id, parent_id, name, kind="file")
        second.head_of = winner.id
        self._add_version(second, op, digest)
        self._record(
            AssetEvent.CONFLICTED, second, asset=winner.name, copy=name, winner_id=winner.id, winner_author=winner.author_name,
            version=1, size_bytes=second.size_bytes,
        )  # fmt: skip
        return self._answer(op, Outcome.CONFLICT, winner, second)

    def _add_version(self, node: Node, op: Commit, digest: Address) -> None:
        actor, modified_at = self.work.actor, from_ms(op.modified_ms)
        again = node.version > 0 and abs(modified_at - node.modified_at) < AGAIN_WITHIN
        self.tree.change(
            node, version=node.version + 1, digest=digest, size_bytes=op.manifest.size_bytes, modified_at=modified_at,
            author_id=actor.member_id, author_name=actor.name,
        )  # fmt: skip
        self._versions.append({
            "node_id": node.id, "number": node.version, "library_id": self.library.id, "name": node.name, "digest": digest,
            "size_bytes": node.size_bytes, "author_id": actor.member_id, "author_name": actor.name, "device_id": actor.device_id,
            "modified_at": modified_at, "at": self.work.now, "note": self.note,
        })  # fmt: skip
        self._room.take(node.size_bytes)
        self.tree.note(node, op.manifest, self.note)
        ask_for_pictures_and_words(self.work, node, again=again)

    def _place_for(self, op: Commit, node: Node | None) -> tuple[Node | None, str]:
        """The live folder for a save, and the name. A deleted file comes back where whoever saved it has it, and its folder with it.

        Where they may not put it there, it comes back where it was.
        """
        if node is None:
            return self.tree.folder(op.parent), op.name
        if node.kind != "file":
            return None, node.name
        if node.deleted_at is not None and not refuse_name(op.name):
            there = self.tree.node(op.parent)
            if there is not None and there.kind == "folder" and self.permits.right(there) >= Right.EDIT:
                return self._restored_folder(there.id), op.name
        return self._restored_folder(str(node.parent_id)), node.name

    def restore(self, node: Node, only: Container[str] | None = None) -> Node:
        """``node`` is in the trash, and was read after the library was locked. only: of what went with it, bring these; None for all."""
        inside = [each for each in self.tree.buried_with(node) if only is None or each.id in only] if node.kind == "folder" else []
        node.parent_id = self._restored_folder(str(node.parent_id)).id
        self.tree.fetch([], [(str(each.parent_id), each.name) for each in (node, *inside)])
        for each in (node, *inside):
            self._make_name_free(each)
            if only is not None and each.kind == "folder":
                self.tree.tell_left(each)
            self.tree.raise_all([each], flush=False)
        self.tree.flush()
        self._touch_ways(node)
        for each in (node, *inside):
            self.tree.note(each)
        self._record(AssetEvent.RESTORED, node, count=1 + len(inside))
        return node

    def _make_name_free(self, node: Node) -> None:
        if self.tree.named(str(node.parent_id), node.name) is not None:
            name = self._telling_name(node)
            node.name, node.name_key = normal_name(name), name_key(name)

    def _restored_folder(self, folder_id: str) -> Node:
        folder = self.tree.node(folder_id)
        assert folder is not None  # A foreign key holds it.
        if folder.deleted_at is None:
            return folder
        parent = self._restored_folder(str(folder.parent_id))
        there = self.tree.named(parent.id, folder.name)
        if there is not None and there.kind == "folder" and self.permits.right(there) >= Right.EDIT:
            return there
        if there is not None:
            name = conflict_name(folder.name, self.work.actor.name, self.work.now, taken=self.tree.keys_in(parent.id))
            folder.name, folder.name_key = normal_name(name), name_key(name)
        folder.parent_id = parent.id
        self.tree.tell_left(folder)
        self.tree.raise_up(folder)
        self.tree.note(folder)
        self._record(AssetEvent.RESTORED, folder)
        return folder

    # --- folders, names, deletes ------------------------------------------------------------------------------------

    def _make_folder(self, op: MakeFolder) -> OpAnswer:
        if refusal := self._refuse_name(op):
            return refusal
        node = self.tree.node(op.node)
        if node is not None and node.kind != "folder":
            return refused(op.op_id, ErrorCode.NOT_ALLOWED, _("标识已被使用"))
        if node is not None and node.deleted_at is None:
            return self._answer(op, Outcome.EXISTS, node)
        parent = self.tree.folder(op.parent)
        if parent is None:
            return refused(op.op_id, ErrorCode.PARENT_GONE, _("所在文件夹已被删除"), _("请换一个位置。"))
        there = self.tree.named(parent.id, op.name)
        if there is not None and not self.permits.sees(there) and self.done:
            op, there = replace(op, name=self._telling_name(there)), None  # What was saved inside on that device must find its folder.
        if there is not None:
            taken = there.kind != "folder" or not self.permits.sees(there)
            return self._name_taken(op, there) if taken else self._answer(op, Outcome.EXISTS, there)
        if not self.tree.has_room(parent, node):
            return self._too_deep(op)
        if node is None:
            node = self._new_node(op.node, parent.id, op.name, kind="folder")
        else:
            self.tree.tell_left(node)
            node.parent_id, node.name, node.name_key = parent.id, normal_name(op.name), name_key(op.name)
            self.tree.raise_up(node)
        self.tree.note(node)
        self._record(AssetEvent.FOLDER_MADE, node)
        return self._answer(op, Outcome.APPLIED, node)

    def _rename(self, op: Rename) -> OpAnswer:
        if refusal := self._refuse_name(op):
            return refusal
        node, parent = self.tree.node(op.node), self.tree.folder(op.parent)
        if node is None or node.deleted_at is not None:
            return refused(op.op_id, ErrorCode.NODE_GONE, _("文件已被删除"), _("刷新后再试。"))
        if node.parent_id is None:
            return refused(op.op_id, ErrorCode.NOT_ALLOWED, _("素材库的根文件夹不能移动"))
        if parent is None:
            return refused(op.op_id, ErrorCode.PARENT_GONE, _("目标文件夹已被删除"), _("请换一个位置。"))
        if node.parent_id == parent.id and node.name == normal_name(op.name):
            return self._answer(op, Outcome.EXISTS, node)
        if self.tree.is_below(parent, node):
            return refused(op.op_id, ErrorCode.WOULD_LOOP, _("文件夹不能移动到自己里面"))
        there = self.tree.named(parent.id, op.name)
        if there is not None and there is not node:
            return self._name_taken(op, there)
        if node.kind == "folder" and not self.tree.has_room(parent, node):
            return self._too_deep(op)
        former = self.tree.path_of(node)
        place = self._place_now(node)
        self._touch_ways(node)
        self.tree.place(node, parent_id=parent.id, name=op.name)
        self._touch_ways(node)
        self.tree.note(node)
        if self.permits.boundary(parent) != place.boundary:
            self._moved_across(place, node)
        else:
            self._record(AssetEvent.MOVED, node, former=former)
        return self._answer(op, Outcome.APPLIED, node)

    def _place_now(self, node: Node) -> _Place:
        above = self.tree.node(str(node.parent_id))
        assert above is not None  # Only the root has no folder, and it is never moved.
        return _Place(node.name, self.tree.path_of(node), above.id, self.permits.boundary(above), self.permits.rooms(above))

    def _moved_across(self, place: _Place, node: Node) -> None:
        """Others see what moved from now on: they hear of it where it is, not where it was, and the others not where it went."""
        self.tree.renumber(node)
        said = {"asset": place.name, "path": place.path, "parent_id": place.folder_id}
        self._record(AssetEvent.TAKEN_AWAY, node, rooms=place.rooms, **said)
        self._record(AssetEvent.BROUGHT_IN, node)

    def _touch_ways(self, node: Node) -> None:
        if node.kind == "folder" and self.permits.boundaries:
            self.tree.touch_above(node)

    def _delete(self, op: Delete) -> OpAnswer:
        node = self.tree.node(op.node)
        if node is not None and node.parent_id is None:
            return refused(op.op_id, ErrorCode.NOT_ALLOWED, _("素材库的根文件夹不能删除"))
        has_children = node is not None and node.kind == "folder" and bool(self.tree.children([node.id]))
        decision = decide_delete(_state(node), base_version=op.base_version, recursive=op.recursive, has_children=has_children)
        if decision is DeleteDecision.GONE or node is None:
            return self._answer(op, Outcome.EXISTS, node)
        if decision is DeleteDecision.KEEP:
            return self._answer(op, Outcome.KEPT, node)
        if decision is DeleteDecision.REFUSE_NOT_EMPTY:
            return refused(op.op_id, ErrorCode.NOT_EMPTY, _("文件夹不是空的"))
        buried = [node, *(self.tree.subtree(node) if node.kind == "folder" else ())]
        path = self.tree.path_of(node)
        self.tree.bury(buried, self.work.now)
        self._touch_ways(node)
        self.tree.note(node)
        self._record(AssetEvent.DELETED, node, path=path, count=len(buried))
        return self._answer(op, Outcome.APPLIED, node)

    # --- shared -----------------------------------------------------------------------------------------------------

    def _new_node(self, node_id: str, parent_id: str, name: str, *, kind: str) -> Node:
        return self.tree.add(
            id=node_id, library_id=self.library.id, parent_id=parent_id, name=normal_name(name), name_key=name_key(name), kind=kind,
            version=0, digest=None, size_bytes=0, modified_at=self.work.now, author_id=self.work.actor.member_id,
            author_name=self.work.actor.name, head_of=None, created_at=self.work.now, deleted_at=None,
            deleted_by_name=None, purged_at=None, seq=0,
        )  # fmt: skip

    def _refuse_name(self, op: Commit | MakeFolder | Rename) -> OpAnswer | None:
        problem = refuse_name(op.name)
        return refused(op.op_id, ErrorCode.NAME_REFUSED, _("这个名称不能用"), name_problem_in_words(problem)) if problem else None

    def _name_taken(self, op: MakeFolder | Rename, there: Node) -> OpAnswer:
        """By what the actor may not see: in the words for any name that cannot be had, so that they do not tell that it is there."""
        if not self.permits.sees(there):
            code = ErrorCode.NAME_TAKEN if self.done else ErrorCode.NAME_REFUSED  # A device steps aside by itself.
            return refused(op.op_id, code, _("这个名称不能用"), _("请换一个名称。"))
        return refused(op.op_id, ErrorCode.NAME_TAKEN, _("已有同名的文件或文件夹"), _("请换一个名称。"))

    def _too_deep(self, op: MakeFolder | Rename) -> OpAnswer:
        title = _("“%(name)s”的层数太多", name=op.name[:80])
        return refused(op.op_id, ErrorCode.NAME_REFUSED, title, _("文件夹最多 %(n)s 层。", n=FOLDERS_DEEP))

    def _answer(self, op: Op, outcome: Outcome, node: Node | None, second: Node | None = None) -> OpAnswer:
        self._receipt.tell_of(*(shown.seq for shown in (node, second) if shown is not None))
        first, other = (node_message(shown, self.library.name) if shown is not None else None for shown in (node, second))
        return OpAnswer(op.op_id, outcome, first, other)

    def _record(self, kind: AssetEvent, node: Node, *, rooms: list[str] | None = None, **facts: Any) -> None:
        said: dict[str, Any] = {
            "asset": node.name, "path": self.tree.path_of(node), "asset_id": node.id, "author": self.work.actor.name,
            "library_id": self.library.id, "library": self.library.name, "parent_id": node.parent_id,
        }  # fmt: skip
        self.work.record(kind, subject=f"asset:{node.id}", rooms=rooms or self.permits.rooms(node), **{**said, **facts})


def _state(node: Node | None) -> State | None:
    if node is None:
        return None
    return State(node.kind == "folder", node.deleted_at is None, node.version, node.digest)
