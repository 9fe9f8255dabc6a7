"""Rights in a folder, seen in the real mount: it goes, comes, and cannot be written in; nothing that was written is lost."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable

import pytest

from sync.core.protocol import Right
from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.conftest import Agent, until

pytestmark = pytest.mark.fuse


@pytest.fixture
def folder(lin: Agent, chen: Agent, fake: FakeLibrary, library: str) -> str:
    """Id of 机密/, which holds 主图.psd and is in both mounts."""
    (lin.library / "机密").mkdir()
    (lin.library / "机密" / "主图.psd").write_bytes(b"v1")
    until((chen.library / "机密" / "主图.psd").exists, "in the other mount")
    until(lambda: "机密/主图.psd" in fake.live(library), "safe")
    return fake.live(library)["机密"].id


def refused(step: Callable[[], object]) -> int | None:
    try:
        step()
    except OSError as error:
        return error.errno
    return None


def test_mount_when_a_folder_is_closed_then_it_goes_and_comes_back(lin: Agent, chen: Agent, fake: FakeLibrary, folder: str) -> None:
    assert (chen.library / "机密" / "主图.psd").read_bytes() == b"v1"
    fake.grant(folder, "陈帆", Right.NONE)
    until(lambda: os.listdir(chen.library) == [], "gone")
    assert refused(lambda: (chen.library / "机密" / "主图.psd").read_bytes()) == errno.ENOENT
    assert (lin.library / "机密" / "主图.psd").read_bytes() == b"v1", "it was never otherwise for others"
    fake.grant(folder, "陈帆", None)
    until((chen.library / "机密" / "主图.psd").exists, "back")
    (chen.library / "机密" / "主图.psd").write_bytes(b"v2")
    until(lambda: (lin.library / "机密" / "主图.psd").read_bytes() == b"v2", "saved again")


def test_mount_when_a_folder_may_only_be_looked_at_then_every_change_in_it_is_refused(
    lin: Agent, chen: Agent, fake: FakeLibrary, library: str, folder: str
) -> None:
    inside = chen.library / "机密"
    (chen.library / "别处.txt").write_bytes(b"elsewhere")
    fake.grant(folder, "陈帆", Right.SEE)
    until(lambda: refused(lambda: os.open(inside / "主图.psd", os.O_WRONLY)) == errno.EACCES, "closed for writing")
    steps: list[Callable[[], object]] = [
        lambda: (inside / "新.txt").write_bytes(b"x"), lambda: (inside / "里").mkdir(), lambda: (inside / "主图.psd").unlink(),
        lambda: (inside / "主图.psd").rename(chen.library / "出去.psd"), lambda: (chen.library / "别处.txt").rename(inside / "别处.txt"),
        lambda: os.truncate(inside / "主图.psd", 0),
    ]  # fmt: skip
    assert [refused(step) for step in steps] == [errno.EACCES] * len(steps)
    assert (inside / "主图.psd").read_bytes() == b"v1"
    fake.grant(folder, "陈帆", Right.EDIT)
    until(lambda: refused(lambda: (inside / "新.txt").write_bytes(b"x")) is None, "open for writing")
    until(lambda: "机密/新.txt" in fake.live(library), "saved")


def test_mount_when_the_folder_closes_under_a_writing_program_then_its_bytes_stay_on_this_machine(
    chen: Agent, fake: FakeLibrary, library: str, folder: str
) -> None:
    writing = os.open(chen.library / "机密" / "主图.psd", os.O_WRONLY)
    os.write(writing, b"v2 of somebody who may not any more")
    fake.grant(folder, "陈帆", Right.NONE)
    (chen.library / "别处.txt").write_bytes(b"elsewhere")
    until(lambda: "别处.txt" in fake.live(library), "the rest of the library works")
    os.write(writing, b", to the end")
    os.close(writing)
    until(lambda: os.listdir(chen.library) == ["别处.txt"], "gone")
    (kept,) = (chen.state / "kept").iterdir()
    assert kept.read_bytes() == b"v2 of somebody who may not any more, to the end"
    assert [fake.bytes_of(library, node) for node in fake.versions(library, "机密/主图.psd")] == [b"v1"]
    until(lambda: chen.status()["pending_ops"] == 0, "nothing is left to be refused")
