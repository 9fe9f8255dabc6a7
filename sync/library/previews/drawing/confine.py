"""Give up what drawing does not need, for good: memory, time, files, network, new privileges. Linux only.

Resource limits hold everywhere. A network of its own (empty) needs a user namespace; reading and writing nothing but
the file, the result's folder, fonts and code needs Landlock (Linux 5.13; sockets from 6.7, signals from 6.12). Where the
kernel lacks or forbids one of these, drawing goes on with the others, and ``Confinement`` says so.
Sources: namespaces(7), landlock(7), prctl(2).
"""

import ctypes
import os
import resource
import signal
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # The same numbers on every architecture.
_O_PATH = 0x200000
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_FILE, _MAKE_FILE, _TRUNCATE = 1 << 5, 1 << 8, 1 << 14
_FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/etc/fonts")
_CODE_FOLDERS = ("/usr/lib", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/etc/ld.so.cache")
_DEVICES = ("/dev/urandom", "/dev/null")


@dataclass(frozen=True)
class Confinement:
    """What holds. network: "none" (a namespace without any), "blocked" (TCP refused by Landlock) or "open"."""

    network: str
    files: bool


def confine(*, source: Path, out: Path, memory_bytes: int, cpu_s: int, file_bytes: int) -> Confinement:
    """Never to be undone. After it this process may read ``source``, fonts and code, and write below ``out``."""
    _limit(memory_bytes, cpu_s, file_bytes)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")
    alone = _libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0 or _libc.unshare(_CLONE_NEWNET) == 0
    version = _landlock_version()
    files = version > 0 and _restrict_files(version, source, out)
    blocked = files and version >= 4
    return Confinement("none" if alone else "blocked" if blocked else "open", files)


def _limit(memory_bytes: int, cpu_s: int, file_bytes: int) -> None:
    for what, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 128),
    ):
        resource.setrlimit(what, (most, most))


def _landlock_version() -> int:
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(1))))


def _restrict_files(version: int, source: Path, out: Path) -> bool:
    bits = 13 if version == 1 else 14 if version == 2 else 15 if version < 5 else 16
    attributes = struct.pack("QQQ", (1 << bits) - 1, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = int(_libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint(0)))
    if ruleset < 0:
        return False
    try:
        reading = _READ_FILE | _READ_DIR
        # The interpreter and its packages, but never the whole of sys.path: a checkout holds keys beside its code.
        code = {*_CODE_FOLDERS, sys.prefix, sys.base_prefix, str(Path(__file__).parent)}
        for path in (*sorted(code), *_FONT_FOLDERS):
            _allow(ruleset, path, reading | _EXECUTE)
        for path in (str(source), *_DEVICES):
            _allow(ruleset, path, _READ_FILE)
        writing = _WRITE_FILE | _MAKE_FILE | _REMOVE_FILE | (_TRUNCATE if version >= 3 else 0)
        _allow(ruleset, str(out), reading | writing)
        return bool(_libc.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(0)) == 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        opened = os.open(path, _O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # It is not there, so there is nothing to allow.
    try:
        if not os.path.isdir(path):
            access &= _READ_FILE | _EXECUTE  # Rights of folders are refused for a file.
        rule = struct.pack("=Qi", access, opened)
        _libc.syscall(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint(0))
    finally:
        os.close(opened)
