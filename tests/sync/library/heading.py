"""Heads under jobs that die anywhere: the world of collecting.py, with people who approve and a setting that wants heads.

What must hold: what is said to be made is there and holds the bytes of its version; nothing that is wanted goes; and at rest the heads
in the bucket are exactly those that are wanted.
"""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from sync.library.assets.jobs import ship_log
from sync.library.assets.models import Version
from sync.library.heads import jobs
from sync.library.heads.access import Approved, wanted_versions
from sync.library.heads.models import Head
from sync.library.recovery.actions import recover_catalogue
from tests.sync.library.collecting import Violation, World, copied, empty_template, pieces
from workspace.settings import Settings
from workspace.work import open_work

DAY = timedelta(days=1)
crashes = st.one_of(st.none(), st.integers(0, 9))


class HeadWorld(World):
    """mode: the setting. Whoever pins a version here has approved it."""

    def __init__(self, mode: str, store: Any = None) -> None:
        super().__init__(store)
        self.parts.provide(Settings, lambda: Settings(secret_key="tests only", library_heads=mode))
        self.parts.provide(Approved, lambda: Approved((lambda work, library_id: self.pins,)))

    def make(self, *, crash_after: int | None = None) -> None:
        self.job(lambda run, library_id: jobs.make_heads(run, library_id=library_id), crash_after=crash_after)

    def collect(self, *, crash_after: int | None = None) -> None:
        """A Violation when something goes that is wanted."""
        wanted = self.wanted()
        before = {key for key, version in self.serving(doomed=True).items() if version in wanted} & self.heads().keys()
        self.job(jobs.collect_heads_of, crash_after=crash_after)
        if gone := before - self.heads().keys():
            raise Violation(f"{sorted(gone)} went, and is wanted")

    def heads(self) -> dict[str, bytes]:
        """The objects in the bucket."""
        return {found.key: self.store.get(found.key) for found in self.store.list(f"heads/{self.id}/")}

    def serving(self, *, doomed: bool = False) -> dict[str, tuple[str, int]]:
        """Keys to which browsers are sent, with their versions. doomed: also those to which they were, while not yet taken."""
        with open_work(self.database, writes=False) as work:
            rows = work.session.scalars(select(Head).where(Head.state == "made"))
            return {row.key: (row.node_id, row.number) for row in rows if doomed or row.doomed_at is None}

    def wanted(self) -> set[tuple[str, int]]:
        """Versions that are there and are to have a head."""
        with open_work(self.database, writes=False, parts=self.parts) as work:
            there = {(row.node_id, row.number) for row in work.session.execute(select(Version.node_id, Version.number))}
            return wanted_versions(work, self.id) & there

    def check_heads(self) -> None:
        there = self.heads()
        for key, version in self.serving().items():
            if key not in there:
                raise Violation(f"{key} is said to be there")
            if there[key] != self.contents[version][0]:
                raise Violation(f"{key} holds other bytes than its version")

    def recovered(self) -> "HeadWorld":
        """The catalogue rebuilt from the bucket alone, over the same bucket."""
        ship_log(self, library_id=self.id)  # type: ignore[arg-type]
        other = HeadWorld("all", self.store)
        other.database.dispose()
        other.database, other.id = copied(empty_template()), self.id
        other.contents, other.now = self.contents, self.now
        recover_catalogue(other.database, other.parts, lambda text: None)
        return other

    def check_rest(self) -> None:
        """Every job has run, and two days have passed."""
        self.make()
        for _day in range(3):
            self.now += DAY
            self.collect()
            self.check_heads()
            self.make()
        self.check_heads()
        serving, wanted = self.serving(), self.wanted()
        if set(serving.values()) != wanted:
            raise Violation(f"served {sorted(serving.values())}, wanted {sorted(wanted)}")
        if self.heads().keys() != serving.keys():
            raise Violation(f"{sorted(self.heads())} in the bucket")


class HeadMachine(RuleBasedStateMachine):
    """People save, delete and approve while jobs write heads and remove them, and die in the middle."""

    mode = "approved"

    def __init__(self) -> None:
        super().__init__()
        self.world = HeadWorld(self.mode)

    @initialize(pieces=pieces)
    def begin(self, pieces: list[int]) -> None:
        self.create(pieces, True)

    @rule(pieces=pieces, approved=st.booleans())
    def create(self, pieces: list[int], approved: bool) -> None:
        self.world.save(f"{len(self.world.known)} 图.dat", pieces)
        self._approve_newest(approved)

    @precondition(lambda self: self.world.known)
    @rule(data=st.data(), pieces=pieces, approved=st.booleans())
    def save_again(self, data: st.DataObject, pieces: list[int], approved: bool) -> None:
        self.world.save("x.dat", pieces, node=data.draw(st.sampled_from(sorted(self.world.known))))
        self._approve_newest(approved)

    def _approve_newest(self, approved: bool) -> None:
        if approved:
            self.world.pins.add(list(self.world.contents)[-1])

    @precondition(lambda self: self.world.contents)
    @rule(data=st.data())
    def change_ones_mind(self, data: st.DataObject) -> None:
        self.world.pins ^= {data.draw(st.sampled_from(sorted(self.world.contents)))}

    @precondition(lambda self: self.world.known.keys() - self.world.trashed - self.world.purged)
    @rule(data=st.data())
    def let_go(self, data: st.DataObject) -> None:
        """Deleted for good: only what is held stays."""
        self.world.let_go(data.draw(st.sampled_from(sorted(self.world.known.keys() - self.world.trashed - self.world.purged))))

    @rule(crash_after=crashes)
    def make(self, crash_after: int | None) -> None:
        self.world.make(crash_after=crash_after)

    @rule(crash_after=crashes, days=st.sampled_from([0, 0.1, 1.1]))
    def collect(self, crash_after: int | None, days: float) -> None:
        self.world.now += days * DAY
        self.world.collect(crash_after=crash_after)

    @invariant()
    def what_is_served_is_its_version(self) -> None:
        self.world.check_heads()

    def teardown(self) -> None:
        try:
            self.world.check_rest()
        finally:
            self.world.close()


class EveryCurrent(HeadMachine):
    mode = "all"


def machine(mode: str) -> Any:
    return {"approved": HeadMachine, "all": EveryCurrent}[mode]
