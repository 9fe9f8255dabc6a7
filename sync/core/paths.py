"""Names in a library: how they are compared, which are refused, which stay on the machine.

A name is one component of a path, never a path. Names are stored in NFC as the member typed them and compared by
`name_key`, so that a library means the same on Linux, Windows and macOS.
"""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

NAME_BYTES_MAX = 255
"""Longest name in UTF-8 bytes: the limit of ext4, of FUSE and of an S3 key component."""

FOLDERS_DEEP = 100
"""Most folders one in another, below the top of a library. Whoever looks at a node looks at all that it lies in: without a bound,
10,000 folders made in ten requests would cost each later change in them 10,000 steps, and no PC and no zip could hold them."""

_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in "123456789¹²³")})
_WINDOWS_FORBIDDEN = frozenset('<>:"/\\|?*')
_DOUBTFUL = re.compile('[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff<>:"/\\\\|?*]')
"""Whatever `_refuse_characters` may refuse: a name without any of it, which is nearly every name, is not looked at letter by letter."""
_KEPT_NAMES = 1024
"""A name is looked at several times while one request or save is about it."""

# Names that programs use while they save. They never leave the machine: the swap that follows is the save.
_LOCAL_PATTERNS = (
    "~$*", "*.tmp", "*.temp", "*.part", "*.crdownload", "*.swp", "*.swo", "*.swx", "*~",
    ".~*", ".#*", "#*#", "*.lock", "*.lck", "*.idlk", ".goutputstream-*", ".fuse_hidden*",
    ".nfs*", ".trash-*", "4913", "~wrl*", "~wrd*", ".ds_store", "._*",
    "thumbs.db", "desktop.ini", ".directory", ".xdg-volume-info", ".sync-*", "*.gimp-tmp", "*.sb-????????-??????", "*.psdtmp",
)  # fmt: skip
_LOCAL = re.compile("|".join(fnmatch.translate(pattern) for pattern in _LOCAL_PATTERNS))


class NameProblem(StrEnum):
    """Why a name cannot be stored; the value is the code that reaches the member's screen and the log."""

    EMPTY = "name_empty"
    DOTS = "name_dots"
    SLASH = "name_slash"
    CONTROL = "name_control"
    FORBIDDEN = "name_forbidden_character"
    TRAILING = "name_trailing_dot_or_space"
    RESERVED = "name_reserved"
    TOO_LONG = "name_too_long"
    NOT_UNICODE = "name_not_unicode"


def normal_name(name: str) -> str:
    """The form that is stored and shown: NFC, otherwise as typed."""
    return unicodedata.normalize("NFC", name)


@lru_cache(_KEPT_NAMES)
def name_key(name: str) -> str:
    """The form in which two names of one folder are compared.

    Case folding can leave NFC (for example U+0390), so it is normalised before and after; the result is a fixed point.
    """
    folded = unicodedata.normalize("NFC", name).casefold()
    while True:
        again = unicodedata.normalize("NFC", folded).casefold()
        if again == folded:
            return folded
        folded = again


@lru_cache(_KEPT_NAMES)
def refuse_name(name: str) -> NameProblem | None:
    """Why `name` may not be created in a library, or None when it may.

    Windows' rules bind everywhere, because one PC that cannot store a name would otherwise lose the file.
    """
    if not name:
        return NameProblem.EMPTY
    if name in (".", ".."):
        return NameProblem.DOTS
    if "/" in name or "\\" in name:
        return NameProblem.SLASH
    return _refuse_characters(name) or _refuse_shape(normal_name(name))


def _refuse_characters(name: str) -> NameProblem | None:
    if _DOUBTFUL.search(name) is None:
        return None
    for character in name:
        category = unicodedata.category(character)
        if category == "Cs":
            return NameProblem.NOT_UNICODE
        # Cc: C0 and C1. Bidirectional overrides make "gpj.exe" look like "exe.jpg"; line separators break lists.
        if category in ("Cc", "Zl", "Zp") or character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
            return NameProblem.CONTROL
        if character in _WINDOWS_FORBIDDEN:
            return NameProblem.FORBIDDEN
    return None


def _refuse_shape(name: str) -> NameProblem | None:
    if name[-1] in ". ":
        return NameProblem.TRAILING
    if name.split(".", 1)[0].rstrip(" ").casefold() in _RESERVED:
        return NameProblem.RESERVED
    # The folded form is what the catalogue indexes and may be longer than what was typed.
    if max(len(name.encode()), len(name_key(name).encode())) > NAME_BYTES_MAX:
        return NameProblem.TOO_LONG
    return None


@lru_cache(_KEPT_NAMES)
def stays_local(name: str) -> bool:
    """True for temporary and lock files of programs; they live on this machine only."""
    return _LOCAL.match(name_key(name)) is not None


def conflict_name(name: str, member: str, when: datetime, *, taken: Collection[str] = ()) -> str:
    """The telling name of a second head: `海报 (王芳, 2026-11-21 14.03.22).psd`.

    taken: keys (`name_key`) already used in the folder; a counter is added until the name is free.
    The stem is shortened, on whole characters, so that the result is always a storable name.
    """
    stem, dot, suffix = name.rpartition(".")
    if not dot or not stem or len(suffix.encode()) > 32:
        stem, suffix = name, ""
    who = _storable_part(member)
    for count in range(1, len(taken) + 2):
        number = "" if count == 1 else f" {count}"
        tail = f" ({who}, {when:%Y-%m-%d %H.%M.%S}{number}){'.' + suffix if suffix else ''}"
        candidate = normal_name(_cut(stem, NAME_BYTES_MAX - 96 - len(tail.encode())) + tail)
        if name_key(candidate) not in taken:
            return candidate
    raise AssertionError("one of len(taken) + 1 different names is free")


def _storable_part(text: str) -> str:
    kept = "".join(c for c in normal_name(text) if _refuse_characters(c) is None).strip(". ")
    return _cut(kept, 48) if kept else "member"


def _cut(text: str, size_bytes: int) -> str:
    """The longest prefix of at most `size_bytes` UTF-8 bytes."""
    return text.encode()[:size_bytes].decode(errors="ignore")
