"""A library under collection: real actions and jobs on a database in memory, a store that can crash between any two steps, a clock.

``World`` knows what was committed and checks what must hold: what the catalogue names is readable, byte for byte; what is held, newest or
young is there; whoever was told that a chunk is there may rely on it; and the bucket alone gives the same tree.

Over 400 lines because the world, what may be done in it and what must hold in it are read together.
"""

import random
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import select

from sync.core.chunking import Chunk, Cutter
from sync.core.codec import from_bytes
from sync.core.hashing import address_of
from sync.core.manifest import manifest_of
from sync.core.packs import PackWriter
from sync.core.protocol import Commit, Delete, ErrorCode, OpAnswer, Outcome, StoredPack
from sync.library.assets.actions import apply_ops, restore_node
from sync.library.assets.jobs import ship_log
from sync.library.assets.models import Node, Version
from sync.library.collection import jobs as collection
from sync.library.content.access import PROMISE, WAIT, load_manifest, promised_chunks
from sync.library.content.actions import CheckedPack, check_pack, pack_key, record_packs
from sync.library.content.reading import plan_reading, read_all
from sync.library.libraries.actions import open_library
from sync.library.libraries.rules import Right
from sync.library.recovery.actions import recover_catalogue
from sync.library.retention.access import Holders
from sync.library.retention.jobs import thin_library
from sync.library.retention.rules import Plan
from sync.library.storage import ObjectStore
from sync.library.trash.actions import empty_trash
from tests.fakes.store import MemoryStore
from workspace.db import Base, Database, new_id
from workspace.parts import Parts
from workspace.people.actions import add_department, add_member, add_site, make_group
from workspace.people.models import Member
from workspace.settings import Settings
from workspace.work import SYSTEM, Actor, Work, open_work

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PIECES = [random.Random(number).randbytes(400 + number) for number in range(5)]
MEMORY = "sqlite:///:memory:"
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class Crash(BaseException):
    """The process is gone; nothing in the product catches this."""


class Violation(AssertionError):
    """What must hold does not."""


@dataclass
class Fuse:
    """Counts steps down. left: None = it never blows."""

    left: int | None = None
    meanwhile: list[Callable[[], None]] = field(default_factory=list)

    def step(self) -> None:
        """Between two steps of a job: somebody else acts, or the process dies."""
        if self.meanwhile:
            self.meanwhile.pop()()
        if self.left is not None:
            if self.left == 0:
                self.left = None
                raise Crash
            self.left -= 1


class FragileStore(MemoryStore):
    """fuse: steps in front of each verb that writes, and of each listing."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self.fuse = fuse

    def put_once(self, key: str, data: bytes) -> bool:
        self.fuse.step()
        return super().put_once(key, data)

    def put_pieces(self, key: str, pieces: Iterable[bytes], size_bytes: int, content_type: str = "application/octet-stream") -> None:
        self.fuse.step()
        super().put_pieces(key, pieces, size_bytes, content_type)

    def remove(self, key: str) -> None:
        self.fuse.step()
        super().remove(key)

    def list(self, prefix: str) -> Iterator[Any]:
        self.fuse.step()
        yield from list(super().list(prefix))


class World:
    """See module. contents: of every version that was ever committed, with when. excused: of files that have left the trash."""

    def __init__(self, store: Any = None) -> None:
        self.now = START
        self.fuse = Fuse()
        self.store = store or FragileStore(Fuse())  # Clients do not crash; jobs use the fuse through ``job``.
        self.database = copied(library_template())
        self.parts = Parts()
        self.parts.provide(Settings, lambda: Settings(secret_key="tests only"))
        self.parts.provide(ObjectStore, lambda: self.store)
        self.parts.provide(Database, lambda: self.database)
        self.pins: set[tuple[str, int]] = set()
        self.parts.provide(Holders, lambda: Holders((lambda work, library_id: self.pins,)))
        self.stopping = threading.Event()
        self.contents: dict[tuple[str, int], tuple[bytes, datetime]] = {}
        self.known: dict[str, int] = {}
        self.trashed: set[str] = set()
        self.purged: set[str] = set()
        self.excused: set[tuple[str, int]] = set()
        self.waiting: list[tuple[Commit, bytes, datetime, list[CheckedPack]]] = []
        with open_work(self.database, writes=False) as work:
            root = work.session.scalars(select(Node).where(Node.parent_id.is_(None))).one()
            member = work.session.scalars(select(Member)).one()
            self.id, self.root = root.library_id, root.id
            self.actor = Actor(member.id, member.name, device_id="device")

    # --- what a JobRun gives ----------------------------------------------------------------------------------------

    @contextmanager
    def open_work(self, *, actor: Actor = SYSTEM, writes: bool = True) -> Iterator[Work]:
        self.fuse.step()
        with open_work(self.database, actor=actor, writes=writes, now=self.now, parts=self.parts) as work:
            yield work
        self.fuse.step()

    @contextmanager
    def as_member(self, *, writes: bool = True) -> Iterator[Work]:
        with open_work(self.database, actor=self.actor, writes=writes, now=self.now, parts=self.parts) as work:
            yield work

    def job(self, act: Callable[..., Any], *, crash_after: int | None = None, meanwhile: Callable[[], None] | None = None) -> None:
        """Run a job that dies after so many steps; meanwhile: what somebody does in the middle of it."""
        self.fuse.left, self.fuse.meanwhile = crash_after, [meanwhile] if meanwhile is not None else []
        self.store.fuse = self.fuse
        try:
            act(self, self.id)
        except Crash:
            pass
        finally:
            self.store.fuse = Fuse()
            self.fuse.left, self.fuse.meanwhile = None, []

    # --- what people do ---------------------------------------------------------------------------------------------

    def save(self, name: str, pieces: list[int], *, node: str = "", later: bool = False) -> None:
        """Ask what is missing, bring that, and commit; ``later``: the commit waits in the client's journal."""
        data = [PIECES[number] for number in pieces]
        manifest = manifest_of([Chunk(address_of(each), len(each)) for each in data], Cutter.CDC_1M)
        with self.as_member(writes=False) as work:
            missing = set(promised_chunks(work, self.id, (chunk.address for chunk in manifest.chunks)))
        packs = self.bring([each for each in dict.fromkeys(data) if address_of(each) in missing])
        if later and len(packs) and len(pieces) > 1:  # As agents do with what is large: a crash does not send it again.
            with self.as_member() as work:
                record_packs(work, self.id, packs)
        op = Commit(new_id(), node or new_id(), self.root, name, self.known.get(node, 0), manifest, 0)
        self.waiting.append((op, b"".join(data), self.now, packs))
        if not later:
            self.commit(len(self.waiting) - 1)

    def bring(self, pieces: list[bytes]) -> list[CheckedPack]:
        if not pieces:
            return []
        writer = PackWriter()
        for piece in pieces:
            writer.add(address_of(piece), piece)
        data, pack_id = writer.finish(), self.id_of_now()
        self.store.put_once(pack_key(self.id, pack_id), data)
        return [check_pack(self.store, self.id, StoredPack(pack_id, address_of(data), len(data)))]

    def id_of_now(self) -> str:
        """A pack's id as a server with this clock chooses it."""
        stamp = int(self.now.timestamp() * 1000)
        return "".join(ALPHABET[(stamp >> shift) & 31] for shift in range(45, -1, -5)) + new_id()[10:]

    def commit(self, number: int) -> None:
        """Send a waiting commit. Refused for want of chunks after its promise has run out, it brings them and is sent again."""
        op, data, told_at, brought = self.waiting.pop(number)
        stale = (
            self.now - told_at > WAIT
        )  # A server registers in the request that has read a pack back; nobody holds that longer than WAIT.
        packs = [check_pack(self.store, self.id, each.pack) for each in brought] if stale else brought
        answer = self.send(op, packs)
        if answer.outcome is Outcome.REFUSED and answer.error is not None:
            if answer.error.code != ErrorCode.CHUNKS_MISSING:
                raise Violation(f"refused: {answer.error}")
            if self.now - told_at <= PROMISE:
                raise Violation("a chunk that was promised is missing")
            pieces = [piece for piece in PIECES if address_of(piece) in answer.error.missing]
            op = replace(op, op_id=new_id())  # As agents do: what was refused stays refused under its id.
            answer = self.send(op, self.bring(pieces))
        for node in (answer.node, answer.second) if answer.outcome is not Outcome.EXISTS else ():
            if node is not None and (node.id, node.version) not in self.contents:
                self.contents[node.id, node.version] = (data, self.now)
            if node is not None:
                self.known[node.id] = node.version
                self.trashed.discard(node.id)
                self.purged.discard(node.id)
        if answer.outcome not in (Outcome.APPLIED, Outcome.EXISTS, Outcome.CONFLICT):
            raise Violation(f"{answer.outcome}: {answer.error}")

    def send(self, op: Commit | Delete, packs: list[CheckedPack]) -> OpAnswer:
        with self.as_member() as work:
            (body,) = apply_ops(work, self.id, [op], packs=packs)
        return from_bytes(OpAnswer, body)

    def delete(self, node: str) -> None:
        self.send(Delete(new_id(), node, self.known[node], False), [])
        self.trashed.add(node)

    def restore(self, node: str) -> None:
        with self.as_member() as work:
            restore_node(work, node)
        self.trashed.discard(node)

    def empty_trash(self) -> None:
        with self.as_member() as work:
            empty_trash(work, self.id)
        self.purged |= self.trashed
        self.excused |= {key for key in self.contents if key[0] in self.trashed}
        self.trashed.clear()

    def let_go(self, node: str) -> None:
        """Delete for good, and have the versions thinned away."""
        self.delete(node)
        self.empty_trash()
        self.job(thin_library)

    # --- what must hold ---------------------------------------------------------------------------------------------

    def check(self) -> None:
        there = self.read(self.database, self.store)
        for key, data in there.items():
            if data != self.contents[key][0]:
                raise Violation(f"{key} holds other bytes")
        for key, (_data, at) in self.contents.items():
            node, number = key
            newest = number == self.known[node] and key not in self.excused
            young = key not in self.excused and self.now - at <= timedelta(days=Plan().all_days)
            if key not in there and (key in self.pins or newest or young):
                raise Violation(f"{key} is gone: pinned {key in self.pins}, newest {newest}, young {young}")

    def check_recovery(self, *, shipped: bool) -> None:
        """Rebuild the catalogue from a copy of the bucket: nothing less, everything readable, and once the log is shipped nothing more."""
        if shipped:
            ship_log(self, library_id=self.id)  # type: ignore[arg-type]
        copy = MemoryStore()
        copy.objects = dict(self.store.objects)
        parts, database = Parts(), copied(empty_template())
        parts.provide(ObjectStore, lambda: copy)
        parts.provide(Settings, lambda: Settings(secret_key="tests only"))
        report = recover_catalogue(database, parts, lambda text: None)
        if report.complaints:
            raise Violation(f"recovery: {report.complaints}")
        ours, theirs = self.read(self.database, self.store), self.read(database, copy)
        if not theirs.items() >= ours.items() or (shipped and theirs != ours):
            raise Violation(f"recovered {sorted(theirs)} of {sorted(ours)}")
        if shipped and self.tree(database) != self.tree(self.database):
            raise Violation("the recovered tree is another")
        database.dispose()

    def packs(self) -> list[str]:
        """The objects that hold content."""
        return [found.key for found in self.store.list(f"packs/{self.id}/")]

    def read(self, database: Database, store: MemoryStore) -> dict[tuple[str, int], bytes]:
        """Every version that the catalogue names, its chunks verified; a Violation when one cannot be read."""
        with open_work(database, writes=False) as work:
            plans = {}
            for version in work.session.scalars(select(Version).where(Version.library_id == self.id)):
                manifest = load_manifest(work, version.digest)
                try:
                    plans[version.node_id, version.number] = plan_reading(work, self.id, manifest, 0, manifest.size_bytes)
                except Exception as error:
                    raise Violation(f"{version.node_id} version {version.number}: {error}") from error
        try:
            return {key: read_all(store, plan) for key, plan in plans.items()}
        except Exception as error:
            raise Violation(f"a version cannot be read: {error}") from error

    def tree(self, database: Database) -> set[tuple[Any, ...]]:
        with open_work(database, writes=False) as work:
            query = select(Node.id, Node.name, Node.version, Node.deleted_at.is_(None), Node.purged_at.is_(None))
            return {tuple(row) for row in work.session.execute(query.where(Node.library_id == self.id))}

    def close(self) -> None:
        self.database.dispose()


def copied(template: Database) -> Database:
    database = Database(MEMORY)
    with template.engine.connect() as source, database.engine.connect() as target:
        for connection in (source, target):
            connection.exec_driver_sql("ROLLBACK")
        inner = (source.connection.driver_connection, target.connection.driver_connection)
        assert isinstance(inner[0], sqlite3.Connection)
        inner[0].backup(inner[1])  # type: ignore[arg-type]
        for connection in (source, target):
            connection.exec_driver_sql("BEGIN")
    return database


@cache
def empty_template() -> Database:
    database = Database(MEMORY)
    Base.metadata.create_all(database.engine)
    return database


@cache
def library_template() -> Database:
    """One member who manages one library."""
    database, parts = copied(empty_template()), Parts()
    store = MemoryStore()
    parts.provide(ObjectStore, lambda: store)
    with open_work(database, parts=parts, now=START) as work:
        site, department = add_site(work, kind="city", name="上海"), add_department(work, name="设计")
        work.session.flush()
        member = add_member(work, login="su", name="苏航", title="", password_hash="", department=department, site=site)
        group = make_group(work, name="视觉组", kind="free", member_ids=[member.id])
        open_library(work, name="素材", scope_room=None, group_id=group.id, right=Right.MANAGE)
    return database


def collect_all(run: Any, library_id: str) -> None:
    collection.collect_library(run, library_id, worth_bytes=300)


pieces = st.lists(st.integers(0, len(PIECES) - 1), min_size=1, max_size=4)
crashes = st.one_of(st.none(), st.integers(0, 12))
JOBS: tuple[Callable[..., Any], ...] = (
    thin_library,
    collection.mark,
    collection.sweep,
    collection.doom,
    lambda run, library_id: collection.repack(run, library_id, worth_bytes=300),
    collection.remove,
    collect_all,
    collect_all,
    lambda run, library_id: ship_log(run, library_id=library_id),
)


class CollectionMachine(RuleBasedStateMachine):
    """People save, delete, restore and pin while jobs thin and collect, and die in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()

    @rule(name=st.integers(0, 3), pieces=pieces, later=st.booleans())
    def create(self, name: int, pieces: list[int], later: bool) -> None:
        self.world.save(f"{name}.dat", pieces, later=later)

    @precondition(lambda self: self.world.known)
    @rule(data=st.data(), pieces=pieces, later=st.booleans())
    def save_again(self, data: st.DataObject, pieces: list[int], later: bool) -> None:
        self.world.save("x.dat", pieces, node=data.draw(st.sampled_from(sorted(self.world.known))), later=later)

    @precondition(lambda self: self.world.waiting)
    @rule(data=st.data())
    def commit_late(self, data: st.DataObject) -> None:
        self.world.commit(data.draw(st.integers(0, len(self.world.waiting) - 1)))

    @precondition(lambda self: self.world.known.keys() - self.world.trashed - self.world.purged)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.world.delete(data.draw(st.sampled_from(sorted(self.world.known.keys() - self.world.trashed - self.world.purged))))

    @precondition(lambda self: self.world.trashed)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        self.world.restore(data.draw(st.sampled_from(sorted(self.world.trashed))))

    @rule()
    def empty_trash(self) -> None:
        self.world.empty_trash()

    @precondition(lambda self: self.world.known.keys() - self.world.trashed - self.world.purged)
    @rule(data=st.data())
    def let_go(self, data: st.DataObject) -> None:
        """Somebody deletes a file for good, so that its content is needed by none, or by others alone."""
        self.world.let_go(data.draw(st.sampled_from(sorted(self.world.known.keys() - self.world.trashed - self.world.purged))))

    @precondition(lambda self: self.world.contents)
    @rule(data=st.data())
    def pin(self, data: st.DataObject) -> None:
        there = sorted(self.world.read(self.world.database, self.world.store))
        if there:
            self.world.pins.add(data.draw(st.sampled_from(there)))

    @rule(hours=st.one_of(st.integers(-30, 30), st.sampled_from([50, 120, 169, 200, 24 * 31, 24 * 100])))
    def time_passes(self, hours: int) -> None:
        self.world.now += timedelta(hours=hours)

    @rule(days=st.integers(2, 9))
    def days_pass_with_collections(self, days: int) -> None:
        """What the worker does while nobody touches anything."""
        for _day in range(days):
            self.world.now += timedelta(days=1)
            self.world.job(collect_all)

    @rule(job=st.sampled_from(JOBS), crash_after=crashes, meanwhile=st.booleans())
    def run_job(self, job: Callable[..., Any], crash_after: int | None, meanwhile: bool) -> None:
        late = self.world.waiting and meanwhile
        self.world.job(job, crash_after=crash_after, meanwhile=(lambda: self.world.commit(0)) if late else None)

    @rule(shipped=st.booleans(), now=st.integers(0, 3))
    def recover(self, shipped: bool, now: int) -> None:
        if now == 0:  # The dearest of the checks, and the teardown makes it too.
            self.world.check_recovery(shipped=shipped)

    @invariant()
    def everything_is_readable(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        try:
            self.world.check_recovery(shipped=True)
        finally:
            self.world.close()
