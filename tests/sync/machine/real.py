"""The machine over the real engine and the real library: steps are carried out one at a time, and at any boundary within a step it may
happen that a request or its answer is lost, that the agent is killed, that the disk is full, or that something else goes on meanwhile.

One thread, no waiting: the sender and the feed of an agent are stepped by `Engine.send` and `Engine.follow`.
"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from sync.agent import ahead, content, departures, engine, journal, lasts, leases, recovery, tables, tree
from sync.agent.config import Config, Identity
from sync.agent.engine import Engine, NoKernel
from sync.agent.errors import AgentError, Unreachable
from sync.agent.status import Status
from sync.agent.transport import Answer
from tests.sync.machine.check_outs import CheckOuts
from tests.sync.machine.disk import DISK_FAULTS, Clock, Crash, Disk, ServerClock, SimIndex, stand_in
from tests.sync.machine.ledger import Ledger, Violation
from tests.sync.machine.library import API, MEMBERS, RealLibrary, Server, ServerGone, server_stand_ins
from tests.sync.machine.luck import USER, Profile, Step
from tests.sync.machine.pc import Pc
from tests.sync.machine.people import People
from tests.sync.machine.rest import Rest


class QuietStatus(Status):
    """Facts and saves without a thread that writes them to a file."""

    def _run(self) -> None:
        """Nobody reads it here."""


class Line:
    """Stands in for `Transport`: requests reach the library, or not, or twice, or late."""

    in_desktop = False

    def __init__(self, world: RealWorld, agent: int) -> None:
        self._world, self._agent = world, agent

    def close(self) -> None:
        """Nothing is kept open."""

    def request(
        self, target: str, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None = None, timeout_s: float
    ) -> Answer:
        return self._world.request(self._agent, method, url, body)


class RealWorld(People, CheckOuts, Rest):
    """Agents, their machines and the library. `step` carries a step out; it raises Violation when a property does not hold."""

    def __init__(self, folder: Path, server: Server, profile: Profile, seed: int) -> None:
        self.profile, self.steps = profile, 0
        self.clock = Clock()
        self._ids = random.Random(f"ids {seed}")
        self.disk = Disk(self._ids, self.clock, self.moment, self.failing)
        self.luck = random.Random(seed)
        self.ledger = Ledger()
        self.calm = True
        self.late: list[tuple[int, str, str, bytes | None]] = []
        self._acting: list[int] = []
        self._depth = 0
        self._contents: dict[str, bytes] = {}
        self._token = 0
        self._booted = [f"boot {number}" for number in range(profile.agents)]
        self._booting = 0
        self.told = hashlib.blake2b(digest_size=8)
        self._undo = self._stand_in()
        self.library = RealLibrary(server)
        self.library.moment = self._server_moment
        self.pcs = [Pc(number, folder / f"pc{number}", self._born(folder / f"pc{number}", number)) for number in range(profile.agents)]
        for pc in self.pcs:
            pc.engine.follow(0)
        self.calm = False

    def _stand_in(self) -> Callable[[], None]:
        clock = {"time": self.clock}
        worth = {"_WORTH_OPS": 1 if self.profile.ahead else ahead._WORTH_OPS}
        boot = {"_boot": lambda: self._booted[self._booting]}
        names = {"os": self.disk, "open": self.disk.open_file, **clock}
        SimIndex.moment, SimIndex.failing = staticmethod(self.moment), staticmethod(self.failing)
        return stand_in({
            tree: names, content: names, lasts: {"os": self.disk},
            departures: {"open": self.disk.open_file, **clock}, journal: {"os": self.disk, **clock},
            engine: {"Index": SimIndex, "Status": QuietStatus, **clock}, tables: clock, sys.modules[Status.__module__]: clock,
            ahead: worth, recovery: boot, leases: clock, **server_stand_ins(self.disk, ServerClock(self.clock)),
        })  # fmt: skip

    def _born(self, state_dir: Path, number: int) -> Engine:
        self._booting = number
        identity = Identity(API, f"token-{number}", f"device-{number}", f"member-{number}", MEMBERS[number])
        born = Engine(Config(state_dir, cache_bytes=1 << 20), identity, Line(self, number))  # type: ignore[arg-type]
        born.prepare(NoKernel())
        return born

    def close(self) -> None:
        for pc in self.pcs:
            self.disk.forget(pc.state_dir)
            pc.engine.index.close()
            pc.engine.content.close()
        self.library.close()
        self._undo()

    # --- what may happen at a boundary --------------------------------------------------------------------------------

    def moment(self, what: str) -> None:
        """The acting agent may be killed here."""
        if not self.calm and self._acting and self.luck.random() < self.profile.crash:
            raise Crash(self._acting[-1], self.profile.power and self.luck.random() < 0.3)

    def failing(self) -> int:
        """The errno with which the next change of a disk fails, or 0."""
        if self.calm or self.luck.random() >= self.profile.disk:
            return 0
        return self.luck.choice(DISK_FAULTS)

    def _server_moment(self, what: str) -> None:
        if not self.calm and self.luck.random() < self.profile.line / 8:
            raise ServerGone(what)

    def request(self, agent: int, method: str, url: str, body: bytes | None) -> Answer:
        """A request of an agent travels to the library and back."""
        pc = self.pcs[agent] if agent < len(getattr(self, "pcs", ())) else None
        if pc is not None:
            assert not pc.engine.index._depth, "a request inside a transaction of the index"
            assert not pc.engine.tree.lock._is_owned(), "a request while the tree is locked"  # type: ignore[attr-defined]
            self.moment("request")
            self._meanwhile(pc)
        fate = (
            "fine"
            if self.calm or self.luck.random() >= self.profile.line
            else self.luck.choice(["lost", "late", "twice", "away", "unheard"])
        )
        if fate in ("lost", "late"):
            if fate == "late":
                self.late.append((agent, method, url, body))
            raise Unreachable("服务暂时无法连接", "lost")
        self.library.store.failing = fate == "away"
        try:
            if fate == "twice":
                self._arrive(agent, method, url, body)
            answer = self._arrive(agent, method, url, body)
        except ServerGone as error:
            raise Unreachable("服务暂时无法连接", str(error)) from error
        finally:
            self.library.store.failing = False
        if pc is not None:
            self._meanwhile(pc)
            self.moment("answer")
        if fate == "unheard":
            raise Unreachable("服务暂时无法连接", "the answer was lost")
        return answer

    def _arrive(self, agent: int, method: str, url: str, body: bytes | None) -> Answer:
        with self._others_stay(agent, url):
            answer = self.library.answer(agent, method, url, body)
        self.told.update(b"%d %s %s %s" % (agent, url.encode(), body or b"", answer.body))
        if url.endswith("/ops") and answer.status == 200:
            self._check_recoverable(answer.body)
            self.ledger.joined.update(self._content(digest) for digest in self.library.joined(body or b"", answer.body))
        return answer

    def _check_recoverable(self, body: bytes) -> None:
        """P6: what an answer tells of is in the bucket."""
        told = self.library.told(body)
        if told:
            lines = self.library.numbers_in_bucket()
            for node in told:
                if node.seq not in lines and node.seq > 1:
                    raise Violation(f"P6 acknowledged before the bucket has it: {node.name} version {node.version}")

    def _meanwhile(self, pc: Pc) -> None:
        """Something else happens while an agent waits for the line or reads a file."""
        if self.calm or self._depth > 2:
            return
        while self.luck.random() < self.profile.nest:
            other = self.luck.randrange(self.profile.agents)
            kinds = ["send", "feed", "tick"]
            if other < self.profile.writers and "user" not in self.pcs[other].busy:
                kinds += ["write", "hold", "close", "unlink", "rename", "temp_save", "patch", "move_folder", "rmdir"]
            step = Step(self.luck.choice(kinds), other, *(self.luck.randrange(1000) for _ in range(3)), self.luck.randrange(2**32))
            self.step(step)

    # --- steps --------------------------------------------------------------------------------------------------------

    def step(self, step: Step) -> None:
        """Carry out a step, with what its luck brings."""
        self.steps += 1
        self.told.update(str(step).encode())
        outer, self.luck = self.luck, random.Random(step.luck)
        pc = self.pcs[step.agent % len(self.pcs)]
        part = "user" if step.kind in USER else step.kind
        if part in pc.busy:
            self.luck = outer
            return
        pc.busy.add(part)
        self._acting.append(pc.number)
        self._depth += 1
        crash = None
        try:
            getattr(self, f"_do_{step.kind}")(pc, step)
        except Crash as caught:
            if caught.agent in self._acting[:-1]:
                raise
            crash = caught
        finally:
            self._depth -= 1
            self._acting.pop()
            pc.busy.discard(part)
            if crash is None:
                self.luck = outer
        if crash is not None:
            self._reborn(self.pcs[crash.agent], crash.power)
            self.luck = outer

    def _do_kill(self, pc: Pc, step: Step) -> None:
        raise Crash(pc.number, power=False)

    def _do_power(self, pc: Pc, step: Step) -> None:
        raise Crash(pc.number, power=True)

    def _reborn(self, pc: Pc, power: bool) -> None:
        """Kill the agent, with its machine or alone, and start it again."""
        former, calm, self.calm = pc.engine, self.calm, True
        assert isinstance(former.index, SimIndex)
        self.disk.forget(pc.state_dir)
        pc.open.clear()
        if power:
            self._booted[pc.number] += " again"
            self.disk.lose_power(pc.state_dir, self.luck)
            former.index.lose_power(self.luck)
        else:
            former.index.kill()
        former.content.close()
        pc.engine = self._born(pc.state_dir, pc.number)
        safe = {self._content(digest) for digest in self.library.version_digests()}
        here = {path.read_bytes() for path in (pc.state_dir / "work").iterdir()}
        self.ledger.crash(pc.number, safe, power=power, on_disk=here)
        self.calm = calm

    def _do_tick(self, pc: Pc, step: Step) -> None:
        self.clock.sleep(step.a % 5 + 0.1)

    def _do_jump(self, pc: Pc, step: Step) -> None:
        self.clock.offset_s += (step.a % 3 - 1) * 86_400

    def _do_late(self, pc: Pc, step: Step) -> None:
        if self.late:
            agent, method, url, body = self.late.pop(step.a % len(self.late))
            with suppress(ServerGone):
                self._arrive(agent, method, url, body)

    def _do_ship(self, pc: Pc, step: Step) -> None:
        self.library.ship()

    def _do_send(self, pc: Pc, step: Step) -> None:
        self._thread(pc.engine.send)

    def _do_feed(self, pc: Pc, step: Step) -> None:
        self._thread(lambda: pc.engine.follow(0))

    def _thread(self, body: Callable[[], None]) -> bool:
        """What a thread of the engine does with one turn: an error that may pass is shown and waited out."""
        try:
            body()
            return True
        except (AgentError, sqlite3.OperationalError, OSError) as error:
            engine._title(error)  # raises what is a mistake of ours
            return False
