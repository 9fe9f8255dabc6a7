"""What has changed in an order since it was signed, line by line. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

FIELDS = ("title", "requirements", "checklist", "expected")


@dataclass(frozen=True)
class Line:
    """sign: "+" new, "-" gone, "" as it was."""

    sign: str
    text: str


@dataclass(frozen=True)
class Change:
    """One of FIELDS, with the lines of both texts in one."""

    field: str
    lines: tuple[Line, ...]


def changes_since(signed: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    """What a new signature would be about, in the order of FIELDS; empty when nothing was signed before, or nothing has changed."""
    if not signed:
        return []
    texts = [(name, _lines(signed.get(name, "")), _lines(now.get(name, ""))) for name in FIELDS]
    return [Change(name, compared(before, after)) for name, before, after in texts if before != after]


def compared(before: Sequence[str], after: Sequence[str]) -> tuple[Line, ...]:
    """All lines of both, each once; without the new ones it is what was, without the gone ones what is."""
    found: list[Line] = []
    for tag, start, end, new_start, new_end in SequenceMatcher(a=before, b=after, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [Line("", text) for text in before[start:end]]
        else:
            found += [Line("-", text) for text in before[start:end]]
            found += [Line("+", text) for text in after[new_start:new_end]]
    return tuple(found)


def _lines(value: str | Sequence[str]) -> list[str]:
    return value.splitlines() if isinstance(value, str) else list(value)
