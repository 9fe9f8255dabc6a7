"""Mirrors of the fake library, driven step by step: no thread of theirs runs, so a test decides what happens between."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync.agent.config import Config, Identity
from sync.agent.mirror.disk import Disk
from sync.agent.mirror.engine import MirrorEngine
from sync.agent.mirror.settings import MirrorSettings, load_settings, save_settings
from sync.agent.remote import Remote
from sync.agent.transport import TcpDialer, Transport
from sync.core import protocol as p
from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.conftest import LIBRARY


class Device:
    """A PC of a member. `sync` brings it to rest with the library."""

    name = LIBRARY

    def __init__(self, home: Path, fake: FakeLibrary, member: str, *, make_disk: Callable[[Path], Disk] = Disk, **settings: object) -> None:
        self.root, self.fake, self.make_disk = home / "素材", fake, make_disk
        self.config = Config(home / "state")
        self.identity = self.enrol(member)
        save_settings(self.config, MirrorSettings(root=str(self.root), **{"everything": True, **settings}))  # type: ignore[arg-type]
        self.engine: MirrorEngine = self.start()

    def enrol(self, member: str) -> Identity:
        """The device as the library knows it."""
        code, transport = self.fake.issue_code(member), Transport(TcpDialer())
        answer = Remote(transport, self.fake.api, None).enrol(p.EnrolRequest(code, "n", member, "Linux", "0"))
        transport.close()
        return Identity(self.fake.api, answer.token, answer.device, answer.member.id, answer.member.name)

    @property
    def library(self) -> Path:
        return self.root / self.name

    def start(self) -> MirrorEngine:
        """The agent, as after a start of the machine."""
        self.engine = MirrorEngine(self.config, self.identity, Transport(TcpDialer()), disk=self.make_disk(self.root))
        self.engine.mirror.prepare(listen=False)
        self.engine.prepare(self.engine.mirror)
        return self.engine

    def stop(self) -> None:
        self.engine.stop()

    def choose(self, folder: str, chosen: bool) -> None:
        """As `mirror add` and `mirror remove` do."""
        save_settings(self.config, load_settings(self.config).choose(f"{LIBRARY}/{folder}", chosen))

    def look(self) -> None:
        """The mirror's own turn, with a look at everything."""
        self.engine.mirror.watch.look_at_everything()
        self.engine.mirror.step()

    def send(self) -> None:
        """Send whatever waits, not waiting for names that may come back."""
        with self.engine.index.transaction():
            self.engine.journal.hurry()
        for _ in range(100):
            if not self.engine.journal.has_ready(int(time.time() * 1000)):
                return
            self.engine.send()
        raise AssertionError(f"never sent: {self.engine.index.rows('SELECT kind, name, error FROM ops')}")

    def follow(self) -> None:
        self.engine.follow(0)

    def rest(self) -> bool:
        waiting = self.engine.index.rows("SELECT 1 FROM ops UNION ALL SELECT 1 FROM unsettled")
        return not waiting and not self.engine.mirror.fetcher.under_way

    def sync(self, *, rests: bool = True) -> None:
        """Until nothing is left to do on either side; without `rests` a few rounds, because something must wait."""
        deadline = time.monotonic() + 50
        quiet, rounds = 0, 0
        while quiet < 2 and (rests or rounds < 5):
            assert time.monotonic() < deadline, f"no rest: {self.describe()}"
            self.follow()
            self.look()
            self.send()
            self.follow()
            self.look()
            rounds += 1
            quiet = quiet + 1 if self.rest() else 0
            if not quiet:
                time.sleep(0.01)

    def describe(self) -> str:
        index = self.engine.index
        return str(
            (
                index.rows("SELECT * FROM ops"),
                [(r[0], index.path_of(r[0])) for r in index.rows("SELECT ino FROM unsettled")],
                self.troubles(),
            )
        )

    def files(self) -> dict[str, bytes]:
        """Everything in the library's folder on this machine."""
        found = sorted(path for path in self.library.rglob("*") if path.is_file())
        return {path.relative_to(self.library).as_posix(): path.read_bytes() for path in found}

    def shown(self) -> dict[str, bytes]:
        """The same without what differs in case only from something else, and is listed for that."""
        clashes = [path for path, reason in self.troubles().items() if reason == "case_clash"]
        return {path: content for path, content in self.files().items() if not any(f"{path}/".startswith(f"{c}/") for c in clashes)}

    def troubles(self) -> dict[str, str]:
        """Reasons by path in the library."""
        return {trouble.path.removeprefix(f"{LIBRARY}/"): trouble.reason for trouble in self.engine.records.troubles()}

    def seen(self, path: str) -> int:
        """How many others know of the latest save of a file."""
        self.engine.status.flush()
        saves = json.loads(self.config.status_path.read_bytes())["saves"]
        return next(save["seen"] for save in saves if save["path"].endswith(f"/{path}"))

    def node(self, path: str) -> str | None:
        """The node that a file of the library's folder stands for."""
        record = self.engine.records.find(f"{LIBRARY}/{path}")
        file = self.engine.index.file(record.ino) if record is not None else None
        return file.node if file is not None else None


@pytest.fixture
def make_device(tmp_path: Path, fake: FakeLibrary, library: str) -> Iterator[Callable[..., Device]]:
    devices: list[Device] = []

    def make(member: str, **settings: object) -> Device:
        devices.append(Device(tmp_path / f"pc{len(devices)}", fake, member, **settings))  # type: ignore[arg-type]
        return devices[-1]

    yield make
    for device in devices:
        device.stop()


@pytest.fixture
def lin(make_device: Callable[..., Device]) -> Device:
    return make_device("林悦")


@pytest.fixture
def chen(make_device: Callable[..., Device]) -> Device:
    return make_device("陈帆")


def contents(fake: FakeLibrary, library: str) -> dict[str, bytes]:
    """The files of a library with their bytes, as the library has them."""
    return {path: fake.bytes_of(library, node) for path, node in fake.live(library).items() if node.kind is p.NodeKind.FILE}
