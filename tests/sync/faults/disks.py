"""Small disks of a test's own: full when wanted, read-only when wanted, failing when wanted. They need root."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, timeout=30)


@contextmanager
def small_disk(folder: Path, size_mib: int) -> Iterator[Path]:
    """A file system in memory with so much room. Skips, with the reason, where nothing may be mounted."""
    folder.mkdir()
    try:
        _run("mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "none", str(folder))
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"disk: no file system may be mounted here: {error}")
    try:
        yield folder
    finally:
        _run("umount", "-l", str(folder))


@contextmanager
def breakable_disk(folder: Path, size_mib: int) -> Iterator[Path]:
    """An ext4 of so much room, which `break_disk` makes read-only as a real one does when the device fails."""
    image, mounted = folder.with_suffix(".img"), False
    folder.mkdir()
    try:
        with open(image, "wb") as file:
            file.truncate(size_mib << 20)
        _run("mkfs.ext4", "-q", "-b", "4096", str(image))
        mount_again(folder)
        mounted = True
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"disk: no loop device with ext4 here: {error}")
    try:
        yield folder
    finally:
        if mounted:
            _run("umount", "-l", str(folder))


def mount_again(folder: Path) -> None:
    _run("mount", "-o", "loop,errors=remount-ro", str(folder.with_suffix(".img")), str(folder))


def break_disk(folder: Path) -> None:
    """What the kernel does when it meets an error on the device: from now on every write is refused with EROFS."""
    number = os.stat(folder).st_dev
    device = os.path.realpath(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
    Path(f"/sys/fs/ext4/{Path(device).name}/trigger_fs_error").write_text("a test", encoding="utf-8")


def repair_disk(folder: Path) -> None:
    """As an administrator does it: unmount, check, mount. Nobody may have a file open there."""
    _run("umount", str(folder))
    subprocess.run(["e2fsck", "-fy", str(folder.with_suffix(".img"))], check=False, capture_output=True, timeout=30)
    mount_again(folder)


def make_read_only(folder: Path) -> None:
    """As soon as nobody writes there any more."""
    for _attempt in range(50):
        done = subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=False, capture_output=True, timeout=30)
        if done.returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError(done.stderr)


def make_writable(folder: Path) -> None:
    _run("mount", "-o", "remount,rw", str(folder))


def fill(folder: Path) -> Path:
    """Take every byte that is left; returns the file to remove when there is to be room again."""
    filler = folder / "filler"
    with open(filler, "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\1" * size)
            except OSError:
                continue  # smaller pieces may still fit
    return filler
