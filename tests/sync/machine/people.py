"""What people and their programs do at a machine: save in each of the usual ways, rename, move, delete, read, and leave files open."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable
from contextlib import suppress

from sync.agent import recovery
from sync.agent.errors import AgentError
from sync.agent.index import ROOT, File
from sync.core.paths import stays_local
from tests.sync.machine.ledger import Ledger, Violation
from tests.sync.machine.library import RealLibrary
from tests.sync.machine.luck import Step
from tests.sync.machine.pc import Pc

FILES = ("a.psd", "A.psd", "b.txt", "c", "d.ai")
FOLDERS = ("f", "g", "c")
TEMPORARY = ("save.tmp", "a.psd~")
_PLAIN = {
    errno.EEXIST, errno.ENOENT, errno.ENOTEMPTY, errno.EISDIR, errno.ENOTDIR, errno.EINVAL, errno.ESTALE, errno.EXDEV, errno.EROFS,
    errno.EACCES,
}  # fmt: skip


class People:
    """The steps of people; see `RealWorld`."""

    library: RealLibrary
    ledger: Ledger
    calm: bool
    _open: Callable[..., int]
    _closed: Callable[[Pc, int], None]
    _contents: dict[str, bytes]
    _token: int

    def _user(self, what: Callable[[], None]) -> bool:
        """A call of a program; whether it came back without an error."""
        try:
            what()
            return True
        except OSError:
            return False
        except (sqlite3.OperationalError, AgentError):
            return False

    def _changes(self, what: Callable[[], None]) -> bool | None:
        """The same; None where the error leaves open what became of it."""
        codes: list[int] = []

        def call() -> None:
            try:
                what()
            except OSError as error:
                codes.append(error.errno or 0)
                raise

        return self._user(call) or (False if codes and codes[0] in _PLAIN else None)

    def _folders(self, pc: Pc) -> list[File]:
        known = pc.engine.index.library(self.library.id)
        if known is None:
            return []
        top = pc.engine.index.file(known.ino)
        found = [top] if top else []
        for folder in found:
            found += [child for child in pc.engine.index.children(folder.ino) if child.is_folder]
        return found

    def _files(self, pc: Pc) -> list[File]:
        return [f for folder in self._folders(pc) for f in pc.engine.index.children(folder.ino) if not f.is_folder]

    def _sees(self, pc: Pc, file: File) -> bytes | None:
        """The bytes that a program at this machine would see now."""
        if file.local:
            with suppress(OSError):
                return pc.engine.content.work_path(file.ino).read_bytes()
            return None
        if file.manifest and file.manifest not in self._contents and file.manifest not in self.library.version_digests():
            return None  # a save that was on its way as the machine lost its power: nobody can read it until it is there
        return self._content(file.manifest) if file.manifest else b""

    def _content(self, digest: str) -> bytes:
        if digest not in self._contents:
            calm, self.calm = self.calm, True
            failing, self.library.store.failing = self.library.store.failing, False
            self._contents[digest] = self.library.content(digest)
            self.calm, self.library.store.failing = calm, failing
        return self._contents[digest]

    def _new_content(self, step: Step) -> bytes:
        self._token += 1
        return b"%d " % self._token + b"x" * (step.c * 7 % 3000)

    def _place(self, pc: Pc, step: Step, names: tuple[str, ...]) -> tuple[File, str] | None:
        folders = self._folders(pc)
        return (folders[step.a % len(folders)], names[step.b % len(names)]) if folders else None

    def _do_write(self, pc: Pc, step: Step) -> None:
        place = self._place(pc, step, FILES)
        if place is not None:
            number = self._begin(pc, *place, self._new_content(step), fsync=step.c % 5 == 0)
            if number is not None:
                self._finish(pc, number)

    def _do_hold(self, pc: Pc, step: Step) -> None:
        """Write, and leave the file open."""
        place = self._place(pc, step, FILES)
        if place is not None and len(pc.open) < 3:
            self._begin(pc, *place, self._new_content(step), fsync=step.c % 3 == 0)

    def _begin(self, pc: Pc, folder: File, name: str, data: bytes, *, fsync: bool = False) -> int | None:
        """Open with truncation, or create, and write. The number of the handle, None if it came to nothing."""
        here, opened = pc.engine.tree, []

        def enter() -> None:
            file = pc.engine.index.child(folder.ino, name)
            if file is None or file.name != name:
                opened.append(here.create(folder.ino, name)[0])
            else:
                opened.append(self._open(pc, file, truncate=True))

        if not self._user(enter):
            return None
        number = opened[0]
        pc.open.append(number)
        handle = here.handle(number)

        def write() -> None:
            if handle.fd is None:
                here.prepare_write(handle.ino)
            here.write(handle, 0, data)
            if fsync:
                here.fsync(handle)
                flushed = self._working(pc, handle.ino)
                self.ledger.flushed.setdefault(pc.number, set()).add(flushed or b"")

        self._user(write)
        return number

    def _working(self, pc: Pc, ino: int) -> bytes | None:
        with suppress(OSError):
            return pc.engine.content.work_path(ino).read_bytes()
        return None

    def _finish(self, pc: Pc, number: int) -> None:
        """close(): the flush that a program waits for, then the release."""
        here = pc.engine.tree
        handle = here.handle(number)
        data = self._working(pc, handle.ino)
        if data is not None:
            self.ledger.offer(data)
        self.ledger.close(pc.number, handle.ino)  # killed in the middle of it, the save may stand
        told = self._user(lambda: here.closed(handle))
        if told and handle.wrote:
            self._saved(pc, handle.ino)
        pc.open.remove(number)
        released = self._user(lambda: here.release(number))
        del released  # nobody is told
        self._closed(pc, handle.ino)
        self._user(pc.engine.released)

    def _saved(self, pc: Pc, ino: int) -> None:
        """A program was told that the file is saved."""
        file = pc.engine.index.file(ino)
        flushed = self.ledger.flushed.get(pc.number, set())
        if file is None:
            return
        data = self._sees(pc, file)
        self.ledger.close(pc.number, ino)
        if data is None or file.parent is None or self._is_private(pc, file):
            flushed.discard(data or b"")
            return
        self.ledger.save(pc.number, data)

    def _is_private(self, pc: Pc, file: File) -> bool:
        """Whether it stays on this machine by its name or its folder's."""
        current: File | None = file
        while current is not None and current.ino != ROOT:
            if stays_local(current.name):
                return True
            current = pc.engine.index.file(current.parent) if current.parent is not None else None
        return False

    def _do_close(self, pc: Pc, step: Step) -> None:
        if pc.open:
            self._finish(pc, pc.open[step.a % len(pc.open)])

    def _do_fsync(self, pc: Pc, step: Step) -> None:
        if pc.open:
            handle = pc.engine.tree.handle(pc.open[step.a % len(pc.open)])
            data = self._working(pc, handle.ino)
            if self._user(lambda: pc.engine.tree.fsync(handle)) and data and handle.fd is not None:
                self.ledger.flushed.setdefault(pc.number, set()).add(data)

    def _do_patch(self, pc: Pc, step: Step) -> None:
        """Change some bytes of a file, as programs do that save in place."""
        files = [file for file in self._files(pc) if recovery.DRAFT not in file.name]
        if not files:
            return
        file, here = files[step.a % len(files)], pc.engine.tree
        token = self._new_content(step)[:40]
        number: list[int] = []

        def change() -> None:
            number.append(self._open(pc, file, truncate=False))
            pc.open.append(number[0])
            handle = here.handle(number[0])
            if handle.fd is None:
                here.prepare_write(file.ino)
            now = here.get(file.ino)
            self.ledger.write_over(pc.number, file.ino, self._sees(pc, now))
            here.write(handle, 0, token)

        self._user(change)
        if number:
            self._finish(pc, number[0])

    def _do_unlink(self, pc: Pc, step: Step) -> None:
        files = self._files(pc)
        if files:
            self._unlink(pc, files[step.a % len(files)])

    def _unlink(self, pc: Pc, file: File) -> None:
        before = self.ledger.mark()
        self._give_up(pc, file)
        if self._changes(lambda: pc.engine.tree.unlink(file.parent or 0, file.name) and None) is False:
            self.ledger.back_to(before)

    def _give_up(self, pc: Pc, file: File) -> None:
        seen = self._sees(pc, file)
        self.ledger.give_up(seen)
        self.ledger.close(pc.number, file.ino)
        self.ledger.flushed.get(pc.number, set()).discard(seen or b"")

    def _do_rename(self, pc: Pc, step: Step) -> None:
        files, place = self._files(pc), self._place(pc, Step("", 0, step.c, step.b), FILES + TEMPORARY[:1])
        if files and place is not None:
            self._rename(pc, files[step.a % len(files)], *place)

    def _rename(self, pc: Pc, file: File, folder: File, name: str) -> bool | None:
        """Move a file, perhaps onto another one, perhaps to a name that is for this machine only."""
        index = pc.engine.index
        target = index.child(folder.ino, name)
        data = self._sees(pc, file)
        unsaved = file.unsaved or pc.engine.tree.may_be_written(file.ino)
        if data is not None:
            self.ledger.offer(data)
        before = self.ledger.mark()
        if target is not None and target.ino != file.ino and not target.is_folder:
            self._give_up(pc, target)
        if stays_local(name):
            self._give_up(pc, file)
        done = self._changes(lambda: pc.engine.tree.rename(file.parent or 0, file.name, folder.ino, name))
        if done is False:
            self.ledger.back_to(before)
        moved = index.file(file.ino)
        if done and moved is not None and moved.parent is not None and not self._is_private(pc, moved) and data is not None and not unsaved:
            self.ledger.save(pc.number, data)
        return done

    def _do_temp_save(self, pc: Pc, step: Step) -> None:
        """Write a temporary file, then rename it onto the name."""
        place = self._place(pc, step, FILES)
        if place is None:
            return
        number = self._begin(pc, place[0], TEMPORARY[0], self._new_content(step))
        if number is not None:
            self._finish(pc, number)
            temporary = pc.engine.index.child(place[0].ino, TEMPORARY[0])
            if temporary is not None and not pc.engine.tree.may_be_written(temporary.ino):
                self._rename(pc, temporary, *place)

    def _do_swap_save(self, pc: Pc, step: Step) -> None:
        """Move the file aside as a backup, write it anew, delete the backup."""
        place = self._place(pc, step, FILES)
        file = pc.engine.index.child(place[0].ino, place[1]) if place else None
        if place is None or file is None or file.is_folder or file.name != place[1]:
            return
        if not self._rename(pc, file, place[0], ("backup", TEMPORARY[1])[step.c % 2]):
            return
        number = self._begin(pc, *place, self._new_content(step))
        if number is not None:
            self._finish(pc, number)
        backup = pc.engine.index.file(file.ino)
        if backup is not None and backup.parent is not None:
            self._unlink(pc, backup)

    def _do_mkdir(self, pc: Pc, step: Step) -> None:
        place = self._place(pc, step, FOLDERS)
        if place is not None and len(self._folders(pc)) < 6:
            self._user(lambda: pc.engine.tree.make_folder(place[0].ino, place[1]) and None)

    def _do_rmdir(self, pc: Pc, step: Step) -> None:
        folders = self._folders(pc)[1:]
        if folders:
            folder = folders[step.a % len(folders)]
            self._user(lambda: pc.engine.tree.remove_folder(folder.parent or 0, folder.name) and None)

    def _do_move_folder(self, pc: Pc, step: Step) -> None:
        folders = self._folders(pc)
        if len(folders) > 1:
            folder, into = folders[1:][step.a % (len(folders) - 1)], folders[step.b % len(folders)]
            name = FOLDERS[step.c % len(FOLDERS)]
            self._user(lambda: pc.engine.tree.rename(folder.parent or 0, folder.name, into.ino, name))

    def _do_read(self, pc: Pc, step: Step) -> None:
        """Read a file that is not here: whatever comes was somebody's save."""
        files = [file for file in self._files(pc) if not file.local and file.manifest]
        if files:
            file, read = files[step.a % len(files)], []
            if self._user(lambda: read.append(pc.engine.content.read(file, 0, file.size))) and read[0] not in self.ledger.written:
                raise Violation(f"P3 a read brought what nobody wrote: {read[0]!r}")
