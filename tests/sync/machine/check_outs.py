"""Check-outs in a run: programs take layered files as they open them, members take any by hand, and nobody else may change them then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sync.agent.index import File
from tests.sync.machine.ledger import Ledger, Violation
from tests.sync.machine.library import RealLibrary
from tests.sync.machine.luck import Profile, Step
from tests.sync.machine.pc import Pc


class CheckOuts:
    """The steps of check-outs, and what they must keep; see `RealWorld`."""

    library: RealLibrary
    ledger: Ledger
    profile: Profile
    _sees: Callable[[Pc, File], bytes | None]

    def _do_check_out(self, pc: Pc, step: Step) -> None:
        self.library.check_out(pc.number, step.a)

    def _do_check_in(self, pc: Pc, step: Step) -> None:
        self.library.check_in(pc.number, step.a)

    def _open(self, pc: Pc, file: File, *, truncate: bool) -> int:
        """What the mount does when a program opens a file for writing."""
        engine = pc.engine
        try:
            if self.profile.leases and engine.leases.wants(file):
                engine.leases.take(file)
            if truncate:
                self.ledger.write_over(pc.number, file.ino, self._sees(pc, engine.tree.get(file.ino)))
            return engine.tree.open(file.ino, writable=True, truncate=truncate)
        except BaseException:
            self._closed(pc, file.ino)
            raise

    def _closed(self, pc: Pc, ino: int) -> None:
        """What the mount does when a program has closed a file, or could not open it."""
        if self.profile.leases and not pc.engine.tree.may_be_written(ino):
            pc.engine.leases.closed(ino)

    @contextmanager
    def _others_stay(self, agent: int, url: str) -> Iterator[None]:
        """P7: what somebody else has checked out is the same after a request of operations."""
        if not self.profile.leases or not url.endswith("/ops"):
            yield
            return
        # What its holder has deleted comes back with anybody's save, as what nobody has checked out does.
        before = {node: was for node, was in self.library.held_by_others(agent).items() if was[-1] is None}
        try:
            yield
        finally:
            after = self.library.held_by_others(agent)
            if changed := {node: (was, after[node]) for node, was in before.items() if node in after and after[node] != was}:
                raise Violation(f"P7 changed although somebody else has it checked out: {changed}")
