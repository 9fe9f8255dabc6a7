"""Runs the drawing of one file in a child process that may do almost nothing, and checks what it leaves behind.

The child confines itself before it looks at the file (``drawing.confine``). This side holds the clock, kills the whole
process group, and believes nothing: facts are read from a bounded plain file, pictures are decoded again.
"""

import io
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from sync.library.previews.drawing import EDGES, refusal
from sync.library.previews.rules import Limits, Reason

log = structlog.get_logger("previews")

POLL_S = 0.02
_NICE = 15
"""A picture may come a moment later; whoever saves or reads meanwhile shall not."""
FACTS_BYTES_MAX = 64 * 1024
PICTURE_BYTES_MAX = 16 * 1024 * 1024


class Stopping(Exception):
    """The worker is to end: the child was killed, and the job is to be run again."""


@dataclass(frozen=True)
class Answer:
    """What the child said. refused: None when it drew."""

    facts: dict[str, Any]
    refused: Reason | None

    def number(self, name: str, most: int = 2**31 - 1) -> int:
        """A fact that is to be a number, 0 when it is none, or none that can be."""
        value = self.facts.get(name, 0)
        return value if isinstance(value, int) and 0 <= value <= most else 0


@dataclass(frozen=True)
class Workplace:
    """A folder of one drawing: the file, and what comes of it. Gone afterwards."""

    source: Path
    out: Path


@contextmanager
def workplace(parent: Path, pieces: Iterable[bytes]) -> Iterator[Workplace]:
    """A folder in ``parent`` with the file in it. parent: on a disk, not in memory; it is made when absent."""
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="drawing-", dir=parent) as folder:
        place = Workplace(Path(folder) / "source", Path(folder) / "out")
        place.out.mkdir(mode=0o700)
        with place.source.open("xb") as file:
            for piece in pieces:
                file.write(piece)
        yield place


def run_drawing(task: str, place: Workplace, limits: Limits, stopping: threading.Event | None = None) -> Answer:
    """Run one task on the file. A crash, a refusal and a timeout all end in a reason; Stopping when the worker ends."""
    command = [
        sys.executable, "-I", "-m", "sync.library.previews.drawing", task, str(place.source), str(place.out),
        str(limits.memory_bytes), str(limits.cpu_s), str(limits.file_bytes),
    ]  # fmt: skip
    environment = {"LANG": "C.UTF-8", "HOME": str(place.out), "TMPDIR": str(place.out), "OMP_NUM_THREADS": "1"}
    nothing = subprocess.DEVNULL
    child = subprocess.Popen(command, cwd=place.out, env=environment, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
    os.setpriority(os.PRIO_PROCESS, child.pid, _NICE)
    try:
        ended = _wait(child.pid, limits.wall_s, stopping)
    finally:
        os.killpg(child.pid, signal.SIGKILL)  # Not reaped yet, so the number is still its own; its children go too.
        child.wait()
    if not ended:
        return _refused(Reason.TIMED_OUT, f"longer than {limits.wall_s} s")
    if child.returncode != 0:
        return _killed(child.returncode)
    return _answer(place.out)


def _wait(pid: int, wall_s: float, stopping: threading.Event | None) -> bool:
    """Until the child has ended, without reaping it; False when the time is over."""
    deadline = time.monotonic() + wall_s
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if time.monotonic() > deadline:
            return False
        if stopping is not None and stopping.is_set():
            raise Stopping
        time.sleep(POLL_S)
    return True


def _killed(returncode: int) -> Answer:
    if -returncode in (signal.SIGXCPU, signal.SIGKILL):
        return _refused(Reason.TIMED_OUT, "used up its processor time")
    if -returncode == signal.SIGXFSZ:
        return _refused(Reason.DAMAGED, "wrote more than it may")
    if -returncode == signal.SIGABRT:  # What C++ and Rust do when memory is refused.
        return _refused(Reason.TOO_MUCH_MEMORY, "aborted")
    return _refused(Reason.DAMAGED, f"ended with {returncode}")


def _answer(out: Path) -> Answer:
    try:
        facts = json.loads(read_plain(out / "facts.json", FACTS_BYTES_MAX))
    except (OSError, ValueError) as error:
        return _refused(Reason.DAMAGED, f"no facts: {error}")
    if not isinstance(facts, dict):
        return _refused(Reason.DAMAGED, "no facts")
    if facts.get("network") == "open" or not facts.get("files"):
        log.warning("preview.less_confined", network=facts.get("network"), files=facts.get("files"))
    if "refused" not in facts:
        return Answer(facts, None)
    known = {reason.value for reason in Reason}
    code = facts["refused"] if facts["refused"] in known else refusal.DAMAGED
    return _refused(Reason(code), str(facts.get("why", "")))


def _refused(reason: Reason, why: str) -> Answer:
    log.warning("preview.refused", reason=reason.value, why=why[:300])
    return Answer({}, reason)


def read_plain(path: Path, most_bytes: int) -> bytes:
    """A plain file of at most ``most_bytes``; OSError when it is a link, a device or larger: the child chose what lies there."""
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(opened, "rb") as file:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_size > most_bytes:
            raise OSError(f"{path.name} is no plain file of at most {most_bytes} bytes")
        return file.read(most_bytes)


def read_pictures(out: Path) -> dict[str, bytes] | None:
    """The pictures by name, each decoded and of a size that was asked for; None when one is not."""
    found = {}
    for name, edge in EDGES.items():
        try:
            data = read_plain(out / f"{name}.webp", PICTURE_BYTES_MAX)
            _check_webp(data, edge)
        except (OSError, ValueError, SyntaxError) as error:
            log.warning("preview.refused", reason="output", why=f"{name}: {error}")
            return None
        found[name] = data
    return found


def _check_webp(data: bytes, edge: int) -> None:
    from PIL import Image  # Web processes know this module too, and decode nothing.

    with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
        if max(image.size) > edge or getattr(image, "n_frames", 1) != 1:
            raise ValueError(f"{image.size} is not within {edge} pixels")
        image.load()
