"""Bytes that do not stand still, and lines that break: nothing half is ever sent or seen."""

from __future__ import annotations

import os
from typing import BinaryIO

import pytest

from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.conftest import until
from tests.sync.agent.mirror.conftest import Device, contents


def test_file_when_it_grows_while_it_is_looked_at_then_waits_until_it_stands_still(
    lin: Device, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin.sync()
    path, disk = lin.library / "growing.mov", lin.engine.disk
    path.write_bytes(b"first half, ")
    opened = disk.open

    def grows(name: str) -> BinaryIO:
        stream = opened(name)
        with open(path, "ab") as writer:
            writer.write(b"more, ")
        return stream

    monkeypatch.setattr(disk, "open", grows)
    lin.look()
    lin.send()
    assert fake.live(library) == {}
    monkeypatch.undo()
    lin.sync()
    assert contents(fake, library) == {"growing.mov": path.read_bytes()}
    assert fake.live(library)["growing.mov"].version == 1


def test_file_when_changed_between_the_look_and_the_sending_then_never_sent_half(lin: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    path = lin.library / "f.psd"
    path.write_bytes(b"whole and old")
    lin.look()
    with open(path, "r+b") as writer:
        writer.write(b"half")
        writer.flush()
        for _ in range(3):
            lin.engine.send()
        assert fake.live(library) == {}
        writer.write(b", now whole and new")
    lin.sync()
    assert [fake.bytes_of(library, version) for version in fake.versions(library, "f.psd")] == [b"half, now whole and new"]


def test_line_when_it_breaks_while_fetching_then_tried_again_and_told_meanwhile(lin: Device, chen: Device, fake: FakeLibrary) -> None:
    lin.sync()
    (lin.library / "f").write_bytes(os.urandom(5000))
    lin.sync()
    chen.follow()
    fake.faults.refuse_everything = True
    chen.look()
    until(lambda: chen.look() or chen.troubles(), "told")
    assert chen.troubles() == {"f": "not_fetched"}
    fake.faults.refuse_everything = False
    chen.sync()
    assert chen.files() == lin.files()
    assert chen.troubles() == {}
