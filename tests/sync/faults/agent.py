"""The sync agent as its command line runs it, with moments at every boundary: `python -m tests.sync.faults.agent serve …`.

    index FUNCTION: before | after    a transaction of the index (tree and journal), by the function that opened it
    disk WHAT: before | after         a change of a working copy
    line WHAT: before | half | after  a request to the product or the store, and its answer

Packs are small here, so that a file of half a megabyte is several. `keep` instead of a command: stays, and starts an agent for
each line of its input, an argument list in JSON; the agent is a process of its own, forked after everything was loaded.
FAULT_VIA: the address at which every host is found, for an agent behind a bad line. FAULT_CLOCK: a file with the seconds by which
the wall clock is wrong.
"""

from __future__ import annotations

import builtins
import json
import os
import signal
import socket
import sys
import time
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sync.agent import cli, content, departures, index, limits, transport, tree
from tests.sync.faults.moments import FOLDER, moment

_CONTEXTLIB = contextmanager.__code__.co_filename
SMALL_PACK_BYTES = 256 * 1024
FULL_SPEED = 10**12
"""Of a limit that limits nothing: bytes then travel in pieces, with moments between them."""


class Watched:
    """Stands in for the module `os`, with moments around what changes a disk."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def open(self, path: Any, flags: int, mode: int = 0o777) -> int:
        if not flags & os.O_CREAT:
            return os.open(path, flags, mode)
        moment("disk create: before")
        return os.open(path, flags, mode)

    def pwrite(self, fd: int, data: bytes, offset: int) -> int:
        moment("disk write: before")
        written = os.pwrite(fd, data, offset)
        moment("disk write: after")
        return written

    def truncate(self, path: Any, size: int) -> None:
        moment("disk truncate: before")
        os.truncate(path, size)
        moment("disk truncate: after")

    def fdatasync(self, fd: int) -> None:
        moment("disk flush: before")
        os.fdatasync(fd)

    def link(self, source: Any, target: Any) -> None:
        moment("disk link: before")
        os.link(source, target)


def open_file(path: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
    """Stands in for `open` where whole files are written."""
    if "w" in mode:
        moment("disk fetch: before")
    return builtins.open(path, mode, *args, **options)


class WatchedIndex(index.Index):
    """The index, with moments around each of its transactions."""

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[Any]:
        outer = not self._depth
        name = f"{_caller()}{' durable' if durable else ''}" if outer else ""
        with super().transaction(durable=durable) as db:
            yield db
            if outer:
                moment(f"index {name}: before")
        if outer:
            moment(f"index {name}: after")


def _caller() -> str:
    """The function that opened the transaction, also through a context manager of its class."""
    frame: types.FrameType | None = sys._getframe(2)
    while frame is not None and (_is_between(frame) or (frame.f_back is not None and frame.f_back.f_code.co_filename == _CONTEXTLIB)):
        frame = frame.f_back
    return frame.f_code.co_qualname if frame is not None else "?"


def _is_between(frame: types.FrameType) -> bool:
    return frame.f_code.co_filename.endswith(("contextlib.py", "index.py", "tables.py", "faults/agent.py"))


def _what(target: str, method: str, url: str) -> str:
    return {"PUT": "put", "GET": "get"}[method] if target == transport.STORE else url.partition("?")[0].rpartition("/")[2]


def watch_everything() -> None:
    """Put the moments in place."""
    watched: Any = Watched()
    for module in (tree, content):
        module.os = watched  # type: ignore[attr-defined]
    content.open = open_file  # type: ignore[attr-defined]
    from sync.agent import engine

    engine.Index = WatchedIndex  # type: ignore[misc]
    departures._PACK_BYTES = SMALL_PACK_BYTES
    departures._UNASKED_BYTES = SMALL_PACK_BYTES
    _watch_line()


def _watch_line() -> None:
    request = transport.Transport.request

    def asked(self: transport.Transport, target: str, method: str, url: str, **options: Any) -> transport.Answer:
        what = _what(target, method, url)
        if target == transport.STORE:
            self.limits.up._rate = self.limits.down._rate = FULL_SPEED
        moment(f"line {what}: before")
        answer = request(self, target, method, url, **options)
        moment(f"line {what}: after")
        return answer

    transport.Transport.request = asked  # type: ignore[method-assign]
    pieces, slowly = limits.Limits.pieces, transport._slowly

    def in_halves(self: limits.Limits, body: bytes) -> Iterator[bytes]:
        for number, piece in enumerate(pieces(self, body)):
            if number == 1:
                moment("line put: half")
            yield piece

    def half_read(response: Any, limiting: limits.Limits) -> bytes:
        moment("line get: half")  # the head of the answer has come, its body not yet
        return slowly(response, limiting)

    limits.Limits.pieces = in_halves  # type: ignore[method-assign]
    transport._slowly = half_read


def go_via(address: str) -> None:
    """Reach every host at this address."""
    create = socket.create_connection

    def connect(where: tuple[str, int], *args: Any, **options: Any) -> socket.socket:
        return create((address, where[1]), *args, **options)

    socket.create_connection = connect  # type: ignore[assignment]


def mistake_the_time(path: Path) -> None:
    """The wall clock is wrong by what the file says, from now on and after each change of it."""
    true, true_ns = time.time, time.time_ns
    known: list[float] = [0.0, 0.0]

    def offset_s() -> float:
        try:
            stamp = os.stat(path).st_mtime
            if stamp != known[0]:
                known[:] = [stamp, float(path.read_text())]
        except (OSError, ValueError):
            pass  # not written, or being written
        return known[1]

    time.time = lambda: true() + offset_s()
    time.time_ns = lambda: true_ns() + int(offset_s() * 1e9)


def keep() -> int:
    """Start agents and say their process ids, until the input ends."""
    import sync.agent.engine
    import sync.agent.mount  # noqa: F401 - loaded once, for all of them

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them here
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            sys.stdin.close()
            os.dup2(2, 1)
            os._exit(cli.main(json.loads(line)))
        print(pid, flush=True)
    return 0


def main() -> int:
    if FOLDER in os.environ:
        watch_everything()
    if "FAULT_VIA" in os.environ:
        go_via(os.environ["FAULT_VIA"])
    if "FAULT_CLOCK" in os.environ:
        mistake_the_time(Path(os.environ["FAULT_CLOCK"]))
    return keep() if sys.argv[1:] == ["keep"] else cli.main()


if __name__ == "__main__":
    sys.exit(main())
