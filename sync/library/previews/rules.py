"""Which files get a preview. Pure."""

PREVIEWABLE = frozenset({"jpg", "jpeg", "png", "webp", "gif"})
"""File suffixes. SVG is left out: it is a program, not a picture."""

SOURCE_MAX_BYTES = 200 * 1024 * 1024


def suffix_of(name: str) -> str:
    return name.rpartition(".")[2].casefold() if "." in name else ""


def is_previewable(name: str, size_bytes: int) -> bool:
    return suffix_of(name) in PREVIEWABLE and 0 < size_bytes <= SOURCE_MAX_BYTES


SIZES = ("small", "large")
"""Names of the pictures, in the order of render.EDGES."""
