"""The tree of one library inside one transaction, under the library's lock: lookups, sequence numbers, the log.

Many operations come at once (10,000 small files), so nodes and names are fetched ahead and kept here; what the
transaction itself changed is found here too, before it is flushed.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, literal, select, tuple_, update
from sqlalchemy.orm import aliased, make_transient_to_detached

from sync.core.manifest import Manifest
from sync.core.paths import FOLDERS_DEEP, name_key, normal_name
from sync.library.assets.log import line_of, note_of
from sync.library.assets.models import LogEntry, Node, Place
from sync.library.libraries.access import library_absent
from sync.library.libraries.models import Library
from workspace.db import insert_into
from workspace.work import Work

_BATCH = 500
# Made once: each save asks them.
_LOCKED = select(Library).where(Library.id == bindparam("library")).with_for_update().execution_options(populate_existing=True)
_BY_ID = select(Node).where(Node.id.in_(bindparam("ids", expanding=True)))
_BY_NAME = select(Node).where(tuple_(Node.parent_id, Node.name_key).in_(bindparam("keys", expanding=True)), Node.deleted_at.is_(None))
_ADD_LINES, _ADD_PLACES, _ADD_NODES = insert_into(LogEntry), insert_into(Place), insert_into(Node)
_NODE_COLUMNS, _NODES = tuple(Node.__table__.c.keys()), Node.__mapper__.class_manager


class Tree:
    """See module. Made by ``lock_tree``. lines: of the changes noted so far, each with its number."""

    def __init__(self, work: Work, library: Library) -> None:
        self.work, self.library = work, library
        self.lines: list[tuple[int, bytes]] = []
        self._new: dict[str, Node] = {}  # Not written yet, in the order in which they were added.
        self._ways: dict[str, list[Node]] = {}  # What lies above, by folder; until a folder moves.
        self._nodes: dict[str, Node | None] = {}
        self._names: dict[tuple[str, str], Node | None] = {}
        self._placed: dict[str, Node] = {}
        self._kept = 0

    def fetch(self, node_ids: Iterable[str], places: Iterable[tuple[str, str]]) -> None:
        """Load these nodes and names (folder id, name) ahead in few statements."""
        wanted = [node_id for node_id in dict.fromkeys(node_ids) if node_id not in self._nodes]
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            found = {node.id: node for node in self.work.session.scalars(_BY_ID, {"ids": batch})}
            self._nodes.update({node_id: found.get(node_id) for node_id in batch})
            for node in found.values():
                if node.deleted_at is None and node.parent_id is not None:
                    self._names.setdefault((node.parent_id, node.name_key), node)  # Nobody else has the name: it is unique.
        keys = [key for parent, name in places if (key := (parent, name_key(name))) not in self._names]
        for start in range(0, len(keys), _BATCH):
            part = keys[start : start + _BATCH]
            named = {(str(node.parent_id), node.name_key): node for node in self.work.session.scalars(_BY_NAME, {"keys": part})}
            self._names.update({key: named.get(key) for key in part})

    def node(self, node_id: str) -> Node | None:
        """The node, live or deleted, if it is this library's; None also when it is another's."""
        if node_id not in self._nodes:
            self.fetch([node_id], [])
        found = self._nodes[node_id]
        return found if found is not None and found.library_id == self.library.id else None

    def is_taken(self, node_id: str) -> bool:
        """Whether the id names a node of any library."""
        if node_id not in self._nodes:
            self.fetch([node_id], [])
        return self._nodes[node_id] is not None

    def folder(self, node_id: str) -> Node | None:
        """The node if it is a live folder."""
        found = self.node(node_id)
        return found if found is not None and found.kind == "folder" and found.deleted_at is None else None

    def named(self, parent_id: str, name: str) -> Node | None:
        """The live node under this name in the folder."""
        key = (parent_id, name_key(name))
        if key not in self._names:
            self.fetch([], [(parent_id, name)])
        return self._names[key]

    def keys_in(self, parent_id: str) -> set[str]:
        """The name keys that are in use in a folder."""
        self.flush()
        query = select(Node.name_key).where(Node.parent_id == parent_id, Node.deleted_at.is_(None))
        return set(self.work.session.scalars(query))

    def children(self, parent_ids: Iterable[str]) -> list[Node]:
        """The live nodes directly in these folders."""
        self.flush()
        query = select(Node).where(Node.parent_id.in_(list(parent_ids)), Node.deleted_at.is_(None))
        return list(self.work.session.scalars(query))

    def subtree(self, node: Node) -> list[Node]:
        """All live nodes below a folder, folders before what is in them."""
        found: list[Node] = []
        level = [node]
        while level:
            level = self.children(each.id for each in level)
            found += level
        return found

    def is_below(self, node: Node, ancestor: Node) -> bool:
        """Whether ``node`` is ``ancestor`` or lies in it."""
        current: Node | None = node
        while current is not None:
            if current.id == ancestor.id:
                return True
            current = self.node(current.parent_id) if current.parent_id else None
        return False

    def has_room(self, parent: Node, folder: Node | None = None) -> bool:
        """Whether a new folder, or this one with all that it holds, may lie in ``parent`` without going deeper than FOLDERS_DEEP.

        What is in the trash counts as well: it comes back where it was.
        """
        depth = self._depth(parent) + 1
        if depth > FOLDERS_DEEP or folder is None or depth <= self._depth(folder):
            return depth <= FOLDERS_DEEP
        self.flush()
        inside = select(Node.id, literal(depth).label("depth")).where(Node.id == folder.id).cte("inside", recursive=True)
        inner = aliased(Node)
        deeper = select(inner.id, inside.c.depth + 1).join(inside, inner.parent_id == inside.c.id)
        inside = inside.union_all(deeper.where(inner.kind == "folder", inside.c.depth <= FOLDERS_DEEP))
        return int(self.work.session.scalar(select(func.max(inside.c.depth))) or 0) <= FOLDERS_DEEP

    def _depth(self, folder: Node) -> int:
        return len(self.above(folder)) + 1 if folder.parent_id is not None else 0

    def path_of(self, node: Node) -> str:
        """Names from the root, joined by slashes, without the root's own."""
        return "/".join(step.name for step in (*self.above(node), node) if step.parent_id is not None)

    def above(self, node: Node) -> list[Node]:
        """The folders that a node lies in, topmost first, without the root."""
        if not node.parent_id:
            return []
        if (known := self._ways.get(node.parent_id)) is not None:
            return known
        found: list[Node] = []
        current = self.node(node.parent_id)
        while current is not None and current.parent_id is not None:
            found.append(current)
            current = self.node(current.parent_id)
        self._ways[node.parent_id] = found[::-1]
        return self._ways[node.parent_id]

    def add(self, **values: Any) -> Node:
        """A new node, all columns given. It is written with others in one statement at the next ``flush``, before what moved into it.

        Made without the ORM's constructor, which takes each value for a change.
        """
        node: Node = _NODES.new_instance()
        vars(node).update(values)
        self._new[node.id] = node
        self._nodes[node.id] = node
        self._names[str(node.parent_id), node.name_key] = node
        self._placed[node.id] = node
        return node

    def change(self, node: Node, **values: Any) -> None:
        """Set columns of a node. Of one that is not written yet the session need not know."""
        if node.id in self._new:
            vars(node).update(values)
        else:
            for name, value in values.items():
                setattr(node, name, value)

    def flush(self, *, last: bool = False) -> None:
        """Write what has changed so far. last: no node is changed after this, so that the session need not know the new ones."""
        if self._new:
            self.work.write(_ADD_NODES, [{name: values[name] for name in _NODE_COLUMNS} for values in map(vars, self._new.values())])
            if not last:
                for node in self._new.values():
                    make_transient_to_detached(node)
                    self.work.session.add(node)
            self._new.clear()
        self.work.session.flush()

    def place(self, node: Node, *, parent_id: str, name: str) -> None:
        """Move a node to a free name. Flushed at once, because swaps of names must reach the unique index in order; and before, because
        new nodes are written in the order in which they were added, which is folders first only as long as none of them has moved."""
        if self._new:
            self.flush()
        self._vacate(node)
        self._ways.clear()
        node.parent_id, node.name, node.name_key = parent_id, normal_name(name), name_key(name)
        self._names[parent_id, node.name_key] = node
        self._placed[node.id] = node
        self.flush()

    def bury(self, nodes: Iterable[Node], at: datetime) -> None:
        for node in nodes:
            self._vacate(node)
            self._nodes[node.id] = self._placed[node.id] = node
            node.deleted_at, node.deleted_by_name = at, self.work.actor.name
        self.flush()

    def raise_up(self, node: Node) -> None:
        """Bring a deleted node back to its place, whose name is free and whose folder is live."""
        self.raise_all([node])

    def raise_all(self, nodes: Iterable[Node], *, flush: bool = True) -> None:
        """The same for several, folders before what is in them."""
        self._ways.clear()  # They may have come back to another folder.
        for node in nodes:
            node.deleted_at = node.deleted_by_name = node.purged_at = None
            self._names[str(node.parent_id), node.name_key] = node
            self._placed[node.id] = node
        if flush:
            self.flush()

    def tell_left(self, folder: Node) -> None:
        """A folder is about to come out of the trash without what went there with it: number that anew, before the folder.

        Who has not heard of the deletion yet hears of the folder only that it is there, and else would keep all that was in it.
        """
        self.flush()
        left = (Node.parent_id == folder.id, Node.deleted_at == folder.deleted_at)
        count = int(self.work.session.scalar(select(func.count()).select_from(Node).where(*left)) or 0)
        if not count:
            return
        numbered = select(Node.id, func.row_number().over(order_by=Node.id).label("place")).where(*left).subquery()
        change = update(Node).where(Node.id == numbered.c.id).values(seq=self.library.seq + numbered.c.place)
        self.work.session.execute(change.execution_options(synchronize_session=False))
        self.library.seq += count
        for known in self._nodes.values():
            if known is not None and known.parent_id == folder.id:
                self.work.session.expire(known, ["seq"])

    def buried_with(self, node: Node) -> list[Node]:
        """What went into the trash inside this folder, folders before what is in them."""
        self.flush()
        found: list[Node] = []
        level = [node.id]
        while level:
            query = select(Node).where(Node.parent_id.in_(level), Node.deleted_at == node.deleted_at)
            inside = list(self.work.session.scalars(query))
            self._nodes.update({each.id: each for each in inside})
            found += inside
            level = [each.id for each in inside]
        return found

    def note(self, node: Node, manifest: Manifest | None = None, why: str = "") -> None:
        """The node has changed: give it the library's next number and put the change on its way to the bucket's log."""
        self.library.seq = seq = self.library.seq + 1
        self.change(node, seq=seq)
        self.lines.append((seq, line_of(self.work, node, self.above(node), manifest, why)))

    def renumber(self, node: Node) -> None:
        """Number a node and all that lies in it anew, folders before what is in them: somebody sees other things there now.

        The folders above as well: they may lead there now, or not any more. The log needs no line of all this, only the last number.
        """
        self.touch_above(node)
        self.flush()
        below = select(Node.id, literal(0).label("depth")).where(Node.id == node.id).cte("below", recursive=True)
        inner = aliased(Node)
        deeper = select(inner.id, below.c.depth + 1).join(below, inner.parent_id == below.c.id)
        below = below.union_all(deeper.where(inner.deleted_at.is_(None)))
        place = func.row_number().over(order_by=(below.c.depth, below.c.id)).label("place")
        numbered = select(below.c.id, place).subquery()
        change = update(Node).where(Node.id == numbered.c.id).values(seq=self.library.seq + numbered.c.place)
        self.work.session.execute(change.execution_options(synchronize_session=False))
        # SQLite counts no rows of a statement that begins with WITH.
        last = self.work.session.scalar(select(func.max(Node.seq)).where(Node.library_id == self.library.id))
        self.library.seq = max(self.library.seq, int(last or 0))
        for known in self._nodes.values():
            if known is not None:
                self.work.session.expire(known, ["seq"])
        self.tell()

    def touch_above(self, node: Node) -> None:
        """Number the folders above a node anew: who may not see them, but what they led to, may find them gone or there."""
        for folder in self.above(node):
            self.library.seq += 1
            folder.seq = self.library.seq

    def tell(self, **said: Any) -> None:
        """Number a change that moves no node, and put it on its way to the bucket's log (see log.note_of)."""
        self.library.seq += 1
        body = note_of(self.work, self.library.seq, **said)
        self.work.write(_ADD_LINES, [{"library_id": self.library.id, "seq": self.library.seq, "body": body}])
        self.work.after_commit("library.ship_log", key=self.library.id, library_id=self.library.id)

    def keep_notes(self) -> None:
        """Write down what was noted, and where the nodes are now that this transaction made, moved, deleted or brought back."""
        self.flush(last=True)
        new, self._kept = self.lines[self._kept :], len(self.lines)
        self.work.write(_ADD_LINES, [{"library_id": self.library.id, "seq": seq, "body": body} for seq, body in new])
        rows = [
            {
                "node_id": node.id, "parent_id": node.parent_id, "name": node.name, "deleted": node.deleted_at is not None,
                "assumed": False, "at": self.work.now,
            }
            for node in self._placed.values()
        ]  # fmt: skip
        self.work.write(_ADD_PLACES, rows)
        self._placed.clear()

    def _vacate(self, node: Node) -> None:
        key = (str(node.parent_id), node.name_key)
        if self._names.get(key) is node or key not in self._names:
            self._names[key] = None


def lock_tree(work: Work, library_id: str) -> Tree:
    """The tree of a library whose row this transaction holds: commits to one library happen one after another.

    NotFound when there is none.
    """
    library = work.session.scalars(_LOCKED, {"library": library_id}).one_or_none()
    if library is None:
        raise library_absent()
    return Tree(work, library)
