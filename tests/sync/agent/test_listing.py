"""Reading a folder through the handlers of the mount, in the portions in which the kernel does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.agent import mount
from sync.agent.engine import Engine
from sync.agent.index import Index
from sync.agent.mount import MountOptions, Operations
from sync.agent.notifier import Notifier
from sync.core.protocol import NodeKind

PORTION = 20


def done(step: Any) -> Any:
    """The result of a handler that waits for nobody."""
    with pytest.raises(StopIteration) as result:
        step.send(None)
    return result.value.value


@pytest.fixture
def folder(stepped: Engine, library: str) -> int:
    """With 400 files."""
    known = stepped.index.library(library)
    assert known is not None
    with stepped.index.transaction():
        for number in range(400):
            stepped.index.add(known.ino, f"{number}.png", NodeKind.FILE, library, 0, node=f"node-{number}")
    return known.ino


@pytest.fixture
def listing(stepped: Engine, folder: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Iterator[list[str]]]:
    """Reads the folder portion by portion."""
    operations = Operations(stepped, Notifier(), tmp_path, MountOptions(0, 0))

    def portions() -> Iterator[list[str]]:
        after, handle = 0, done(operations.opendir(folder, None))
        while True:
            found: list[tuple[str, int]] = []

            def reply(token: object, name: bytes, attributes: object, position: int, found: list[tuple[str, int]] = found) -> bool:
                if len(found) < PORTION:
                    found.append((name.decode(), position))
                    return True
                return False

            monkeypatch.setattr(mount.pyfuse3, "readdir_reply", reply)
            done(operations.readdir(handle, after, None))  # type: ignore[arg-type]
            if not found:
                break
            after = found[-1][1]
            yield [name for name, _ in found]
        done(operations.releasedir(handle))
        assert not operations._listings._open

    return portions


def test_folder_when_read_in_portions_then_each_name_once_and_each_row_about_once(
    listing: Callable[[], Iterator[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = 0
    ask = Index.rows

    def counted(self: Index, sql: str, *arguments: object) -> list[tuple[Any, ...]]:
        nonlocal rows
        found = ask(self, sql, *arguments)
        rows += len(found)
        return found

    monkeypatch.setattr(Index, "rows", counted)
    assert [name for portion in listing() for name in portion] == [f"{number}.png" for number in range(400)]
    assert rows <= 400 * 3, "the inodes, then each file, some of them twice"


def test_folder_when_it_changes_while_it_is_read_then_what_is_gone_is_not_shown_and_what_came_is(
    listing: Callable[[], Iterator[list[str]]],
    stepped: Engine,
    folder: int,
) -> None:
    found: list[str] = []
    for portion in listing():
        if not found:
            stepped.tree.unlink(folder, "300.png")
            stepped.tree.make_folder(folder, "new")
            stepped.tree.rename(folder, "301.png", folder, "a.png")
        found += portion
    gone, renamed = {"300.png", "301.png"}, {"new", "a.png"}
    assert sorted(found) == sorted({f"{number}.png" for number in range(400)} - gone | renamed)
