"""The agent's tree with the member's own files as its working copies.

The mount keeps bytes in `work/<ino>`; here they are the files themselves. So what `departures.py` reads may change under it
at any moment: a file is only read while its stat is the one that was last looked at, before the read and after it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from sync.agent.content import Content
from sync.agent.index import File, Index
from sync.agent.journal import Journal, new_id
from sync.agent.mirror.disk import Disk, Seen
from sync.agent.mirror.records import Records
from sync.agent.remote import Remote
from sync.agent.tree import Tree
from sync.core.hashing import Address
from sync.core.protocol import NodeKind


class MirrorContent(Content):
    """Versions as always; working copies are the member's files and belong to `look.py` and `settle.py` alone."""

    def __init__(self, state_dir: Path, index: Index, remote: Remote, disk: Disk, records: Records, *, cache_bytes: int) -> None:
        super().__init__(state_dir, index, remote, cache_bytes=cache_bytes)
        self._disk = disk
        self._records = records

    def work_path(self, ino: int) -> Path:
        """Where the member has the file. A name that does not exist while it is nowhere."""
        path = self._records.path_of(ino)
        return self._disk.part() if path is None else self._disk.real(path)

    def drop_work(self, ino: int) -> None:
        """The settler takes the file away, if it is still what it was."""

    def sweep(self) -> None:
        """Every file in the member's folder is the member's."""

    def keep_aside(self, file: File, path: str) -> None:
        """As the mount, but by copying: the state may be on another volume."""
        self.aside.mkdir(exist_ok=True, mode=0o700)
        kept = self.aside / f"{file.ino} {path.strip('/').replace('/', '_').encode()[-200:].decode(errors='ignore')}"
        try:
            shutil.copyfile(self.work_path(file.ino), kept)
        except FileNotFoundError:
            pass  # removed by the member meanwhile


class MirrorTree(Tree):
    """The tree as it is told of what the member did, and asked by the sender and by what arrives."""

    def __init__(self, index: Index, journal: Journal, content: Content, disk: Disk, records: Records) -> None:
        super().__init__(index, journal, content)
        self.records = records
        self.disk = disk

    def is_open(self, ino: int) -> bool:
        """Nobody can tell whether a program has it open; the disk refuses (Windows), or the trash keeps what it writes."""
        return False

    def may_be_written(self, ino: int) -> bool:
        """Whether the member changed the file and we have not looked at it yet: it goes first, then what arrived."""
        record = self.records.get(ino)
        if record is None or record.kind is NodeKind.FOLDER:
            return False
        try:
            seen = self._seen(ino)
        except OSError:
            return True  # nobody can tell, and what arrived for the other files must not wait
        return seen is not None and seen.stands != record.stands

    def _seen(self, ino: int) -> Seen | None:
        path = self.records.path_of(ino)
        return self.disk.seen(path) if path is not None else None

    def writes(self, ino: int) -> int:
        """Stands for the bytes that are on the disk now."""
        seen = self._seen(ino)
        return hash(seen.stands) if seen is not None else 0

    def snapshot(self, ino: int) -> tuple[File | None, int]:
        """The file and what stands for the bytes that were looked at; `writes` differs if they are others now."""
        with self.lock:
            record = self.records.get(ino)
            return self.index.file(ino), hash(record.stands) if record is not None else 1

    def trim(self, limit_bytes: int) -> None:
        """The member's files are not a cache."""

    # --- what was seen on the disk ------------------------------------------------------------------------------------

    def adopt(self, parent: int, seen: Seen, *, mark: str | None) -> File:
        """A file that the member put there; it is complete."""
        with self.lock, self.index.transaction():
            folder = self._editable_folder(parent)
            name = self._storable(seen.name)
            node = new_id() if self._is_new_name(parent, name) else None
            modified_ms = seen.mtime_ns // 1_000_000
            file = self.index.add(parent, name, NodeKind.FILE, folder.library, modified_ms, node=node, size=seen.size, local=1, dirty=1)
            self.records.put(file.ino, parent, seen, mark=mark)
            if node is None:
                file = self._take_name(file, parent, name)
            self.save(file.ino)
            return file

    def edited(self, ino: int, seen: Seen) -> None:
        """The member changed the bytes of a file."""
        with self.lock, self.index.transaction() as db:
            db.execute(
                "UPDATE files SET dirty=dirty+1, local=1, size=?, modified_ms=? WHERE ino=?", (seen.size, seen.mtime_ns // 1_000_000, ino)
            )
            self.index.forget()
            self.save(ino)

    def claim(self, ino: int, seen: Seen, *, version: int, manifest: Address | None) -> None:
        """The bytes here were made from an older version than the index stands for: the library decides between the two."""
        with self.lock, self.index.transaction():
            self.index.change(ino, version=version, head=manifest, manifest=manifest)
            self.edited(ino, seen)
