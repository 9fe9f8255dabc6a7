"""Disks of desktops, as far as it can be seen without a guest."""

from pathlib import Path

import pytest

from desktops.hypervisor import disks
from desktops.hypervisor.disks import make_system_disk


def test_disk_when_another_worker_made_it_meanwhile_then_that_one_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A guest may be running on it already: replaced, everything it writes would be lost."""
    disk = tmp_path / "system-1.qcow2"

    def slow_qemu_img(*arguments: str) -> str:
        Path(arguments[-1]).write_bytes(b"the second")
        disk.write_bytes(b"the first")
        return ""

    monkeypatch.setattr(disks, "_qemu_img", slow_qemu_img)
    make_system_disk(disk, image=tmp_path / "image.qcow2")
    assert disk.read_bytes() == b"the first"
    assert list(tmp_path.iterdir()) == [disk]
