"""May the actor carry out an operation on a locked tree, and who hears of it? Under the lock, no grant changes meanwhile."""

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

from sqlalchemy import Row

from sync.core.protocol import Commit, Delete, MakeFolder, Op, Rename
from sync.library.assets.log import grants_told
from sync.library.assets.models import Node
from sync.library.assets.tree import Tree
from sync.library.grants.access import nearest, room_at, shows, views_of
from sync.library.grants.rules import View
from sync.library.libraries.access import rooms_of_library
from sync.library.libraries.rules import Right


class Permits:
    """The actor's rights on the nodes of a tree. The system, which restores and imports, may do everything."""

    def __init__(self, tree: Tree) -> None:
        self._tree, self._work, self._library = tree, tree.work, tree.library
        self.view = self._view()

    def _view(self) -> View:
        library_id, root_id = self._library.id, self._library.root_id
        if self._work.actor.member_id is None:
            return View(library_id, root_id, {root_id: Right.MANAGE}, {})
        return views_of(self._work, library_id=library_id).get(library_id) or View(library_id, root_id, {}, {})

    @cached_property
    def grants(self) -> Sequence[Row[Any]]:
        """All that there are in the library, for the log too."""
        return grants_told(self._work, self._library.id)

    @cached_property
    def boundaries(self) -> set[str]:
        """The folders below the top that have grants of their own."""
        return {grant.folder_id for grant in self.grants} - {self._library.root_id}

    def right(self, node: Node) -> Right:
        if self.view.is_even:
            return self.view.top
        return self.view.right_at(node.id, self._parents(node))

    def sees(self, node: Node) -> bool:
        return shows(self.view, node.id, self.right(node))

    def allow(self, op: Op) -> bool:
        """Whether the actor may do this. What the operation names and is not there is left to whoever carries it out."""
        node = self._tree.node(op.node)
        if self.view.is_even:
            return self.view.top >= Right.EDIT
        if isinstance(op, Commit):
            return self._edits(node if node is not None else self._tree.node(op.parent))
        if isinstance(op, MakeFolder):
            return self._edits(self._tree.node(op.parent)) and (node is None or self._may_make_again(node))
        if isinstance(op, Rename):
            moves = node is not None and node.parent_id != op.parent
            return self._may_place(node) and self._edits(self._tree.node(op.parent)) and (not moves or self.may_take_all(node))
        assert isinstance(op, Delete)
        return self._may_place(node) and self.may_take_all(node)

    def may_take_all(self, node: Node | None) -> bool:
        """Whether everything in a folder may be deleted or moved with it: nothing that the actor may not change lies hidden in it."""
        return node is None or self.view.is_even or self.view.least_below(node.id) >= Right.EDIT

    def boundary(self, node: Node) -> str:
        """The nearest folder with grants of its own, the node itself included; else the top folder."""
        if not self.boundaries:
            return self._library.root_id
        return nearest(node.id, self.boundaries, self._parents(node)) or self._library.root_id

    def rooms(self, node: Node) -> list[str]:
        """Where what happens to a node is heard: in a folder with grants of its own only by those who may see it."""
        found = self.boundary(node)
        if found == self._library.root_id:
            return rooms_of_library(self._library)
        return [room_at(self._library.id, self._library.root_id, found)]

    def _may_place(self, node: Node | None) -> bool:
        """Whether the node's name may be changed: that is a change of its folder, and of itself."""
        if node is None or node.parent_id is None:
            return True
        return self._edits(node) and self._edits(self._tree.node(node.parent_id))

    def _may_make_again(self, node: Node) -> bool:
        """A live folder is only answered with; one out of the trash leaves the place where it was deleted."""
        return self.sees(node) if node.deleted_at is None else self._may_place(node)

    def _edits(self, node: Node | None) -> bool:
        return node is None or self.right(node) >= Right.EDIT

    def _parents(self, node: Node) -> dict[str, str]:
        chain = [node, *reversed(self._tree.above(node))]
        links = {below.id: above.id for below, above in pairwise(chain)}
        return links | ({chain[-1].id: self._library.root_id} if chain[-1].id != self._library.root_id else {})
