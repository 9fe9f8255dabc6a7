"""Disk -> index and journal: what the member did becomes what the mount would have been told.

A look goes by names (`changes.py`): a name that is known is that file, whatever inode it is, so programs may save as they
like. It may be interrupted anywhere and be repeated: each finding is one transaction, and a second look finds nothing.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from sync.agent.index import ROOT, File
from sync.agent.mirror.changes import Differences, compare_folder, is_same_file, pair_by_content
from sync.agent.mirror.choice import Choice, path_key
from sync.agent.mirror.disk import PRIVATE, Disk, Seen, aside_name, join
from sync.agent.mirror.marks import MARK_MAX_BYTES, Marks
from sync.agent.mirror.records import UNSENT, Record
from sync.agent.mirror.tree import MirrorTree
from sync.agent.mirror.troubles import Troubles, is_text
from sync.core.paths import FOLDERS_DEEP, conflict_name, name_key, stays_local
from sync.core.plan import Decision, Entry, decide
from sync.core.protocol import NodeKind

log = logging.getLogger("mainline.agent")

_AT_ONCE = 200


class Looker:
    """Compares the disk with the records. One thread uses it."""

    def __init__(self, tree: MirrorTree, choice: Choice, member: str) -> None:
        self._tree = tree
        self._member = member
        self._index = tree.index
        self._records = tree.records
        self._disk: Disk = tree.disk
        self._choice = choice
        self._troubles = Troubles(tree)
        self.marks = Marks(tree)
        self._fresh: list[tuple[int, str, Seen]] = []
        self._gone: list[Record] = []
        self.told: Callable[[], None] = lambda: None
        """Called whenever there is more to send, so that a first look at many files sends while it looks."""
        self.ready: Callable[[int], bool] = lambda ino: True
        """Whether a library's folder may be looked at yet: its feed must have been read once."""
        self._looked: set[int] = set()
        """Libraries whose folder was looked at as a whole since the start."""

    # --- what to look at ----------------------------------------------------------------------------------------------

    def everything(self) -> None:
        """A look at the whole folder."""
        for record in self._records.inside(ROOT):
            there = self._disk.seen(record.name)
            if there is not None and there.kind is NodeKind.FOLDER and self.ready(record.ino):
                self._looked.add(record.ino)
                self._inside(record, record.name, there, whole=True)
        self._conclude()

    def is_overdue(self) -> bool:
        """Whether a library is ready whose folder no look has seen: it came after the first one, and no event tells of what lay there."""
        return any(record.ino not in self._looked and self.ready(record.ino) for record in self._records.inside(ROOT))

    def paths(self, paths: Iterable[str]) -> None:
        """A look at these paths, as events named them."""
        by_folder: dict[str, set[str]] = {}
        for path in paths:
            if not is_text(path):
                self._troubles.not_text(path)
                continue
            folder, _, name = self._topmost_unknown(path).rpartition("/")
            by_folder.setdefault(folder, set()).add(name)
        for folder, names in sorted(by_folder.items()):
            record = self._records.find(folder) if folder else None
            top = folder.partition("/")[0]
            library = self._records.find(top) if top else None
            if record is not None and library is not None and self.ready(library.ino):
                self._folder(record.ino, folder, names)
        self._conclude()

    def _topmost_unknown(self, path: str) -> str:
        """The path itself, or the highest folder above it that was never looked at."""
        parts = path.split("/")
        for length in range(1, len(parts)):
            above = "/".join(parts[:length])
            if self._records.find(above) is None:
                return above
        return path

    # --- one folder ---------------------------------------------------------------------------------------------------

    def _folder(self, ino: int, path: str, names: set[str] | None) -> None:
        """Compare a folder, or some names in it, and whatever is new inside."""
        try:
            known, seen = self._both(ino, path, names)
        except FileNotFoundError:
            return  # its own folder's look finds it gone
        except OSError as error:
            self._records.trouble(path, "cannot_read", str(error))
            return
        differences = compare_folder(known, seen)
        new_kinds = {name_key(entry.name) for entry in differences.fresh}
        for record in differences.gone:
            if record.key in new_kinds:
                self._vanished(record)  # a folder where a file was: the name must be free before it is taken
            else:
                self._gone.append(record)
        self._clashes(path, differences)
        for record, entry in differences.respelled:
            self._respelled(record, ino, join(path, entry.name), entry)
        for record, entry in differences.edited:
            self._edited(record, join(path, entry.name), entry)
        for record, entry in differences.folders:
            self._inside(record, join(path, entry.name), entry, whole=names is None)
        for entry in differences.fresh:
            self._appeared(ino, join(path, entry.name), entry)

    def _inside(self, record: Record, path: str, entry: Seen, *, whole: bool) -> None:
        """A folder that is known. whole: look into it even if it is the same one."""
        if record.file_id != entry.file_id:
            if self._troubles.volume_is_missing(record, path, entry):
                return
            self._records.restat(record, entry)
            whole = True
        if whole:
            self._folder(record.ino, path, None)

    def _both(self, ino: int, path: str, names: set[str] | None) -> tuple[list[Record], list[Seen]]:
        if names is None:
            known, listed = self._records.inside(ino), list(self._disk.listing(path))
        elif self._disk.folds_names:  # only a listing shows how a name is really spelled
            keys = {name_key(name) for name in names}
            known = [record for record in self._records.inside(ino) if record.key in keys]
            listed = [entry for entry in self._disk.listing(path) if name_key(entry.name) in keys]
        else:
            known = [record for name in names if (record := self._records.at(ino, name)) is not None]
            # A name may have come in another spelling than the one that is known.
            spellings = {*names, *(record.name for record in known)}
            listed = [entry for name in spellings if (entry := self._entry(join(path, name))) is not None]
        shown = []
        for entry in {entry.name: entry for entry in listed}.values():
            if not is_text(entry.name):
                self._troubles.not_text(join(path, entry.name))
            elif not self._is_ours_alone(path, entry):
                shown.append(entry)
        odd = {name_key(entry.name) for entry in shown if not entry.file_id}
        for entry in shown:
            if not entry.file_id:
                self._records.trouble(join(path, entry.name), "not_a_file")
        kept = [record for record in known if record.key not in odd and not self._is_ignored(path, record)]
        return kept, [entry for entry in shown if entry.file_id]

    def _entry(self, path: str) -> Seen | None:
        """One entry as a listing has it."""
        seen = self._disk.seen(path)
        return Seen(path.rpartition("/")[2], NodeKind.FILE, "") if seen is None and self._disk.is_odd(path) else seen

    def _is_ignored(self, path: str, record: Record) -> bool:
        return self._choice.ignores(join(path, record.name), folder=record.kind is NodeKind.FOLDER)

    def _is_ours_alone(self, path: str, entry: Seen) -> bool:
        if entry.name == PRIVATE or stays_local(entry.name):
            return True
        return self._choice.ignores(join(path, entry.name), folder=entry.kind is NodeKind.FOLDER)

    def _clashes(self, path: str, differences: Differences) -> None:
        for entry in differences.clashes:
            self._records.trouble(join(path, entry.name), "case_clash")

    # --- what was found -----------------------------------------------------------------------------------------------

    def _respelled(self, record: Record, parent: int, path: str, entry: Seen) -> None:
        with self._tree.lock, self._index.transaction():
            file = self._index.file(record.ino)
            self._records.restat(record, Seen(entry.name, record.kind, record.file_id, record.size, record.mtime_ns, record.ctime_ns))
            if file is None or file.parent is None or (file.parent, file.name) != (record.parent, record.name):
                return
            if not self._troubles.told(path, lambda: self._tree.rename(parent, file.name, parent, entry.name)):
                self._records.unsettle(record.ino)  # the library's spelling stands

    def _edited(self, record: Record, path: str, entry: Seen) -> None:
        """The stat changed. If only that, there is nothing to say; if the bytes did, they are a save."""
        mark = self.marks.of(path, entry)
        if mark is None and entry.size <= MARK_MAX_BYTES:
            return  # it is being written to; the next event or look comes
        with self._tree.lock, self._index.transaction():
            file = self._index.file(record.ino)
            if mark is not None and mark == record.mark and entry.size == record.size:
                self._records.restat(record, entry)
                return
            if file is None:  # deleted in the library: an edit beats a delete
                self._records.forget(record.ino)
                self._fresh.append((record.parent, path, entry))
                return
            library = self._index.library(file.library)
            if library is None or not library.editable:
                self._records.trouble(path, "library_read_only")
                return
            self._records.restat(record, entry, mark=mark)
            self._save(file, record, entry)

    def _save(self, file: File, record: Record, entry: Seen) -> None:
        here = Entry(None, "", UNSENT, record.version)
        base = Entry(None, "", record.manifest, record.version)
        there = Entry(None, "", record.manifest if file.local else file.manifest, file.version)
        if decide(here, base, there) is Decision.KEEP_BOTH:
            self._tree.claim(file.ino, entry, version=record.version, manifest=record.manifest)
        else:
            self._tree.edited(file.ino, entry)

    def _appeared(self, parent: int, path: str, entry: Seen) -> None:
        """A new name: something known that was moved, or something new."""
        for record in self._records.with_id(entry.file_id):
            former = self._records.path_of(record.ino)
            if former is not None and is_same_file(record, entry) and self._is_gone(former, path, entry):
                self._moved(record, parent, path, entry)
                return
        if entry.kind is NodeKind.FILE:
            self._fresh.append((parent, path, entry))
            return
        folder = self._new_folder(parent, path, entry)
        if folder is not None:
            self._folder(folder, path, None)

    def _is_gone(self, former: str, path: str, entry: Seen) -> bool:
        """Whether the former place is empty, or the same one in another spelling. Two hard links are two files."""
        there = self._disk.seen(former)
        return there is None or (there.file_id == entry.file_id and path_key(former) == path_key(path))

    def _new_folder(self, parent: int, path: str, entry: Seen) -> int | None:
        if path.count("/") > FOLDERS_DEEP:
            self._records.trouble(path, "too_deep")
            return None
        if not self._may_add(path):
            return None
        with self._tree.lock, self._index.transaction():
            known = self._index.child(parent, entry.name)
            if known is not None and known.is_folder:
                self._records.put(known.ino, parent, entry)
                self._records.unsettle(known.ino)  # the library's spelling stands
                return known.ino
            if known is not None:
                self._step_aside(parent, path, entry)
                return None
            made: list[File] = []
            self._troubles.told(path, lambda: made.append(self._tree.make_folder(parent, entry.name)))
            if made:
                self._records.put(made[0].ino, parent, entry)
        return made[0].ino if made else None

    def _moved(self, record: Record, parent: int, path: str, entry: Seen) -> None:
        file, target = self._index.file(record.ino), self._index.child(parent, entry.name)
        folder = self._index.file(parent)
        if file is None or folder is None or file.library != folder.library or (target is not None and target.ino != record.ino):
            # Into another library, or onto a name that the library has and this disk has not: a new file, and a deletion.
            self._gone.append(record)
            if entry.kind is NodeKind.FILE:
                self._fresh.append((parent, path, entry))
            elif (made := self._new_folder(parent, path, entry)) is not None:
                self._folder(made, path, None)
            return
        with self._tree.lock, self._index.transaction():
            was_here = (file.parent, file.name) == (record.parent, record.name) or name_key(file.name) == record.key
            if was_here and file.parent == record.parent:
                moved = self._troubles.told(path, lambda: self._tree.rename(record.parent, file.name, parent, entry.name))
                if not moved:
                    return
            # else moved in the library as well: its place stands, and the settler brings the file there
            self._records.restat(record, entry, parent=parent)
            self._records.unsettle(record.ino)
        if entry.kind is NodeKind.FOLDER:
            self._folder(record.ino, path, None)

    # --- the end of a look --------------------------------------------------------------------------------------------

    def _conclude(self) -> None:
        """What is gone and what is new, now that everything that was moved is known."""
        gone, self._gone = self._gone, []
        fresh, self._fresh = self._fresh, []
        gone = [record for record in gone if self._still_gone(record)]
        if gone and not self._disk.is_ours():
            gone = []  # The whole folder went away while it was looked at.
        taken: set[int] = set()
        size = max(1, len(fresh)) if gone else _AT_ONCE  # with something gone, any of the new may be it
        for start in range(0, len(fresh), size):
            taken |= self._new_files(gone, fresh[start : start + size])
            self.told()
        again, self._gone = self._gone, []
        for record in [*(record for record in gone if record.ino not in taken), *again]:
            self._vanished(record)
        if self._fresh:
            self._conclude()
            return
        self._troubles.forget_those_over()

    def _new_files(self, gone: list[Record], fresh: list[tuple[int, str, Seen]]) -> set[int]:
        """Files under new names: moved ones by their bytes, the others new, in few transactions. Returns which were moved."""
        marked = [(parent, path, entry, self.marks.of(path, entry)) for parent, path, entry in fresh]
        copied = {position: record for record, position in pair_by_content(gone, [(entry, mark) for _, _, entry, mark in marked])}
        with self._tree.lock, self._index.transaction():
            for position, (parent, path, entry, mark) in enumerate(marked):
                if position not in copied:
                    self._new_file(parent, path, entry, mark)
        for position, record in copied.items():
            parent, path, entry, _ = marked[position]
            self._moved(record, parent, path, entry)
        return {record.ino for record in copied.values()}

    def _still_gone(self, record: Record) -> bool:
        now, path = self._records.get(record.ino), self._records.path_of(record.ino)
        if now is None or path is None or (now.parent, now.key) != (record.parent, record.key):
            return False
        folder, there = self._records.get(record.parent), self._disk.seen(path)
        if there is None and folder is not None:
            here = self._disk.seen(path.rpartition("/")[0])
            if here is None or here.volume != folder.seen.volume:
                return False  # Its folder went away, which is for the look at that one to find.
        if there is None and self._was_put_aside(record, path):
            return False
        return there is None or there.kind is not record.kind

    def _was_put_aside(self, record: Record, path: str) -> bool:
        """Whether the settler has given it a name to wait under, and the agent was killed before that was written down."""
        there = self._disk.seen(join(path.rpartition("/")[0], aside_name(record.ino)))
        if there is None or there.kind is not record.kind:
            return False
        self._records.put_aside(record, there)
        return True

    def _new_file(self, parent: int, path: str, entry: Seen, mark: str | None) -> None:
        if mark is None and entry.size <= MARK_MAX_BYTES:
            return  # gone again, or being written to
        if not self._may_add(path):
            return
        with self._tree.lock, self._index.transaction():
            known = self._index.child(parent, entry.name)
            if known is None:
                self._troubles.told(path, lambda: self._tree.adopt(parent, entry, mark=mark))
            elif known.is_folder:
                self._step_aside(parent, path, entry)
            elif self._records.get(known.ino) is None:
                self._records.put(known.ino, parent, entry, mark=mark)
                self._troubles.told(path, lambda: self._tree.claim(known.ino, entry, version=0, manifest=None))

    def _step_aside(self, parent: int, path: str, entry: Seen) -> None:
        """The library has a folder where the member has a file, or the other way round: the member's gets a telling name."""
        folder = path.rpartition("/")[0]
        taken = {name_key(child.name) for child in self._index.children(parent, parked=True)}
        when = datetime.fromtimestamp(entry.mtime_ns / 1e9 if entry.mtime_ns else time.time(), UTC).astimezone()
        try:
            taken |= {name_key(there.name) for there in self._disk.listing(folder)}
            name = conflict_name(entry.name, self._member, when, taken=taken)
            self._disk.rename(path, join(folder, name))
        except OSError as error:
            self._records.trouble(path, "name_taken", str(error))
            return
        moved = self._disk.seen(join(folder, name))
        if moved is not None:
            self._appeared(parent, join(folder, name), moved)

    def _vanished(self, record: Record) -> None:
        """Deleted by the member. A folder in which the library has more than was here comes back."""
        for inside in self._records.inside(record.ino):
            self._vanished(inside)
        with self._tree.lock, self._index.transaction():
            path = self._records.path_of(record.ino) or record.name
            file = self._index.file(record.ino)
            self._records.forget(record.ino)
            self._records.no_trouble(path)
            if file is None or file.parent is None or file.parent == ROOT:
                return
            if record.kind is not NodeKind.FOLDER and not file.local:
                return  # the library has another version by now: an edit beats a delete
            if not self._choice.covers(self._index.path_of(file.ino).strip("/")) and not file.dirty:
                return  # left out: the settler took it away, perhaps in the moment before the agent was killed
            try:
                if file.is_folder:
                    self._tree.remove_folder(file.parent, file.name)
                else:
                    self._tree.unlink(file.parent, file.name)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EROFS, errno.EACCES):
                    raise
                log.info("%s comes back: %s", path, error)  # somebody has it checked out, or may only look at it

    # --- small things -------------------------------------------------------------------------------------------------

    def _may_add(self, path: str) -> bool:
        if self._choice.covers(path):
            return True
        self._records.trouble(path, "not_chosen")
        return False
