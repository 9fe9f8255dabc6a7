"""Which files get a preview, and within which limits. Pure."""

from dataclasses import dataclass
from enum import Enum

MIB = 1024 * 1024

_LARGEST_MIB = {
    "jpg": 500, "jpeg": 500, "png": 500, "webp": 500, "gif": 500, "bmp": 500, "tif": 1024, "tiff": 1024, "avif": 500,
    "psd": 2048, "psb": 4096, "pdf": 1024, "ai": 1024, "svg": 20,
    "mp4": 4096, "m4v": 4096, "mov": 4096, "webm": 4096, "mkv": 4096,
    "ttf": 100, "otf": 100, "ttc": 100, "woff": 100, "woff2": 100,
    "docx": 500, "xlsx": 500, "pptx": 500, "odt": 500, "ods": 500, "odp": 500,
}  # fmt: skip
"""Suffix -> largest file that is looked at, in MiB. What the file is, its first bytes decide (``drawing.sniff``)."""

PREVIEWABLE = frozenset(_LARGEST_MIB)
_PIXELLED = frozenset({"jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "psd", "psb", "mp4", "m4v", "mov", "webm", "mkv"})
LARGEST_BYTES = {suffix: most * MIB for suffix, most in _LARGEST_MIB.items()}
FILMS = frozenset({"mp4", "m4v", "mov", "webm", "mkv"})
SIZES = ("small", "large")
"""Names of the pictures: at most 480 and 1600 pixels."""


class Reason(Enum):
    """Why there is no preview. The first ones are told by the drawing (``drawing.refusal``), the others by its time and size."""

    TOO_MANY_PIXELS = "too_many_pixels"
    DAMAGED = "damaged"
    ENCRYPTED = "encrypted"
    NO_PICTURE = "no_picture"
    ACTIVE = "active"
    UNKNOWN_KIND = "unknown_kind"
    TOO_MUCH_MEMORY = "too_much_memory"
    TOO_LONG_A_FILM = "too_long_a_film"
    TIMED_OUT = "timed_out"
    TOO_LARGE = "too_large"


class Film(Enum):
    """How a film can be watched: as it is, not yet (a copy is being made), as a copy, or not."""

    PLAYS = "plays"
    WAITING = "waiting"
    COPIED = "copied"
    REFUSED = "refused"


@dataclass(frozen=True)
class Limits:
    """Of one child. wall_s: seconds until it is killed. file_bytes: of each file that it writes."""

    wall_s: float
    cpu_s: int
    memory_bytes: int
    file_bytes: int


PICTURE_LIMITS = Limits(wall_s=60, cpu_s=50, memory_bytes=2048 * MIB, file_bytes=64 * MIB)
COPY_LIMITS = Limits(wall_s=300, cpu_s=600, memory_bytes=2048 * MIB, file_bytes=512 * MIB)
CHECK_LIMITS = Limits(wall_s=20, cpu_s=20, memory_bytes=1024 * MIB, file_bytes=MIB)


def suffix_of(name: str) -> str:
    return name.rpartition(".")[2].casefold() if "." in name else ""


def has_pixels(name: str) -> bool:
    """Whether the size in pixels says something of it: pages and drawings have none of their own."""
    return suffix_of(name) in _PIXELLED


def is_previewable(name: str, size_bytes: int) -> bool:
    return 0 < size_bytes <= LARGEST_BYTES.get(suffix_of(name), 0)


def is_too_large(name: str, size_bytes: int) -> bool:
    """A kind of file that is shown, but not at this size."""
    return suffix_of(name) in PREVIEWABLE and size_bytes > LARGEST_BYTES[suffix_of(name)]
