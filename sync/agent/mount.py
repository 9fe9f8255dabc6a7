"""FUSE: requests of the kernel translated into calls of `tree.py`, and errors back into errnos.

The kernel may keep names, attributes and pages for an hour, because whatever changes without it is told to it (`Notifier`).
Quick calls run where they arrive; whatever may fetch from the library runs in a thread, so that nobody waits for
somebody else's download.
"""

from __future__ import annotations

import errno
import functools
import logging
import os
import signal
import sqlite3
import stat
import sys
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sync.agent import loop
from sync.agent.content import patience
from sync.agent.disk_errors import disk_errno
from sync.agent.engine import Engine
from sync.agent.errors import AgentError, MountFailed, NotEnrolled
from sync.agent.fuse import FileInfo, FUSEError, pyfuse3
from sync.agent.index import ROOT, File
from sync.agent.listing import Listings
from sync.agent.notifier import Notifier
from sync.agent.pin_commands import ATTRIBUTE, MOUNT_NAME
from sync.agent.tree import Handle
from sync.core.protocol import NodeKind

log = logging.getLogger("mainline.agent")

P = ParamSpec("P")
R = TypeVar("R")

_KEEP_S = 3600.0
_BLOCK = 4096
_TURN_S = 0.0001
"""So long may the sender go on computing while a request of the kernel is there. Python's own 5 ms, seven times for a small file, made
copying into the mount wait for what was sent in the meantime."""
_FOLDER = stat.S_IFDIR | 0o755
_WRITABLE = stat.S_IFREG | 0o644
_READ_ONLY = stat.S_IFREG | 0o444


@dataclass(frozen=True)
class MountOptions:
    """uid, gid: whose the files appear to be. allow_other: other users may look in."""

    uid: int
    gid: int
    allow_other: bool = False


def _errors(handler: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Turn what went wrong into the errno for the program, at this border and nowhere else."""

    @functools.wraps(handler)
    async def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await handler(*args, **kwargs)
        except NotEnrolled as error:
            raise FUSEError(errno.EACCES) from error
        except AgentError as error:
            log.warning("%s: %s", handler.__name__, error)
            raise FUSEError(errno.EIO) from error
        except sqlite3.OperationalError as error:
            log.error("%s: index: %s", handler.__name__, error)
            raise FUSEError(disk_errno(error) or errno.EIO) from error
        except OSError as error:
            raise FUSEError(error.errno or errno.EIO) from error
        except UnicodeError as error:  # a name in another encoding, as old archives have it: in no library, and no reason to end
            raise FUSEError(errno.EILSEQ) from error

    return call


class Operations(pyfuse3.Operations):
    """The handlers of the mount."""

    supports_dot_lookup = False

    def __init__(self, engine: Engine, kernel: Notifier, state_dir: Path, options: MountOptions) -> None:
        super().__init__()
        self._kernel = kernel
        self._engine = engine
        self._tree = engine.tree
        self._state_dir = state_dir
        self._options = options
        self._preparing: dict[int, Future[None]] = {}
        self._listings = Listings(engine.index)

    def init(self) -> None:
        """The kernel has said hello; before that it cannot be told anything, and has nothing cached."""
        self._kernel.start()

    # --- names --------------------------------------------------------------------------------------------------

    def _attributes(self, file: File) -> pyfuse3.EntryAttributes:
        entry = pyfuse3.EntryAttributes()
        entry.st_ino = file.ino
        entry.entry_timeout = entry.attr_timeout = _KEEP_S
        entry.st_uid, entry.st_gid = self._options.uid, self._options.gid
        entry.st_blksize = _BLOCK
        if file.kind is NodeKind.FOLDER:
            entry.st_mode, entry.st_nlink = _FOLDER, 2
            modified_ns = file.modified_ms * 1_000_000
        else:
            entry.st_mode = _READ_ONLY if self._engine.leases.holder(file.node) else _WRITABLE
            size = entry.st_size = self._tree.size_of(file)
            entry.st_blocks = (size + 511) // 512
            modified_ns = self._tree.modified_of(file) * 1_000_000
        entry.st_mtime_ns = entry.st_ctime_ns = entry.st_atime_ns = modified_ns
        return entry

    @_errors
    async def lookup(self, parent_inode: int, name: bytes, ctx: object) -> pyfuse3.EntryAttributes:
        try:
            found = self._tree.lookup(parent_inode, os.fsdecode(name))
        except FileNotFoundError:
            if not await self._looked_ahead(self._tree.get(parent_inode)):
                raise
            found = self._tree.lookup(parent_inode, os.fsdecode(name))
        return self._attributes(found)

    async def _looked_ahead(self, folder: File) -> bool:
        """Take in what is in a folder that the feed has not brought yet; returns whether there was a reason to."""
        glimpse = self._engine.glimpse
        if glimpse is None or not glimpse.is_needed(folder):
            return False
        await loop.in_thread(glimpse.take, folder)
        return True

    @_errors
    async def getattr(self, inode: int, ctx: object) -> pyfuse3.EntryAttributes:
        return self._attributes(self._tree.get(inode))

    async def forget(self, inode_list: Sequence[tuple[int, int]]) -> None:
        """Inodes are rows of the index; the kernel's interest in them makes no difference."""

    @_errors
    async def opendir(self, inode: int, ctx: object) -> int:
        folder = self._tree.get(inode)
        if not folder.is_folder:
            raise FUSEError(errno.ENOTDIR)
        await self._looked_ahead(folder)
        return self._listings.open(inode)

    @_errors
    async def readdir(self, fh: int, start_id: int, token: pyfuse3.ReaddirToken) -> None:
        for file in self._listings.after(fh, start_id):
            if not pyfuse3.readdir_reply(token, os.fsencode(file.name), self._attributes(file), file.ino):
                return

    async def releasedir(self, fh: int) -> None:
        self._listings.close(fh)

    async def fsyncdir(self, fh: int, datasync: bool) -> None:
        """Names are in the index with their change."""

    @_errors
    async def mkdir(self, parent_inode: int, name: bytes, mode: int, ctx: object) -> pyfuse3.EntryAttributes:
        folder = self._tree.make_folder(parent_inode, os.fsdecode(name))
        self._engine.saved()
        return self._attributes(folder)

    @_errors
    async def rmdir(self, parent_inode: int, name: bytes, ctx: object) -> None:
        self._tree.remove_folder(parent_inode, os.fsdecode(name))
        self._engine.saved()
        self._engine.released()

    @_errors
    async def unlink(self, parent_inode: int, name: bytes, ctx: object) -> None:
        self._tree.unlink(parent_inode, os.fsdecode(name))
        self._engine.saved()
        self._engine.released()

    @_errors
    async def rename(self, parent_inode_old: int, name_old: bytes, parent_inode_new: int, name_new: bytes, flags: int, ctx: object) -> None:
        if flags not in (0, pyfuse3.RENAME_NOREPLACE):
            raise FUSEError(errno.EINVAL)
        self._tree.rename(parent_inode_old, os.fsdecode(name_old), parent_inode_new, os.fsdecode(name_new), replace=flags == 0)
        self._engine.saved()
        self._engine.released()

    async def symlink(self, *_: Any, **__: Any) -> Any:
        """A library has files and folders only. EPERM makes programs fall back to copying."""
        raise FUSEError(errno.EPERM)

    link = mknod = symlink

    # --- bytes --------------------------------------------------------------------------------------------------

    @_errors
    async def create(self, parent_inode: int, name: bytes, mode: int, flags: int, ctx: object) -> tuple[FileInfo, pyfuse3.EntryAttributes]:
        try:
            number, file = self._tree.create(parent_inode, os.fsdecode(name))
        except FileExistsError as taken:
            if flags & os.O_EXCL:
                raise
            try:
                file = self._tree.lookup(parent_inode, os.fsdecode(name))  # the feed brought it since the kernel looked
            except FileNotFoundError:
                raise taken from None  # it is there in another spelling, which is no file of this name
            return await self.open(file.ino, flags, ctx), self._attributes(self._tree.get(file.ino))
        return FileInfo(fh=number, keep_cache=True), self._attributes(file)

    @_errors
    async def open(self, inode: int, flags: int, ctx: object) -> FileInfo:
        writable = flags & os.O_ACCMODE != os.O_RDONLY
        file = self._tree.get(inode)
        if writable and self._engine.leases.wants(file):
            await loop.in_thread(self._engine.leases.take, file)
        truncate = bool(flags & os.O_TRUNC)
        try:
            if writable and truncate:
                await self._know(file)
            number = self._tree.open(inode, writable=writable, truncate=truncate)
        except BaseException:
            self._closed(inode)  # nobody would give the check-out back
            raise
        return FileInfo(fh=number, keep_cache=True)

    @_errors
    async def read(self, fh: int, off: int, size: int) -> bytes:
        handle = self._tree.handle(fh)
        data = self._tree.local_bytes(handle, off, size)
        if data is None:
            data = self._tree.content.read_from_memory(handle.file, off, size)
        if data is None:
            data = await loop.in_thread(self._fetch, handle, off, size)
        return data

    def _fetch(self, handle: Handle, offset: int, size: int) -> bytes:
        return self._tree.content.read(handle.file, offset, size, retry=patience(handle.file.name))

    @_errors
    async def write(self, fh: int, off: int, buf: bytes) -> int:
        handle = self._tree.handle(fh)
        if handle.fd is None:
            await self._prepare(handle.ino)
        return self._tree.write(handle, off, buf)

    async def _prepare(self, inode: int) -> None:
        """Have the whole bytes here, once for all who wait for them."""
        if inode not in self._preparing:
            again = patience(self._tree.get(inode).name)
            self._preparing[inode] = loop.submit(self._tree.prepare_write, inode, again)
        preparing = self._preparing[inode]
        try:
            await loop.finished(preparing)
        finally:
            if self._preparing.get(inode) is preparing:
                del self._preparing[inode]

    async def _know(self, file: File) -> None:
        """Before a file is emptied that was moved here and not sent: what it goes back to after a crash may have to be asked for."""
        if not file.local and file.manifest is not None and file.manifest != file.head:
            await loop.in_thread(self._tree.content.manifest, file.library, file.manifest)

    @_errors
    async def setattr(
        self, inode: int, attr: pyfuse3.EntryAttributes, fields: pyfuse3.SetattrFields, fh: int | None, ctx: object
    ) -> pyfuse3.EntryAttributes:
        # Mode and owner are not kept, and refusing them would make `cp -p` and archivers fail.
        if fields.update_size:
            await self._resize(inode, attr.st_size, fh)
        if fields.update_mtime:
            self._tree.set_modified(inode, attr.st_mtime_ns // 1_000_000)
        return self._attributes(self._tree.get(inode))

    async def _resize(self, inode: int, size: int, fh: int | None) -> None:
        await (self._prepare(inode) if size else self._know(self._tree.get(inode)))
        if self._tree.resize(inode, size, fh):
            self._engine.saved()

    @_errors
    async def flush(self, fh: int) -> None:
        self._tree.closed(self._tree.handle(fh))

    @_errors
    async def fsync(self, fh: int, datasync: bool) -> None:
        await loop.at_disk(self._tree.fsync, self._tree.handle(fh))

    @_errors
    async def release(self, fh: int) -> None:
        saved = False
        ino = self._tree.handle(fh).ino
        try:
            saved = self._tree.release(fh)
        finally:
            self._closed(ino)
            if saved or self._tree.behind:
                self._engine.saved()
            self._engine.released()

    def _closed(self, ino: int) -> None:
        if not self._tree.may_be_written(ino) and self._engine.leases.closed(ino):
            self._engine.saved()  # there may be nothing to send: the sender gives back what is closed

    # --- pins ---------------------------------------------------------------------------------------------------
    # No getxattr: without one the kernel asks for no attribute at all, and it would do so before each write.

    @_errors
    async def setxattr(self, inode: int, name: bytes, value: bytes, ctx: object) -> None:
        self._check_attribute(name)
        await loop.in_thread(self._engine.pins.pin, inode)

    @_errors
    async def removexattr(self, inode: int, name: bytes, ctx: object) -> None:
        self._check_attribute(name)
        await loop.in_thread(self._engine.pins.unpin, inode)

    @staticmethod
    def _check_attribute(name: bytes) -> None:
        if name != ATTRIBUTE.encode():
            raise FUSEError(errno.ENOTSUP)

    @_errors
    async def statfs(self, ctx: object) -> pyfuse3.StatvfsData:
        """The disk of this machine: that is what a save must fit on first."""
        disk = os.statvfs(self._state_dir)
        data = pyfuse3.StatvfsData()
        data.f_bsize, data.f_frsize = disk.f_bsize, disk.f_frsize
        data.f_blocks, data.f_bfree, data.f_bavail = disk.f_blocks, disk.f_bfree, disk.f_bavail
        data.f_files, data.f_ffree, data.f_favail = disk.f_files, disk.f_ffree, disk.f_favail
        data.f_namemax = 255
        return data


def clear_stale_mount(mount_point: Path) -> None:
    """Take away what a killed predecessor left: a mount that answers every call with ENOTCONN."""
    try:
        os.statvfs(mount_point)  # not stat: the kernel answers that from its cache even when nobody is there any more
        return
    except FileNotFoundError:
        mount_point.mkdir(parents=True, exist_ok=True)
        return
    except OSError as error:
        if error.errno not in (errno.ENOTCONN, errno.EIO, errno.ECONNABORTED):
            raise MountFailed("挂载点无法使用", f"{mount_point}: {error}") from error
    import subprocess

    subprocess.run(["fusermount3", "-u", "-z", str(mount_point)], check=False, capture_output=True)


def run_mount(engine: Engine, mount_point: Path, state_dir: Path, options: MountOptions, *, drain_s: float) -> None:
    """Mount and serve until a signal, an unmount or the end of the enrolment; then send what waits and unmount."""
    clear_stale_mount(mount_point)
    kernel = Notifier()
    operations = Operations(engine, kernel, state_dir, options)
    flags = {*pyfuse3.default_options, f"fsname={MOUNT_NAME}", "noatime"}
    if options.allow_other:
        flags.add("allow_other")
    try:
        pyfuse3.init(operations, str(mount_point), flags)
    except RuntimeError as error:
        raise MountFailed("无法挂载素材库", f"{mount_point}: {error}; is /dev/fuse there and fuse3 installed?") from error
    unmount = True
    sys.setswitchinterval(_TURN_S)
    try:
        engine.start(kernel)
        loop.run(lambda: _serve(engine, mount_point, drain_s))
    except BaseException:
        unmount = False
        raise
    finally:
        engine.stop()
        kernel.stop()
        pyfuse3.close(unmount=unmount)


async def _serve(engine: Engine, mount_point: Path, drain_s: float) -> None:
    def drain() -> None:
        engine.drain(drain_s)
        pyfuse3.terminate()

    def on_signal(*_: object) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):  # the second one ends it at once
            signal.signal(each, signal.SIG_DFL)
        threading.Thread(target=drain, name="drain", daemon=True).start()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, on_signal)
    engine.on_fatal = pyfuse3.terminate
    if engine.fatal is not None:
        return  # its threads were quicker: nobody would end a mount that serves what cannot be sent
    engine.mounted(mount_point)
    await pyfuse3.main()


assert ROOT == pyfuse3.ROOT_INODE
