"""A disk of this machine that is full, read-only or failing: which of these it is, in an errno and in words.

All three may pass. Whoever saves is refused with the errno; what was saved before stays, and goes on its way as soon as it can.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

_ERRNOS = {errno.ENOSPC: errno.ENOSPC, errno.EDQUOT: errno.ENOSPC, errno.EROFS: errno.EROFS, errno.EIO: errno.EIO}
_SQLITE = {
    sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_READONLY: errno.EROFS, sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_CANTOPEN: errno.EIO, sqlite3.SQLITE_BUSY: errno.EIO,
}  # fmt: skip
_WORDS = {
    errno.ENOSPC: "本机磁盘已满：存不下新的内容，已保存的都在，腾出空间后自动继续",
    errno.EROFS: "本机磁盘是只读的：存不下新的内容，已保存的都在，恢复可写后自动继续",
    errno.EIO: "本机磁盘无法读写：存不下新的内容，请检查磁盘，恢复后自动继续",
}
_REASONS = {errno.ENOSPC: "disk_full", errno.EROFS: "disk_read_only", errno.EIO: "disk_failing"}


def disk_errno(error: BaseException) -> int | None:
    """ENOSPC, EROFS or EIO where an error says that of a disk; None where it says something else."""
    if isinstance(error, sqlite3.OperationalError):
        return _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    return _ERRNOS.get(error.errno or 0) if isinstance(error, OSError) else None


def disk_words(code: int) -> str:
    """What to tell the person in front of the machine."""
    return _WORDS[code]


def disk_reason(error: OSError, otherwise: str) -> str:
    """Why one file could not be stored, as a code of `mirror/words.py`."""
    return _REASONS.get(disk_errno(error) or 0, otherwise)


def trouble_of(folder: Path) -> str | None:
    """What is wrong with the disk of a folder of ours, if it does not even take a time stamp."""
    try:
        os.utime(folder)
    except OSError as error:
        code = disk_errno(error)
        return disk_words(code) if code is not None else None
    return None
