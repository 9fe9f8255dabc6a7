"""Which files are read for search, and within which limits. Pure."""

from sync.library.previews.rules import MIB, Limits, suffix_of

WORDS_MOST = 50_000
"""Characters of one file that are found by: everybody who writes waits while they are put into the index."""
_LARGEST_MIB = {
    "pdf": 200, "ai": 200, "docx": 200, "xlsx": 200, "pptx": 500, "odt": 200, "ods": 200, "odp": 500,
    "txt": 50, "md": 50, "csv": 50,
}  # fmt: skip
SUFFIXES = frozenset(_LARGEST_MIB)
LIMITS = Limits(wall_s=60, cpu_s=50, memory_bytes=1024 * MIB, file_bytes=MIB)


def is_readable(name: str, size_bytes: int) -> bool:
    return 0 < size_bytes <= _LARGEST_MIB.get(suffix_of(name), 0) * MIB
