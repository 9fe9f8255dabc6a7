"""A file that is to be written and is not here yet: all of it is fetched first, while other programs do as they like."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from sync.agent import loop
from sync.agent.engine import Engine
from sync.agent.errors import Unreachable
from sync.agent.index import File
from sync.agent.mount import MountOptions, Operations
from sync.agent.notifier import Notifier
from sync.core import protocol as p
from tests.fakes.library_server import FakeLibrary

OLD = b"the version in the library" * 1000


@pytest.fixture
def film(stepped: Engine, library: str) -> File:
    """In the library, and no byte of it here."""
    known = stepped.index.library(library)
    assert known is not None
    number, file = stepped.tree.create(known.ino, "片.mov")
    stepped.tree.write(stepped.tree.handle(number), 0, OLD)
    stepped.tree.release(number)
    stepped.send()
    stepped.tree.trim(0)
    film = stepped.tree.get(file.ino)
    assert not film.local
    return film


def test_fetch_when_the_file_is_emptied_and_written_anew_meanwhile_then_what_was_written_stays(
    stepped: Engine, film: File, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    read = stepped.content.read

    def slow(*arguments: object, **options: object) -> bytes:
        begun.set()
        assert go_on.wait(10)
        return read(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(stepped.content, "read", slow)
    fetching = threading.Thread(target=stepped.tree.prepare_write, args=(film.ino,))
    fetching.start()
    assert begun.wait(10)
    number = stepped.tree.open(film.ino, writable=True, truncate=True)
    stepped.tree.write(stepped.tree.handle(number), 0, b"new")
    go_on.set()
    fetching.join()
    stepped.tree.write(stepped.tree.handle(number), 3, b"er")
    stepped.tree.release(number)
    assert stepped.content.work_path(film.ino).read_bytes() == b"newer"
    stepped.send()
    assert fake.bytes_of(library, fake.live(library)["片.mov"]) == b"newer"
    assert [path.name for path in stepped.content.work_path(0).parent.iterdir()] == []


@pytest.mark.parametrize("error", [Unreachable("away"), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
def test_fetch_when_it_fails_then_it_takes_no_room(stepped: Engine, film: File, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([OLD[:5000], error])

    def read(*arguments: object, **options: object) -> bytes:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(stepped.content, "read", read)
    with pytest.raises(type(error)):
        stepped.tree.prepare_write(film.ino)
    assert [path.name for path in stepped.content.work_path(0).parent.iterdir()] == []
    assert not stepped.tree.get(film.ino).local


def test_file_when_moved_and_emptied_before_that_was_sent_then_the_loop_does_not_wait_for_the_library(
    stepped: Engine, film: File, library: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert film.parent is not None
    number, _ = stepped.tree.create(film.parent, "b.mov")
    stepped.tree.release(number)
    stepped.send()
    stepped.tree.rename(film.parent, "片.mov", film.parent, "b.mov")
    with stepped.index.transaction() as db:
        db.execute("DELETE FROM manifests")  # as on a machine that has never read it
    stepped.content._manifests.clear()
    threads: list[str] = []
    ask = stepped.remote.content

    def asked(*arguments: object) -> p.ContentAnswer:
        threads.append(threading.current_thread().name)
        return ask(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(stepped.remote, "content", asked)
    operations = Operations(stepped, Notifier(), tmp_path, MountOptions(0, 0))

    async def empty() -> None:
        opened = await operations.open(film.ino, os.O_WRONLY | os.O_TRUNC, None)
        await operations.release(opened.fh)

    loop.run(empty)
    assert threads == ["request_0"]
    assert stepped.tree.get(film.ino).size == 0
