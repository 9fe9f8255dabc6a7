"""Disks of Windows and macOS, as far as one can without them: names in other case and form, paths too long, files in use.

And whole companies of disks: seeded members do whatever comes to mind on each, and all come to rest at the same files.
"""

from __future__ import annotations

import os
import random
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.agent.mirror import quiet
from sync.agent.mirror.disk import Disk
from tests.fakes.library_server import FakeLibrary
from tests.fakes.other_disk import OtherDisk
from tests.sync.agent.conftest import LIBRARY, until
from tests.sync.agent.mirror.conftest import Device, contents

MakeDevice = Callable[..., Device]


def windows(root: Path) -> Disk:
    return OtherDisk(root, windows=True)


def macos(root: Path) -> Disk:
    return OtherDisk(root, decomposes=True)


def nfc(files: dict[str, bytes]) -> dict[str, bytes]:
    return {unicodedata.normalize("NFC", path): content for path, content in files.items()}


def test_name_when_macos_keeps_it_in_another_form_then_it_is_the_same_name(
    make_device: MakeDevice, fake: FakeLibrary, library: str
) -> None:
    lin, chen = make_device("林悦"), make_device("陈帆", make_disk=macos)
    lin.sync()
    (lin.library / "Café").mkdir()
    (lin.library / "Café/Übersicht.txt").write_bytes(b"one")
    lin.sync()
    chen.sync()
    (path,) = chen.files()
    assert path != unicodedata.normalize("NFC", path), "the disk keeps it decomposed"
    (chen.library / path).write_bytes(b"two")
    (chen.library / unicodedata.normalize("NFD", "Ärger.txt")).write_bytes(b"new")
    chen.sync()
    lin.sync()
    assert lin.files() == contents(fake, library) == {"Café/Übersicht.txt": b"two", "Ärger.txt": b"new"}
    assert [node.version for node in fake.versions(library, "Café/Übersicht.txt")] == [1, 2]


def test_case_when_renamed_on_any_side_then_renamed_everywhere_and_never_deleted(
    make_device: MakeDevice, fake: FakeLibrary, library: str
) -> None:
    lin, chen = make_device("林悦"), make_device("陈帆", make_disk=windows)
    lin.sync()
    (lin.library / "A.psd").write_bytes(b"1")
    lin.sync()
    chen.sync()
    node = lin.node("A.psd")
    (lin.library / "A.psd").rename(lin.library / "a.PSD")
    lin.sync()
    chen.sync()
    assert chen.files() == {"a.PSD": b"1"}
    (chen.library / "a.PSD").rename(chen.library / "Final.psd")
    chen.sync()
    (chen.library / "Final.psd").rename(chen.library / "FINAL.psd")
    chen.engine.mirror.looker.paths([f"{LIBRARY}/Final.psd", f"{LIBRARY}/FINAL.psd"])
    chen.sync()
    lin.sync()
    assert lin.files() == chen.files() == contents(fake, library) == {"FINAL.psd": b"1"}
    assert lin.node("FINAL.psd") == node
    assert chen.troubles() == {}


def test_names_when_linux_has_two_in_other_case_then_the_others_meet_one_and_it_is_told(
    make_device: MakeDevice, fake: FakeLibrary, library: str
) -> None:
    lin, chen = make_device("林悦"), make_device("陈帆", make_disk=macos)
    lin.sync()
    (lin.library / "A.psd").write_bytes(b"upper")
    lin.sync()
    (lin.library / "a.psd").write_bytes(b"lower")
    lin.sync()
    chen.sync()
    assert chen.files() == {"A.psd": b"upper"}
    assert lin.troubles() == {"a.psd": "case_clash"}
    (lin.library / "A.psd").unlink()
    lin.sync()
    chen.sync()
    assert nfc(chen.files()) == contents(fake, library) == {"a.psd": b"lower"}
    assert lin.troubles() == {}


def test_path_when_too_long_for_windows_then_listed_and_brought_once_it_fits(make_device: MakeDevice, fake: FakeLibrary) -> None:
    lin = make_device("林悦")
    chen = make_device("陈帆", make_disk=lambda root: OtherDisk(root, windows=True, path_max=len(str(root)) + 60))
    lin.sync()
    deep = lin.library / ("长" * 20) / ("文" * 20)
    deep.mkdir(parents=True)
    (deep / "海报终稿第十二版.psd").write_bytes(b"x")
    lin.sync()
    chen.sync(rests=False)
    assert list(chen.troubles().values()) == ["path_too_long"]
    assert chen.files() == {}
    (lin.library / ("长" * 20)).rename(lin.library / "短")
    lin.sync()
    chen.sync()
    assert set(chen.files()) == {f"短/{'文' * 20}/海报终稿第十二版.psd"}
    assert chen.troubles() == {}


def test_file_when_in_use_by_a_program_then_tried_again_and_told_until_it_is_closed(make_device: MakeDevice, fake: FakeLibrary) -> None:
    lin, chen = make_device("林悦"), make_device("陈帆", make_disk=windows)
    lin.sync()
    (lin.library / "open.xlsx").write_bytes(b"one")
    (lin.library / "gone.xlsx").write_bytes(b"one")
    lin.sync()
    chen.sync()
    disk = chen.engine.disk
    assert isinstance(disk, OtherDisk)
    disk.busy = {f"{LIBRARY}/open.xlsx", f"{LIBRARY}/gone.xlsx"}
    (lin.library / "open.xlsx").write_bytes(b"two")
    (lin.library / "gone.xlsx").unlink()
    lin.sync()
    both = {"open.xlsx": "file_busy", "gone.xlsx": "file_busy"}
    until(lambda: chen.sync(rests=False) or chen.troubles() == both, "both are told, of which one is fetched beside this thread")
    assert chen.files() == {"open.xlsx": b"one", "gone.xlsx": b"one"}
    disk.busy = set()
    chen.sync()
    assert chen.files() == {"open.xlsx": b"two"}
    assert chen.troubles() == {}


def test_save_when_its_program_lets_nobody_read_it_then_told_and_sent_soon_after_it_is_closed(
    make_device: MakeDevice, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chen = make_device("陈帆", make_disk=windows)
    chen.sync()
    disk, mirror = chen.engine.disk, chen.engine.mirror
    assert isinstance(disk, OtherDisk)
    (chen.library / "open.xlsx").write_bytes(b"one")
    chen.sync()
    (chen.library / "open.xlsx").write_bytes(b"next")
    disk.busy = {f"{LIBRARY}/open.xlsx"}
    monkeypatch.setattr(quiet, "GROWING_S", 0.0)
    chen.look()
    assert chen.troubles() == {"open.xlsx": "file_busy"}
    assert mirror.watch.due() == [f"{LIBRARY}/open.xlsx"], "no event tells when it is closed"
    disk.busy = set()
    chen.sync()
    assert contents(fake, library) == {"open.xlsx": b"next"}
    assert chen.troubles() == {}


# --- whole companies of disks -------------------------------------------------------------------------------------------

NAMES = ["a.psd", "A.psd", "b.txt", "Café.ai", "cafe\u0301.ai", "海报.psd", "d", "D", "e"]


class Member:
    """Does something on a disk, as its programs would."""

    def __init__(self, device: Device, luck: random.Random) -> None:
        self.device, self.luck, self.count = device, luck, 0
        self.saved: set[bytes] = set()

    def _any(self, *, folders: bool) -> Path | None:
        found = [path for path in sorted(self.device.library.rglob("*")) if path.is_dir() == folders]
        return self.luck.choice(found) if found else None

    def _new(self) -> Path:
        folders = [self.device.library, *(path for path in sorted(self.device.library.rglob("*")) if path.is_dir())]
        parent = self.luck.choice(folders).relative_to(self.device.root).as_posix()
        return self.device.engine.disk.real(f"{parent}/{self.luck.choice(NAMES)}")

    def act(self) -> None:
        getattr(self, self.luck.choice(["write", "write", "edit", "swap", "make_folder", "move", "move", "remove"]))()

    def _content(self) -> bytes:
        self.count += 1
        content = f"{self.device.identity.member_name} {self.count} ".encode() + self.luck.randbytes(self.luck.choice([0, 9, 5000]))
        self.saved.add(content)
        return content

    def write(self) -> None:
        path = self._new()
        if not path.is_dir():
            path.write_bytes(self._content())

    def edit(self) -> None:
        if (path := self._any(folders=False)) is not None:
            path.write_bytes(self._content())

    def swap(self) -> None:
        if (path := self._any(folders=False)) is not None:
            other = path.with_name("~save.tmp")
            other.write_bytes(self._content())
            os.replace(other, path)

    def make_folder(self) -> None:
        path = self._new()
        if not path.exists():
            path.mkdir()

    def move(self) -> None:
        path, target = self._any(folders=self.luck.random() < 0.4), self._new()
        if path is not None and not target.exists() and path not in target.parents and path != target:
            path.rename(target)

    def remove(self) -> None:
        path = self._any(folders=self.luck.random() < 0.2)
        if path is not None:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("seed", [1, 3, 4, 7, 8, 9])
def test_disks_when_seeded_members_do_anything_then_all_come_to_rest_at_the_same_files(
    seed: int, make_device: MakeDevice, fake: FakeLibrary, library: str
) -> None:
    luck = random.Random(seed)
    devices = [make_device("林悦"), make_device("陈帆", make_disk=macos), make_device("苏航", make_disk=windows)]
    for device in devices:
        device.sync()
    members = [Member(device, luck) for device in devices]
    for _ in range(25):
        member = luck.choice(members)
        for _ in range(luck.choice([1, 1, 3])):
            member.act()
        getattr(member.device, luck.choice(["look", "look", "send", "follow", "follow"]))()
        if luck.random() < 0.05:
            member.device.stop()
            member.device.start()
    for _ in range(4):
        for device in devices:
            device.sync()
    wanted = contents(fake, library)
    for device in devices:
        assert nfc(device.shown()) == wanted, (device.identity.member_name, device.troubles())
        assert set(device.troubles().values()) <= {"case_clash"}


@pytest.mark.parametrize("seed", range(2))
def test_disks_when_one_member_works_at_a_time_then_there_is_never_a_second_head(
    seed: int, make_device: MakeDevice, fake: FakeLibrary, library: str
) -> None:
    luck = random.Random(1000 + seed)
    devices = [make_device("林悦"), make_device("林悦", make_disk=macos)]
    members = [Member(device, luck) for device in devices]
    for device in devices:
        device.sync()
    for turn in range(10):
        member = members[turn % 2]
        for _ in range(4):
            member.act()
            if luck.random() < 0.5:
                member.device.look()
        member.device.sync()
        members[(turn + 1) % 2].device.sync()
    assert [node.name for node in fake.live(library).values() if node.head_of is not None] == []
