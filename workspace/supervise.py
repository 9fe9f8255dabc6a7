"""A small process supervisor: named children, started in order, watched, restarted, stopped in reverse.

It knows nothing of what it runs: the caller describes each process with a ``Child``. One supervisor holds one
run folder through a lock; a second start is told so in words, and a start after ``kill -9`` first ends what
the killed one left behind. It must run in the main thread: signals arrive there, and children are tied to it
(PR_SET_PDEATHSIG fires when the *thread* that started the child ends, see prctl(2)).

State of a child:

| state    | process ends                        | ready() is true | too long            | time comes |
|----------|-------------------------------------|-----------------|---------------------|------------|
| waiting  | –                                   | –               | –                   | needs are ready: starting |
| starting | once and exit 0: done, else backoff | ready           | killed, then backoff | –         |
| ready    | backoff                             | –               | –                   | –          |
| backoff  | –                                   | –               | –                   | starting   |
| done     | –                                   | –               | –                   | –          |

A child that never became ready gets three attempts, then the whole start fails with a sentence; one that was
ready once is restarted for as long as the supervisor runs.
"""

import ctypes
import enum
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from logging import makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import FrameType

from workspace.errors import Unavailable
from workspace.ports import port_is_free
from workspace.run_lock import TOKEN_VARIABLE, RunLock

FIRST_START_ATTEMPTS = 3
STABLE_AFTER_S = 60.0
LAST_WORDS_WITHIN_S = 1.0  # Of an ended child; who left its process group may hold its output open for ever.
TELL_STOPPING_AFTER_S = 2.0
LOG_BYTES = 5 * 1024 * 1024
LOG_FILES_KEPT = 3
_PR_SET_PDEATHSIG = 1
_Handler = Callable[[int, FrameType | None], object] | int | None
_libc = ctypes.CDLL(None, use_errno=True)


class StartFailed(Unavailable):
    """A child could not be brought up; the message names its log and its last words."""

    code = "start_failed"


@dataclass(frozen=True)
class Child:
    """One process to keep running.

    env: added to the supervisor's own environment. ready: asked every 0.1 s until true; may block for 2 s at most.
    grace_s: time between TERM and KILL. needs: names that must be ready first; None = every child listed before.
    before_stop: called in an orderly stop before TERM is sent, while the child still works.
    once: runs to its end (a migration) and is not restarted. ports: (host, port) it will listen on, so that a
    foreign program on them is named before the first start.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    ready: Callable[[], bool] = lambda: True
    ready_within_s: float = 30.0
    grace_s: float = 10.0
    needs: tuple[str, ...] | None = None
    once: bool = False
    ports: tuple[tuple[str, int], ...] = ()
    before_stop: Callable[[], object] = lambda: None


class State(enum.StrEnum):
    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    BACKOFF = "backoff"
    DONE = "done"


def restart_delay_s(failures_in_a_row: int) -> float:
    """Pause before the next attempt: 0.5 s, doubling, at most 30 s."""
    return min(30.0, 0.5 * 2.0 ** min(failures_in_a_row, 10))


@dataclass
class _Slot:
    """What is known of one child while the supervisor runs. Times are time.monotonic()."""

    child: Child
    log: RotatingFileHandler
    needs: tuple[str, ...]
    state: State = State.WAITING
    process: subprocess.Popen[bytes] | None = None
    reader: threading.Thread | None = None
    started_at: float = 0.0
    retry_at: float = 0.0
    failures: int = 0
    restarts: int = 0
    was_ready: bool = False
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=8))

    def write(self, line: str) -> None:
        self.tail.append(line)
        self.log.handle(makeLogRecord({"msg": line}))

    def status(self) -> dict[str, object]:
        pid = self.process.pid if self.process and self.process.poll() is None else None
        return {"state": self.state.value, "pid": pid, "restarts": self.restarts, "log": self.log.baseFilename}


class Supervisor:
    """Runs ``children`` until TERM, INT or HUP.

    children: the list, or a function that gives it, called when the lock is held and what a killed run left is gone,
    so that a second start cannot prepare anything. run_dir: lock and status file. log_dir: NAME.log per child,
    rotated at 5 MiB. tell: gets one short line per step. on_ready: called once, when every child is ready for the
    first time.
    """

    def __init__(
        self,
        children: Sequence[Child] | Callable[[], Sequence[Child]],
        *,
        run_dir: Path,
        log_dir: Path,
        tell: Callable[[str], None] = print,
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._children, self._run_dir, self._log_dir = children, run_dir, log_dir
        self._tell, self._on_ready = tell, on_ready
        self._slots: dict[str, _Slot] = {}
        self._wake = threading.Event()
        self._stop_requests = 0

    def run(self) -> None:
        """Start everything, keep it running, return after an orderly stop.

        Raises AlreadyRunning when another supervisor holds run_dir, StartFailed when a child cannot be started.
        """
        with RunLock(self._run_dir, self._tell) as lock:
            self._lock = lock
            children = self._children() if callable(self._children) else self._children
            self._slots = _slots(children, self._log_dir)
            handlers = self._install_signals()
            try:
                self._supervise()
            finally:
                self._stop_all()
                for number, handler in handlers.items():
                    signal.signal(number, handler)

    # Watching

    def _install_signals(self) -> dict[signal.Signals, _Handler]:
        previous: dict[signal.Signals, _Handler] = {}
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            previous[number] = signal.signal(number, self._request_stop)
        previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _number, _frame: self._wake.set())
        return previous

    def _request_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop_requests += 1
        self._wake.set()

    def _supervise(self) -> None:
        announced = False
        while not self._stop_requests:
            before = self._states()
            for slot in self._slots.values():
                self._advance(slot)
            if self._states() != before:
                self._publish()
                continue
            if not announced and all(slot.state in (State.READY, State.DONE) for slot in self._slots.values()):
                announced = True
                self._on_ready()
            self._wake.wait(self._pause_s())
            self._wake.clear()

    def _states(self) -> list[tuple[State, int]]:
        return [(slot.state, slot.restarts) for slot in self._slots.values()]

    def _publish(self) -> None:
        self._lock.publish({name: slot.status() for name, slot in self._slots.items()})

    def _pause_s(self) -> float:
        """Until something can change by itself; the end of a process wakes us through SIGCHLD."""
        if any(slot.state is State.STARTING for slot in self._slots.values()):
            return 0.1
        retries = [slot.retry_at - time.monotonic() for slot in self._slots.values() if slot.state is State.BACKOFF]
        return max(0.0, min([5.0, *retries]))

    def _advance(self, slot: _Slot) -> None:
        if self._stop_requests:
            return
        if slot.state is State.WAITING:
            if all(self._slots[name].state in (State.READY, State.DONE) for name in slot.needs):
                self._start(slot)
        elif slot.state is State.BACKOFF:
            if time.monotonic() >= slot.retry_at:
                self._start(slot)
        elif slot.state is State.STARTING:
            self._advance_starting(slot)
        elif slot.state is State.READY and _exit_code(slot) is not None:
            self._failed(slot, _in_words(_exit_code(slot)))

    def _advance_starting(self, slot: _Slot) -> None:
        took_s = time.monotonic() - slot.started_at
        code = _exit_code(slot)
        if code is not None:
            if slot.child.once and code == 0:
                slot.state = State.DONE
                self._say(slot, f"done in {took_s:.1f} s")
            else:
                self._failed(slot, _in_words(code))
        elif slot.child.once:
            if took_s > slot.child.ready_within_s:
                self._failed(slot, f"did not finish within {slot.child.ready_within_s:.0f} s")
        elif slot.child.ready():
            slot.state, slot.was_ready = State.READY, True
            self._say(slot, f"ready in {took_s:.1f} s")
        elif took_s > slot.child.ready_within_s:
            self._failed(slot, f"was not ready within {slot.child.ready_within_s:.0f} s")

    # Starting and stopping one child

    def _start(self, slot: _Slot) -> None:
        if not slot.was_ready:
            self._require_ports(slot)
        slot.write(f"--- starting {slot.child.name} at {time.strftime('%Y-%m-%d %H:%M:%S')}")
        parent = os.getpid()
        environment = {**os.environ, **slot.child.env, TOKEN_VARIABLE: self._lock.token}
        try:
            # The function between fork and exec makes one system call; no lock is taken there.
            slot.process = subprocess.Popen(
                list(slot.child.argv),
                env=environment,
                cwd=slot.child.cwd,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: _die_with(parent),
            )
        except OSError as error:
            raise StartFailed(f"{slot.child.name} could not be started", f"{slot.child.argv[0]}: {error.strerror}") from error
        slot.reader = threading.Thread(target=_pump, args=(slot, slot.process), name=f"log-{slot.child.name}", daemon=True)
        slot.reader.start()
        slot.state, slot.started_at = State.STARTING, time.monotonic()

    def _require_ports(self, slot: _Slot) -> None:
        for host, port in slot.child.ports:
            if not port_is_free(host, port):
                raise StartFailed(
                    f"Port {port} on {host} is taken by another program",
                    f"{slot.child.name} needs it: end that program, or choose another port.",
                )

    def _failed(self, slot: _Slot, why: str) -> None:
        """The child ended or hangs: sweep its process group, then try again later or give the start up."""
        lived_s = time.monotonic() - slot.started_at
        _kill_group(slot)
        slot.failures = 1 if lived_s >= STABLE_AFTER_S else slot.failures + 1
        if slot.child.once or (not slot.was_ready and slot.failures >= FIRST_START_ATTEMPTS):
            raise StartFailed(
                f"{slot.child.name} {why}",
                f"Its log is {slot.log.baseFilename}; last lines:\n" + "\n".join(f"  {line}" for line in list(slot.tail)),
            )
        delay_s = restart_delay_s(slot.failures - 1)
        slot.restarts += 1
        slot.state, slot.retry_at = State.BACKOFF, time.monotonic() + delay_s
        self._say(slot, f"{why}; restart {slot.restarts} in {delay_s:.1f} s (log: {slot.log.baseFilename})")

    def _stop_all(self) -> None:
        for slot in reversed(self._slots.values()):
            if slot.process is not None:
                self._stop(slot)
            slot.log.close()

    def _stop(self, slot: _Slot) -> None:
        """TERM, wait the child's grace (a second Ctrl-C cuts it short), KILL whatever is left of its group."""
        process = slot.process
        assert process is not None
        if process.poll() is None:
            if slot.state is State.READY:
                self._prepare_stop(slot)
            started_at, told = time.monotonic(), False
            process.terminate()
            while process.poll() is None and (waited_s := time.monotonic() - started_at) < slot.child.grace_s:
                if self._stop_requests > 1:
                    break
                if waited_s > TELL_STOPPING_AFTER_S and slot.child.grace_s > 2 * TELL_STOPPING_AFTER_S and not told:
                    told = True
                    self._say(slot, f"is stopping; it may take {slot.child.grace_s:.0f} s (Ctrl-C again cuts that short)")
                self._wake.wait(0.1)
                self._wake.clear()
            ended, took_s = process.poll() is not None, time.monotonic() - started_at
            self._say(slot, f"{'stopped' if ended else 'killed'} after {took_s:.1f} s")
        _kill_group(slot)

    def _prepare_stop(self, slot: _Slot) -> None:
        try:
            slot.child.before_stop()
        except Exception as error:  # noqa: BLE001  The others must still be stopped in order; what went wrong is said.
            self._say(slot, f"could not be prepared for its stop: {error}")

    def _say(self, slot: _Slot, text: str) -> None:
        slot.write(f"--- {text}")
        self._tell(f"{slot.child.name:<10} {text}")


def _slots(children: Sequence[Child], log_dir: Path) -> dict[str, _Slot]:
    log_dir.mkdir(parents=True, exist_ok=True)
    names = [child.name for child in children]
    if len(set(names)) != len(names):
        raise ValueError(f"child names repeat: {names}")
    return {
        child.name: _Slot(
            child,
            RotatingFileHandler(log_dir / f"{child.name}.log", maxBytes=LOG_BYTES, backupCount=LOG_FILES_KEPT, encoding="utf-8"),
            tuple(names[:position]) if child.needs is None else child.needs,
        )
        for position, child in enumerate(children)
    }


def _exit_code(slot: _Slot) -> int | None:
    return slot.process.poll() if slot.process else None


def _in_words(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _kill_group(slot: _Slot) -> None:
    """End the child and everything still in its process group, reap it, and let its last words reach the log."""
    process = slot.process
    if process is None:
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # Nothing of the group is left.
    process.wait()
    if slot.reader is not None:
        slot.reader.join(LAST_WORDS_WITHIN_S)


def _die_with(parent: int) -> None:
    """Between fork and exec: be killed when the supervisor dies, also when it died just before this call."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _pump(slot: _Slot, process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    with process.stdout as stream:
        for raw in stream:
            slot.write(raw.decode("utf-8", "replace").rstrip("\n"))
