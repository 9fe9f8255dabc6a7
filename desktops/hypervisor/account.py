"""Under which account a desktop's QEMU runs, and the files made for it."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from desktops.hypervisor.base import Accelerator, DomainFiles

FIRST_UID = 70_000  # above what distributions hand out, below the ranges of containers
_KVM = Path("/dev/kvm")


@dataclass(frozen=True)
class QemuAccount:
    """uid and gid of one desktop's QEMU; both None = the daemon's own account."""

    uid: int | None
    gid: int | None

    @property
    def owner(self) -> tuple[int, int] | None:
        return None if self.uid is None or self.gid is None else (self.uid, self.gid)


def qemu_account(number: int, folder: Path, accelerator: Accelerator) -> QemuAccount:
    """The account of the desktop with this number (unique on its host, from 0).

    None of its own when this process is not root (a session daemon), nothing real runs, or a folder on the way to
    ``folder`` lets no other account pass: then QEMU runs under the daemon's account, and the host's page says so.
    """
    if os.geteuid() != 0 or accelerator is Accelerator.TEST or not others_may_pass(folder):
        return QemuAccount(None, None)
    uid = FIRST_UID + number
    return QemuAccount(uid, _KVM.stat().st_gid if accelerator is Accelerator.KVM else uid)


def others_may_pass(folder: Path) -> bool:
    """Whether every existing folder down to ``folder`` can be entered by any account."""
    resolved = folder.resolve()
    return all(path.stat().st_mode & stat.S_IXOTH for path in (resolved, *resolved.parents) if path.exists())


def make_folders(files: DomainFiles, account: QemuAccount) -> None:
    """Make the desktop's own folders: the disks' for its account alone, the sockets' too (QEMU creates them there)."""
    for folder in (files.folder, files.sockets):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if account.owner is not None:
            os.chown(folder, *account.owner)
        folder.chmod(0o700)


def write_seed(files: DomainFiles, content: bytes, account: QemuAccount) -> None:
    """Write what the guest finds in its firmware's configuration. Readable by its QEMU alone.

    The secret in it works once. The file must exist at every start and wake, because QEMU reads it then.
    """
    temporary = files.seed.with_name(f".{files.seed.name}.making")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as file:
        if account.owner is not None:
            os.fchown(file.fileno(), *account.owner)
        file.write(content)
    temporary.rename(files.seed)
