"""The whole product as tests run it: ``mainline serve`` on free loopback ports, its parts killable by name."""

import contextlib
import fcntl
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workspace.ports import port_is_free
from workspace.run_lock import read_status

START_WITHIN_S = 300
STOP_WITHIN_S = 180
"""On a machine that is busy with other things. A product that cannot start, or whose parts do not stop, says so by itself much earlier."""
_PORTS = (12_000, 20_000)
"""Below those that `workspace.ports.free_port` gives to other servers: one of them could take a part's port while that part is down."""
UNLIMITED = {"MAINLINE_RATE_LIMIT": "1000000 per minute"}  # Tests ask oftener than people do, the faster the machine the more.
ROOT = Path(__file__).resolve().parent.parent


def free_port_block(size: int = 4) -> int:
    """First of ``size`` neighbouring free ports: web, realtime, gateway, store. Claimed until this process ends.

    Free is not enough: until the product listens, the tests with guests, which run beside, would find the same ports free.
    """
    for first in range(_PORTS[0] + os.getpid() * size % 2000, _PORTS[1], size):
        if all(port_is_free("127.0.0.1", first + offset) for offset in range(size)) and _claim(first):
            return first
    raise OSError("no free block of ports on loopback")


def _claim(first: int) -> bool:
    """Lock a file that stands for the block, unless another process has it. The lock goes with this process."""
    folder = Path(tempfile.gettempdir()) / "mainline-ports"
    try:
        folder.mkdir(exist_ok=True)
        claim = os.open(folder / str(first), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return False
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(claim)
        return False
    return True


def wait_until(happened: Callable[[], object], *, what: str, within_s: float = 60, every_s: float = 0.05) -> None:
    """Ask until it is true; AssertionError says what did not happen. within_s: what only a hang takes on a busy machine."""
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        time.sleep(every_s)


@dataclass
class Product:
    """One running installation. data_dir survives ``stop`` and ``kill``, so that it can be started again."""

    data_dir: Path
    port: int = field(default_factory=free_port_block)
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> Path:
        return self.data_dir.parent / "serve.log"

    def start(self) -> "Product":
        argv = [str(Path(sys.executable).parent / "mainline"), "serve", "--port", str(self.port), "--data-dir", str(self.data_dir)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MAINLINE_")}
        environment = {**clean, **UNLIMITED, **self.environment}
        with self.output.open("ab") as log:
            self.process = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        wait_until(self._is_up, within_s=START_WITHIN_S, what="the product is up")
        return self

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.output.read_text()[-4000:]
        children = (read_status(self.data_dir / "run") or {}).get("children", {})
        return bool(children) and all(child["state"] in ("ready", "done") for child in children.values())

    def pid_of(self, name: str) -> int | None:
        """Process of one part, None while it is down."""
        children = (read_status(self.data_dir / "run") or {}).get("children", {})
        pid = children.get(name, {}).get("pid")
        return int(pid) if pid else None

    def web_workers(self) -> list[int]:
        """Processes that answer requests: gunicorn's children below the part ``web``; none while it is down."""
        arbiter = self.pid_of("web")
        try:
            return [int(pid) for pid in Path(f"/proc/{arbiter}/task/{arbiter}/children").read_text().split()]
        except FileNotFoundError:
            return []

    def kill(self, name: str) -> None:
        """kill -9 one part; the supervisor brings it back."""
        pid = self.pid_of(name)
        assert pid, f"{name} is not running"
        os.kill(pid, signal.SIGKILL)

    def wait_for(self, name: str, *, not_pid: int | None = None, within_s: float = 60) -> None:
        """Until the part is ready again, as another process than ``not_pid``."""

        def back() -> bool:
            child = (read_status(self.data_dir / "run") or {}).get("children", {}).get(name, {})
            return child.get("state") == "ready" and child.get("pid") != not_pid

        wait_until(back, within_s=within_s, what=f"{name} is ready again")

    def kill_all(self) -> None:
        """kill -9 the supervisor; its children die with it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def get(self, path: str) -> int:
        """Status of a plain GET as a visitor."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        finally:
            connection.close()

    def command(self, *arguments: str) -> str:
        """Run ``mainline …`` on this installation and return what it printed."""
        environment = {**os.environ, **self.environment, "MAINLINE_DATA_DIR": str(self.data_dir), "MAINLINE_PORT": str(self.port)}
        argv = [str(Path(sys.executable).parent / "mainline"), *arguments]
        return subprocess.run(argv, cwd=ROOT, env=environment, check=True, capture_output=True, text=True, timeout=120).stdout


@contextlib.contextmanager
def running_product(folder: Path, **environment: str) -> Iterator[Product]:
    """A fresh product in ``folder``; at the end stopped when it has desktops to save, else killed, which is quicker. Its logs stay."""
    folder.mkdir(parents=True, exist_ok=True)
    product = Product(data_dir=folder / "var", environment=environment)
    try:
        yield product.start()
    finally:
        product.stop() if "MAINLINE_IMAGE_DIR" in environment else product.kill_all()
        for log in sorted((product.data_dir / "logs").glob("*.log")):  # pytest shows them beside a failure
            print(f"--- {log.name}", *log.read_text("utf-8", "replace").splitlines()[-25:], sep="\n")
