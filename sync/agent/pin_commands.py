"""`mainline-agent pin FOLDER` and `unpin FOLDER`, said through the mount itself: its agent may run as somebody else.

An extended attribute of the folder carries the word; the agent answers with an errno, which becomes a sentence here.
"""

from __future__ import annotations

import argparse
import errno
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from sync.agent.errors import BadSetting
from sync.agent.mirror.words import say, size_in_words

ATTRIBUTE = "user.mainline.pin"
MOUNT_NAME = "mainline"
"""What the system's list of mounts shows as the source of ours."""

_MOUNTS = Path("/proc/self/mountinfo")


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both to the command line."""
    for name, text, run in (
        ("pin", "always keep a folder of the mount on this machine, also without a line", pin),
        ("unpin", "keep a folder only as long as there is room for it", unpin),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("folder", type=Path, help="a library in the mount, or a folder in one")
        command.set_defaults(run=_command(run))


def _command(run: Callable[[Path], None]) -> Callable[[argparse.Namespace], int]:
    def act(options: argparse.Namespace) -> int:
        run(options.folder)
        return 0

    return act


def pin(folder: Path) -> None:
    """Have the agent keep a folder. Raises BadSetting with a sentence."""
    folder = _in_a_mount(folder)
    try:
        os.setxattr(folder, ATTRIBUTE, b"1")
    except OSError as error:
        raise _refusal(folder, error) from error
    print(say("“{path}”会始终保留在这台机器上；进度见 mainline-agent status", path=folder))


def unpin(folder: Path) -> None:
    """Have the agent keep it no longer. Raises BadSetting with a sentence."""
    folder = _in_a_mount(folder)
    try:
        os.removexattr(folder, ATTRIBUTE)
    except OSError as error:
        raise _refusal(folder, error) from error
    print(say("“{path}”不再始终保留；空间不够时会先移走", path=folder))


def _in_a_mount(folder: Path) -> Path:
    """The folder by its whole name. Another file system might take the attribute and mean nothing by it."""
    folder = Path(os.path.realpath(folder))
    if sys.platform != "linux" or not any(folder.is_relative_to(point) for point in _mount_points()):
        raise BadSetting(say("这里不是挂载的素材库"), str(folder))
    return folder


def _mount_points() -> list[Path]:
    """Where agents of ours have mounted. Fields as in proc(5): the mount point is the fifth, the source follows ` - TYPE `."""
    found = []
    for line in _MOUNTS.read_bytes().splitlines():
        place, _, source = line.partition(b" - ")
        kind, name = source.split(b" ")[:2]
        if kind.startswith(b"fuse") and name == MOUNT_NAME.encode():
            point = re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), place.split(b" ")[4])
            found.append(Path(os.fsdecode(point)))
    return found


def _refusal(folder: Path, error: OSError) -> BadSetting:
    if error.errno == errno.ENOSPC:
        disk = os.statvfs(folder)
        sizes = {"needed": size_in_words(_size_of(folder)), "free": size_in_words(disk.f_bavail * disk.f_frsize)}
        return BadSetting(say("这台机器放不下“{path}”：共 {needed}，磁盘只剩 {free}，还要为保存留出空间", path=folder, **sizes))
    sentences = {
        errno.ENOENT: "没有这个文件夹",
        errno.ENOTDIR: "只能保留文件夹，不能保留单个文件",
        errno.EINVAL: "请选择一个素材库，或素材库里的文件夹",
        errno.ENODATA: "这个文件夹本来就没有设为始终保留",
        errno.ENOTSUP: "这里的同步客户端太旧，还不能保留文件夹",
    }
    return BadSetting(say(sentences.get(error.errno or 0, "没有成功")), f"{folder}: {os.strerror(error.errno or 0)}")


def _size_of(folder: Path) -> int:
    return sum(os.lstat(os.path.join(above, name)).st_size for above, _, names in os.walk(folder) for name in names)
