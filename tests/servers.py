"""Fixtures that start real servers on loopback with free ports, in folders of their own, and end them with the session.

Folders lie directly under the temporary directory: they hold unix sockets, whose paths may have 107 bytes at most.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sync.library.embedded_store import EmbeddedStore, prepare_store
from tests.browser import chromium as start_chromium
from tests.browser import windowless
from tests.product import Product, running_product
from workspace.ports import free_port as find_free_port
from workspace.ports import tcp_answers

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 60

__all__ = [
    "chromium",
    "free_port",
    "golden_image",
    "page",
    "phone_page",
    "postgres",
    "postgres_url",
    "product",
    "redis_server",
    "short_tmp",
    "weed",
]


@contextmanager
def short_folder(name: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix=f"mainline-{name}-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def running(argv: list[str], *, log: Path, ready: Callable[[], bool], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """The process once it is ready; killed at the end, since these servers' data is thrown away."""
    with open(log, "wb") as output:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **options)
        try:
            deadline = time.monotonic() + READY_WITHIN_S
            while not ready():
                late = time.monotonic() > deadline
                if late or process.poll() is not None:
                    tail = log.read_text("utf-8", "replace")[-2000:]
                    raise RuntimeError(f"{argv[0]} {'was not ready in time' if late else 'ended at once'}:\n{tail}")
                time.sleep(0.05)
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def free_port() -> Callable[[], int]:
    """``free_port()`` gives a TCP port that nobody listens on."""
    return find_free_port


@pytest.fixture(scope="session")
def weed() -> Iterator[EmbeddedStore]:
    """The embedded object store with an empty bucket; endpoint and keys are its attributes."""
    with short_folder("store") as folder:
        store = prepare_store(folder / "store", s3_port=find_free_port(), bucket="mainline")
        child = store.child()
        with running(list(child.argv), log=folder / "log", ready=child.ready, env={**os.environ, **child.env}, cwd=child.cwd):
            yield store


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL of the tests' own; trust authentication, on loopback."""

    port: int

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        with psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the session; take ``postgres_url`` for a database of a test's own."""
    with running_postgres() as server:
        yield server


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))[-1]
    with short_folder("postgres") as folder:
        data, options = folder / "data", {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root.
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            options = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        create = [str(programs / "initdb"), "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "-D", str(data)]
        subprocess.run(create, check=True, capture_output=True, cwd=folder, **options)
        port = find_free_port()
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "max_connections": "100"}
        argv = [str(programs / "postgres"), "-D", str(data), "-p", str(port)]
        argv += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server = PostgresServer(port)
        with running(argv, log=folder / "log", ready=lambda: _postgres_answers(server), cwd=folder, **options) as process:
            yield server
            process.send_signal(signal.SIGINT)  # Fast: with TERM it would wait for every connection to be closed.
            process.wait()


def _postgres_answers(server: PostgresServer) -> bool:
    try:
        server.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """SQLAlchemy URL of an empty database that is dropped after the test."""
    name = f"test_{uuid.uuid4().hex}"
    postgres.execute(f"CREATE DATABASE {name}")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """URL of a Redis that keeps nothing on disk."""
    with running_redis() as url:
        yield url


@contextmanager
def running_redis() -> Iterator[str]:
    port = find_free_port()
    program = shutil.which("redis-server") or "/usr/bin/redis-server"
    with short_folder("redis") as folder:
        argv = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
        with running(argv, log=folder / "log", ready=lambda: tcp_answers("127.0.0.1", port)):
            yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """The embedded product with the demo company, shared by the session: leave the company as you found it."""
    with short_folder("product") as folder, running_product(folder) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium (Playwright's Browser); open contexts of your own, or take ``page``, ``phone_page`` or ``open_page``."""
    with start_chromium(windowless()) as browser:
        yield browser


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page of 1440 × 900 in Chinese; an uncaught script error or a blocked resource fails the test."""
    yield from _watched_page(chromium, viewport={"width": 1440, "height": 900})


@pytest.fixture
def phone_page(chromium: Any) -> Iterator[Any]:
    """The same on a phone: 390 × 844 with touch."""
    yield from _watched_page(chromium, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2)


def _watched_page(browser: Any, **options: Any) -> Iterator[Any]:
    faults: list[str] = []
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai", **options)
    opened = context.new_page()
    opened.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    opened.on("console", lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None)
    yield opened
    context.close()
    assert not faults, faults


@pytest.fixture(scope="session")
def short_tmp() -> Iterator[Path]:
    """A folder with a short path, for products with desktops: unix sockets may have 107 bytes."""
    with short_folder("p") as folder:
        folder.chmod(0o711)
        yield folder


@pytest.fixture(scope="session")
def golden_image() -> Path:
    """Folder of golden images, built once into var/images of this checkout and kept for the next run."""
    images = ROOT / "var" / "images"
    argv = [str(Path(sys.executable).parent / "mainline"), "image", "build", "--output", str(images)]
    subprocess.run(argv, check=True, cwd=ROOT, timeout=1200)
    return images
