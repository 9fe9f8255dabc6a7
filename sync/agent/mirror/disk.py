"""The disk as the mirror sees it: every call that touches the member's folder, and what this disk refuses to store.

Paths are relative to the mirror's folder, with `/` between names, as the disk spells them; `""` is the folder itself.
`Disk` is the real one on any system. A test puts one with other rules about names behind the same calls.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from sync.core.paths import name_key, normal_name
from sync.core.protocol import NodeKind

PRIVATE = ".mainline"
"""Folder beside the libraries: half-fetched files and what was taken away. Ignored by rule."""
MARKER = "mirror.json"
"""Lies in PRIVATE. Without it the folder is not ours: a disk that is not mounted must not look like a deletion of everything."""
_MADE_ANEW = frozenset({".ds_store", "thumbs.db", "desktop.ini", ".directory"})
_FOLDER_MARK = "folder"
_LATEST_NS = 2**63 - 1
_WINDOWS_PATH_MAX = 259
_SHARING_VIOLATIONS = (5, 32, 33)
_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
"""A folder above may be a file by now, or a link that leads to itself."""


class Seen(NamedTuple):
    """A file or folder as the disk shows it. file_id: device and inode; stays when the file is renamed. Times in ns.

    A tuple, because a first look and the sending after it make several for each file.
    """

    name: str
    kind: NodeKind
    file_id: str
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0

    @property
    def volume(self) -> str:
        """The device of the file id: another one where something is mounted."""
        return self.file_id.partition(":")[0]

    @property
    def stands(self) -> tuple[str, int, int, int]:
        """Equal as long as nobody wrote to the file."""
        return self.file_id, self.size, self.mtime_ns, self.ctime_ns


def is_busy(error: OSError) -> bool:
    """Whether a program has the file open in a way that forbids this (Windows); later it will work."""
    return getattr(error, "winerror", None) in _SHARING_VIOLATIONS or error.errno in (errno.EBUSY, errno.ETXTBSY)


def join(folder: str, name: str) -> str:
    """The path of a name in a folder."""
    return f"{folder}/{name}" if folder else name


def aside_name(ino: int) -> str:
    """Under which a file waits beside its place while another one takes its name. Ignored by rule."""
    return f".sync-{ino}"


class Disk:
    """The member's folder at `root`."""

    folds_names = sys.platform in ("win32", "darwin")
    """Whether `A` and `a` are one name here; `seen` then shows the spelling that was asked for, `listing` the true one."""

    def __init__(self, root: Path) -> None:
        self.root = root

    # --- looking ----------------------------------------------------------------------------------------------------

    def real(self, path: str) -> Path:
        """Where the operating system finds it."""
        return self.root / path if path else self.root

    def where(self, path: str) -> str:
        """`real` as text: who asks about each file several times would pay more for the Path than for the answer."""
        if os.name == "nt":
            return str(self.real(path))
        return f"{self.root}/{path}" if path else str(self.root)

    def place(self, path: str) -> Path:
        """Where a new name is to be made: what `real` says, but in this spelling."""
        return self.real(path)

    def seen(self, path: str) -> Seen | None:
        """What is there: None where there is nothing, or nothing that a library can hold."""
        try:
            return _seen(path.rpartition("/")[2], os.stat(self.where(path), follow_symlinks=False))
        except OSError as error:
            if error.errno in _NOTHING:
                return None
            raise

    def spelled(self, path: str) -> Seen | None:
        """The same with the name as the disk really spells it."""
        seen = self.seen(path)
        if seen is None or not self.folds_names:
            return seen
        found = self.listing(path.rpartition("/")[0])
        return next((entry for entry in found if entry.file_id == seen.file_id), seen)

    def is_odd(self, path: str) -> bool:
        """Whether there is something that no library can hold: a link, a device, a pipe."""
        return self.seen(path) is None and os.path.lexists(self.where(path))

    def listing(self, path: str) -> Iterator[Seen]:
        """What is in a folder. What no library can hold has no file id."""
        with os.scandir(self.where(path)) as entries:
            for entry in entries:
                try:
                    # On Windows the entry's own stat has no file id.
                    found = os.stat(entry.path, follow_symlinks=False) if os.name == "nt" else entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                yield _seen(entry.name, found) or Seen(entry.name, NodeKind.FILE, "")

    def open(self, path: str) -> BinaryIO:
        """The bytes of a file."""
        return open(self.where(path), "rb")

    def spells_alike(self, name: str, other: str) -> bool:
        """Whether this disk would show both names alike; it may keep another Unicode form than it was given."""
        return normal_name(name) == normal_name(other)

    def refuses(self, path: str) -> str | None:
        """Why this disk cannot store such a path, as a code of `words.py`; None if it can."""
        if sys.platform == "win32" and len(str(self.real(path))) > _WINDOWS_PATH_MAX:
            return "path_too_long"
        return None

    # --- changing ---------------------------------------------------------------------------------------------------

    def prepare(self, device: str) -> None:
        """Make the folder ours; raises OSError."""
        private = self.root / PRIVATE
        for name in ("part", "trash"):
            (private / name).mkdir(parents=True, exist_ok=True)
        if not (private / MARKER).exists():
            (private / MARKER).write_text(f'{{"device": "{device}"}}\n', encoding="utf-8")

    def is_ours(self) -> bool:
        """Whether the folder is there with its marker. A volume that fails is not there."""
        try:
            return (self.root / PRIVATE / MARKER).is_file()
        except OSError:
            return False

    def leads_inside(self, folder: str) -> bool:
        """Whether a folder can be reached without a link: whatever is written through one lands somewhere else."""
        names = folder.split("/") if folder else []
        try:
            return all(stat.S_ISDIR(os.lstat(self.real("/".join(names[: n + 1]))).st_mode) for n in range(len(names)))
        except FileNotFoundError:
            return False

    def make_folder(self, path: str) -> Seen:
        """A new folder."""
        os.mkdir(self.place(path))
        made = self.seen(path)
        if made is None:
            raise FileNotFoundError(errno.ENOENT, "gone again at once", path)
        return made

    def rename(self, path: str, target: str) -> None:
        """Move to a name that is free. Raises FileExistsError, but on some systems only if it was there a moment before."""
        there = self.seen(target)
        if there is not None and there != self._as(path, there.name):
            raise FileExistsError(errno.EEXIST, "there is something of this name", target)
        os.rename(self.real(path), self.place(target))

    def _as(self, path: str, name: str) -> Seen | None:
        found = self.seen(path)
        return None if found is None else Seen(name, found.kind, found.file_id, found.size, found.mtime_ns, found.ctime_ns)

    def part(self) -> Path:
        """A new name for a file that is being fetched, on the same volume."""
        return self.root / PRIVATE / "part" / os.urandom(8).hex()

    def land(self, part: Path, path: str, *, expected: Seen | None, modified_ms: int) -> Seen:
        """Give a fetched file its name, if what has the name now is `expected`. Raises FileExistsError if it is not.

        What it replaces goes to the trash first and not away: a program that still has it open may write into it.
        """
        with suppress(OverflowError):  # A date that cannot be: the bytes count.
            os.utime(part, ns=(modified_ms * 1_000_000, modified_ms * 1_000_000))
        target = self.place(path)
        if expected is None:
            if self.seen(path) is not None:
                raise FileExistsError(errno.EEXIST, "somebody was quicker", path)
            os.rename(part, target)
        else:
            kept = self._retire(path, expected)
            try:
                os.rename(part, target)
            except OSError:
                os.rename(kept, target)
                raise
        _sync_folder(target.parent)
        landed = self.seen(path)
        if landed is None:
            raise FileNotFoundError(errno.ENOENT, "gone again at once", path)
        return landed

    def retire(self, path: str, expected: Seen) -> None:
        """Take a file away that the library has. Raises FileExistsError if it is not `expected` any more."""
        self._retire(path, expected)

    def _retire(self, path: str, expected: Seen) -> Path:
        now = self.seen(path)
        if now is None or now.stands != expected.stands:
            raise FileExistsError(errno.EEXIST, "changed meanwhile", path)
        # The name tells what the file was, so that a later look knows whether a program wrote into it here.
        return self._to_trash(path, f"{now.mtime_ns:x}.{now.size:x}.{os.urandom(4).hex()}")

    def _to_trash(self, path: str, mark: str) -> Path:
        kept = self.root / PRIVATE / "trash" / f"{mark} {path.rpartition('/')[2]}"
        if len(os.fsencode(kept.name)) > 250:
            kept = kept.with_name(mark)
        os.rename(self.real(path), kept)
        return kept

    def remove_folder(self, path: str) -> bool:
        """Remove an empty folder; returns whether it is gone."""
        try:
            os.rmdir(self.real(path))
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST) or getattr(error, "winerror", None) == 145:
                return False
            raise
        return True

    def clear_away(self, path: str) -> None:
        """Take away what programs left for themselves. Nobody else has it: a file waits in the trash like any other, a folder
        stays there until the member removes it. Links and what the system makes anew are removed.
        """
        there = self.seen(path)
        if there is None or name_key(there.name) in _MADE_ANEW:
            self.real(path).unlink(missing_ok=True)
        elif there.kind is NodeKind.FOLDER:
            self._to_trash(path, f"{_FOLDER_MARK}.{os.urandom(4).hex()}")
        else:
            self._retire(path, there)

    # --- the trash --------------------------------------------------------------------------------------------------

    def trash(self) -> list[Path]:
        """What was taken away and is still kept."""
        try:
            return sorted((self.root / PRIVATE / "trash").iterdir())
        except FileNotFoundError:
            return []

    def clear_parts(self) -> None:
        """Remove what was being fetched when the agent was killed; its chunks are in the cache."""
        for path in (self.root / PRIVATE / "part").iterdir():
            path.unlink(missing_ok=True)


def _seen(name: str, found: os.stat_result) -> Seen | None:
    file_id = f"{found.st_dev:x}:{found.st_ino:x}"
    if stat.S_ISDIR(found.st_mode):
        return Seen(name, NodeKind.FOLDER, file_id)
    if stat.S_ISREG(found.st_mode):
        # ext4 goes to the year 2446, the index to 2262: what is later is as late as can be.
        return Seen(name, NodeKind.FILE, file_id, found.st_size, min(found.st_mtime_ns, _LATEST_NS), min(found.st_ctime_ns, _LATEST_NS))
    return None


def _sync_folder(path: Path) -> None:
    """Have a new name on the disk before anybody relies on it, where the system can be asked for that."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
