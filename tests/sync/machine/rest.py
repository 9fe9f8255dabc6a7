"""When all is at rest: the properties that must hold then."""

from __future__ import annotations

from collections.abc import Callable

from sync.agent import recovery
from sync.agent.index import File
from sync.core.chunking import Chunk, choose_cutter
from sync.core.hashing import address_of
from sync.core.manifest import EMPTY, manifest_digest, manifest_of
from sync.library.assets.models import Node
from sync.library.leases.rules import WAYS
from tests.sync.machine.disk import Clock
from tests.sync.machine.ledger import Ledger, Violation
from tests.sync.machine.library import MEMBERS, RealLibrary
from tests.sync.machine.luck import Profile, Step
from tests.sync.machine.pc import Pc

LONGEST_CHECK_OUT_S = WAYS["hand"].total_seconds() + 60


class Rest:
    """Coming to rest, and what is looked at then; see `RealWorld`."""

    library: RealLibrary
    ledger: Ledger
    profile: Profile
    clock: Clock
    pcs: list[Pc]
    late: list[tuple[int, str, str, bytes | None]]
    calm: bool
    _thread: Callable[[Callable[[], None]], bool]
    _content: Callable[[str], bytes]
    _finish: Callable[[Pc, int], None]
    _folders: Callable[[Pc], list[File]]
    _working: Callable[[Pc, int], bytes | None]
    _is_private: Callable[[Pc, File], bool]
    _arrive: Callable[[int, str, str, bytes | None], object]

    def _do_settle(self, pc: Pc, step: Step) -> None:
        """Programs close their files, the line is up, the disk has room: then all properties must hold within a bound."""
        self.calm = True
        for each in self.pcs:
            while each.open:
                self._finish(each, each.open[0])
        for agent, method, url, body in self.late:
            self._arrive(agent, method, url, body)
        self.late.clear()
        if self.profile.leases:  # also one that is taken late, by an agent that no longer waits for it
            self.clock.sleep(LONGEST_CHECK_OUT_S)
        for _round in range(30):
            self.clock.sleep(4)
            for each in self.pcs:
                self._turn(each)
            if all(self._unrest(each) is None for each in self.pcs):
                break
        else:
            raise Violation("P1 does not come to rest: " + "; ".join(filter(None, map(self._unrest, self.pcs))))
        self._check()
        self.calm = False

    def _turn(self, pc: Pc) -> None:
        for _ in range(5):
            self._thread(pc.engine.send)
            if not pc.engine.journal.has_ready(int(self.clock.time() * 1000)):
                break
        self._thread(lambda: pc.engine.follow(0))

    def _unrest(self, pc: Pc) -> str | None:
        """Why the agent is not at rest."""
        index = pc.engine.index
        ops = index.rows("SELECT kind, name, state, tries, error, not_before_ms FROM ops")
        rows = {table: index.rows(f"SELECT node FROM {table}") for table in ("held", "strays", "ghosts")}
        rows["parked"] = index.rows("SELECT name FROM files WHERE parked=1")
        rows["dirty"] = index.rows("SELECT name, node FROM files WHERE dirty>0 AND node IS NOT NULL")
        rows["taken"] = [(node,) for node in pc.engine.leases.taken()]
        known = index.library(self.library.id)
        if known is not None and known.cursor < self.library.seq():
            rows["behind"] = [(known.cursor, self.library.seq())]
        left = {name: found for name, found in rows.items() if found}
        return f"agent {pc.number}: {ops} {left}" if ops or left else None

    def _check(self) -> None:
        nodes = {node.id: node for node in self.library.nodes()}
        live = {node.id: node for node in nodes.values() if node.deleted_at is None}
        contents = {self._content(str(node.digest)) for node in live.values() if node.kind == "file"}
        for pc in self.pcs:
            self._check_replica(pc, live)
        missing = self.ledger.must_live() - contents
        if missing:
            raise Violation(f"P3 bytes vanished that nobody replaced: {sorted(content[:30] for content in missing)}")
        strange = {self._content(digest) for digest in self.library.version_digests()} - self.ledger.written
        if strange:
            raise Violation(f"P3 versions that nobody saved: {sorted(content[:30] for content in strange)}")
        if self.profile.writers == 1:
            copies = [node.name for node in nodes.values() if node.head_of is not None or MEMBERS[0] in node.name]
            if copies:
                raise Violation(f"P4 a conflict copy, though one person alone writes: {copies}")
        self._check_bucket(nodes)

    def _check_replica(self, pc: Pc, live: dict[str, Node]) -> None:
        here = {}
        for folder in self._folders(pc):
            for file in pc.engine.index.children(folder.ino, parked=True):
                if file.node is not None:
                    here[file.node] = (folder.node, file.name, file.version, self._digest_here(pc, file))
                elif not (self._is_private(pc, file) or recovery.DRAFT in file.name or file.unsaved):
                    raise Violation(f"P2 agent {pc.number} has {pc.engine.index.path_of(file.ino)} for itself alone")
        there = {node.id: (node.parent_id, node.name, node.version, node.digest) for node in live.values()}
        if here != there:
            only = {node: value for node, value in here.items() if there.get(node) != value}
            lacks = {node: value for node, value in there.items() if here.get(node) != value}
            raise Violation(f"P2 agent {pc.number} differs: here {only}, in the library {lacks}")

    def _digest_here(self, pc: Pc, file: File) -> str | None:
        """What the file's bytes here are, read as a program would."""
        if file.is_folder:
            return None
        if file.local:
            data = self._working(pc, file.ino)
            return digest_of(file.name, data) if data is not None else "no bytes"
        if file.manifest and file.manifest not in pc.checked:
            data = pc.engine.content.read(file, 0, file.size + 1)
            if data != self._content(file.manifest):
                raise Violation(f"P3 agent {pc.number} reads other bytes in {file.name} than the library has")
            pc.checked.add(file.manifest)
        return file.manifest

    def _check_bucket(self, nodes: dict[str, Node]) -> None:
        """P6: the bucket alone gives the same tree."""
        rebuilt = self.library.rebuilt()
        if rebuilt.complaints:
            raise Violation(f"P6 the bucket's log does not add up: {rebuilt.complaints}")
        from_bucket = {
            node_id: (node.parent_id, node.name, node.line.version, node.line.digest)
            for node_id, node in rebuilt.nodes.items()
            if node.deleted_at is None and node_id != self.library.root
        }
        in_catalogue = {n.id: (n.parent_id, n.name, n.version, n.digest) for n in nodes.values() if n.deleted_at is None}
        if from_bucket != in_catalogue:
            raise Violation(f"P6 the bucket tells another tree: {set(from_bucket.items()) ^ set(in_catalogue.items())}")


def digest_of(name: str, data: bytes) -> str:
    """The digest of the manifest of a small file."""
    if not data:
        return manifest_digest(EMPTY)
    return manifest_digest(manifest_of([Chunk(address_of(data), len(data))], choose_cutter(name, len(data))))
