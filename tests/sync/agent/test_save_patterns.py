"""Programs save in many ways; the asset stays one asset. On the mount, by what FUSE would ask of the tree."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.agent.content import Content
from sync.agent.index import ROOT, Index
from sync.agent.journal import Journal
from sync.agent.remote import Remote
from sync.agent.transport import TcpDialer, Transport
from sync.agent.tree import Tree
from sync.core.paths import stays_local
from sync.core.protocol import Library, NodeKind, Right
from tests.sync.agent.save_patterns import PATTERNS, Pattern, steps_for


class Mount:
    """A tree without a kernel, with one library in which everything so far is safe."""

    def __init__(self, home: Path) -> None:
        index = self.index = Index(home / "index.db")
        remote = Remote(Transport(TcpDialer()), "http://127.0.0.1:1", None)
        self.tree = Tree(index, Journal(index), Content(home, index, remote, cache_bytes=0))
        with index.transaction():
            folder = index.add(ROOT, "素材", NodeKind.FOLDER, "lib", 0, node="root-of-the-library")
            index.put_library(Library("lib", "素材", "root-of-the-library", (Right.SEE, Right.EDIT), 0), folder.ino)
        self.root = folder.ino

    def _place(self, path: str) -> tuple[int, str]:
        parent = self.root
        *folders, name = path.split("/")
        for folder in folders:
            parent = self.tree.lookup(parent, folder).ino
        return parent, name

    def do(self, verb: str, path: str, argument: str = "") -> None:
        parent, name = self._place(path)
        if verb == "write":
            self._write(parent, name, argument.encode())
        elif verb == "rename":
            self.tree.rename(parent, name, *self._place(argument))
        elif verb == "delete":
            self.tree.unlink(parent, name)
        elif verb == "folder":
            self.tree.make_folder(parent, name)
        else:
            self.tree.remove_folder(parent, name)

    def _write(self, parent: int, name: str, content: bytes) -> None:
        known = self.index.child(parent, name)
        if known is None:
            number, _ = self.tree.create(parent, name)
        else:
            number = self.tree.open(known.ino, writable=True, truncate=True)
        self.tree.write(self.tree.handle(number), 0, content)
        self.tree.release(number)

    def all_safe(self) -> None:
        """As if the library had answered everything."""
        with self.index.transaction() as db:
            db.execute("DELETE FROM ops")
            db.execute("UPDATE files SET dirty=0, version=version+1 WHERE node IS NOT NULL AND kind='file'")
        self.index.forget()

    def shared(self) -> dict[str, str | None]:
        return {file.name: file.node for file in self.index.children(self.root) if not stays_local(file.name)}

    def waiting(self, kind: str) -> set[str | None]:
        """The nodes of which operations of this kind are still to be sent."""
        return {node for (node,) in self.index.rows("SELECT node FROM ops WHERE kind=?", kind)}

    def moved(self, node: str | None) -> str | None:
        """The name that a node is to have in the library by an operation that is still to be sent."""
        row = self.index.one("SELECT name FROM ops WHERE kind='rename' AND node=? ORDER BY n DESC", node)
        return row[0] if row else None


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    made = Mount(tmp_path)
    yield made
    made.tree.content.close()
    made.index.close()


@pytest.mark.parametrize("pattern", PATTERNS.values(), ids=list(PATTERNS))
@pytest.mark.parametrize("safe_between", [False, True], ids=["at once", "answered after each step"])
def test_document_when_saved_by_a_program_then_the_same_asset_with_the_new_bytes(
    mount: Mount, pattern: Pattern, safe_between: bool
) -> None:
    document = f"海报{pattern.suffix}"
    mount.do("write", document, "old")
    mount.all_safe()
    node = mount.shared()[document]
    sent, called = {node}, document
    for step in steps_for(pattern, document):
        mount.do(*step)
        if safe_between:
            sent |= mount.waiting("commit")
            called = mount.moved(node) or called
            with mount.index.transaction() as db:  # the library answers each save at once; only deletions still wait
                db.execute("UPDATE files SET dirty=0, version=version+1 WHERE node IN (SELECT node FROM ops WHERE kind='commit')")
                db.execute("DELETE FROM ops WHERE kind<>'delete'")
            mount.index.forget()
    assert mount.shared()[document] == node
    assert set(mount.shared()) == {document, *(name.replace("DOC", document) for name in pattern.left)}
    file = mount.index.child(mount.root, document)
    assert file is not None
    assert mount.tree.content.work_path(file.ino).read_bytes() == b"new"
    assert (mount.moved(node) or called) == document, "what the library calls it"
    kept = set(mount.shared().values())
    assert mount.waiting("commit") <= kept
    assert mount.waiting("delete") == sent - kept  # what was an asset for a moment does not stay behind in the library


def test_document_when_moved_aside_and_a_new_file_of_any_name_takes_its_place_then_the_same_asset(mount: Mount) -> None:
    mount.do("write", "海报.dwg", "old")
    mount.all_safe()
    node = mount.shared()["海报.dwg"]
    for step in (("write", "1F20", "new"), ("rename", "海报.dwg", "海报.bak"), ("rename", "1F20", "海报.dwg")):
        mount.do(*step)
    assert mount.shared()["海报.dwg"] == node
    assert mount.shared()["海报.bak"] not in (node, None)
    assert (mount.waiting("commit"), mount.waiting("delete")) == (set(mount.shared().values()), set())


def test_document_when_moved_and_an_asset_takes_its_place_then_each_stays_its_own(mount: Mount) -> None:
    mount.do("write", "海报.dwg", "one")
    mount.do("write", "草稿.dwg", "two")
    mount.all_safe()
    before = mount.shared()
    mount.do("rename", "海报.dwg", "海报 旧.dwg")
    mount.do("rename", "草稿.dwg", "海报.dwg")
    assert mount.shared() == {"海报 旧.dwg": before["海报.dwg"], "海报.dwg": before["草稿.dwg"]}
