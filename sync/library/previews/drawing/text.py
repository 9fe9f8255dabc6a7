"""Plain text in any usual encoding. Nothing here can be harmed by what it reads, so it may run outside the child as well."""

import re
from collections.abc import Iterable

WORDS_MOST = 50_000
TEXT_BYTES = WORDS_MOST * 8
"""As much of a file as can matter."""
_GAPS = re.compile(r"[ \t\x00-\x08\x0b-\x1f\x7f]+")
_ENCODINGS = ("utf-8-sig", "gb18030")


def text_lines(data: bytes) -> list[str] | None:
    """Lines of the first TEXT_BYTES of a file; None when that is no text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").splitlines()
    if b"\x00" in data:
        return None
    for encoding in _ENCODINGS:
        try:
            return data.decode(encoding).splitlines()
        except UnicodeDecodeError as error:
            if error.end >= len(data) - 4:  # Cut in the middle of a character.
                return data.decode(encoding, "ignore").splitlines()
    return data.decode("gb18030", "replace").splitlines()


def gathered(pieces: Iterable[str]) -> str:
    """At most WORDS_MOST characters, paragraph by paragraph."""
    words: list[str] = []
    length = 0
    for piece in pieces:
        plain = _GAPS.sub(" ", piece).strip()
        if plain:
            words.append(plain[: WORDS_MOST - length])
            length += len(words[-1]) + 1
        if length >= WORDS_MOST:
            break
    return "\n".join(words)
