"""What a saved domain was saved with: kept beside its disks, checked before it is woken.

libvirt wakes a domain on a swapped or changed disk without a word (measured), and the guest then writes its stale
idea of the file system over it. The record is written twice: before the save with the disks' identity, because a
process killed during a save must not cost the member the session, and after it with their full fingerprint.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from desktops.hypervisor.base import Domain, SavedStateMismatch
from desktops.hypervisor.disks import fingerprint
from workspace.i18n import _


@dataclass(frozen=True)
class SavedRecord:
    """inodes: of the disks, in the definition's order. disks: their fingerprint, empty while the save is under way."""

    definition: str
    generation: int
    inodes: list[int]
    disks: str


def begin_record(path: Path, domain: Domain, disks: Sequence[Path]) -> None:
    _write(path, SavedRecord(domain.definition, domain.generation, _inodes(disks), ""))


def finish_record(path: Path, domain: Domain, disks: Sequence[Path]) -> None:
    _write(path, SavedRecord(domain.definition, domain.generation, _inodes(disks), fingerprint(disks)))


def check_record(path: Path, domain: Domain, disks: Sequence[Path]) -> None:
    """Raise SavedStateMismatch unless the domain may be woken.

    Without a record nothing is known, so it may not. With an unfinished one the same files must be there: no guest
    can have written to them since, as a domain with a saved state is never started.
    """
    try:
        kept = SavedRecord(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise SavedStateMismatch(_("休眠记录缺失，不能唤醒"), _("请放弃休眠的内容并重新开机。"), path=str(path)) from error
    changed = _changes(kept, domain, disks)
    if changed:
        raise SavedStateMismatch(
            _("休眠之后磁盘或配置已变化，不能唤醒"), _("请放弃休眠的内容并重新开机，否则会损坏文件系统。"), changed=changed
        )


def _changes(kept: SavedRecord, domain: Domain, disks: Sequence[Path]) -> list[str]:
    changed = []
    if kept.definition != domain.definition:
        changed.append("definition")
    if kept.generation != domain.generation:
        changed.append("generation")
    missing = [str(disk) for disk in disks if not disk.exists()]
    if missing:
        return [*changed, *missing]
    same = kept.disks == fingerprint(disks) if kept.disks else kept.inodes == _inodes(disks)
    return changed if same else [*changed, "disks"]


def _inodes(disks: Sequence[Path]) -> list[int]:
    return [disk.stat().st_ino for disk in disks]


def _write(path: Path, record: SavedRecord) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.making")
    temporary.write_text(json.dumps(asdict(record)), "utf-8")
    temporary.rename(path)
