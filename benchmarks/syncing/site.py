"""Our side: one running product, libraries in it, and agents with mounts, all real, all on loopback."""

import compileall
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.harness import ROOT
from sync.library.libraries.actions import open_library
from sync.library.storage import ObjectStore
from tests.house import member_named
from tests.journeys.server_story import Caller
from tests.product import Product
from wiring import make_parts
from workspace.db import Database
from workspace.devices.actions import issue_code
from workspace.people.actions import make_group
from workspace.settings import Settings
from workspace.work import open_work

PEOPLE = ("苏航", "陈墨", "林悦")
LOGINS = {"苏航": "suhang", "陈墨": "chenmo", "林悦": "linyue"}
_ENVIRONMENT = {"MAINLINE_RATE_LIMIT": "1000000 per minute", "MAINLINE_LIBVIRT_URI": "test:///default"}


def until(happened: Callable[[], object], what: str, *, within_s: float = 900, every_s: float = 0.004) -> None:
    """Wait for a condition that another process brings about; RuntimeError says what did not happen."""
    deadline = time.monotonic() + within_s
    while not happened():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not within {within_s} s: {what}")
        time.sleep(every_s)


@dataclass(frozen=True)
class Library:
    """A library of a workload's own. id: in the catalogue; name: its folder in each mount."""

    id: str
    root: str
    name: str


class Site:
    """The product while it runs. Agents are stopped with it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        compileall.compile_dir(ROOT / "sync", quiet=2)  # as an installed agent is, where Python may not write what it compiles
        self.product = Product(data_dir=folder / "var", environment=dict(_ENVIRONMENT))
        self.product.environment["MAINLINE_S3_PUBLIC_URL"] = f"http://127.0.0.1:{self.product.port + 3}"
        self._settings = Settings(data_dir=self.product.data_dir, port=self.product.port)
        self._parts = make_parts(self._settings)
        self._agents: list[Pc] = []
        self._made = 0

    def open_library(self, name: str) -> Library:
        """A new library that everybody of PEOPLE may edit."""
        database = self._parts.get(Database)
        with open_work(database, parts=self._parts) as work:
            members = [member_named(work, person).id for person in PEOPLE]
            group = make_group(work, name=f"{name} 组", kind="free", member_ids=members)
            library = open_library(work, name=name, scope_room=None, group_id=group.id)
            return Library(library.id, library.root_id, name)

    def issue_code(self, person: str) -> str:
        """A one-time code by which an agent enrols."""
        with open_work(self._parts.get(Database), parts=self._parts) as work:
            return issue_code(work, member_id=member_named(work, person).id, kind="pc", name=f"{person}的电脑")

    def agent(self, person: str, library: Library) -> "Pc":
        """A new machine of somebody, with the library in its mount."""
        self._made += 1
        made = Pc(self.folder / f"pc{self._made}", self.product.url, self.issue_code(person), person, library)
        self._agents.append(made)
        return made.start()

    def mirror(self, person: str, library: Library) -> "MirroredPc":
        """A new machine of somebody that is to keep the library as a plain folder; it does not run yet."""
        self._made += 1
        made = MirroredPc(self.folder / f"pc{self._made}", self.product.url, self.issue_code(person), person, library)
        self._agents.append(made)
        made.enrol()
        return made

    def caller(self, person: str) -> Caller:
        """A signed-in browser, without the browser."""
        return Caller(self.product.url, LOGINS[person])

    def pack_bytes(self, library: Library) -> int:
        """Content of a library in the bucket: everything that was ever stored there."""
        store = self._parts.get(ObjectStore)  # type: ignore[type-abstract]
        return sum(stored.size_bytes for stored in store.list(f"packs/{library.id}/"))

    def one(self, sql: str, *arguments: object) -> Any:
        """The first value that a query of the catalogue gives."""
        with closing(sqlite3.connect(f"file:{self.product.data_dir / 'mainline.db'}?mode=ro", uri=True)) as database:
            return database.execute(sql, arguments).fetchone()[0]

    def asset_id(self, library: Library) -> str:
        """Of the only file in a library."""
        return str(self.one("SELECT id FROM asset_node WHERE library_id=? AND kind='file'", library.id))

    def live_files(self, library: Library) -> int:
        """Files in a library, as the server knows them."""
        sql = "SELECT COUNT(*) FROM asset_node WHERE library_id=? AND kind='file' AND deleted_at IS NULL"
        return int(self.one(sql, library.id))

    def settle(self) -> None:
        """Wait until the worker has nothing to do: what one workload leaves behind must not slow down the next, ours or a peer's."""
        due = (
            "SELECT COUNT(*) FROM job WHERE state IN ('waiting', 'running')"
            " AND (name = 'library.index_changes' OR run_at <= strftime('%Y-%m-%d %H:%M:%f', 'now'))"  # It waits until a storm is over.
        )
        until(lambda: not self.one(due), "the worker has done its jobs", every_s=0.2)

    def cpu_s(self) -> float:
        """Processor seconds that the web processes have used."""
        return sum(cpu_s(pid) for pid in self.product.web_workers())

    def close(self) -> None:
        """Stop agents, then the product."""
        for agent in self._agents:
            agent.clean_up()
        self._parts.get(Database).dispose()
        self.product.stop()


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """A fresh product with the demo company."""
    site = Site(folder)
    try:
        site.product.start()
        yield site
    finally:
        site.close()


@dataclass
class Pc:
    """One machine: a state directory, a mount point, and the agent's process while it runs."""

    home: Path
    api: str
    code: str
    person: str
    library: Library
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def mount(self) -> Path:
        return self.home / "assets"

    @property
    def folder(self) -> Path:
        """The library in the mount."""
        return self.mount / self.library.name

    def start(self) -> "Pc":
        """Start, or start again, and wait until the library is there."""
        self.launch()
        until(self._listed, f"the agent of {self.person} is mounted")
        return self

    def launch(self) -> None:
        """Start without waiting."""
        self.home.mkdir(exist_ok=True)
        seed = self.home / "seed.json"
        seed.write_text(json.dumps({"api": self.api, "code": self.code, "device_name": self.person}))
        agent = [sys.executable, "-m", "sync.agent.cli", "--channel", "none", "--state-dir", str(self.home / "state")]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*agent, "serve", str(self.mount), "--seed", str(seed), "--drain-s", "5"], cwd=ROOT, stdout=log, stderr=log
            )

    def _listed(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            raise RuntimeError((self.home / "log").read_text()[-2000:])
        try:
            return os.path.ismount(self.mount) and self.library.name in os.listdir(self.mount)
        except OSError:
            return False

    def waiting(self) -> int:
        """Operations that are not answered, and files that have changed, in the agent's own index."""
        with closing(sqlite3.connect(f"file:{self.home / 'state' / 'index.db'}?mode=ro", uri=True)) as index:
            sql = "SELECT (SELECT COUNT(*) FROM ops) + (SELECT COUNT(*) FROM files WHERE dirty > 0)"
            return int(index.execute(sql).fetchone()[0])

    def wait_safe(self, what: str = "everything is safe", *, every_s: float = 0.004) -> None:
        """Until each save was answered: in the store, in the catalogue, in the bucket's log."""
        until(lambda: self.waiting() == 0, what, every_s=every_s)

    def cpu_s(self) -> float:
        """Processor seconds that the agent has used."""
        assert self.process is not None
        return cpu_s(self.process.pid)

    def kill(self) -> None:
        """kill -9, and the mount with it."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process = None
        subprocess.run(["fusermount3", "-u", "-z", str(self.mount)], check=False, capture_output=True)

    def clean_up(self) -> None:
        """End it, however it stands."""
        if self.process is not None:
            self.kill()


class MirroredPc(Pc):
    """One machine with a mirror instead of a mount."""

    @property
    def folder(self) -> Path:
        """The library's folder on its disk."""
        return self.home / "assets" / self.library.name

    def enrol(self) -> None:
        """Sign the machine in and choose the library, as its owner would."""
        self.home.mkdir()
        seed = json.dumps({"api": self.api, "code": self.code, "device_name": self.person})
        for command in (["login", seed], ["mirror", "add", self.library.name, "--root", str(self.home / "assets")]):
            subprocess.run([*self._command(), *command], cwd=ROOT, check=True, capture_output=True)

    def launch(self) -> None:
        """Start without waiting."""
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen([*self._command(), "mirror", "run", "--drain-s", "5"], cwd=ROOT, stdout=log, stderr=log)

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "sync.agent.cli", "--channel", "none", "--state-dir", str(self.home / "state")]

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        self.process = None


def cpu_s(pid: int) -> float:
    """Processor seconds of a process, its own and the kernel's for it."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
