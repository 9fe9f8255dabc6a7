"""Two real agents on one host, the real library and store, and the cache as a process that is killed in between."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from werkzeug.serving import make_server

import app as composition
from demo import seed_company
from desktops.caching.server import cache_answers, socket_of
from sync.agent.config import Config, Identity
from sync.agent.engine import Engine, NoKernel
from sync.agent.remote import Remote
from sync.core import protocol as p
from sync.library.embedded_store import EmbeddedStore
from sync.library.libraries.actions import open_library
from tests.contracts.library_contract import Client, Subject
from tests.desktops.caching.conftest import MIB, Guest
from tests.house import member_named
from tests.product import wait_until
from workspace.db import Base, Database
from workspace.devices.actions import issue_code
from workspace.parts import Parts
from workspace.people.actions import make_group
from workspace.settings import Settings
from workspace.work import open_work

pytestmark = pytest.mark.server

NAME = "主视觉素材"
SIZE = 6 * MIB


class CountingRelay:
    """In front of the store: counts what it sends to anybody."""

    def __init__(self, endpoint: str) -> None:
        host, _, port = endpoint.rpartition(":")
        self._to = (host, int(port))
        self.sent_bytes = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _run(self) -> None:
        while True:
            try:
                line, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line, socket.create_connection(self._to) as store:
            back = threading.Thread(target=self._pass, args=(store, line, True), daemon=True)
            back.start()
            self._pass(line, store, False)
            back.join()

    def _pass(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self.sent_bytes += len(data) if counted else 0
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def relay(weed: EmbeddedStore) -> Iterator[CountingRelay]:
    made = CountingRelay(weed.endpoint)
    yield made
    made.close()


@pytest.fixture
def parts(short_tmp: Path, weed: EmbeddedStore, relay: CountingRelay) -> Iterator[Parts]:
    settings = Settings(
        data_dir=short_tmp / "cached", secret_key="tests only", rate_limit="100000 per minute", s3_endpoint=relay.endpoint,
        s3_access_key=weed.access_key, s3_secret_key=weed.secret_key, s3_bucket=weed.bucket,
    )  # fmt: skip
    settings.data_dir.mkdir()
    made = composition.make_parts(settings)
    Base.metadata.create_all(made.get(Database).engine)
    seed_company(made.get(Database), made)
    yield made
    made.stop()
    made.get(Database).dispose()


@pytest.fixture
def api(parts: Parts) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, composition.create_app(parts.get(Settings), parts), threaded=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def start_cache(parts: Parts) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    settings, started = parts.get(Settings), []

    def start() -> subprocess.Popen[bytes]:
        own = {"MAINLINE_DATA_DIR": str(settings.data_dir), "MAINLINE_SECRET_KEY": settings.secret_key}
        started.append(subprocess.Popen([str(Path(sys.executable).parent / "mainline"), "cache"], env={**os.environ, **own}))
        wait_until(lambda: cache_answers(settings), what="the cache listens")
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def code_for(parts: Parts, desktop: str | None) -> str:
    with open_work(parts.get(Database), parts=parts) as work:
        member = member_named(work, "林悦").id
        return issue_code(work, member_id=member, kind="desktop" if desktop else "pc", name=desktop or "PC", desktop_id=desktop)


def an_agent(parts: Parts, api: str, folder: Path, desktop: str) -> tuple[Engine, Guest]:
    """The agent in a desktop of this host, as far as it has looked at its libraries."""
    guest = Guest(desktop, socket_of(parts.get(Settings)), api)
    enrolled = guest.remote.enrol(p.EnrolRequest(code_for(parts, desktop), "n", desktop, "Linux", "0"))
    identity = Identity(api, enrolled.token, enrolled.device, enrolled.member.id, enrolled.member.name, enrolled.desktop)
    engine = Engine(Config(folder / desktop), identity, guest.transport)
    assert isinstance(engine.remote, Remote)
    engine.prepare(NoKernel())
    while not engine.caught_up:
        engine.follow(0)
    return engine, guest


def test_file_when_a_second_agent_on_the_host_reads_it_then_no_byte_comes_from_the_store(
    parts: Parts, api: str, relay: CountingRelay, start_cache: Callable[[], subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    with open_work(parts.get(Database), parts=parts) as work:
        group = make_group(work, name="设计", kind="free", member_ids=[member_named(work, "林悦").id])
        library = open_library(work, name=NAME, scope_room=None, group_id=group.id).id
    film = random.Random(7).randbytes(SIZE)
    writer = Client(Subject(api, library, lambda _: code_for(parts, None), lambda *_: None), "林悦")
    pieces = [film[start : start + MIB] for start in range(0, SIZE, MIB)]
    assert writer.op(writer.commit_op("片.mov", film), writer.store(*pieces)).outcome is p.Outcome.APPLIED
    writer.transport.close()
    cache = start_cache()

    def read_in(desktop: str) -> tuple[bytes, int, int]:
        """What an agent reads, what the store sent meanwhile, and how often the agent itself turned to the store."""
        engine, guest = an_agent(parts, api, tmp_path, desktop)
        file = engine.index.at_path(f"{NAME}/片.mov")
        assert file is not None
        before = relay.sent_bytes
        found = b"".join(engine.content.read(file, offset, MIB) for offset in range(0, SIZE, MIB))
        sent = relay.sent_bytes - before
        engine.stop()
        return found, sent, guest.dialer.stores

    found, sent, own = read_in("one")
    assert found == film
    assert own == 0
    assert SIZE < sent < SIZE * 1.01
    cache.kill()
    cache.wait()
    start_cache()
    assert read_in("two") == (film, 0, 0), "after kill -9 as well"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("tests.desktops.caching.test_real.socket_of", lambda settings: Path("/nonexistent"))
        found, sent, own = read_in("three")
    assert found == film
    assert own > 0
    assert sent > SIZE, "without a cache it is read from the store"
