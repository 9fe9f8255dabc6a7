"""Playbooks: which task orders a kind of main line needs, counted from D-day. Pure data and its one computation."""

from dataclasses import dataclass
from enum import StrEnum

from main_lines.lines.rules import LineKind, Phase


@dataclass(frozen=True)
class Entry:
    """offset: days from D-day on which the order is due. department: its name; see ``department_for``."""

    department: str
    offset: int
    title: str
    requirements: str
    phase: Phase = Phase.PREPARE


class PlaybookKey(StrEnum):
    NONE = ""
    DOUBLE11 = "double11"


@dataclass(frozen=True)
class Playbook:
    key: PlaybookKey
    name: str
    kind: LineKind
    entries: tuple[Entry, ...]


def department_for(name: str, known: dict[str, str], *, otherwise: str) -> str:
    """Id of the company's department of this name; ``otherwise`` (the director's own) when it has none such.

    known: name -> id. An order is never dropped because a department is called differently here.
    """
    return known.get(name, otherwise)
