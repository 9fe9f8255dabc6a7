"""Index -> disk: what arrived from the library becomes what the member has, file by file.

Nothing of the member's is ever written over. A file is replaced or taken away only while it is what was last looked at;
otherwise the look comes first, and the library decides between the two. What is replaced or removed waits in the mirror's
own trash for a while, because a program may still write into it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sync.agent.disk_errors import disk_reason
from sync.agent.index import ROOT, File
from sync.agent.mirror.choice import Choice
from sync.agent.mirror.disk import Disk, Seen, aside_name, is_busy, join
from sync.agent.mirror.records import UNSENT, Record
from sync.agent.mirror.tree import MirrorTree
from sync.core.chunking import choose_cutter, chunk_stream
from sync.core.hashing import Address
from sync.core.manifest import EMPTY, manifest_digest, manifest_of
from sync.core.paths import refuse_name, stays_local
from sync.core.plan import Decision, Entry, decide
from sync.core.protocol import NodeKind

log = logging.getLogger("mainline.agent")

_TRIES = 64
"""So many files are asked about at once, also when nothing more can be fetched: some of them only have to be moved."""


@dataclass(frozen=True)
class Wanted:
    """A version to be fetched. donor: where bytes of an older version may be found, to be verified."""

    ino: int
    file: File
    manifest: Address
    donor: Path | None
    donor_manifest: Address | None


class _Later(Exception):
    """Not now: something else comes first, or a program has the file."""


class Settler:
    """Brings the disk to what the index says. One thread uses it."""

    def __init__(self, tree: MirrorTree, choice: Choice, look: Callable[[list[str]], None]) -> None:
        self._tree = tree
        self._index = tree.index
        self._records = tree.records
        self._disk: Disk = tree.disk
        self._choice = choice
        self._look = look
        self._wanted: dict[int, Wanted] = {}
        self._tries = self._after = 0

    def settle(self, *, room: int, choice_changed: bool = False) -> list[Wanted]:
        """Do what can be done at once; returns what must be fetched first. What must wait stays listed.

        room: how many more can be fetched now. Who first meets 100,000 files does not ask about each of them after every few that came:
        the next call goes on where this one ends.
        """
        self._wanted = {}
        self._tries = 0
        if not choice_changed:
            self._records.settle_alike()
        start = self._after
        if self._settle_between(start, None, room):
            self._settle_between(0, start, room)
        return list(self._wanted.values())

    def _settle_between(self, after: int, until: int | None, room: int) -> bool:
        """Files of the index whose inodes lie between; returns whether all of them had their turn."""
        while batch := [ino for ino in self._records.unsettled(_TRIES, after=after) if until is None or ino <= until]:
            if self._tries >= _TRIES and len(self._wanted) >= room:
                return False
            self._records.settled([ino for ino in batch if self._try(ino)])
            self._tries += len(batch)
            after = self._after = batch[-1]
        return True

    def _try(self, ino: int) -> bool:
        """Settle one file; returns whether it agrees with the disk now."""
        if ino == ROOT:
            return True
        try:
            with self._tree.lock:
                return self._one(ino)
        except _Later as later:
            log.info("%s waits: %s", ino, later)
            return False
        except OSError as error:
            path = self._path(ino) or str(ino)
            log.warning("%s: %s", path, error)
            self._records.trouble(path, "file_busy" if is_busy(error) else disk_reason(error, "cannot_write"), str(error))
            return False

    def _one(self, ino: int) -> bool:
        file, record = self._index.file(ino), self._records.get(ino)
        path = self._index.path_of(ino).strip("/") if file is not None else None
        wants = file is not None and self._belongs(file) and self._choice.wants(path or "", folder=file.is_folder)
        if file is None or not wants:
            return record is None or self._withdraw(record, file)
        if record is None:
            return self._bring(file)
        record = self._placed(file, record)
        return file.is_folder or self._contented(file, record)

    def _belongs(self, file: File) -> bool:
        if file.parent is None or file.parked or file.node is None or stays_local(file.name):
            return False
        # No library has such names; one that sends them is not to be trusted with a path on this machine.
        return file.parent == ROOT or refuse_name(file.name) is None

    def _path(self, ino: int) -> str | None:
        return self._records.path_of(ino) or (self._index.path_of(ino).strip("/") if self._index.file(ino) else None)

    # --- what is not here yet -----------------------------------------------------------------------------------------

    def _bring(self, file: File) -> bool:
        """A file or folder that the library has and this machine has not."""
        if file.local and not file.dirty:  # the member deleted it where only looking is allowed: it comes back
            with self._index.transaction():
                self._index.change(file.ino, local=0)
            file = self._index.file(file.ino) or file
        path = self._target(file)
        reason = self._disk.refuses(path)
        if reason is not None:
            self._records.trouble(path, reason)
            return False  # a shorter name of a folder above it is enough
        there = self._disk.spelled(path)
        if file.is_folder:
            return self._bring_folder(file, path, there)
        if there is None:
            self._fetch(file, None, path)
            return False
        return self._meet(file, path, there)

    def _target(self, file: File) -> str:
        """Where it is to be; its folder is brought first."""
        assert file.parent is not None
        if file.parent != ROOT and self._records.get(file.parent) is None and not self._one(file.parent):
            raise _Later("its folder is not here")
        folder = self._records.folder_path(file.parent)
        if folder is None or not self._disk.leads_inside(folder):
            raise _Later("its folder is not here")
        return join(folder, file.name)

    def _bring_folder(self, file: File, path: str, there: Seen | None) -> bool:
        if there is not None and there.kind is not NodeKind.FOLDER:
            self._look([path])  # the member's file steps aside
            return False
        seen = there or self._disk.make_folder(path)
        with self._index.transaction():
            self._records.put(file.ino, file.parent or ROOT, seen)
        self._records.no_trouble(path)
        if there is not None:
            self._look([path])
        return self._disk.spells_alike(seen.name, file.name)

    def _meet(self, file: File, path: str, there: Seen) -> bool:
        """Both sides have a file of this name that never met: the same bytes are one file, others are two heads."""
        if there.kind is not NodeKind.FILE:
            self._look([path])  # the member's folder steps aside
            return False
        if self._content_of(path, there) == file.manifest:
            with self._index.transaction():
                self._records.put(file.ino, file.parent or ROOT, there, version=file.version, manifest=file.manifest)
                self._index.change(file.ino, local=1)
            return self._disk.spells_alike(there.name, file.name)
        self._look([path])
        return self._records.get(file.ino) is not None

    def _content_of(self, path: str, there: Seen) -> Address | None:
        """The address of the bytes, None if they changed while they were read."""
        cutter = choose_cutter(path.rpartition("/")[2], there.size)
        try:
            with self._disk.open(path) as stream:
                manifest = manifest_of(chunk_stream(stream, cutter), cutter)
        except ValueError:
            return None
        now = self._disk.seen(path)
        if now is None or now.stands != there.stands:
            return None
        return manifest_digest(manifest if manifest.size_bytes else EMPTY)

    # --- what is here -------------------------------------------------------------------------------------------------

    def _placed(self, file: File, record: Record) -> Record:
        """Move it to where the library has it."""
        if record.parent == file.parent and self._disk.spells_alike(record.name, file.name):
            return record
        former, target = self._records.path_of(record.ino), self._target(file)
        if former is None:
            raise _Later("its folder is not here")
        if self._disk.seen(former) is None:
            self._look([former])
            raise _Later("it was moved here as well")
        occupant = self._records.at(file.parent or ROOT, file.name)
        if occupant is not None and occupant.ino != record.ino:
            self._make_room(occupant)
        try:
            self._disk.rename(former, target)
        except FileExistsError as error:
            self._look([target])
            raise _Later("a file of the member's has this name") from error
        moved = self._disk.seen(target)
        if moved is None:
            raise _Later("gone again at once")
        with self._index.transaction():
            self._records.restat(record, Seen(moved.name, record.kind, record.file_id, record.size, record.mtime_ns, moved.ctime_ns),
                                 parent=file.parent or ROOT)  # fmt: skip
        self._records.no_trouble(former)
        return self._records.get(record.ino) or record

    def _make_room(self, occupant: Record) -> None:
        """What has the name must leave it first. In a ring of names the first one steps aside."""
        with self._index.transaction():
            self._records.unsettle(occupant.ino)
        path = self._records.path_of(occupant.ino)
        if path is None or (there := self._disk.seen(path)) is None:
            with self._index.transaction():
                self._records.forget(occupant.ino)
            return
        if self._index.file(occupant.ino) is None:
            self._withdraw(occupant, None)
            return
        aside = join(path.rpartition("/")[0], aside_name(occupant.ino))
        self._disk.rename(path, aside)
        self._records.put_aside(occupant, self._disk.seen(aside) or there)

    def _contented(self, file: File, record: Record) -> bool:
        """Whether the bytes here are the ones that the index stands for."""
        path = self._records.path_of(record.ino)
        there = self._disk.seen(path) if path is not None else None
        if path is None or there is None:
            return True  # the member deleted it; the next look tells
        if file.local or file.dirty:
            if not file.dirty and (record.version, record.manifest) != (file.version, file.manifest):
                self._records.settle_version(file.ino, file.version, file.manifest)
            return True
        same = there.stands == record.stands
        here = Entry(None, "", record.manifest if same else UNSENT, record.version)
        base = Entry(None, "", record.manifest, record.version)
        match decide(here, base, Entry(None, "", file.manifest, file.version)):
            case Decision.NOTHING:
                with self._index.transaction():
                    self._index.change(file.ino, local=1)
                    self._records.settle_version(file.ino, file.version, file.manifest)
                return True
            case Decision.TAKE:
                self._fetch(file, record, path)
                return False
            case _:
                self._look([path])
                return False

    def _withdraw(self, record: Record, file: File | None) -> bool:
        """Gone in the library, or not chosen any more: take the copy here away, if it is one."""
        path = self._records.path_of(record.ino)
        there = self._disk.seen(path) if path is not None else None
        if path is None or there is None or there.kind is not record.kind:
            self._records.forget(record.ino)
            return True
        if file is not None and self._choice.ignores(path, folder=file.is_folder):
            self._records.forget(record.ino)  # what a new rule leaves out stays where it is, and is the member's own
            return True
        if record.kind is NodeKind.FOLDER:
            return self._withdraw_folder(record, file, path)
        if file is not None and file.dirty:
            raise _Later("its save is not safe yet")
        if there.stands != record.stands:
            if file is None:
                self._records.forget(record.ino)
            self._look([path])
            return file is None
        self._disk.retire(path, there)
        with self._index.transaction():
            self._records.forget(record.ino)
            if file is not None:
                self._index.change(file.ino, local=0)
        self._records.no_trouble(path)
        return True

    def _withdraw_folder(self, record: Record, file: File | None, path: str) -> bool:
        for inside in self._records.inside(record.ino):
            self._one(inside.ino)
        left = list(self._disk.listing(path))
        if all(stays_local(entry.name) for entry in left):
            for entry in left:
                self._disk.clear_away(join(path, entry.name))
        if self._disk.remove_folder(path):
            self._records.forget(record.ino)
            self._records.no_trouble(path)
            return True
        if file is None:  # the member has more in it than the library knew: it is a new folder now
            self._records.forget(record.ino)
            self._look([path])
            return True
        self._records.trouble(path, "not_chosen_but_kept")
        return False

    # --- fetching -----------------------------------------------------------------------------------------------------

    def _fetch(self, file: File, record: Record | None, path: str) -> None:
        digest = file.manifest or manifest_digest(EMPTY)
        donor = self._disk.real(path) if record is not None else None
        self._wanted[file.ino] = Wanted(file.ino, file, digest, donor, record.manifest if record is not None else None)

    def land(self, wanted: Wanted, part: Path, mark: str) -> bool:
        """What was fetched gets its name, if it is still wanted and nobody else has the name; returns whether it did."""
        with self._tree.lock:
            file, record = self._index.file(wanted.ino), self._records.get(wanted.ino)
            if file is None or file.local or (file.manifest or manifest_digest(EMPTY)) != wanted.manifest or not self._belongs(file):
                return False
            try:
                path = self._target(file) if record is None else self._records.path_of(file.ino)
                if path is None:
                    return False
                landed = self._disk.land(part, path, expected=record.seen if record else None, modified_ms=file.modified_ms)
            except FileExistsError:
                self._look([path or ""])  # the member was quicker
                return False
            except _Later:
                return False
            with self._index.transaction():
                parent = record.parent if record is not None else file.parent or ROOT
                self._records.put(file.ino, parent, landed, mark=mark, version=file.version, manifest=file.manifest)
                self._index.change(file.ino, local=1)
            self._records.no_trouble(path)
            return True

    # --- the trash ----------------------------------------------------------------------------------------------------

    def empty_trash(self, *, older_than_s: float) -> list[Path]:
        """Give up what was taken away long ago; returns what programs wrote into afterwards, which stays."""
        written = []
        for kept in self._disk.trash():
            try:
                stat = kept.stat()
                if not kept.name.startswith(f"{stat.st_mtime_ns:x}.{stat.st_size:x}."):
                    written.append(kept)
                elif time.time() - stat.st_ctime > older_than_s:
                    kept.unlink(missing_ok=True)
            except OSError as error:
                if not (isinstance(error, FileNotFoundError) or is_busy(error)):  # the member was quicker, or a program has it
                    raise
        return written
