"""The machine under an agent: its clock, its disk, and the moments at which it may be killed or lose its power.

The agent's modules get these in place of `time`, `os` and `open`; the index is the real one, in SQLite, on a real file.
What a loss of power takes: index transactions since the last durable one, as frames at the end of the write-ahead log, and the
end of every working copy that was not flushed. Stated limit: bytes overwritten in place are never half old and half new.
"""

from __future__ import annotations

import builtins
import errno
import os
import random
import sqlite3
import struct
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from sync.agent.index import Index

_START_S = 1_790_000_000.0


class Crash(BaseException):
    """The agent is killed here and now. power: so is the machine under it."""

    def __init__(self, agent: int, power: bool) -> None:
        super().__init__(agent, power)
        self.agent, self.power = agent, power


class Clock:
    """Stands in for the module `time`. jump: the wall clock is set; what counts on goes on."""

    def __init__(self) -> None:
        self.now_s, self.offset_s = 0.0, _START_S

    def time(self) -> float:
        return self.now_s + self.offset_s

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def time_ns(self) -> int:
        return int(self.time() * 1e9)


class ServerClock:
    """The server's own clock, which nobody sets: stands in for `time` and, as `date`, for `datetime`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

        class Date(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return datetime.fromtimestamp(self.time(), tz)

        self.date = Date

    def time(self) -> float:
        return self._clock.monotonic() + _START_S

    def monotonic(self) -> float:
        return self._clock.monotonic()


class Disk:
    """Stands in for `os` and `open`. moment: called at every boundary. failing: whether the next change of the disk fails, and how.

    unflushed: working copies whose newest bytes a loss of power may take.
    """

    def __init__(self, numbers: random.Random, clock: Clock, moment: Callable[[str], None], failing: Callable[[], int]) -> None:
        self._numbers, self._clock, self._moment, self._failing = numbers, clock, moment, failing
        self.unflushed: set[str] = set()
        self.opened: dict[int, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def _change(self, what: str) -> None:
        self._moment(what)
        if code := self._failing():
            raise OSError(code, os.strerror(code))

    def urandom(self, size: int) -> bytes:
        return self._numbers.randbytes(size)

    def open(self, path: Any, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT:
            self._change("create")
        fd = os.open(path, flags, mode)
        self.opened[fd] = str(path)
        if flags & os.O_CREAT:
            self._changed(fd, path)
        return fd

    def _changed(self, target: Any, path: Any) -> None:
        self.unflushed.add(str(path))
        os.utime(target, (self._clock.time(),) * 2)

    def close(self, fd: int) -> None:
        self.opened.pop(fd, None)
        os.close(fd)

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        self._change("write")
        written = os.pwrite(fd, data, offset)
        self._changed(fd, self.opened[fd])
        self._moment("written")
        return written

    def truncate(self, path: Any, size: int) -> None:
        self._change("truncate")
        os.truncate(path, size)
        self._changed(path, path)
        self._moment("truncated")

    def fdatasync(self, fd: int) -> None:
        self._change("flush")
        self.unflushed.discard(self.opened[fd])

    def link(self, source: Any, target: Any) -> None:
        self._change("link")
        os.link(source, target)

    def replace(self, source: Any, target: Any) -> None:
        self._change("replace")
        os.replace(source, target)
        self._moment("replaced")

    def open_file(self, path: Any, mode: str = "r", **options: Any) -> Any:
        self._moment("open")
        if "w" in mode:
            self._change("create")
            self.unflushed.add(str(Path(path).with_name(Path(path).name.partition(".")[0])))  # the working copy that it becomes
        return builtins.open(path, mode, **options)

    def forget(self, state_dir: Path) -> None:
        """The agent of this directory was killed: its descriptors are closed."""
        for fd in [fd for fd, path in self.opened.items() if path.startswith(f"{state_dir}/")]:
            self.close(fd)

    def lose_power(self, state_dir: Path, numbers: random.Random) -> None:
        """Take the ends of what was not flushed."""
        for path in sorted(path for path in self.unflushed if path.startswith(f"{state_dir}/")):
            self.unflushed.discard(path)
            if os.path.exists(path) and numbers.random() < 0.5:
                changed_at = os.stat(path).st_mtime
                os.truncate(path, numbers.randint(0, os.path.getsize(path)))
                os.utime(path, (changed_at, changed_at))


class SimIndex(Index):
    """The index, with moments around each of its transactions, and losing what is not durable with the power."""

    moment: Callable[[str], None] = staticmethod(lambda what: None)
    failing: Callable[[], int] = staticmethod(lambda: 0)

    def __init__(self, path: Path) -> None:
        self._path = path
        self._safe_frames, self._salt = self._frames()  # what a loss of power has left is on the disk
        super().__init__(path)

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        outer = not self._depth
        with super().transaction(durable=durable) as db:
            yield db
            if outer:
                self.moment("commit")
                if self.failing():
                    full = sqlite3.OperationalError("database or disk is full")
                    full.sqlite_errorcode = sqlite3.SQLITE_FULL
                    raise full
        if outer:
            if durable:
                self._safe_frames, self._salt = self._frames()
            self.moment("committed")

    def _frames(self) -> tuple[int, bytes]:
        """How many frames of the write-ahead log count, and the mark that tells them from those of its last round."""
        try:
            log = Path(f"{self._path}-wal").read_bytes()
        except FileNotFoundError:
            return 0, b""
        if len(log) < 32:
            return 0, b""
        (page,) = struct.unpack(">I", log[8:12])
        salt, count = log[16:24], 0
        while (at := 32 + count * (24 + page)) + 24 + page <= len(log) and log[at + 8 : at + 16] == salt:
            count += 1
        return count, salt

    def kill(self) -> None:
        """The process is gone; its transactions are not."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._db.close()

    def lose_power(self, numbers: random.Random) -> None:
        """The machine is gone, and with it frames of the log that nothing had made durable."""
        main, log = self._path.read_bytes(), Path(f"{self._path}-wal")
        frames, salt = self._frames()
        kept = log.read_bytes() if log.exists() else b""
        self.kill()
        safe = self._safe_frames if salt == self._salt else 0
        if frames > safe:
            (page,) = struct.unpack(">I", kept[8:12])
            kept = kept[: 32 + numbers.randint(safe, frames) * (24 + page)]
        self._path.write_bytes(main)
        log.write_bytes(kept)
        Path(f"{self._path}-shm").unlink(missing_ok=True)


def stand_in(modules: dict[types.ModuleType, dict[str, Any]]) -> Callable[[], None]:
    """Put names into modules; returns what takes them out again."""
    former: list[tuple[types.ModuleType, str, Any]] = []
    absent = object()
    for module, names in modules.items():
        for name, value in names.items():
            former.append((module, name, module.__dict__.get(name, absent)))
            setattr(module, name, value)

    def undo() -> None:
        for module, name, value in reversed(former):
            if value is absent:
                delattr(module, name)
            else:
                setattr(module, name, value)

    return undo


DISK_FAULTS = (errno.ENOSPC, errno.ENOSPC, errno.EIO)
