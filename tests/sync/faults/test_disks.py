"""Disks that are full, read-only or broken: programs see an errno, people read words, nothing is lost, and it goes on by itself."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from sync.agent.recovery import DRAFT
from tests.sync.faults.disks import break_disk, breakable_disk, fill, make_read_only, make_writable, repair_disk, small_disk
from tests.sync.faults.scene import Scene
from tests.sync.faults.site import Agent, Site, until

pytestmark = [pytest.mark.fault, pytest.mark.server, pytest.mark.fuse]


def refused(path: Path, content: bytes) -> int:
    """Write a file that the disk will not take; returns the errno that the program sees."""
    try:
        with open(path, "wb", buffering=0) as file:
            for start in range(0, len(content), 65536):
                file.write(content[start : start + 65536])
    except OSError as error:
        return error.errno or 0
    return 0


def bytes_of(path: Path) -> bytes | None:
    """None while it is not there, as for a moment when a next version takes its name."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def test_disk_when_full_then_saves_are_refused_and_go_on_when_there_is_room(scene: Scene, site: Site, home: Path) -> None:
    hers, big = os.urandom(300_000), os.urandom(3_000_000)
    (scene.reads.folder / "满盘").mkdir()
    (scene.reads.folder / "满盘/她的.bin").write_bytes(hers)
    with small_disk(home / "disk", 6) as disk:
        agent = Agent(home / "full", site, "苏航", state=disk / "state").start()
        try:
            folder = agent.folder / "满盘"
            until(lambda: (folder / "她的.bin").exists(), "the other's file is seen")
            (folder / "图.psd").write_bytes(b"first")
            until(lambda: site.files("满盘/").get("满盘/图.psd") == b"first", "the first save is safe")
            filler = fill(disk)
            assert refused(folder / "图.psd", big) == errno.ENOSPC
            assert (folder / "图.psd").read_bytes() == b"first", "half a file is nobody's version"
            assert (folder / "她的.bin").read_bytes() == hers, "what the library has can be read without room for it"
            until(lambda: "本机磁盘已满" in agent.tell_status(), lambda: f"told: {agent.tell_status()}", every_s=0.2)
            filler.unlink()
            for draft in [name for name in os.listdir(folder) if DRAFT in name]:
                (folder / draft).unlink()
            until(lambda: agent.status()["error"] is None, "told that it is over")
            (folder / "图.psd").write_bytes(big)
            until(
                lambda: site.files("满盘/").get("满盘/图.psd") == big, lambda: f"the next save is safe; {agent.tell_status()} {agent.log()}"
            )
            assert [version for path, (_node, version, _digest) in site.versions().items() if path == "满盘/图.psd"] == [2]
        finally:
            agent.clean_up()
    assert site.conflicts() == []


def test_disk_when_it_breaks_then_saves_are_refused_and_go_on_after_its_repair(site: Site, home: Path) -> None:
    with breakable_disk(home / "disk", 24) as disk:
        agent = Agent(home / "broken", site, "苏航", state=disk / "state").start()
        try:
            folder = agent.folder / "坏盘"
            folder.mkdir()
            (folder / "图.psd").write_bytes(b"first")
            until(lambda: site.files("坏盘/").get("坏盘/图.psd") == b"first", "the first save is safe")
            os.sync()
            break_disk(disk)
            assert refused(folder / "新.psd", b"new") in (errno.EROFS, errno.EIO)
            assert refused(folder / "图.psd", b"second") in (errno.EROFS, errno.EIO)
            assert (folder / "图.psd").read_bytes() == b"first"
            until(lambda: "本机磁盘" in agent.tell_status(), lambda: f"told: {agent.tell_status()}", every_s=0.2)
            assert not agent.is_dead, agent.log()
            agent.kill()
            repair_disk(disk)
            agent.start()
            assert (folder / "图.psd").read_bytes() == b"first"
            (folder / "图.psd").write_bytes(b"second")
            until(lambda: site.files("坏盘/").get("坏盘/图.psd") == b"second", "the next save is safe")
            assert "本机磁盘" not in agent.tell_status()
        finally:
            agent.clean_up()
    assert site.conflicts() == []


def test_mirror_when_its_disk_is_read_only_then_full_then_told_and_goes_on(scene: Scene, site: Site, home: Path) -> None:
    folder = scene.reads.folder / "镜像"
    folder.mkdir()
    (folder / "一.bin").write_bytes(one := os.urandom(100_000))
    with small_disk(home / "disk", 6) as disk:
        agent = Agent(home / "mirror", site, "林悦", mirror=disk / "素材").start()
        try:
            here = agent.folder / "镜像"
            until(lambda: bytes_of(here / "一.bin") == one, "the first file is here")
            make_read_only(disk)
            (folder / "一.bin").write_bytes(two := os.urandom(100_000))
            until(lambda: "磁盘是只读的" in agent.tell_status(), lambda: f"told: {agent.tell_status()}", every_s=0.2)
            assert (here / "一.bin").read_bytes() == one
            make_writable(disk)
            until(lambda: bytes_of(here / "一.bin") == two, lambda: f"goes on by itself; {agent.tell_status()}")
            filler = fill(disk)
            (folder / "一.bin").write_bytes(three := os.urandom(100_000))
            until(lambda: "磁盘已满" in agent.tell_status(), lambda: f"told: {agent.tell_status()}", every_s=0.2)
            assert (here / "一.bin").read_bytes() == two
            filler.unlink()
            until(lambda: bytes_of(here / "一.bin") == three, lambda: f"goes on by itself; {agent.tell_status()}")
            until(lambda: "磁盘" not in agent.tell_status(), lambda: f"told that it is over: {agent.tell_status()}", every_s=0.2)
        finally:
            agent.clean_up()
    assert site.conflicts() == []
