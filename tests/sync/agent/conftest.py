"""Agents as real processes with real mounts, against the fake library on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync.agent.config import Config, Identity
from sync.agent.engine import Engine, NoKernel
from sync.agent.remote import Remote
from sync.agent.transport import TcpDialer, Transport
from sync.core import protocol as p
from tests.fakes.library_server import FakeLibrary

ROOT = Path(__file__).parents[3]
LIBRARY = "双十一大促"
PATIENCE_S = 60.0
"""What does not come on a busy machine within this does not come at all."""


def until(what: Callable[[], object], why: str, timeout_s: float = PATIENCE_S) -> None:
    """Wait for a condition that another process brings about."""
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline, f"still not {why} after {timeout_s} s"
        time.sleep(0.005)


class Agent:
    """One device: a state directory, a mount point, and the process while it runs."""

    def __init__(self, home: Path, fake: FakeLibrary, member: str) -> None:
        self.home = home
        self.mount = home / "assets"
        self.state = home / "state"
        self.library = self.mount / LIBRARY
        self._process: subprocess.Popen[bytes] | None = None
        home.mkdir()
        self.seed = home / "seed.json"
        self.seed.write_text(json.dumps({"api": fake.api, "code": fake.issue_code(member), "device_name": member}))

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "sync.agent.cli", "--channel", "none", "--state-dir", str(self.state), "--log", "info", *words]

    def start(self) -> Agent:
        log = open(self.home / "log", "ab")  # noqa: SIM115 - the process keeps it
        self._process = subprocess.Popen(
            self.command("serve", str(self.mount), "--seed", str(self.seed), "--drain-s", "5"), cwd=ROOT, stderr=log, stdout=log
        )
        log.close()
        until(self._listed, f"mounted; its log says: {self.log()[-1500:]}")
        return self

    def _listed(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log()
        try:
            status = self.status()
            return status["state"] == "mounted" and status["pid"] == self._process.pid and LIBRARY in os.listdir(self.mount)
        except (OSError, KeyError):
            return False  # not written yet, or what the killed predecessor left

    def log(self) -> str:
        path = self.home / "log"
        return path.read_text() if path.exists() else ""

    def status(self) -> dict:
        return json.loads((self.state / "status.json").read_bytes())

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(PATIENCE_S)  # a killed process goes when its disk has answered
        self._process = None

    def stop(self) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(PATIENCE_S)
        self._process = None
        return code

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        assert self._process is not None
        code = self._process.wait(timeout_s)
        self._process = None
        return code

    def clean_up(self) -> None:
        if self._process is not None:
            self.kill()
        subprocess.run(["fusermount3", "-u", "-z", str(self.mount)], check=False, capture_output=True)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeLibrary]:
    store = tmp_path / "store"
    store.mkdir()
    library = FakeLibrary(store)
    library.start()
    yield library
    library.stop()


@pytest.fixture
def library(fake: FakeLibrary) -> str:
    """Id of the library that the mounts show."""
    return fake.add_library(LIBRARY)


@pytest.fixture
def stepped(tmp_path: Path, fake: FakeLibrary, library: str) -> Iterator[Engine]:
    """An engine without threads: a test sends and follows."""
    transport = Transport(TcpDialer())
    answer = Remote(transport, fake.api, None).enrol(p.EnrolRequest(fake.issue_code("林悦"), "n", "d", "Linux", "0"))
    identity = Identity(fake.api, answer.token, answer.device, answer.member.id, answer.member.name)
    engine = Engine(Config(tmp_path / "state", cache_bytes=0), identity, transport)
    engine.prepare(NoKernel())
    engine.follow(0)
    yield engine
    engine.stop()


@pytest.fixture
def make_agent(tmp_path: Path, fake: FakeLibrary, library: str) -> Iterator[Callable[[str], Agent]]:
    agents: list[Agent] = []

    def make(member: str) -> Agent:
        agents.append(Agent(tmp_path / f"device{len(agents)}", fake, member))
        return agents[-1]

    yield make
    for agent in agents:
        agent.clean_up()


@pytest.fixture
def lin(make_agent: Callable[[str], Agent]) -> Agent:
    return make_agent("林悦").start()


@pytest.fixture
def chen(make_agent: Callable[[str], Agent]) -> Agent:
    return make_agent("陈帆").start()


def read(path: Path) -> bytes | None:
    """The bytes of a file, None while it is not there."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def write_whole(path: Path, data: bytes) -> None:
    """Truncate and write, as simple programs save."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(handle, data)
    os.close(handle)
