"""Check-outs at a real mount: opening a layered file takes it, everybody sees it, and it binds."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sync.agent.leases import _requests
from sync.core import protocol as p
from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.conftest import Agent, read, until, write_whole

NAME = "主视觉.psd"


def node_of(fake: FakeLibrary, library: str) -> p.Node:
    return fake.live(library)[NAME]


@pytest.fixture
def shared(fake: FakeLibrary, library: str, lin: Agent, chen: Agent) -> Path:
    """A layered file that both have; its place at 陈帆's."""
    write_whole(lin.library / NAME, b"first")
    until(lambda: read(chen.library / NAME) == b"first", "seen by the other")
    until(lambda: not fake.leases, "free")
    return chen.library / NAME


def is_read_only(path: Path) -> bool:
    return not stat.S_IMODE(os.stat(path).st_mode) & 0o222


def test_open_when_layered_then_checked_out_for_others_and_given_back_after_the_save(
    fake: FakeLibrary, library: str, lin: Agent, shared: Path
) -> None:
    handle = os.open(lin.library / NAME, os.O_RDWR)
    assert [lease.name for lease in fake.leases.values()] == ["林悦"]
    until(lambda: is_read_only(shared), "read-only for the other")
    for try_it in (lambda: os.open(shared, os.O_RDWR), lambda: os.unlink(shared), lambda: os.rename(shared, shared.with_name("x.psd"))):
        with pytest.raises(PermissionError):
            try_it()
    assert read(shared) == b"first", "it can still be read"
    os.pwrite(handle, b"second", 0)
    os.close(handle)
    until(lambda: read(shared) == b"second", "the save at the other")
    until(lambda: not fake.leases, "given back")
    until(lambda: not is_read_only(shared), "writable for the other")
    write_whole(shared, b"third")
    until(lambda: read(lin.library / NAME) == b"third", "the other's save")
    assert len(fake.live(library)) == 1, "nobody met a second head"


def test_open_when_another_took_it_a_moment_ago_then_refused_at_once(fake: FakeLibrary, library: str, lin: Agent, shared: Path) -> None:
    node = node_of(fake, library)
    fake.leases[node.id] = p.Lease(node.id, "member-王芳", "王芳", 300_000)  # Taken; the feed has not told of it.
    with pytest.raises(PermissionError):
        os.open(shared, os.O_RDWR)


def test_open_when_not_layered_then_no_check_out(fake: FakeLibrary, lin: Agent, chen: Agent) -> None:
    write_whole(lin.library / "a.txt", b"1")
    until(lambda: read(chen.library / "a.txt") == b"1", "seen by the other")
    handle = os.open(lin.library / "a.txt", os.O_RDWR)
    assert not fake.leases
    os.close(handle)


def test_open_when_the_library_is_out_of_reach_then_allowed(fake: FakeLibrary, lin: Agent, shared: Path) -> None:
    fake.faults.refuse_everything = True
    handle = os.open(lin.library / NAME, os.O_RDWR)
    os.pwrite(handle, b"offline", 0)
    os.close(handle)
    fake.faults.refuse_everything = False
    until(lambda: read(shared) == b"offline", "the save at the other")


def test_start_when_something_is_checked_out_already_then_known(
    fake: FakeLibrary, library: str, lin: Agent, chen: Agent, shared: Path
) -> None:
    chen.stop()
    node = node_of(fake, library)
    fake.check_out("林悦", fake.shelves[library], p.LeasesRequest((node.id,)))
    shelf = fake.shelves[library]
    shelf.seq -= 1  # As if the feed had told of it before the restart.
    chen.start()
    until(lambda: is_read_only(shared), "read-only after the start")


def test_requests_when_more_is_open_than_one_may_hold_then_several() -> None:
    take, give_back = [f"t{n}" for n in range(150)], [f"g{n}" for n in range(350)]
    requests = list(_requests(take, give_back))
    assert max(len(request.take) + len(request.give_back) for request in requests) <= p.MAX_LEASES
    assert [node for request in requests for node in request.take] == take
    assert [node for request in requests for node in request.give_back] == give_back


def test_replace_when_open_before_and_after_then_checked_out_until_both_are_closed(
    fake: FakeLibrary, library: str, lin: Agent, shared: Path
) -> None:
    first = os.open(lin.library / NAME, os.O_RDWR)
    write_whole(lin.library / "save.tmp", b"second")
    os.replace(lin.library / "save.tmp", lin.library / NAME)
    second = os.open(lin.library / NAME, os.O_RDWR)
    os.close(first)
    for name in ("one.txt", "two.txt"):  # what is closed is given back after all is sent
        write_whole(lin.library / name, b"1")
        until(lambda name=name: name in fake.live(library), "all is sent")
    assert [lease.name for lease in fake.leases.values()] == ["林悦"]
    os.close(second)
    until(lambda: not fake.leases, "given back")
