"""Playbooks: which task orders a kind of main line needs, counted from D-day. Pure data and its one computation."""

from dataclasses import dataclass
from enum import StrEnum

from main_lines.lines.rules import LineKind, Phase


@dataclass(frozen=True)
class Entry:
    """key: names it within its playbook. department: its name; see ``department_for``.

    offset: days from D-day on which the order is due; days: that it takes. needs: keys of the orders that it waits for.
    """

    key: str
    department: str
    offset: int
    days: int
    title: str
    requirements: str
    phase: Phase = Phase.PREPARE
    needs: tuple[str, ...] = ()


class PlaybookKey(StrEnum):
    NONE = ""
    DOUBLE11 = "double11"
    MIDYEAR = "midyear618"
    LAUNCH = "launch"
    FLASH_SALE = "flash_sale"
    OPENING = "opening"


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
