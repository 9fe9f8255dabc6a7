"""Which versions are kept as plain objects too, under which key, and when a browser may fetch one by itself. Pure."""

import re
from datetime import timedelta
from enum import StrEnum
from unicodedata import normalize
from urllib.parse import urlsplit

from sync.core.protocol import is_id

GRACE = timedelta(days=1)
"""How long an object stays that nobody wants any more: longer than any address that was signed for it is valid."""
NAME_BYTES = 200
KEY_LENGTH = 400
_NUMBER = re.compile(r"[0-9]{1,9}")
COPIED_FREELY_BYTES = 64 * 1024 * 1024
COPIED_TIMES = 64
"""A copy is at most so many times as long as what the store keeps of the version. One may name a chunk of zeros 50,000 times: 4 KiB that
would fill a disk with 200 GiB."""
_PLAIN = frozenset("-_.")


class Mode(StrEnum):
    """What the setting ``library_heads`` says."""

    NONE = "none"
    APPROVED = "approved"
    ALL = "all"


def prefix_of(library_id: str) -> str:
    """Under which all heads of a library lie."""
    return f"heads/{library_id}/"


def head_key(library_id: str, node_id: str, number: int, name: str) -> str:
    """The object that is to hold this version. name: of the file when the version was saved, so that the key never changes."""
    return f"{prefix_of(library_id)}{node_id}/{number}/{safe_name(name)}"


def version_of(key: str) -> tuple[str, int] | None:
    """Node and number of the version whose head this key names; None when it names none, and is somebody else's."""
    parts = key.split("/")
    if len(parts) != 5 or parts[0] != "heads" or not all(parts) or len(key) > KEY_LENGTH:
        return None
    if not is_id(parts[2]) or not _NUMBER.fullmatch(parts[3]):
        return None
    return parts[2], int(parts[3])


def safe_name(name: str) -> str:
    """A file name as the last part of a key: letters and figures of any script, ``-``, ``_`` and ``.``; all else is an underscore.

    At most NAME_BYTES in UTF-8, with the suffix where that is short.
    """
    plain = "".join(char if char.isalnum() or char in _PLAIN else "_" for char in normalize("NFC", name)).lstrip(".")
    stem, dot, suffix = plain.rpartition(".")
    tail = f".{suffix}" if dot and len(suffix.encode()) < 20 else ""
    stem = stem if tail else plain
    return (stem.encode()[: NAME_BYTES - len(tail.encode())].decode("utf-8", "ignore") or "file") + tail


def unfolds_too_far(size_bytes: int, stored_bytes: int) -> bool:
    """Whether a copy of a version would be out of proportion to its chunks. stored_bytes: of each of them once."""
    return size_bytes > max(COPIED_FREELY_BYTES, COPIED_TIMES * stored_bytes)


def may_be_fetched(store: str, page: str) -> bool:
    """Whether a page may send its browser to the store. store, page: addresses of both.

    It must be another origin, where a file that is shown can reach nothing of the product's; and no insecure one from a secure page,
    which browsers refuse.
    """
    there, here = urlsplit(store), urlsplit(page)
    if not there.netloc or (there.scheme == "http" and here.scheme == "https"):
        return False
    return there.netloc.lower() != here.netloc.lower()
