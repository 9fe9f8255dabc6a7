"""A writer and a reader at one product, and rounds of saves in which something is killed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.sync.faults.moments import Moments
from tests.sync.faults.site import Agent, Site, second_names, until
from tests.sync.faults.writer import Writer


class Scene:
    """writes: the agent that has moments. reads: the other one, which nobody kills."""

    def __init__(self, folder: Path, site: Site, numbers: random.Random) -> None:
        self.site = site
        self.writes = Agent(folder / "writes", site, "苏航", watched=True).start()
        self.reads = Agent(folder / "reads", site, "陈墨").start()
        self.writer = Writer(self.writes, numbers)
        self._rounds: list[str] = []

    def close(self) -> None:
        self.writes.clean_up()
        self.reads.clean_up()

    def round_killed_at(self, moments: Moments, name: str, *, pid: int = 0, mend: Callable[[], None] | None = None) -> None:
        """Save, while something is killed at this moment; then everything is there, once. mend: brings back what was killed."""
        moments.arm(name, pid=pid)
        mending = threading.Thread(target=self._mend, args=(moments, mend), daemon=True)
        mending.start()
        try:
            for _attempt in range(3):
                self._round()
                if moments.died:
                    break
                self.writes.kill()  # it may be a moment of its start
                self.writer.come_back()
            assert moments.died, f"nothing came to {name}: the test proves nothing"
            mending.join(60)
            self._come_to_rest()
        finally:
            moments.disarm()
            mending.join(60)
        self.check_latest()

    @staticmethod
    def _mend(moments: Moments, mend: Callable[[], None] | None) -> None:
        while mend is not None and moments.armed:
            time.sleep(0.02)
        if mend is not None and moments.died:
            mend()

    def _round(self) -> None:
        former = self._rounds[-1] if self._rounds else None
        self._rounds.append(f"第 {len(self._rounds) + 1} 轮")
        self.writer.tell(self._rounds[-1], former)
        self._come_to_rest()

    def _come_to_rest(self) -> None:
        def rests() -> bool:
            if self.writes.is_dead:
                self.writer.come_back()
            return self.writes.is_at_rest() and all(self.reads.files(each) == self.writer.saved(each) for each in self._rounds[-2:])

        until(rests, self._what_is_missing, every_s=0.03)

    def _what_is_missing(self) -> str:
        wanted = {path: content for each in self._rounds[-2:] for path, content in self.writer.saved(each).items()}
        told = [f"waiting: {self.writes.status()['pending_ops']}, {self.writes.status()['saves']}"]
        for where, files in (("library", self.site.files("第 ")), ("writer", self.writes.files()), ("reader", self.reads.files())):
            told += [f"{where}: {path} {len(files.get(path, b''))} of {len(content)}" for path, content in wanted.items()
                     if files.get(path) != content]  # fmt: skip
            told += [f"{where}: too much: {path}" for path in files if path not in wanted and path.startswith(tuple(self._rounds[-2:]))]
        return "\n".join([*told, self.writes.log()])

    def check_latest(self) -> None:
        """The library has exactly what was acknowledged."""
        for each in self._rounds[-2:]:
            assert self.site.files(f"{each}/") == self.writer.saved(each)

    def check_everything(self) -> None:
        """Every round, on the server and at both devices; never a second head, since one person wrote."""
        wanted = self.writer.saved()
        assert self.site.files("第 ") == wanted
        assert {path: content for path, content in self.reads.files().items() if path.startswith("第 ")} == wanted
        assert {path: size for path, size in self.writes.sizes().items() if path.startswith("第 ")} == {
            path: len(content) for path, content in wanted.items()
        }
        assert self.site.conflicts() == []
        assert second_names(self.reads.files()) == []
