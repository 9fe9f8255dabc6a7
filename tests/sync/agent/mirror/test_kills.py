"""A mirror that is killed between a change of the disk and the word of it in the index: nobody's file is taken for deleted."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.mirror.conftest import Device, contents


class Killed(BaseException):
    """The agent is gone."""


def kill_at(device: Device, call: str, monkeypatch: pytest.MonkeyPatch, *, before: bool = False) -> None:
    """The agent dies before or after it first has the disk do this, and is started again."""
    act = getattr(device.engine.disk, call)

    def last(*arguments: Any, **options: Any) -> None:
        if not before:
            act(*arguments, **options)
        raise Killed

    monkeypatch.setattr(device.engine.disk, call, last)
    with pytest.raises(Killed):
        device.sync()
    monkeypatch.undo()
    device.stop()
    device.start()


def test_folder_when_killed_while_it_is_left_out_then_nothing_is_deleted_in_the_library(
    lin: Device, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin.sync()
    (lin.library / "d").mkdir()
    (lin.library / "d/a").write_bytes(b"a")
    (lin.library / "d/b").write_bytes(b"b")
    lin.sync()
    lin.choose("d", False)
    kill_at(lin, "retire", monkeypatch)
    lin.sync()
    assert contents(fake, library) == {"d/a": b"a", "d/b": b"b"}
    assert lin.files() == {}
    lin.choose("d", True)
    lin.sync()
    assert lin.files() == {"d/a": b"a", "d/b": b"b"}


@pytest.mark.parametrize("before", [True, False])
def test_names_when_killed_while_they_are_exchanged_then_exchanged_and_nothing_is_deleted(
    lin: Device, chen: Device, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    lin.sync()
    (lin.library / "a").write_bytes(b"1")
    (lin.library / "b").write_bytes(b"22")
    lin.sync()
    chen.sync()
    for name, other in ("ac", "ba", "cb"):
        (lin.library / name).rename(lin.library / other)
        lin.sync()
    chen.follow()
    kill_at(chen, "rename", monkeypatch, before=before)
    chen.sync()
    assert contents(fake, library) == chen.files() == {"a": b"22", "b": b"1"}


@pytest.mark.parametrize("call", ["_retire", "land"])
def test_version_when_killed_while_it_takes_its_place_then_it_is_here_and_no_second_head(
    lin: Device, chen: Device, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    lin.sync()
    (lin.library / "a.psd").write_bytes(b"first")
    lin.sync()
    chen.sync()
    (lin.library / "a.psd").write_bytes(b"second")
    lin.sync()
    kill_at(chen, call, monkeypatch)
    chen.sync()
    assert contents(fake, library) == chen.files() == {"a.psd": b"second"}
    assert fake.live(library)["a.psd"].version == 2
