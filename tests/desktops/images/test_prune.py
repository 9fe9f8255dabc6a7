"""Which golden images are deleted: superseded, used by no desktop and no disk, in a folder of our own, while nobody builds."""

import fcntl
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from desktops.hosts.jobs import find_images, prune_images
from desktops.hypervisor.base import HypervisorError
from desktops.images import prune
from desktops.images.build import LOCK
from desktops.images.models import ImageVersion
from desktops.machines.actions import open_desktop
from desktops.machines.models import Desktop, DesktopEvent
from tests.house import member_named
from workspace.db import Database
from workspace.jobs.worker import JobRun
from workspace.parts import Parts
from workspace.settings import Settings
from workspace.work import open_work

FACTS = {
    "name": "desktop", "title": "设计桌面", "inputs_digest": "i", "cmdline": "", "memory_mib": 512, "disk_gib": 4, "size_bytes": 3,
    "kernel_version": "6.1", "packages": {},
}  # fmt: skip


class Shelf:
    """Four built versions a, b, c, d, known to the product, and its pruning."""

    def __init__(self, settings: Settings, database: Database, parts: Parts) -> None:
        self.folder, self.desktops = settings.effective_image_dir, settings.data_dir / "desktops"
        self.database, self.parts, self.run = database, parts, JobRun(database, parts, 1, "test", Event())
        for hour, digest in enumerate("abcd"):
            self.build(digest, built_at=f"2026-11-21T0{hour}:00:00+00:00")
        find_images(self.run)

    def build(self, digest: str, *, built_at: str) -> None:
        folder = self.folder / f"desktop-{digest}"
        folder.mkdir(parents=True)
        (folder / "rootfs.qcow2").write_text(digest)
        (folder / "manifest.json").write_text(json.dumps({**FACTS, "digest": digest, "built_at": built_at}))

    def prune(self) -> str:
        prune_images(self.run)
        return self.there()

    def there(self) -> str:
        return "".join(sorted(path.name.removeprefix("desktop-") for path in self.folder.glob("*-*")))

    def known(self) -> str:
        with open_work(self.database, parts=self.parts, writes=False) as work:
            return "".join(sorted(image.digest for image in work.session.query(ImageVersion).filter_by(gone_at=None)))

    def clone(self, digest: str) -> str:
        """A desktop of this version in the database, its disk not made yet."""
        with open_work(self.database, parts=self.parts) as work:
            desktop = open_desktop(work, member_id=member_named(work, "苏航").id)
            desktop.image_id = work.session.query(ImageVersion).filter_by(digest=digest).one().id
            return desktop.id

    def reclaimed(self, desktop_id: str) -> None:
        with open_work(self.database, parts=self.parts) as work:
            desktop = work.session.get_one(Desktop, desktop_id)
            desktop.state = "gone"
            work.record(DesktopEvent.RECLAIMED, subject=f"desktop:{desktop_id}", rooms=["desktops"])


@pytest.fixture
def shelf(settings: Settings, company: Database, parts: Parts) -> Shelf:
    return Shelf(settings, company, parts)


@pytest.fixture
def backed(monkeypatch: pytest.MonkeyPatch, shelf: Shelf) -> Callable[[str], None]:
    """Lays down a disk of a desktop that the database knows nothing of, backed by this version."""

    def lay(digest: str) -> None:
        disk = shelf.desktops / "unknown" / "system-1.qcow2"
        disk.parent.mkdir(parents=True)
        disk.touch()
        monkeypatch.setattr(prune, "backing_file", lambda path: shelf.folder / f"desktop-{digest}" / "rootfs.qcow2")

    return lay


def test_prune_when_nobody_uses_old_ones_then_the_newest_two_stay(shelf: Shelf) -> None:
    assert shelf.prune() == "cd"
    assert shelf.known() == "cd"
    find_images(shelf.run)
    assert shelf.known() == "cd"


def test_prune_when_a_desktop_is_of_an_old_one_then_it_stays_until_the_desktop_is_gone(shelf: Shelf) -> None:
    desktop_id = shelf.clone("a")
    assert shelf.prune() == "acd"
    shelf.reclaimed(desktop_id)
    assert shelf.prune() == "cd"


def test_prune_when_a_disk_nobody_knows_is_backed_by_an_old_one_then_it_stays(shelf: Shelf, backed: Callable[[str], None]) -> None:
    backed("b")
    assert shelf.prune() == "bcd"
    assert shelf.known() == "bcd"


def test_prune_when_a_disk_cannot_be_read_then_nothing_is_deleted(
    shelf: Shelf, backed: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    backed("b")

    def unreadable(path: Path) -> Path:
        raise HypervisorError("qemu-img 失败")

    monkeypatch.setattr(prune, "backing_file", unreadable)
    with pytest.raises(HypervisorError):
        shelf.prune()
    assert shelf.there() == shelf.known() == "abcd"


def test_prune_when_an_image_is_being_built_then_its_turn_comes_later(shelf: Shelf) -> None:
    with (shelf.folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert shelf.prune() == "abcd"
    assert shelf.prune() == "cd"


def test_prune_when_killed_half_way_then_the_rest_goes_next_time(shelf: Shelf) -> None:
    (shelf.folder / "desktop-a").rename(shelf.folder / ".gone-desktop-a")
    assert shelf.prune() == "cd"
    assert not list(shelf.folder.glob(".gone-*"))


def test_prune_when_the_folder_may_serve_others_then_nothing_is_deleted(shelf: Shelf, settings: Settings, tmp_path: Path) -> None:
    shared = replace(settings, data_dir=tmp_path / "elsewhere", image_dir=str(shelf.folder))
    shelf.parts.provide(Settings, lambda: shared)
    assert shelf.prune() == "abcd"
    assert shelf.known() == "abcd"
