"""The supervisor on real processes: small Python and shell children in a folder of the test's own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workspace.ports import free_port
from workspace.run_lock import TOKEN_VARIABLE, read_status
from workspace.supervise import restart_delay_s

ROOT = Path(__file__).resolve().parents[2]

PRELUDE = """
import sys
from pathlib import Path
from workspace.errors import MainlineError
from workspace.supervise import Child, Supervisor
from workspace.ports import tcp_answers
here = Path(sys.argv[1])
STUBBORN = "import signal, sys, time; signal.signal(15, signal.SIG_IGN); open(sys.argv[1], 'w').close(); time.sleep(600)"
LISTEN = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(600)"
def tell(line):
    print(line, flush=True)
def run(*children, prepare=None):
    try:
        Supervisor(prepare or children, run_dir=here / "run", log_dir=here / "logs", tell=tell, on_ready=lambda: tell("ALL READY")).run()
    except MainlineError as error:
        tell(f"ERROR {error.title} | {error.message}")
        sys.exit(1)
    tell("ENDED WELL")
"""


class Running:
    """A supervisor in a process of its own; its console lines are read as they come."""

    def __init__(self, folder: Path, body: str, *more: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", PRELUDE + body, str(folder), *more],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.lines: list[str] = []

    def until(self, part: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if part in line:
                return line.rstrip()
        raise AssertionError(f"{part!r} never came; the supervisor said {self.lines}")

    def pid_of(self, name: str) -> int:
        status = read_status(self.folder / "run")
        assert status is not None
        return int(status["children"][name]["pid"])

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def begin(body: str, *more: str) -> Running:
        started.append(Running(tmp_path, body, *more))
        return started[-1]

    yield begin
    for one in started:
        one.end()


def wait_until(condition: Callable[[], bool], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether the process still runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_children_start_in_order_and_stop_in_reverse(start: Callable[..., Running]) -> None:
    one = start("""
flag = here / "first-done"
run(Child("first", ["sh", "-c", f"echo migrating; touch {flag}"], once=True),
    Child("second", ["sh", "-c", f"test -e {flag} || exit 3; exec sleep 600"]),
    Child("third", ["sleep", "600"]))
""")
    one.until("ALL READY")
    assert [line.split()[0] for line in one.lines[:3]] == ["first", "second", "third"]
    one.process.send_signal(signal.SIGTERM)
    one.until("ENDED WELL")
    assert [line.split()[0] for line in one.lines if "stopped" in line] == ["third", "second"]
    assert one.process.wait() == 0
    assert "migrating" in (one.folder / "logs" / "first.log").read_text()
    assert read_status(one.folder / "run") is None


def test_needs_let_children_start_side_by_side(start: Callable[..., Running]) -> None:
    port = free_port()
    one = start(
        """
port, begun = int(sys.argv[2]), here / "quick-begun"
slow = ["sh", "-c", f'until test -e {begun}; do sleep 0.02; done; exec "$0" "$@"', sys.executable, "-c", LISTEN, str(port)]
run(Child("slow", slow, ready=lambda: tcp_answers("127.0.0.1", port)),
    Child("quick", ["sh", "-c", f"touch {begun}; exec sleep 600"], needs=()))
""",
        str(port),
    )
    one.until("ALL READY")
    assert one.lines[0].startswith("quick")


def test_child_that_dies_is_restarted_and_counted(start: Callable[..., Running]) -> None:
    one = start("""run(Child("worker", ["sleep", "600"]))""")
    one.until("ALL READY")
    first = one.pid_of("worker")
    os.kill(first, signal.SIGKILL)
    assert "was ended by SIGKILL; restart 1" in one.until("restart")
    one.until("ready in")
    wait_until(lambda: one.pid_of("worker") != first)
    status = read_status(one.folder / "run")
    assert status is not None
    assert status["children"]["worker"]["restarts"] == 1


def test_grandchildren_of_a_dead_child_are_swept_before_its_restart(start: Callable[..., Running]) -> None:
    one = start("""run(Child("web", ["sh", "-c", f"sleep 600 & echo $! > {here}/worker; wait"], ready=(here / "worker").exists))""")
    one.until("ALL READY")
    wait_until(lambda: (one.folder / "worker").read_text().strip() != "")
    grandchild = int((one.folder / "worker").read_text())
    os.kill(one.pid_of("web"), signal.SIGKILL)
    one.until("restart 1")
    wait_until(lambda: not alive(grandchild))


def test_child_that_never_starts_fails_the_start_with_its_last_words(start: Callable[..., Running]) -> None:
    one = start(
        """
web = ["sh", "-c", "seq 5000; echo no such table: members; exit 4"]
run(Child("before", ["sleep", "600"]), Child("web", web, ready=lambda: False))
"""
    )
    error = one.until("ERROR")
    assert "web ended with exit code 4" in error
    assert "logs/web.log" in error
    assert "no such table: members" in one.until("no such table")
    assert one.process.wait() == 1
    assert sum("restart" in line for line in one.lines) == 2
    assert any(line.startswith("before") and "stopped" in line for line in one.lines)
    log = (one.folder / "logs" / "web.log").read_text().splitlines()
    words = [log[place - 1] for place, line in enumerate(log) if "ended with exit code 4" in line]
    assert words == ["no such table: members"] * 2, "all that it said stands before why it is started again"


def test_failed_migration_is_not_tried_again(start: Callable[..., Running]) -> None:
    one = start("""run(Child("migrate", ["false"], once=True), Child("web", ["sleep", "600"]))""")
    assert "migrate ended with exit code 1" in one.until("ERROR")
    assert not any("restart" in line for line in one.lines)


def test_child_that_is_not_ready_in_time_is_named(start: Callable[..., Running]) -> None:
    one = start("""run(Child("hung", ["sleep", "600"], ready=lambda: False, ready_within_s=0.2))""")
    assert "hung was not ready within" in one.until("ERROR")


def test_missing_program_is_named(start: Callable[..., Running]) -> None:
    one = start("""run(Child("store", ["/nonexistent/weed"]))""")
    assert "/nonexistent/weed: No such file" in one.until("ERROR")


def test_taken_port_is_named_before_anything_is_started_on_it(start: Callable[..., Running]) -> None:
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as squatter:
        assert squatter.stdout is not None
        port = squatter.stdout.readline().strip()
        one = start("""run(Child("web", ["sleep", "600"], ports=(("127.0.0.1", int(sys.argv[2])),)))""", port)
        assert f"Port {port} on 127.0.0.1 is taken" in one.until("ERROR")


def test_stubborn_child_is_killed_after_its_grace(start: Callable[..., Running]) -> None:
    one = start("""
mark = here / "ignores"
run(Child("stubborn", [sys.executable, "-c", STUBBORN, str(mark)], ready=mark.exists, grace_s=0.3))
""")
    one.until("ALL READY")
    pid = one.pid_of("stubborn")
    one.process.send_signal(signal.SIGINT)
    assert one.until("killed after").startswith("stubborn")
    one.until("ENDED WELL")
    assert not alive(pid)


def test_child_whose_preparation_for_the_stop_fails_stops_nobody_elses(start: Callable[..., Running]) -> None:
    one = start("""
def fail():
    raise MainlineError("libvirt does not answer")
run(Child("store", ["sleep", "600"]), Child("libvirtd", ["sleep", "600"], before_stop=fail), Child("web", ["sleep", "600"]))
""")
    one.until("ALL READY")
    one.process.send_signal(signal.SIGTERM)
    one.until("ENDED WELL")
    assert [line.split()[0] for line in one.lines if "stopped" in line] == ["web", "libvirtd", "store"]
    assert any("libvirt does not answer" in line for line in one.lines)


def test_second_interrupt_cuts_the_grace_short(start: Callable[..., Running]) -> None:
    one = start("""
mark = here / "ignores"
run(Child("stubborn", [sys.executable, "-c", STUBBORN, str(mark)], ready=mark.exists, grace_s=600),
    Child("last", ["sleep", "600"]))
""")
    one.until("ALL READY")
    one.process.send_signal(signal.SIGINT)
    one.until("last       stopped")
    one.process.send_signal(signal.SIGINT)
    one.until("ENDED WELL")


def test_second_start_is_told_who_runs(start: Callable[..., Running]) -> None:
    body = """run(Child("web", ["sleep", "600"]))"""
    first = start(body)
    first.until("ALL READY")
    second = start(body)
    assert f"already running here: process {first.process.pid}" in second.until("ERROR")
    assert alive(first.pid_of("web"))


def test_children_given_by_a_function_are_made_only_by_who_holds_the_lock(start: Callable[..., Running]) -> None:
    body = """
def prepare():
    tell("PREPARED")
    return [Child("web", ["sleep", "600"])]
run(prepare=prepare)
"""
    first = start(body)
    first.until("ALL READY")
    second = start(body)
    second.until("already running")
    assert first.lines[0] == "PREPARED"
    assert "PREPARED" not in second.lines


def test_children_die_with_a_killed_supervisor_and_the_next_start_heals(start: Callable[..., Running]) -> None:
    body = """run(Child("web", ["sh", "-c", f"setsid sleep 600 & echo $! > {here}/stray; wait"], ready=(here / "stray").exists))"""
    first = start(body)
    first.until("ALL READY")
    wait_until(lambda: (first.folder / "stray").read_text().strip() != "")
    child, stray = first.pid_of("web"), int((first.folder / "stray").read_text())
    first.process.kill()
    wait_until(lambda: not alive(child))
    assert alive(stray)
    (first.folder / "stray").unlink()
    second = start(body)
    assert "ended 1 of its processes" in second.until("The last run was killed")
    assert not alive(stray)
    second.until("ALL READY")


def test_healing_leaves_other_peoples_processes_alone(start: Callable[..., Running], tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"], env={**os.environ, TOKEN_VARIABLE: "another"}) as other:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "supervisor.json").write_text(json.dumps({"pid": other.pid, "token": "mine"}))
        one = start("""run(Child("web", ["sleep", "600"]))""")
        one.until("ALL READY")
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize(("failures", "seconds"), [(0, 0.5), (1, 1.0), (3, 4.0), (6, 30.0), (5000, 30.0)])
def test_restart_delay_doubles_up_to_half_a_minute(failures: int, seconds: float) -> None:
    assert restart_delay_s(failures) == seconds
