"""What is a tag. Pure: what was typed in, tags out."""

import re
import unicodedata

TAG_LENGTH = 40
TAGS_MOST = 30
TYPED_MOST = 2000
_BETWEEN = re.compile(r"[,，、;；\r\n]+")


def tag_key(tag: str) -> str:
    """Tags with one key are one tag: wide and narrow letters, large and small ones."""
    return unicodedata.normalize("NFKC", tag).casefold()


def read_tags(typed: str) -> list[str]:
    """The tags in what somebody typed, between commas or lines; each once, in their order, with single spaces and
    nothing invisible inside.
    """
    found: dict[str, str] = {}
    for part in _BETWEEN.split(typed[:TYPED_MOST]):
        tag = "".join(char for char in " ".join(part.split()) if char.isprintable())
        if tag:
            found.setdefault(tag_key(tag), tag)
    return list(found.values())
