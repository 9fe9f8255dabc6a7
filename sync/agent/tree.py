"""What programs do to files, as changes of the index and entries of the journal.

No FUSE here: `mount.py` translates requests into these calls and errors back. Raises OSError with the errno that the
program should see. What decides when a save is complete and under which node it continues:

    release of a changed file                      commit on its node
    a crash before that                            no save: `recovery.py`
    rename onto a name                             commit on the node of that name (temp + rename)
    name given up, then taken again soon           the node continues (delete + create, vim, Office)
    file moved aside, then its name taken again    the node stays at its name (backup swap)

Over 400 lines because the save patterns above share one set of index rows; apart they would have to agree on it.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sync.agent.content import Content
from sync.agent.errors import AgentError
from sync.agent.index import ROOT, File, Ghost, Index
from sync.agent.journal import Journal, Kind, new_id
from sync.core.paths import FOLDERS_DEEP, NameProblem, name_key, normal_name, refuse_name, stays_local
from sync.core.protocol import NodeKind, Right

NAME_RETURNS_MS = 1500
"""How long a deletion waits, because programs that save delete or move the old file just before."""
_SWAP_S = 3.0


def fail(code: int, why: str = "") -> OSError:
    """The error for a program. why: for a mirror, which tells the member, a code of `mirror/words.py`."""
    return OSError(code, why or os.strerror(code))


def now_ms() -> int:
    """The wall clock in milliseconds since the epoch."""
    return int(time.time() * 1000)


@dataclass
class Handle:
    """An open file. fd: of the working copy, None while reading from the library. wrote: since it was opened.

    failed: the disk did not take all of it, so that what there is of it is no save.
    """

    ino: int
    writable: bool
    file: File
    fd: int | None = None
    wrote: bool = False
    failed: bool = False


class Tree:
    """The mounted tree. Whoever needs both takes `lock` before a transaction of the index, never after."""

    def __init__(self, index: Index, journal: Journal, content: Content) -> None:
        self.index = index
        self.journal = journal
        self.content = content
        self._handles: dict[int, Handle] = {}
        self._next_handle = 1
        self.lock = threading.RLock()
        self._writes: dict[int, int] = {}
        self._counted: set[int] = set()
        self._fetched: set[int] = set()  # became local since somebody opened them
        self._sizes: dict[int, int] = {}
        self._times: dict[int, int] = {}
        self._moved: dict[tuple[int, str], tuple[int, float]] = {}
        self._released: list[Handle] = []
        self.is_held: Callable[[str | None], object] = lambda node: None
        """Whether somebody else has checked a node out; see leases.py."""
        self.pinned: Callable[[], set[int]] = set
        """Files that stay here whatever the limit; see pins.py."""
        self.give_up: Callable[[int], None] = lambda ino: None
        """What becomes of a file that could not be written whole, once it is closed; see recovery.py."""

    # --- looking ------------------------------------------------------------------------------------------------

    def get(self, ino: int) -> File:
        """The file with this inode."""
        file = self.index.file(ino)
        if file is None:
            raise fail(errno.ESTALE if ino != ROOT else errno.EIO)
        return file

    def lookup(self, parent: int, name: str) -> File:
        """The file of this name, in any Unicode form but in its own case.

        Found in any case, the kernel would take renaming `A` to `a` for a rename onto itself and never send it.
        """
        file = self.index.child(parent, name)
        if file is None or file.name != normal_name(name):
            raise fail(errno.ENOENT)
        return file

    def writes(self, ino: int) -> int:
        """Counts up with each change of a file's bytes: whoever read them knows whether they stood still."""
        return self._writes.get(ino, 0)

    def is_open(self, ino: int) -> bool:
        """Whether a program has the file open."""
        with self.lock:
            return any(handle.ino == ino for handle in self._handles.values())

    def may_be_written(self, ino: int) -> bool:
        """Whether a program has the file open for writing: what it still writes must count, so its version stays."""
        with self.lock:
            return any(handle.ino == ino and handle.writable for handle in self._handles.values())

    def _is_being_written(self, ino: int) -> bool:
        return any(handle.ino == ino and handle.wrote for handle in self._handles.values())

    # --- names --------------------------------------------------------------------------------------------------

    def _editable_folder(self, parent: int) -> File:
        folder = self.get(parent)
        if not folder.is_folder:
            raise fail(errno.ENOTDIR)
        if folder.ino == ROOT:
            raise fail(errno.EACCES, "not_in_a_library")
        self._check_editable(folder)
        return folder

    def _check_free(self, file: File | None) -> None:
        if file is not None and self.is_held(file.node):
            raise fail(errno.EACCES, "checked_out")

    def _check_writable(self, file: File) -> None:
        self._check_free(file)
        folder = self.index.file(file.parent) if file.parent is not None else None
        self._check_editable(folder or file)

    def _check_editable(self, folder: File) -> None:
        """EROFS where the member may not write in the library, EACCES where they may not in this folder of it."""
        access = self.index.access(folder)
        if access is not None and access is not Right.EDIT:
            raise fail(errno.EACCES, "folder_read_only")
        if access is None and not self.index.is_editable(folder.library):
            raise fail(errno.EROFS)

    @staticmethod
    def _storable(name: str) -> str:
        problem = refuse_name(name)
        if problem is NameProblem.TOO_LONG:
            raise fail(errno.ENAMETOOLONG)
        if problem is NameProblem.NOT_UNICODE:
            raise fail(errno.EILSEQ)
        if problem is not None and not stays_local(name):
            raise fail(errno.EINVAL, problem.value)
        return normal_name(name)

    def create(self, parent: int, name: str) -> tuple[int, File]:
        """A new empty file, open for writing; it becomes a save when it is released."""
        with self.lock, self.index.transaction():
            folder = self._editable_folder(parent)
            name = self._storable(name)
            if self.index.child(parent, name) is not None:
                raise fail(errno.EEXIST)
            shared = not stays_local(name)
            node = new_id() if shared and self._is_new_name(parent, name) else None
            file = self.index.add(parent, name, NodeKind.FILE, folder.library, now_ms(), node=node, local=1, dirty=1, unsaved=1)
            if shared and node is None:
                file = self._take_name(file, parent, name)
            fd = self.content.open_work(file.ino, create=True)
            self.index.afterwards(lambda: self._counted.add(file.ino))
        return self._opened(Handle(file.ino, True, file, fd, wrote=True)), file

    def make_folder(self, parent: int, name: str) -> File:
        """A new folder."""
        with self.lock, self.index.transaction():
            above = self._editable_folder(parent)
            name = self._storable(name)
            if self.index.child(parent, name) is not None:
                raise fail(errno.EEXIST)
            if len(self._folders(parent)) > FOLDERS_DEEP:  # The library's own folder is one of them.
                raise fail(errno.ENAMETOOLONG)
            if stays_local(name):
                return self.index.add(parent, name, NodeKind.FOLDER, above.library, now_ms())
            folder = self.index.add(parent, name, NodeKind.FOLDER, above.library, now_ms(), node=new_id())
            self.journal.make_folder(folder)
            return folder

    def unlink(self, parent: int, name: str) -> File:
        """Remove a file's name; returns what it was."""
        with self.lock, self.index.transaction():
            self._editable_folder(parent)
            file = self.lookup(parent, name)
            if file.is_folder:
                raise fail(errno.EISDIR)
            self._check_free(file)
            self._leave_name(file)
            self._discard(file)
            return file

    def remove_folder(self, parent: int, name: str) -> File:
        """Remove an empty folder."""
        with self.lock, self.index.transaction():
            self._editable_folder(parent)
            folder = self.lookup(parent, name)
            if not folder.is_folder:
                raise fail(errno.ENOTDIR)
            if self.index.children(folder.ino, parked=True):
                raise fail(errno.ENOTEMPTY)
            if folder.node is not None:
                self.journal.delete(folder)
            self.index.remove(folder.ino)
            return folder

    def rename(self, parent: int, name: str, new_parent: int, new_name: str, *, replace: bool = True) -> None:
        """Move a file or folder, onto another one of the same kind if need be."""
        with self.lock, self.index.transaction():
            self._editable_folder(parent)
            target_folder = self._editable_folder(new_parent)
            new_name = self._storable(new_name)
            file = self.lookup(parent, name)
            target = self.index.child(new_parent, new_name)
            self._check_rename(file, target, target_folder, replace=replace)
            self._check_free(file)
            self._check_free(target)
            if target is not None and target.ino != file.ino:
                if target.is_folder:
                    self.remove_folder(new_parent, new_name)
                else:
                    self._replace(file, target, new_name)
                    return
            if file.is_folder:
                self._move_folder(file, new_parent, new_name)
            else:
                self._move_file(file, new_parent, new_name)

    def _check_rename(self, file: File, target: File | None, folder: File, *, replace: bool) -> None:
        if target is not None and target.ino != file.ino:
            if not replace:
                raise fail(errno.EEXIST)
            if target.is_folder and not file.is_folder:
                raise fail(errno.EISDIR)
            if file.is_folder and not target.is_folder:
                raise fail(errno.ENOTDIR)
        if file.library != folder.library and file.is_folder:
            raise fail(errno.EXDEV)  # programs then copy, which is what it is
        above: File | None = folder
        while above is not None and above.ino != ROOT:
            if above.ino == file.ino:
                raise fail(errno.EINVAL)
            above = self.index.file(above.parent) if above.parent is not None else None
        if file.is_folder:
            self._check_depth(file, folder)

    def _check_depth(self, folder: File, into: File) -> None:
        """The library would refuse what lies deeper than FOLDERS_DEEP, for as long as it does."""
        depth = len(self._folders(into.ino))
        if depth <= len(self._folders(folder.parent or 0)):
            return  # no deeper than it was
        row = self.index.one(
            "WITH RECURSIVE down (ino, depth) AS (VALUES (?, ?) UNION ALL SELECT f.ino, down.depth + 1 FROM down"
            " JOIN files AS f ON f.parent=down.ino AND f.parent IS NOT NULL AND f.parked=0 AND f.kind='folder')"
            " SELECT MAX(depth) FROM down",
            folder.ino, depth,
        )  # fmt: skip
        if row is not None and row[0] > FOLDERS_DEEP:
            raise fail(errno.ENAMETOOLONG, "too_deep")

    def _replace(self, file: File, target: File, name: str) -> None:
        """`file` becomes the next save of the asset that has this name."""
        if file.library != target.library:
            raise fail(errno.EXDEV)
        node = target.node
        self.index.change(target.ino, node=None)
        self._discard(target)
        deletion = self._give_up_asset(file) if file.node is not None and file.node != node else None
        self._place(file, target.parent or 0, name)
        if stays_local(name):
            self.index.change(file.ino, node=None, version=0)
        elif node is None:
            self._take_name(self.get(file.ino), target.parent or 0, name)
        else:
            self._continue(file, node, target)
        self.save(file.ino)
        if deletion is not None:  # after the save, which may be refused: until then its bytes are nowhere else
            self.journal.delete(deletion, bytes_of=file.ino)

    def _continue(self, file: File, node: str, last: File | Ghost) -> None:
        """What `file` holds is to be the next version of a node, after what the library has of it, under the name that it has now."""
        self.index.change(
            file.ino, node=node, version=last.version, head=last.head, head_size=last.head_size, dirty=file.dirty + 1
        )  # fmt: skip
        now = self.get(file.ino)
        if (now.parent, now.name) != (last.parent, last.name):  # moved aside before, or spelled otherwise: the save may never come
            self.journal.rename(now, left=last)

    def _begin(self, file: File) -> None:
        """What `file` holds is to be the first version of a new node."""
        self.index.change(file.ino, node=new_id(), version=0, head=None, head_size=0, dirty=file.dirty + 1)

    def _move_folder(self, folder: File, parent: int, name: str) -> None:
        if stays_local(name) and folder.node is not None:
            raise fail(errno.EINVAL, "a folder of a library cannot get the name of a temporary one")
        self._place(folder, parent, name)
        moved = self.get(folder.ino)
        if folder.node is not None:
            self.journal.rename(moved, left=folder)
        elif not stays_local(name):
            self._share_folder(moved)

    def _share_folder(self, folder: File) -> None:
        """A folder that was for this machine only joins its library, with what is inside."""
        self.index.change(folder.ino, node=new_id())
        self.journal.make_folder(self.get(folder.ino))
        for child in self.index.children(folder.ino):
            if stays_local(child.name) or child.node is not None:
                continue
            if child.is_folder:
                self._share_folder(child)
            else:
                self._begin(child)
                self.save(child.ino)

    def _move_file(self, file: File, parent: int, name: str) -> None:
        if file.library != self.get(parent).library:
            raise fail(errno.EXDEV)
        if stays_local(name):
            self._leave_name(file)
            self.index.change(file.ino, node=None)
            self._place(file, parent, name)
        elif file.node is None:
            self._place(file, parent, name)
            self._take_name(self.get(file.ino), parent, name)
            self.save(file.ino)
        elif self._was_given_up(parent, name, file):
            # The temporary file of a swap had a name like any other (Excel), and so became an asset for a moment.
            self._give_up_node(file, delay_ms=0)
            self.index.change(file.ino, node=None)
            self._place(file, parent, name)
            self._take_name(self.get(file.ino), parent, name)
            self.save(file.ino)
        else:
            self._moved[(file.parent or 0, name_key(file.name))] = (file.ino, time.monotonic())
            self._place(file, parent, name)
            self.journal.rename(self.get(file.ino), left=file)

    def _place(self, file: File, parent: int, name: str) -> None:
        self.index.change(file.ino, parent=parent, name=name, parked=0)

    def _take_name(self, file: File, parent: int, name: str) -> File:
        """Give a file its node: the one that this name had a moment ago, or a new one."""
        if any(above.node is None for above in self._folders(parent)):
            return file  # inside a folder that is for this machine only
        ghost = self.index.ghost_at(parent, name)
        if ghost is not None:
            self.journal.drop_delete(ghost.node)
            with self.index.transaction() as db:
                db.execute("DELETE FROM ghosts WHERE node=?", (ghost.node,))
            self._continue(file, ghost.node, ghost)
        elif not self._swap_back(file, parent, name):
            self._begin(file)
        return self.get(file.ino)

    def _was_given_up(self, parent: int, name: str, by_other_than: File) -> bool:
        """Whether the asset of this name was deleted or moved aside a moment ago, as programs do before they swap."""
        if self.index.ghost_at(parent, name) is not None:
            return True
        aside, moved_at = self._moved.get((parent, name_key(name)), (by_other_than.ino, 0.0))
        return aside != by_other_than.ino and time.monotonic() - moved_at <= _SWAP_S and by_other_than.version == 0

    def _is_new_name(self, parent: int, name: str) -> bool:
        """Whether nothing had this name a moment ago, in a folder that the library knows: a new file there is a new node."""
        if (parent, name_key(name)) in self._moved or self.index.ghost_at(parent, name) is not None:
            return False
        return all(above.node is not None for above in self._folders(parent))

    def _folders(self, parent: int) -> list[File]:
        """The folders from here up to the library's own."""
        folders = []
        folder = self.index.file(parent)
        while folder is not None and folder.ino != ROOT:
            folders.append(folder)
            folder = self.index.file(folder.parent) if folder.parent is not None else None
        return folders

    def _swap_back(self, file: File, parent: int, name: str) -> bool:
        """If the asset of this name was just moved aside as a backup, it stays here and the backup becomes a new one."""
        aside, moved_at = self._moved.pop((parent, name_key(name)), (0, 0.0))
        backup = self.index.file(aside)
        if backup is None or backup.node is None or time.monotonic() - moved_at > _SWAP_S:
            return False
        self.index.change(backup.ino, node=None)
        self._continue(file, backup.node, backup)
        self._begin(backup)
        self.save(backup.ino)
        return True

    def _leave_name(self, file: File) -> None:
        if file.node is not None:
            self._give_up_node(file, delay_ms=NAME_RETURNS_MS)

    def _give_up_node(self, file: File, *, delay_ms: int) -> None:
        """The node has no name here any more: delete it, unless the name soon comes back."""
        if self._give_up_asset(file) is not None:
            self.journal.delete(file, delay_ms=delay_ms)

    def _give_up_asset(self, file: File) -> File | None:
        """What is to be deleted in the library, because it has no name here any more; None where the library never heard of it."""
        assert file.node is not None
        if file.version == 0 and not self.journal.in_flight(file.node, Kind.COMMIT):
            self.journal.drop_node(file.node)
            return None
        with self.index.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO ghosts (node, library, parent, name_key, name, version, head, head_size) VALUES (?,?,?,?,?,?,?,?)",
                (file.node, file.library, file.parent, name_key(file.name), file.name, file.version, file.head, file.head_size),
            )
        self.index.change(file.ino, node=None)
        return file

    def _discard(self, file: File) -> None:
        """The file has no name any more; its bytes stay while a program has it open."""
        if self.is_open(file.ino):
            self.index.change(file.ino, parent=None, node=None)
            return
        self.index.remove(file.ino)
        self.content.drop_work(file.ino)

    # --- bytes --------------------------------------------------------------------------------------------------

    def open(self, ino: int, *, writable: bool, truncate: bool) -> int:
        """Open a file; may fetch it, if it is to be changed. Returns the handle's number."""
        file = self.get(ino)
        if file.is_folder:
            raise fail(errno.EISDIR)
        if writable:
            self._check_writable(file)
        self._come_to_rest(ino)
        handle = Handle(ino, writable, file)
        with self.lock:
            number = self._opened(handle)  # counts as open from here on, so that nothing takes the bytes away
        try:
            if writable and truncate:
                self.truncate(ino, 0)
                handle.wrote = True
            file = handle.file = self.get(ino)
            if file.local:
                handle.fd = self.content.open_work(ino, writable=writable)
        except Exception:
            with self.lock:
                del self._handles[number]
                self._come_to_nothing(handle, changed=truncate)
            raise
        return number

    def _come_to_nothing(self, handle: Handle, *, changed: bool) -> None:
        """The file may count as being written by now: unless somebody else is at it, it is to be what it was."""
        handle.failed = changed and self.get(handle.ino).unsaved
        self._released.append(handle)
        self.catch_up()

    def _come_to_rest(self, ino: int) -> None:
        """Do what the last release of a file left to be done, such as putting back what a full disk let nobody replace."""
        with self.lock:
            if any(handle.ino == ino for handle in self._released):
                self.catch_up()

    def _opened(self, handle: Handle) -> int:
        with self.lock:
            number = self._next_handle
            self._next_handle += 1
            self._handles[number] = handle
            return number

    def handle(self, number: int) -> Handle:
        """An open file."""
        try:
            return self._handles[number]
        except KeyError:
            raise fail(errno.EBADF) from None

    def local_bytes(self, handle: Handle, offset: int, length: int) -> bytes | None:
        """Bytes from this machine, or None if the library has to be asked."""
        if handle.fd is None:
            if handle.ino not in self._fetched or not self.get(handle.ino).local:
                return None
            handle.fd = self.content.open_work(handle.ino, writable=handle.writable)  # somebody began to write after this handle was opened
        return os.pread(handle.fd, length, offset)

    def prepare_write(self, ino: int, retry: Callable[[AgentError], bool] | None = None) -> None:
        """Make sure that the whole bytes are here; may fetch them. retry: as of `Content.read`."""
        file = self.get(ino)
        if not file.local:
            self._materialise(file, retry=retry)
            with self.index.transaction():
                self.index.change(ino, local=1)
            self._fetched.add(ino)

    def _materialise(self, file: File, size: int | None = None, retry: Callable[[AgentError], bool] | None = None) -> None:
        if file.manifest is not None and file.manifest != file.head:
            manifest = self.content.manifest(file.library, file.manifest)
            with self.index.transaction():  # kept from now on: after a crash the file goes back to it
                self.index.put_manifest(manifest)
        fetched = self.content.materialise(file, size=size, retry=retry)
        with self.lock:
            now = self.index.file(file.ino)
            if now is None or now.local:
                fetched.unlink()  # somebody emptied or removed it meanwhile
            else:
                fetched.replace(self.content.work_path(file.ino))

    def write(self, handle: Handle, offset: int, data: bytes) -> int:
        """Write into the working copy. `prepare_write` came first."""
        if not handle.writable:
            raise fail(errno.EBADF)
        if handle.fd is None:
            handle.fd = self.content.open_work(handle.ino)
        try:
            self._touch(handle.ino)
            written = os.pwrite(handle.fd, data, offset)
        except Exception:  # the bytes did not fit, or the word of them
            handle.failed = True
            raise
        handle.wrote = True
        self._touch(handle.ino)  # once more: a reader that began in between must notice
        self._grow(handle.ino, offset + written)
        return written

    def _touch(self, ino: int) -> None:
        """Say before the bytes change that they do: a crash then finds a changed file, never a silent one."""
        with self.lock:
            self._writes[ino] = self._writes.get(ino, 0) + 1
            if ino not in self._counted:
                self.get(ino)  # its library may have gone out of sight: nobody would ever have what is written now
                with self.index.transaction(durable=self._is_only_copy(ino)):
                    self.index.note_writing(ino)
                    # Not before it stands: a full disk may refuse it, and the next write must try again.
                    self.index.afterwards(lambda: self._counted.add(ino))

    def _is_only_copy(self, ino: int) -> bool:
        """Whether the bytes here are a whole save that the library may not have.

        What is written over one may be on the disk before the index's log is: without power, it would pass for the save.
        """
        file = self.index.file(ino)
        return file is not None and file.dirty > 0 and not file.unsaved

    def forget_writes(self, ino: int) -> None:
        """What was written is no longer what the file holds: the next write counts as its first."""
        with self.lock:
            self._counted.discard(ino)

    def snapshot(self, ino: int) -> tuple[File | None, int]:
        """The file and the count of its writes, before its bytes are read for sending.

        Any later write makes `dirty` and `writes` differ from what is returned here.
        """
        with self.lock:
            self._counted.discard(ino)
            return self.index.file(ino), self.writes(ino)

    def _grow(self, ino: int, size: int) -> None:
        # The size is kept in memory while writing (`attributes`) and in the index when the file is released.
        self._sizes[ino] = max(self._sizes.get(ino, 0), size)
        self._times[ino] = now_ms()

    def truncate(self, ino: int, size: int) -> None:
        """Set the length; may fetch what stays."""
        file = self.get(ino)
        if not file.local:
            self._materialise(file, size)
        keeps = not size and self._is_unsent(file)
        if keeps:
            self.content.lasts.keep(ino, self.content.work_path(ino), file.size)
        try:
            # Together: a shorter working copy must never pass for the version.
            with self.lock, self.index.transaction(durable=self._is_only_copy(ino)):
                if not self.content.work_path(ino).exists():
                    raise fail(errno.EAGAIN)  # given up by `trim` in this very moment
                self.index.change(ino, local=1)
                self._fetched.add(ino)
                self._touch(ino)
        except Exception:
            self.content.lasts.drop(ino)  # it has the same bytes as the working copy, also when these change
            raise
        if keeps:
            self.content.lasts.empty(self.content.work_path(ino))
        else:
            os.truncate(self.content.work_path(ino), size)
        self._touch(ino)
        self._sizes.pop(ino, None)
        with self.index.transaction():
            self.index.change(ino, size=size, modified_ms=now_ms())

    def _is_unsent(self, file: File) -> bool:
        """Whether a file is a save that the library may not have, and no program would go on reading its old bytes."""
        if not (file.local and file.dirty and file.size) or file.unsaved:
            return False
        with self.lock:
            return not any(handle.ino == file.ino and handle.fd is not None for handle in self._handles.values())

    def resize(self, ino: int, size: int, number: int | None) -> bool:
        """Set the length, through a handle or by name; returns whether this was a save. By name it is complete at once,
        unless somebody has the file open for writing: then it goes with the next release.
        """
        if number is None:
            self._check_writable(self.get(ino))
        self._come_to_rest(ino)
        try:
            self.truncate(ino, size)
        except Exception:
            with self.lock:
                if not self.may_be_written(ino):
                    self._come_to_nothing(Handle(ino, True, self.get(ino)), changed=True)
            raise
        with self.lock:
            writers = [handle for handle in self._handles.values() if handle.ino == ino and handle.writable]
            for handle in writers if number is None else [self.handle(number)]:
                handle.wrote = True
                handle.failed = handle.failed and size > 0  # it begins anew
            return number is None and not writers and self.save(ino)

    def trim(self, limit_bytes: int) -> None:
        """Give up working copies that the library has as well, the longest unchanged first, until the rest fits."""
        with self.lock:
            pinned = self.pinned()
            kept = self.index.matching("local=1 AND dirty=0 AND node IS NOT NULL AND parent IS NOT NULL")
            kept = [file for file in kept if file.ino not in pinned]
            total = sum(file.size for file in kept)
            for file in sorted(kept, key=lambda each: each.modified_ms):
                if total <= limit_bytes:
                    return
                if not self.is_open(file.ino):
                    with self.index.transaction():
                        self.index.change(file.ino, local=0)
                    self.content.drop_work(file.ino)
                    total -= file.size

    def fsync(self, handle: Handle) -> None:
        """Safe on this machine's disk: the bytes, and that they must be sent."""
        if handle.fd is not None:
            os.fdatasync(handle.fd)
        with self.index.transaction(durable=True):
            self.index.note_size(handle.ino, self._sizes.get(handle.ino, 0))

    def release(self, number: int) -> bool:
        """Close a handle; returns whether this was a save. A disk that is full just now makes it one later: see `catch_up`."""
        with self.lock:
            handle = self._handles.pop(number)
            if handle.fd is not None:
                os.close(handle.fd)
            self._released.append(handle)
            return self.catch_up()

    @property
    def behind(self) -> bool:
        """Whether a release could not be written down yet."""
        return bool(self._released)

    def catch_up(self) -> bool:
        """Write down the releases that are not written down yet; returns whether there were saves among them.

        Nobody is told of an error while a file is released, so the release stays to be done until it is.
        """
        saved = False
        with self.lock:
            while self._released:
                handle = self._released[0]
                with self.index.transaction():
                    saved = (handle.wrote and not handle.failed and self.save(handle.ino)) or saved
                    if not self.is_open(handle.ino):
                        self._closed_by_all(handle.ino)
                        if handle.failed:
                            self.give_up(handle.ino)
                self._released.pop(0)
        return saved

    def _closed_by_all(self, ino: int) -> None:
        self._sizes.pop(ino, None)
        self._times.pop(ino, None)
        self._fetched.discard(ino)
        file = self.index.file(ino)
        if file is not None and file.parent is None:
            self.index.remove(ino)
            self.content.drop_work(ino)

    def closed(self, handle: Handle) -> None:
        """A close() is about to return; the release follows in its own time, and a crash in between must find a save."""
        if handle.wrote and not handle.failed:
            with self.lock, self.index.transaction():
                self._note_whole(handle.ino)

    def _note_whole(self, ino: int) -> None:
        """The bytes here are what a program meant to leave; any later write makes the file `unsaved` again."""
        file = self.index.file(ino)
        if file is None or not file.unsaved:
            return  # noted already, by another handle's close: what there is may be in the library by now, and is not to be sent again
        try:
            whole: dict[str, object] = {"size": os.stat(self.content.work_path(ino)).st_size, "unsaved": 0, "manifest": None}
        except FileNotFoundError:
            return  # removed, or replaced by what the library has
        if ino in self._times:
            whole["modified_ms"] = self._times[ino]
        self._counted.discard(ino)
        self.index.change(ino, **whole)
        self.index.afterwards(lambda: self.content.lasts.drop(ino))

    def save(self, ino: int) -> bool:
        """A save boundary: what the file holds now is to be the next version. Returns whether there is anything to send."""
        with self.lock, self.index.transaction():
            file = self.index.file(ino)
            if file is None or file.parent is None or file.is_folder or not file.dirty:
                return False
            if file.local and file.unsaved:  # the close has noted it already, if nothing was written since
                if self._is_being_written(ino):
                    return False  # moved onto a name in the middle of it: what there is so far is nobody's version, the close is
                self._note_whole(ino)
            if file.node is None and not stays_local(file.name):
                file = self._take_name(file, file.parent, file.name)  # a draft that somebody went on with
            if file.node is None:
                return False
            self.journal.save(file)
            return True

    def set_modified(self, ino: int, modified_ms: int) -> None:
        """What `touch -d` and copying programs set; it travels with the next save."""
        with self.index.transaction():
            self._times.pop(ino, None)
            self.index.change(ino, modified_ms=modified_ms)

    def modified_of(self, file: File) -> int:
        """When the bytes last changed, also while they are being written."""
        return self._times.get(file.ino, file.modified_ms)

    def size_of(self, file: File) -> int:
        """The length now, also while it is being written."""
        return max(file.size, self._sizes.get(file.ino, 0))
