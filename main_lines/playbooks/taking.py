"""A main line as a playbook. Pure: which of its orders, dates and words go into it, and which do not.

Dates become offsets from D-day. Owners, cities, deliverables and states stay behind; names of people that stand in the texts
are replaced by their departments, each unless told otherwise, since a name may be a word too.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from main_lines.lines.rules import Phase
from main_lines.playbooks.rules import OFFSET_MOST, REQUIREMENTS_LENGTH, TITLE_LENGTH, Content, Entry, Milestone, without


class Pinned(StrEnum):
    """What becomes of a due day that does not move with D-day."""

    OFFSETS = "offsets"
    DATES = "dates"


EXPECTED_LENGTH = 80
NAME_LEAST = 2
"""A single character is more often a part of a word than a name."""


@dataclass(frozen=True)
class Order:
    """An order of the line. offset and on: as in Entry; needs: ids."""

    id: str
    number: int
    title: str
    requirements: str
    checklist: tuple[str, ...]
    department: str
    phase: Phase
    offset: int | None
    on: date | None
    days: int
    cancelled: bool
    needs: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    involved: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """What the saver chose. cancelled: take these too. keep_names: people whose name stays where it stands."""

    pinned: Pinned = Pinned.OFFSETS
    cancelled: bool = False
    keep_names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Taken:
    """content: what would be saved. names: those that stand in the texts -> how often; left_out: titles of cancelled orders.

    dated: titles of those that keep a date of their own. pinned: how many had one.
    """

    content: Content
    names: Mapping[str, int] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    dated: Sequence[str] = ()
    pinned: int = 0


def take(
    orders: Sequence[Order], d_day: date, choice: Choice, *, people: Mapping[str, str], gates: Sequence[Milestone] = ()
) -> Taken:  # fmt: skip
    """people: name -> department. The orders' keys are made of their numbers, which nobody else has."""
    keys = {order.id: key_of(order.number) for order in orders}
    pattern = _pattern(people)
    names = Counter(
        name for order in orders if choice.cancelled or not order.cancelled for name in pattern.findall("\n".join(_texts(order)))
    )

    def nameless(text: str) -> str:
        return pattern.sub(lambda found: found[0] if found[0] in choice.keep_names else people[found[0]], text)

    entries = [_entry(order, keys, d_day, choice.pinned, nameless) for order in orders]
    gone = {keys[order.id] for order in orders if order.cancelled and not choice.cancelled}
    kept = without(entries, gone)
    return Taken(
        content=Content(kept, tuple(sorted(gates, key=lambda gate: gate.offset)), tuple(dict.fromkeys(entry.department for entry in kept))),
        names=dict(names.most_common()),
        left_out=[order.title for order in orders if keys[order.id] in gone],
        dated=[entry.title for entry in kept if entry.on is not None],
        pinned=sum(order.on is not None for order in orders if keys[order.id] not in gone),
    )


def key_of(number: int) -> str:
    """What the order of this number is called in a playbook that is taken from its line."""
    return f"n{number}"


def _entry(order: Order, keys: Mapping[str, str], d_day: date, pinned: Pinned, nameless: Callable[[str], str]) -> Entry:
    offset, on = order.offset, order.on
    if on is not None and pinned is Pinned.OFFSETS and abs((on - d_day).days) <= OFFSET_MOST:
        offset, on = (on - d_day).days, None
    if offset is not None and abs(offset) > OFFSET_MOST:  # Too far from D-day to count from it.
        on, offset = d_day + timedelta(days=offset), None
    return Entry(
        key=keys[order.id], department=order.department, offset=offset, days=order.days,
        title=nameless(order.title)[:TITLE_LENGTH], requirements=nameless(order.requirements)[:REQUIREMENTS_LENGTH], phase=order.phase,
        needs=tuple(keys[need] for need in order.needs if need in keys), checklist=tuple(map(nameless, order.checklist)), on=on,
        expected=tuple(nameless(name)[:EXPECTED_LENGTH] for name in order.expected), involved=order.involved,
    )  # fmt: skip


def _texts(order: Order) -> tuple[str, ...]:
    return (order.title, order.requirements, *order.checklist, *order.expected)


def _pattern(people: Iterable[str]) -> re.Pattern[str]:
    """Any of the names; a longer one first, so that a part of it is not taken for another. Matches nothing where there are none."""
    names = sorted((name for name in people if len(name) >= NAME_LEAST), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, names)) or r"(?!)")
