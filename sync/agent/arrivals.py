"""What the library tells us, applied to the index: the feed, the list of libraries, and the answers to operations.

Bytes that are not in the library are never touched here. Each page is a few transactions, each with its own invalidations
of the kernel's cache, which are asked for afterwards through `Kernel`.

Over 400 lines because rows of the feed and answers meet the same files in any order, and share what holds one back for the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

from sync.agent.index import ROOT, File, Index, version_columns
from sync.agent.journal import Entry as Operation
from sync.agent.journal import Journal, Kind, new_id
from sync.agent.tree import Tree
from sync.core.codec import decode, to_text
from sync.core.hashing import Address
from sync.core.paths import NAME_BYTES_MAX, conflict_name, name_key, refuse_name, stays_local
from sync.core.plan import Decision, Entry, decide
from sync.core.protocol import LibrariesAnswer, Library, Node, NodeKind, Right

_BATCH = 200
_UNSENT = Address("b3:" + "0" * 64)
"""Stands for content that has no address yet, because nobody has read it for sending."""


class Kernel(Protocol):
    """The kernel's cache, as far as it must be told of changes that did not come through it."""

    def entry_changed(self, parent: int, name: str) -> None:
        """This name is new, gone, or another file."""

    def content_changed(self, ino: int) -> None:
        """Attributes and bytes of this file are others."""


class Arrivals:
    """Applies what comes from the library."""

    def __init__(self, tree: Tree, kernel: Kernel) -> None:
        self._tree = tree
        self._index: Index = tree.index
        self._journal: Journal = tree.journal
        self._kernel = kernel
        self._entries: list[tuple[int, str]] = []
        self._contents: list[int] = []
        self._told = 0  # counts what the library says of nodes, and so what may have to wait
        self._waits = self._ghosts = True
        self._nothing_waits_since = -1
        self._answered: dict[str, tuple[str, int]] = {}
        """By node, the library and the number of what an answer told last: a page that was on its way meanwhile may be older."""
        self._told_all: set[str] = set()
        """Libraries of which the last page has been applied, and no other has come since."""
        self._again: set[str] = set()
        """Libraries that are to be read from their beginning, whatever page is being applied."""
        self.give_way: Callable[[], None] = lambda: None
        """Called before each part of a page, see glimpse.py."""

    # --- libraries ----------------------------------------------------------------------------------------------

    def libraries(self, answer: LibrariesAnswer) -> None:
        """Make the folders at the top those of the libraries that the member may see."""
        with self._tree.lock, self._index.transaction():
            for library in answer.libraries:
                self._library(library)
            gone = {known.id for known in self._index.libraries()} - {library.id for library in answer.libraries}
            for library_id in gone:
                self._forget_library(library_id)
            self._index.put_fact("libraries_tag", answer.tag)
        self._tell_kernel()

    def _library(self, library: Library) -> None:
        known = self._index.library(library.id)
        name = self._library_name(library, known.ino if known else None)
        if known is None:
            folder = self._index.add(ROOT, name, NodeKind.FOLDER, library.id, self._index.file(ROOT).modified_ms, node=library.root)  # type: ignore[union-attr]
            self._index.put_library(library, folder.ino)
            self._entries.append((ROOT, name))
            return
        folder_now = self._index.file(known.ino)
        if folder_now is not None and folder_now.name != name:
            self._entries += [(ROOT, folder_now.name), (ROOT, name)]
            self._index.change(known.ino, name=name)
        self._index.put_library(library, known.ino)

    def _library_name(self, library: Library, ino: int | None) -> str:
        """The library's name as a folder; with a number where two libraries have the same one."""
        plain = "".join("_" if character in '/\\:*?"<>|' or ord(character) < 32 else character for character in library.name)
        plain = plain.encode()[: NAME_BYTES_MAX - 16].decode(errors="ignore").strip(". ") or library.id
        if refuse_name(plain) is not None or stays_local(plain):
            plain = f"{plain}_"  # a library may be called CON, or end in ~; a folder on a PC may not
        for count in range(1, 1000):
            name = plain if count == 1 else f"{plain} ({count})"
            other = self._index.child(ROOT, name)
            if other is None or other.ino == ino:
                return name
        return library.id

    def _forget_library(self, library: str) -> None:
        """The member may not see it any more. What was not sent yet stays on this machine, out of sight."""
        known = self._index.library(library)
        if known is None:
            return
        for file in self._index.matching("library=? AND local=1", library):
            if file.dirty and file.parent is not None and not stays_local(file.name):
                self._tree.content.keep_aside(file, self._index.path_of(file.ino))
            self._tree.content.drop_work(file.ino)
        with self._index.transaction() as db:
            for table in ("files", "ops", "ghosts"):
                db.execute(f"DELETE FROM {table} WHERE library=?", (library,))
            for table in ("held", "strays"):
                db.execute(f"DELETE FROM {table} WHERE json_extract(body, '$.library')=?", (library,))
            db.execute("DELETE FROM libraries WHERE id=?", (library,))
            self._index.forget()
        self._entries.append((ROOT, known.name))

    # --- the feed -----------------------------------------------------------------------------------------------

    def page(self, library: str, nodes: tuple[Node, ...], cursor: int, *, since: int = 0, more: bool = False) -> None:
        """Apply a page of the feed and move the cursor with it, unless it was put back behind `since` meanwhile.

        more: another page follows, so that what has left a folder may come after the deletion of that folder, which waits so long.
        """
        self._told_all.discard(library)
        self._again.discard(library)
        for start in range(0, len(nodes), _BATCH):
            self.give_way()
            with self._applying():
                for node in nodes[start : start + _BATCH]:
                    self._node(node)
                    if node.kind is NodeKind.FOLDER and not node.deleted:
                        self._access(node)
                self._settle()
            self._tell_kernel()
        if not more:
            self._told_all.add(library)
            self.released()  # before the cursor moves: what waits for the end of the feed would wait for its next page after a crash
        if since == 0 and self._was_told_of(library):
            self._read_again(library)  # what was looked into before the feed came may be gone since, which newcomers are not told
        if library not in self._again:
            with self._index.transaction() as db:
                db.execute("UPDATE libraries SET cursor=? WHERE id=? AND cursor>=?", (cursor, library, since))
        with self._tree.lock:  # answers are noted by other threads
            self._answered = {node: told for node, told in self._answered.items() if told[0] != library or told[1] > cursor}

    def _was_told_of(self, library: str) -> bool:
        """Whether answers have told of nodes of a library that its feed has not told of yet."""
        with self._tree.lock:
            return any(told[0] == library for told in self._answered.values())

    def nodes(self, nodes: Iterable[Node | None]) -> None:
        """Apply rows that came with an answer."""
        with self._applying():
            for node in nodes:
                if node is not None:
                    self._node(node, answered=True)
            self._settle()
        self._tell_kernel()

    @contextmanager
    def _applying(self) -> Iterator[None]:
        """Around whatever the library says of nodes. What may stand in the way is mostly nowhere: asked once, not for each node."""
        with self._tree.lock, self._index.transaction():
            self._told += 1
            self._waits = self._index.one("SELECT 1 FROM held UNION ALL SELECT 1 FROM strays LIMIT 1") is not None
            self._ghosts = self._index.one("SELECT 1 FROM ghosts LIMIT 1") is not None
            yield

    def _node(self, node: Node, *, answered: bool = False) -> None:
        """Apply a row. answered: it came with an answer, which may be one that was given long ago."""
        root = self._index.root_of(node.library)
        if root is None or node.id == root:
            return
        if self._waits and not self._supersede(node):
            return  # an answer that comes again tells of how it was then
        if answered:
            self.note_answer(node)
        elif node.seq < self._answered.get(node.id, ("", 0))[1]:
            return
        if node.deleted and self._is_folder(node):
            if node.library not in self._told_all:
                self._hold(node)  # what has left it may come after it, and nothing tells again of what is inside that
                return
            self._drop_strays(node.id)
        if node.deleted and node.right is Right.NONE:
            self._hidden(node)
            return
        ghost = self._index.ghost(node.id) if self._ghosts else None
        if ghost is not None:
            ours = ghost.version == 0 or self._journal.is_sent(node.id, node.manifest)  # our save's answer says which version it became
            if node.deleted or node.version <= ghost.version or ours:
                self._hold(node)  # the name may come back here, and what it is then is where the library says, or gone
                return
            self._drop_ghost(node.id)  # an edit beats our delete
        file = self._index.by_node(node.id)
        if node.deleted:
            if file is not None and not file.is_folder and node.version < file.version:
                return  # held back since before our save brought it back
            if file is not None and not file.is_folder and (self._journal.awaits(node.id) or self._is_changing(file)):
                self._hold(node)
                return
            if file is not None:
                self._gone(file)
            return
        parent = self._index.by_node(node.parent or "")
        if answered and (file is None or parent is None) and self.is_told_again(node):
            return
        if parent is None or not parent.is_folder:
            self._stray(node)
            return
        if file is None and node.kind is NodeKind.FOLDER and self._journal.awaits(node.id, Kind.DELETE):
            self._hold(node)  # removed here, which the library does not know yet, or will not allow
            return
        if file is None:
            file = self._new(node, parent)
        else:
            self._moved(file, node, parent, answered=answered)
            self._content(self._index.file(file.ino) or file, node)
        if node.kind is NodeKind.FOLDER:
            self._take_strays(node.id)

    def _is_folder(self, node: Node) -> bool:
        file = self._index.by_node(node.id) if node.kind is not NodeKind.FOLDER else None  # what is hidden does not say what it was
        return node.kind is NodeKind.FOLDER or (file is not None and file.is_folder)

    def _supersede(self, node: Node) -> bool:
        """Whether this is newer than what waits to be applied to the node, which then waits no longer."""
        found = self._index.rows("SELECT body FROM held WHERE node=? UNION ALL SELECT body FROM strays WHERE node=?", node.id, node.id)
        if any(decode(Node, json.loads(body)).seq > node.seq for (body,) in found):
            return False
        if found:
            with self._index.transaction() as db:
                db.execute("DELETE FROM held WHERE node=?", (node.id,))
                db.execute("DELETE FROM strays WHERE node=?", (node.id,))
        return True

    def _drop_strays(self, folder: str) -> None:
        """What waits for this folder is deleted with it: nothing else tells of that."""
        below = "WITH RECURSIVE below (node) AS (VALUES (?) UNION SELECT s.node FROM strays AS s JOIN below AS b ON s.parent=b.node)"
        with self._index.transaction() as db:
            db.execute(f"{below} DELETE FROM strays WHERE node IN (SELECT node FROM below)", (folder,))

    def note_answer(self, node: Node) -> None:
        """An answer told of this: what waits from before, or what a page that is on its way says of it, does not count."""
        if self._waits:
            self._supersede(node)
        self._answered[node.id] = (node.library, max(node.seq, self._answered.get(node.id, ("", 0))[1]))

    def is_told_again(self, node: Node) -> bool:
        """Whether the feed has told of a node since: an answer that comes again does not know of its deletion or its moves.

        Then the feed tells of it once more.
        """
        known = self._index.library(node.library)
        if known is None or known.cursor < node.seq or node.seq < 2:
            return False  # the first change cannot be asked for: from 0 the feed is for newcomers, and leaves out what was deleted since
        with self._index.transaction() as db:
            db.execute("UPDATE libraries SET cursor=? WHERE id=?", (node.seq - 1, node.library))
        return True

    def _access(self, node: Node) -> None:
        """The feed alone says what may be done in a folder: an answer may be older than a grant."""
        file = self._index.by_node(node.id)
        if file is not None:
            self._index.note_access(file.ino, node.right)

    def _hidden(self, node: Node) -> None:
        """The member may not see it any more, whatever became of it."""
        file = self._index.by_node(node.id)
        if self._index.ghost(node.id) is not None:
            self._drop_ghost(node.id)
        if file is None:
            self._journal.drop_node(node.id)  # removed here, which the library would refuse for ever
        elif not self._hide(file):
            self._hold(node)

    def _hide(self, file: File) -> bool:
        """Take a file or folder out of sight; returns whether it is, or a program is still writing in it.

        What was not sent yet stays on this machine: the library would refuse it, and nobody else has it.
        """
        if file.is_folder:
            hidden = [self._hide(child) for child in self._index.children(file.ino, parked=True)]
            if not all(hidden):
                return False
            for (ghost,) in self._index.rows("SELECT node FROM ghosts WHERE parent=?", file.ino):
                self._drop_ghost(ghost)
        elif self._tree.may_be_written(file.ino):
            return False
        elif file.dirty and not file.local and self._keep_moved(file):
            pass  # the library has its bytes, as what it was before
        elif file.dirty and not stays_local(file.name):
            self._tree.content.keep_aside(file, self._index.path_of(file.ino))
        if self._journal.awaits(file.node, Kind.RENAME):
            self._read_again(file.library)  # moved here: the library has it elsewhere, perhaps in sight
        self._journal.drop_node(file.node)
        self._forget(file)
        return True

    def _stray(self, node: Node) -> None:
        """Its folder is not known yet: a folder that was moved comes later in the feed than what is inside."""
        self._waits = True
        with self._index.transaction() as db:
            db.execute("INSERT OR REPLACE INTO strays VALUES (?,?,?)", (node.id, node.parent or "", to_text(node)))

    def _take_strays(self, parent: str) -> None:
        rows = self._index.rows("SELECT body FROM strays WHERE parent=?", parent)
        if not rows:
            return
        with self._index.transaction() as db:
            db.execute("DELETE FROM strays WHERE parent=?", (parent,))
        for (body,) in rows:
            self._node(decode(Node, json.loads(body)))

    def _new(self, node: Node, parent: File) -> File:
        file = self._index.add_or_park(
            parent.ino, node.name, node.kind, node.library, node.modified_ms, node=node.id, manifest=node.manifest,
            size=node.size_bytes, head_of=node.head_of, **version_columns(node),
        )  # fmt: skip
        if node.right is not None:
            self._index.note_access(file.ino, node.right)
        if not file.parked:
            self._entries.append((parent.ino, node.name))
        return file

    def _moved(self, file: File, node: Node, parent: File, *, answered: bool = False) -> None:
        if (file.parent, file.name) == (parent.ino, node.name):
            return
        making = file.node == node.id and file.version == 0 and self._journal.awaits(node.id, Kind.COMMIT)
        if making or self._journal.awaits(node.id, Kind.RENAME):
            self._hold(node)  # somebody may have moved it after us
            return
        if file.is_folder and self._is_below(parent, file):
            self._hold(node)  # what moved it there met our move the other way: the library has one of them only
            return
        if answered and self.is_told_again(node):
            return
        if file.parent is not None:
            self._entries.append((file.parent, file.name))
        taken = self._index.child(parent.ino, node.name)
        parked = taken is not None and taken.ino != file.ino
        self._index.change(file.ino, parent=parent.ino, name=node.name, parked=int(parked))
        self._entries.append((parent.ino, node.name))

    def _is_below(self, folder: File, above: File) -> bool:
        current: File | None = folder
        while current is not None and current.ino != above.ino:
            current = self._index.file(current.parent) if current.parent is not None else None
        return current is not None

    def _content(self, file: File, node: Node) -> None:
        if node.version <= file.version or file.is_folder:
            return
        base = Entry(None, "", file.head, file.version)
        local = Entry(None, "", _UNSENT if file.dirty else file.head, file.version)
        remote = Entry(None, "", node.manifest, node.version)
        pending = self._journal.awaits(node.id, Kind.COMMIT)
        match decide(local, base, remote, pending=pending):
            case Decision.TAKE if self._tree.may_be_written(file.ino):
                self._hold(node)
            case Decision.TAKE:
                self._take(file, node)
            case Decision.NOTHING:
                self._index.change(file.ino, **version_columns(node))
            case _ if not self._journal.is_sent(node.id, node.manifest):
                self._hold(node)  # our save comes first; if it never comes, or goes before this one, this is still to be taken

    def _hold(self, node: Node) -> None:
        """What is written here must not be thrown away unseen: it goes first, and this is looked at again afterwards."""
        self._waits = True
        with self._index.transaction() as db:
            db.execute("INSERT OR REPLACE INTO held VALUES (?,?)", (node.id, to_text(node)))

    def _is_changing(self, file: File) -> bool:
        return file.dirty > 0 or self._tree.may_be_written(file.ino)

    def released(self) -> None:
        """A program closed a file or gave up a name, or a save was answered: what waited can be applied, unless a save goes first."""
        told = self._told
        if told == self._nothing_waits_since:
            return
        if self._index.one("SELECT 1 FROM held UNION ALL SELECT 1 FROM files WHERE parked=1") is None:
            self._nothing_waits_since = told
            return
        with self._applying():
            rows = self._index.rows("SELECT body FROM held")
            for (body,) in rows:
                self._node(decode(Node, json.loads(body)))
            self._settle()
        self._tell_kernel()

    def _take(self, file: File, node: Node) -> None:
        """The next version of a file that nobody changed here."""
        values: dict[str, object] = {
            **version_columns(node), "manifest": node.manifest, "size": node.size_bytes,
            "modified_ms": node.modified_ms, "local": 0, "dirty": 0, "unsaved": 0, "head_of": node.head_of,
        }  # fmt: skip
        if not self._tree.is_open(file.ino):
            self._tree.content.drop_work(file.ino)
            self._index.change(file.ino, **values)
            self._contents.append(file.ino)
            return
        # Programs that have it open keep the version they opened, whole; who opens it now gets the new one.
        assert file.parent is not None
        self._index.change(file.ino, parent=None, node=None)
        self._index.add(file.parent, file.name, file.kind, file.library, node.modified_ms, node=file.node,
                        **{name: value for name, value in values.items() if name != "modified_ms"})  # fmt: skip
        self._entries.append((file.parent, file.name))

    def _gone(self, file: File) -> None:
        """Deleted in the library. Whatever is not in the library yet stays, with the folders above it."""
        if file.is_folder:
            for child in self._index.children(file.ino, parked=True):
                if not (child.is_folder and self._journal.awaits(child.node, Kind.RENAME)):  # moved here: the library has it elsewhere
                    self._gone(child)
            if self._index.children(file.ino, parked=True):
                self._revive(file)
                return
        elif self._stays(file):
            return
        self._forget(file)

    def _forget(self, file: File) -> None:
        """Its name is gone; programs that have it open keep their bytes."""
        if file.parent is not None:
            self._entries.append((file.parent, file.name))
        if self._tree.is_open(file.ino):
            self._index.change(file.ino, parent=None, node=None)
        else:
            self._index.remove(file.ino)
            self._tree.content.drop_work(file.ino)

    def _stays(self, file: File) -> bool:
        """Whether a file must outlive its deletion elsewhere."""
        if file.node is None and stays_local(file.name) and not self._tree.is_open(file.ino):
            return False  # a forgotten lock or temporary file does not keep a folder
        unsent = file.dirty > 0 or file.node is None or self._journal.awaits(file.node)
        return unsent or self._tree.may_be_written(file.ino)

    def _revive(self, folder: File) -> None:
        if folder.node is not None and not self._journal.awaits(folder.node, Kind.MAKE_FOLDER):
            node = new_id()
            self._move_pin(folder.node, node)
            self._index.change(folder.ino, node=node)
            self._journal.make_folder(self._index.file(folder.ino) or folder)

    def _move_pin(self, node: str | None, to: str) -> None:
        """A folder that is kept here, see pins.py, is so under its new node as well."""
        with self._index.transaction() as db:
            db.execute("UPDATE OR REPLACE pins SET node=? WHERE node=?", (to, node))

    def revive_folder(self, ino: int) -> None:
        """The library says that this folder is gone, while something here must go into it."""
        with self._tree.lock, self._index.transaction():
            folder = self._index.file(ino)
            if folder is not None and folder.parent not in (None, ROOT):
                self._revive(folder)
                self._read_again(folder.library)  # what went with it is still here, and has no other word of its own

    def node_gone(self, node: str) -> None:
        """The library says that what was to be moved is deleted; of a file the feed may have said it while the move was on its way."""
        file = self._index.by_node(node)
        if file is not None and file.is_folder:
            self._read_again(file.library)  # what has left it since does not go with it, and it may have gone with the one it was in
        elif file is not None and file.version:
            tombstone = Node(node, file.library, None, file.name, file.kind, file.version, 0, None, 0, "", deleted=True, seq=0)
            self.nodes((tombstone,))

    def look_again(self, refused: Operation) -> None:
        """The library would not have a move or a deletion: have the feed bring once more where everything is."""
        with self._tree.lock, self._index.transaction():
            self._journal.drop(refused.n)
            if refused.kind is Kind.DELETE:
                self._drop_ghost(refused.node)
            self._read_again(refused.library)

    def _read_again(self, library: str) -> None:
        # Not from 0, which is for newcomers: what was deleted since we looked last would be left out.
        self._again.add(library)
        with self._index.transaction() as db:
            db.execute("UPDATE libraries SET cursor=1 WHERE id=?", (library,))

    def _drop_ghost(self, node: str) -> None:
        self._journal.drop_delete(node)
        with self._index.transaction() as db:
            db.execute("DELETE FROM ghosts WHERE node=?", (node,))

    # --- answers ------------------------------------------------------------------------------------------------

    def adopt_node(self, file: File, node: Node) -> bool:
        """The library already has this folder or file under another id: they are one from now on. Returns whether they are."""
        with self._applying():
            if self._goes_on(node.id, file):
                self._separate(file)
                return False
            if self._lies_in(file, node.id):
                self._make_anew(file)
                return False
            self._absorb(node.id, file)
            self.is_told_again(node)
            if self._index.ghost(node.id) is not None:
                self._drop_ghost(node.id)  # given up under another name; under this one it lives on
            if file.node is not None and file.node != node.id:
                self._journal.move_node(file.node, node.id)
            self._move_pin(file.node, node.id)
            self._index.change(file.ino, node=node.id)
            parent = self._index.by_node(node.parent or "")
            if parent is not None and file.parent is not None and self._supersede(node):
                self._moved(self._index.file(file.ino) or file, node, parent)  # the library's spelling stands
        self._tell_kernel()
        return True

    def _goes_on(self, node: str, file: File) -> bool:
        """Whether the feed has brought a file for what `file` is about to be, and somebody here is at work on that."""
        other = self._index.by_node(node)
        return other is not None and other.ino != file.ino and not other.is_folder and self._is_changing(other)

    def _lies_in(self, file: File, node: str) -> bool:
        """Whether a folder was moved, while its making travelled, into the one of that name that the library has."""
        other = self._index.by_node(node)
        return file.is_folder and other is not None and other.ino != file.ino and self._is_below(file, other)

    def _make_anew(self, folder: File) -> None:
        """A folder is to be one of its own, at the place that it has now."""
        self._journal.drop_waiting(folder.node, Kind.RENAME)
        self._index.change(folder.ino, node=new_id())
        self._journal.make_folder(self._index.file(folder.ino) or folder)

    def _separate(self, file: File) -> None:
        """What a file holds is to be an asset of its own, at the place that it has now."""
        self._journal.drop_waiting(file.node, Kind.COMMIT, Kind.RENAME)
        self._index.change(file.ino, node=new_id(), version=0, head=None, head_size=0, dirty=file.dirty + 1)
        self._journal.save(self._index.file(file.ino) or file)

    def _absorb(self, node: str, file: File) -> None:
        """The feed may have been quicker than the answer and have brought a file for what `file` is about to be."""
        other = self._index.by_node(node)
        if other is None or other.ino == file.ino:
            return
        if other.parent is not None and not other.parked:
            self._entries.append((other.parent, other.name))
        for child in self._index.children(other.ino, parked=True):
            taken = self._index.child(file.ino, child.name) is not None  # what is here under this name is still to be sent
            self._index.change(child.ino, parent=file.ino, parked=int(taken))
        if self._tree.is_open(other.ino):
            self._index.change(other.ino, parent=None, node=None)
        else:
            self._index.remove(other.ino)
            self._tree.content.drop_work(other.ino)

    def become_second(self, file: File, winner: Node, second: Node, *, sent: bool) -> None:
        """Our save lost: the file with our bytes is the second head from now on, and the name is the winner's.

        sent: these bytes are the second head's, nothing was saved here since.
        """
        with self._applying():
            if not self._goes_on(second.id, file):
                self._become(file, second, sent=sent)
            elif sent and not self._tree.may_be_written(file.ino):
                self._journal.drop_waiting(file.node)
                self._forget(file)
            else:
                self._separate(file)
            row = self._index.one("SELECT body FROM held WHERE node=?", winner.id)
            told = decode(Node, json.loads(row[0])) if row else None
            if told is not None and told.seq >= winner.seq:
                self._node(told)  # the feed was quicker, and this waited for our save: the name is never without a file
            else:
                self._node(winner, answered=True)
            self._settle()
        self._tell_kernel()

    def _become(self, file: File, second: Node, *, sent: bool) -> None:
        if file.parent is not None:
            self._entries.append((file.parent, file.name))
        self._absorb(second.id, file)
        self.is_told_again(second)
        if file.node != second.id:
            self._index.change(file.ino, node=None)
            if file.node is not None:
                self._journal.move_node(file.node, second.id)
        parent = self._index.by_node(second.parent or "")
        values: dict[str, object] = {"node": second.id, "head_of": second.head_of, **version_columns(second)}
        values |= {"dirty": 0, "manifest": second.manifest} if sent else {}
        if file.parent is not None:
            place = parent.ino if parent else file.parent
            taken = self._index.child(place, second.name)
            values |= {"name": second.name, "parent": place, "parked": int(taken is not None and taken.ino != file.ino)}
            self._entries.append((place, second.name))
        self._index.change(file.ino, **values)

    def step_aside(self, file: File, refused: Operation, member: str, at_ms: int) -> None:
        """The library refused the name because it is taken: ours moves aside under a telling name."""
        from datetime import UTC, datetime

        with self._tree.lock, self._index.transaction():
            if file.parent is None or (file.parent, file.name) != (refused.parent, refused.name):
                self._journal.drop(refused.n)  # it moved on, and so the journal says
                if refused.kind is Kind.MAKE_FOLDER:
                    self._journal.make_folder(file)
                return
            taken = {name_key(child.name) for child in self._index.children(file.parent, parked=True)}
            when = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone()
            name = conflict_name(file.name, member, when, taken=taken)
            self._entries += [(file.parent, file.name), (file.parent, name)]
            self._index.change(file.ino, name=name)
            self._journal.replace(refused, name=name)
            self._settle()
        self._tell_kernel()

    def move_back(self, file: File, refused: Operation) -> bool:
        """The library would not have a move of one asset onto another: both are what they were. Returns whether it was one.

        Not if a program wrote into it since: then there are bytes that the library does not have.
        """
        with self._tree.lock, self._index.transaction():
            if file.local or not file.version or not self._keep_moved(file):
                return False
            self._journal.drop(refused.n)
            self._index.change(file.ino, manifest=file.head, size=file.head_size, dirty=0)
            self._contents.append(file.ino)
        self._tell_kernel()
        return True

    def _keep_moved(self, file: File) -> bool:
        """What a file was before it was moved onto another one's name lives on. Returns whether it was moved so."""
        node = self._journal.moved_from(file.ino)
        if node is None:
            return False
        self._drop_ghost(node)
        self._read_again(file.library)
        return True

    def lost(self, file: File) -> None:
        """The bytes of a save never reached the library and are not here any more: the file is the version before it, if there is one."""
        with self._tree.lock, self._index.transaction():
            if file.version:
                self._index.change(file.ino, manifest=file.head, size=file.head_size, dirty=0)
                self._contents.append(file.ino)
            else:
                self._journal.drop_node(file.node)
                self._forget(file)
        self._tell_kernel()

    # --- names that wait ----------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Give parked files their names as soon as these are free."""
        for file in self._index.matching("parked=1"):
            if file.parent is None or self._index.child(file.parent, file.name) is None:
                self._index.change(file.ino, parked=0)
                if file.parent is not None:
                    self._entries.append((file.parent, file.name))

    def _tell_kernel(self) -> None:
        with self._tree.lock:  # what another thread notes in this moment would be told to nobody
            entries, self._entries = self._entries, []
            contents, self._contents = self._contents, []
        for parent, name in entries:
            self._kernel.entry_changed(parent, name)
        for ino in contents:
            self._kernel.content_changed(ino)
