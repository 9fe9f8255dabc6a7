"""What people type and programs send, as it is kept. Pure."""

import unicodedata
from typing import Any


def shown(text: str) -> str:
    """Without characters that nobody sees: control characters but for tabs and line ends, halves of characters, and those that turn
    the direction of what follows, by which a name can look like another. The joiners stay: emoji and some scripts are written with them.
    """
    return text if text.isprintable() else "".join(char for char in text if char in "\t\r\n" or not _is_hidden(char))


def all_shown(value: Any) -> Any:
    """The same for every text in what a body holds, names of fields too."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, list):
        return [all_shown(item) for item in value]
    if isinstance(value, dict):
        return {all_shown(name): all_shown(item) for name, item in value.items()}
    return value


def _is_hidden(char: str) -> bool:
    category = unicodedata.category(char)
    return category in ("Cc", "Cs", "Zl", "Zp") or (category == "Cf" and char not in "\u200c\u200d")
