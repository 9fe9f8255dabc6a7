"""A desktop's disks on this host: linked clone, home disk, and the fingerprint that binds a saved state to them."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from desktops.hypervisor.base import HypervisorError
from workspace.i18n import _

_HEAD_BYTES = 1 << 20
_DISK_OPTIONS = ["-o", "lazy_refcounts=on"]


def make_system_disk(path: Path, *, image: Path, owner: tuple[int, int] | None = None) -> None:
    """Make a linked clone of an image's disk, unless ``path`` exists. It takes about 200 KB and 10 ms.

    Written under a temporary name and then given its own, so that a disk that is there is whole, and never replaced:
    two workers may make it at the same time. owner: (uid, gid).
    """
    if path.exists():
        return
    temporary = _temporary(path)
    _qemu_img("create", "-q", "-f", "qcow2", *_DISK_OPTIONS, "-F", "qcow2", "-b", str(image), str(temporary))
    _hand_over(temporary, path, owner)


def make_home_disk(path: Path, *, size_gib: int, owner: tuple[int, int] | None = None) -> None:
    """Make an empty, formatted disk for /home, unless ``path`` exists: it is never formatted twice.

    Formatted here and not in the guest, so that no guest ever has a reason to format a disk.
    """
    if path.exists():
        return
    temporary, raw = _temporary(path), _temporary(path).with_suffix(".raw")
    with raw.open("wb") as file:
        file.truncate(size_gib << 30)
    try:
        options = ["-q", "-F", "-L", "home", "-m", "0", "-O", "^metadata_csum", "-E", "lazy_itable_init=0,nodiscard"]
        _run(["mkfs.ext4", *options, str(raw)])
        _qemu_img("convert", "-f", "raw", "-O", "qcow2", *_DISK_OPTIONS, str(raw), str(temporary))
    finally:
        raw.unlink(missing_ok=True)
    _hand_over(temporary, path, owner)


def backing_file(path: Path) -> Path | None:
    """The image that a disk is a clone of. Works on a disk in use."""
    facts = json.loads(_qemu_img("info", "--force-share", "--output=json", str(path)))
    name = facts.get("full-backing-filename")
    return Path(name) if name else None


def fingerprint(paths: Iterable[Path]) -> str:
    """A digest that changes whenever one of the files was written to or replaced, without reading them whole.

    Size, time of the last write (ns) and the first MiB, in which qcow2 keeps its header and the start of its tables.
    Inode and change time stay out: a desktop may be copied to another host with its times kept.
    """
    state = hashlib.blake2b(digest_size=16)
    for path in paths:
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            head = hashlib.blake2b(file.read(_HEAD_BYTES), digest_size=16).hexdigest()
        state.update(json.dumps([path.name, facts.st_size, facts.st_mtime_ns, head]).encode())
    return state.hexdigest()


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.making")


def _hand_over(temporary: Path, path: Path, owner: tuple[int, int] | None) -> None:
    try:
        temporary.chmod(0o600)
        if owner is not None:
            os.chown(temporary, *owner)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # Another worker was faster, and a guest may be running on its disk already.
            path.hardlink_to(temporary)
    except OSError as error:
        raise HypervisorError(_("无法建立磁盘 %(path)s", path=path), str(error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _qemu_img(*arguments: str) -> str:
    return _run(["qemu-img", *arguments])


def _run(argv: list[str]) -> str:
    program = shutil.which(argv[0], path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if program is None:
        raise HypervisorError(_("缺少程序 %(name)s", name=argv[0]), _("请安装 qemu-utils 与 e2fsprogs。"))
    done = subprocess.run([program, *argv[1:]], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise HypervisorError(_("%(name)s 失败", name=argv[0]), done.stderr.strip()[-500:], path=argv[-1])
    return done.stdout
