"""Mirrors on the real server: the app over TCP and the real object store."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.agent.config import Identity
from sync.agent.remote import Remote
from sync.agent.transport import TcpDialer, Transport
from sync.core import protocol as p
from sync.core.chunking import MIB
from sync.library.libraries.actions import open_library
from tests.house import member_named
from tests.sync.agent.mirror.conftest import Device
from tests.sync.library.test_contract import api, parts, work  # noqa: F401
from workspace.devices.actions import issue_code
from workspace.parts import Parts
from workspace.people.actions import make_group

pytestmark = [pytest.mark.server, pytest.mark.parametrize("parts", ["sqlite"], indirect=True)]  # the contract runs on both


class RealDevice(Device):
    """A PC of a member of the real company."""

    def __init__(self, home: Path, address: str, code: str, member: str, library: str) -> None:
        self.name = library
        self._address, self._code = address, code
        super().__init__(home, None, member)  # type: ignore[arg-type]

    def enrol(self, member: str) -> Identity:
        transport = Transport(TcpDialer())
        answer = Remote(transport, self._address, None).enrol(p.EnrolRequest(self._code, "n", member, "Linux", "0"))
        transport.close()
        return Identity(self._address, answer.token, answer.device, answer.member.id, answer.member.name)


@pytest.fixture
def devices(tmp_path: Path, parts: Parts, api: str, request: pytest.FixtureRequest) -> Iterator[list[RealDevice]]:  # noqa: F811
    made = []
    name = f"镜像{abs(hash(request.node.name))}"
    with work(parts) as opened:
        members = {each: member_named(opened, each).id for each in ("林悦", "陈帆")}
        group = make_group(opened, name="镜像", kind="free", member_ids=list(members.values()))
        open_library(opened, name=name, scope_room=None, group_id=group.id)
    for member, member_id in members.items():
        with work(parts) as opened:
            code = issue_code(opened, member_id=member_id, kind="pc", name=member)
        made.append(RealDevice(tmp_path / member_id, api, code, member, name))
    yield made
    for device in made:
        device.stop()


def test_mirrors_when_on_the_real_library_then_files_moves_and_conflicts_meet(devices: list[RealDevice]) -> None:
    lin, chen = devices
    lin.sync()
    (lin.library / "主视觉").mkdir()
    (lin.library / "主视觉/海报.psd").write_bytes(big := os.urandom(3 * MIB))
    (lin.library / "说明.txt").write_bytes(b"one")
    lin.sync()
    chen.sync()
    assert chen.files() == {"主视觉/海报.psd": big, "说明.txt": b"one"}
    (chen.library / "主视觉").rename(chen.library / "终稿")
    (chen.library / "说明.txt").write_bytes(b"of Chen")
    (lin.library / "说明.txt").write_bytes(b"of Lin")
    chen.sync()
    lin.sync()
    chen.sync()
    assert lin.files() == chen.files()
    files = lin.files()
    assert (files.pop("终稿/海报.psd"), files.pop("说明.txt")) == (big, b"of Chen")
    ((second, content),) = files.items()
    assert (second.startswith("说明 (林悦, "), content) == (True, b"of Lin")
    (chen.library / "终稿/海报.psd").unlink()
    chen.sync()
    lin.sync()
    assert "终稿/海报.psd" not in lin.files()


def test_save_when_the_other_has_heard_of_it_then_known_by_one(devices: list[RealDevice]) -> None:
    lin, chen = devices
    lin.sync()
    (lin.library / "f").write_bytes(b"1")
    lin.sync()
    for device in (chen, lin):
        device.sync()
        device.engine.beat()
    assert lin.seen("f") == 1
