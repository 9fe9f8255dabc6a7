"""The smallest real product that a sync agent can work with: object store, web process, worker; and agents with real mounts.

Each part is a process of its own that a test may kill. The web process and the agents have moments at which they die by
themselves; gunicorn brings a dead web process back, `Site` the store, as the product's supervisor would.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import select

import app as composition
from demo import seed_company
from processes import settings_as_environment
from sync.agent.recovery import DRAFT
from sync.library.assets.models import Node
from sync.library.content.access import load_manifest
from sync.library.content.reading import plan_reading, stream_reading
from sync.library.embedded_store import prepare_store
from sync.library.libraries.actions import open_library
from sync.library.storage import ObjectStore
from tests.house import member_named
from tests.product import free_port_block
from tests.sync.faults.moments import Moments
from workspace.db import Base, Database
from workspace.devices.actions import issue_code
from workspace.events.models import Event
from workspace.people.actions import make_group
from workspace.ports import http_answers
from workspace.settings import Settings
from workspace.work import open_work

ROOT = Path(__file__).resolve().parents[3]
LIBRARY = "双十一素材"
MEMBERS = ("苏航", "陈墨", "林悦")
_CONFLICT = re.compile(r" \([^()]+, \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\)")


def until(what: Callable[[], object], why: str | Callable[[], str], within_s: float = 60, every_s: float = 0.01) -> None:
    """Wait for what other processes bring about."""
    deadline = time.monotonic() + within_s
    while not what():
        if time.monotonic() >= deadline:
            raise AssertionError(f"still not after {within_s} s: {why if isinstance(why, str) else why()}")
        time.sleep(every_s)


class Site:
    """A running product in a folder. moments: of its web process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.moments = Moments(folder / "web-moments")
        self.settings = Settings(
            data_dir=folder / "var", port=free_port_block(), libvirt_uri="test:///default", secret_key="tests only",
            rate_limit="100000 per minute",
        )  # fmt: skip
        self.settings.data_dir.mkdir(mode=0o711)
        self._environment = {**os.environ, **settings_as_environment(self.settings), **self.moments.environment, "PYTHONPATH": str(ROOT)}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._store = prepare_store(self.settings.data_dir / "store", s3_port=self.settings.store_port, bucket=self.settings.s3_bucket)
        self.parts = composition.make_parts(self.settings)
        self.database = self.parts.get(Database)
        self._make_company()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def _make_company(self) -> None:
        Base.metadata.create_all(self.database.engine)
        seed_company(self.database, self.parts)
        with open_work(self.database, parts=self.parts) as work:
            members = [member_named(work, name).id for name in MEMBERS]
            group = make_group(work, name="视觉", kind="free", member_ids=members).id
            self.library = open_library(work, name=LIBRARY, scope_room=None, group_id=group).id

    # --- its processes ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.begin_store()
        self._run("web", [sys.executable, "-m", "tests.sync.faults.web"])
        self._run("worker", [str(Path(sys.executable).parent / "mainline"), "worker"])
        self.await_store()
        until(lambda: http_answers("127.0.0.1", self.settings.port, "/health"), f"the web process answers; {self.log('web')}", every_s=0.05)

    def begin_store(self) -> None:
        child = self._store.child()
        self._run("store", list(child.argv), cwd=child.cwd, extra=child.env)

    def await_store(self) -> None:
        until(self._store.is_ready, f"the store is ready; {self.log('store')}", every_s=0.05)

    def restart_store(self) -> None:
        """Bring it back after it was killed, as the product's supervisor would."""
        self.kill("store")
        self.begin_store()
        self.await_store()

    def _run(self, name: str, argv: list[str], *, cwd: Any = ROOT, extra: Any = None) -> None:
        with open(self.folder / f"{name}.log", "ab") as log:
            self._running[name] = subprocess.Popen(
                argv, cwd=cwd, env={**self._environment, **(extra or {})}, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")[-3000:]

    def pid_of(self, name: str) -> int:
        return self._running[name].pid

    def kill(self, name: str) -> None:
        """kill -9, unless somebody else did."""
        self._running[name].kill()
        self._running[name].wait()

    def stop(self) -> None:
        for process in self._running.values():
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
        for process in self._running.values():
            process.wait()
        self.database.dispose()

    # --- what it has --------------------------------------------------------------------------------------------------

    def issue_code(self, member: str) -> str:
        with open_work(self.database, parts=self.parts) as work:
            return issue_code(work, member_id=member_named(work, member).id, kind="pc", name=f"{member}的电脑")

    def versions(self) -> dict[str, tuple[str, int, str | None]]:
        """Path of each live file: its node, version and content's digest."""
        with open_work(self.database, writes=False) as work:
            nodes = {node.id: node for node in work.session.scalars(select(Node).where(Node.library_id == self.library))}
            return {
                _path_of(node, nodes): (node.id, node.version, node.digest)
                for node in nodes.values()
                if node.kind == "file" and node.deleted_at is None
            }

    def files(self, below: str = "") -> dict[str, bytes]:
        """Path and bytes of each live file, read from the store and verified."""
        found = self.versions().items()
        return {path: self.content(digest) if digest else b"" for path, (_node, _version, digest) in found if path.startswith(below)}

    def content(self, digest: str) -> bytes:
        with open_work(self.database, writes=False) as work:
            manifest = load_manifest(work, digest)  # type: ignore[arg-type]
            reading = plan_reading(work, self.library, manifest, 0, manifest.size_bytes)
        return b"".join(stream_reading(self.parts.get(ObjectStore), reading))  # type: ignore[type-abstract]

    def conflicts(self) -> list[str]:
        """Second heads, those of the past too."""
        with open_work(self.database, writes=False) as work:
            events = work.session.scalars(select(Event).where(Event.kind == "library.version.conflicted"))
            heads = work.session.scalars(select(Node).where(Node.library_id == self.library, Node.head_of.is_not(None)))
            return [str(event.facts) for event in events] + [node.name for node in heads]

    def verify(self) -> str:
        """`mainline verify` over every byte; raises when something is damaged."""
        argv = [str(Path(sys.executable).parent / "mainline"), "verify", "--content", "all"]
        done = subprocess.run(argv, cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def _path_of(node: Node, nodes: dict[str, Node]) -> str:
    names = []
    here: Node | None = node
    while here is not None and here.parent_id is not None:
        names.append(here.name)
        here = nodes.get(here.parent_id)
    return "/".join(reversed(names))


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """A product for the time of the block."""
    site = Site(folder)
    try:
        site.start()
        yield site
    finally:
        site.stop()


class Agent:
    """One device of a member: its state, its libraries, and its process while it runs. mirror: the folder of one that does not mount."""

    def __init__(
        self, home: Path, site: Site, member: str, *, state: Path | None = None, mirror: Path | None = None, watched: bool = False,
        prefix: tuple[str, ...] = (), **environment: str,
    ) -> None:  # fmt: skip
        home.mkdir()
        self.home, self.site = home, site
        self.mount, self.state = mirror or home / "assets", state or home / "state"
        self._mirrors = mirror is not None
        self.folder = self.mount / LIBRARY
        self.moments = Moments(home / "moments")
        self._environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment, **(self.moments.environment if watched else {})}
        self._log = open(home / "log", "ab")  # noqa: SIM115 - closed by `clean_up`
        self._keeper = subprocess.Popen(
            [*prefix, sys.executable, "-m", "tests.sync.faults.agent", "keep"], cwd=ROOT, env=self._environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True,
        )  # fmt: skip
        self.pid = 0
        self.member = member
        self.seed = home / "seed.json"
        self._write_seed()

    def _write_seed(self) -> None:
        self.seed.write_text(json.dumps({"api": self.site.url, "code": self.site.issue_code(self.member), "device_name": self.member}))

    def become_new(self, number: int) -> None:
        """Another machine of the member, that was never started."""
        self.kill()
        self.state = self.home / f"state{number}"
        self._write_seed()

    def _arguments(self, *words: str) -> list[str]:
        return ["--channel", "none", "--state-dir", str(self.state), "--log", "info", *words]

    def start(self, *, within_s: float = 60) -> Agent:
        self.begin()
        until(lambda: self.is_dead or self._is_there(), "mounted", within_s)
        assert not self.is_dead, self.log()
        return self

    def begin(self) -> None:
        """Start it without waiting for anything."""
        if self._mirrors and not self.state.exists():
            self.tell("login", self.seed.read_text())
            self.tell("mirror", "add", "--root", str(self.mount))
        serve = ("serve", str(self.mount), "--seed", str(self.seed), "--drain-s", "5", "--cache-mib", "0")
        words = ("mirror", "run") if self._mirrors else serve
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        self._keeper.stdin.write(json.dumps(self._arguments(*words)) + "\n")
        self._keeper.stdin.flush()
        self.pid = int(self._keeper.stdout.readline())

    def _is_there(self) -> bool:
        try:
            status = self.status()
            return status["state"] == "mounted" and status["pid"] == self.pid and LIBRARY in os.listdir(self.mount)
        except (OSError, KeyError, ValueError):
            return False

    @property
    def is_dead(self) -> bool:
        return not self.pid or not Path(f"/proc/{self.pid}").exists()

    def log(self) -> str:
        return (self.home / "log").read_text("utf-8", "replace")[-3000:]

    def status(self) -> dict[str, Any]:
        """What the agent wrote down for programs."""
        found: dict[str, Any] = json.loads((self.state / "status.json").read_bytes())
        return found

    def tell_status(self) -> str:
        """What `mainline-agent status` says to a person."""
        return self.tell("status")

    def tell(self, *words: str) -> str:
        """A command of the agent's; returns what it says."""
        argv = [sys.executable, "-m", "sync.agent.cli", *self._arguments(*words)]
        done = subprocess.run(argv, cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout + done.stderr

    def kill(self) -> None:
        if not self.is_dead:
            os.kill(self.pid, signal.SIGKILL)
            until(lambda: self.is_dead, "dead")

    def begin_again(self) -> None:
        """After a death: start it, once more if it dies while it starts."""
        self.kill()
        self.begin()
        until(lambda: self.is_dead or self._is_there(), f"mounted again; its log says: {self.log()}")
        if self.is_dead:
            self.start()

    def clean_up(self) -> None:
        self.kill()
        self._keeper.kill()
        self._keeper.communicate()
        self._log.close()
        subprocess.run(["fusermount3", "-u", "-z", str(self.mount)], check=False, capture_output=True)

    def is_at_rest(self) -> bool:
        """Whether nothing waits to be sent."""
        return self.status()["pending_ops"] == 0

    def files(self, below: str = "") -> dict[str, bytes]:
        """Path and bytes of every file in the library's folder, drafts left out."""
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in self._walk(below)}

    def sizes(self) -> dict[str, int]:
        """The same with their lengths, for which nothing is fetched."""
        return {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in self._walk("")}

    def _walk(self, below: str) -> Iterator[Path]:
        for folder, _folders, names in os.walk(self.folder / below):
            yield from (Path(folder) / name for name in names if DRAFT not in name)


def second_names(paths: Any) -> list[str]:
    """Names that only a conflict gives."""
    return [path for path in paths if _CONFLICT.search(path) and DRAFT not in path]
