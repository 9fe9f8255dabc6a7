"""A file that is to be written and is not here yet: all of it is fetched first, while other programs do as they like."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.agent.config import Config, Identity
from sync.agent.engine import Engine, NoKernel
from sync.agent.errors import Unreachable
from sync.agent.index import File
from sync.agent.remote import Remote
from sync.agent.transport import TcpDialer, Transport
from sync.core import protocol as p
from tests.fakes.library_server import FakeLibrary

OLD = b"the version in the library" * 1000


@pytest.fixture
def engine(tmp_path: Path, fake: FakeLibrary, library: str) -> Iterator[Engine]:
    """Without threads: a test sends and follows."""
    transport = Transport(TcpDialer())
    answer = Remote(transport, fake.api, None).enrol(p.EnrolRequest(fake.issue_code("林悦"), "n", "d", "Linux", "0"))
    identity = Identity(fake.api, answer.token, answer.device, answer.member.id, answer.member.name)
    engine = Engine(Config(tmp_path / "state", cache_bytes=0), identity, transport)
    engine.prepare(NoKernel())
    engine.follow(0)
    yield engine
    engine.stop()


@pytest.fixture
def film(engine: Engine, library: str) -> File:
    """In the library, and no byte of it here."""
    known = engine.index.library(library)
    assert known is not None
    number, file = engine.tree.create(known.ino, "片.mov")
    engine.tree.write(engine.tree.handle(number), 0, OLD)
    engine.tree.release(number)
    engine.send()
    engine.tree.trim(0)
    film = engine.tree.get(file.ino)
    assert not film.local
    return film


def test_fetch_when_the_file_is_emptied_and_written_anew_meanwhile_then_what_was_written_stays(
    engine: Engine, film: File, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    read = engine.content.read

    def slow(*arguments: object, **options: object) -> bytes:
        begun.set()
        assert go_on.wait(10)
        return read(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(engine.content, "read", slow)
    fetching = threading.Thread(target=engine.tree.prepare_write, args=(film.ino,))
    fetching.start()
    assert begun.wait(10)
    number = engine.tree.open(film.ino, writable=True, truncate=True)
    engine.tree.write(engine.tree.handle(number), 0, b"new")
    go_on.set()
    fetching.join()
    engine.tree.write(engine.tree.handle(number), 3, b"er")
    engine.tree.release(number)
    assert engine.content.work_path(film.ino).read_bytes() == b"newer"
    engine.send()
    assert fake.bytes_of(library, fake.live(library)["片.mov"]) == b"newer"
    assert [path.name for path in engine.content.work_path(0).parent.iterdir()] == []


@pytest.mark.parametrize("error", [Unreachable("away"), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
def test_fetch_when_it_fails_then_it_takes_no_room(engine: Engine, film: File, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([OLD[:5000], error])

    def read(*arguments: object, **options: object) -> bytes:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(engine.content, "read", read)
    with pytest.raises(type(error)):
        engine.tree.prepare_write(film.ino)
    assert [path.name for path in engine.content.work_path(0).parent.iterdir()] == []
    assert not engine.tree.get(film.ino).local
