"""Playbooks: which task orders a kind of main line needs, counted from D-day. Pure decisions: what is wrong with one, what its
days become when D-day is near, what two versions differ in."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from main_lines.gates.rules import GateKey
from main_lines.lines.rules import LineKind, Phase
from main_lines.plans.rules import in_turn

SHIPPED_VERSION = 1
ENTRIES_MOST = 400
GATES_MOST = 60
OFFSET_MOST = 365
CIRCLES_MOST = 5
TITLE_LENGTH = 120
REQUIREMENTS_LENGTH = 8000


@dataclass(frozen=True)
class Entry:
    """key: names it within its playbook. department: its name; see ``department_for``.

    offset: days from D-day on which the order is due; on: a date of its own instead; neither: no due day. days: that it takes.
    needs: keys of the orders that it waits for. expected: names of what is to be delivered; involved: names of other departments.
    """

    key: str
    department: str
    offset: int | None
    days: int
    title: str
    requirements: str
    phase: Phase = Phase.PREPARE
    needs: tuple[str, ...] = ()
    checklist: tuple[str, ...] = ()
    on: date | None = None
    expected: tuple[str, ...] = ()
    involved: tuple[str, ...] = ()

    @property
    def begins(self) -> int | None:
        """The first of its days, counted from D-day; None without an offset."""
        return None if self.offset is None else self.offset - self.days + 1


@dataclass(frozen=True)
class Milestone:
    """A day that everybody looks at; offset: days from D-day. gate: the gate of the line that it is, whose name then stands for it."""

    name: str
    offset: int
    gate: GateKey | None = None


@dataclass(frozen=True)
class Content:
    """What a playbook says. departments: in the order in which they are shown; one may have no orders yet."""

    entries: tuple[Entry, ...] = ()
    gates: tuple[Milestone, ...] = ()
    departments: tuple[str, ...] = ()

    def all_departments(self) -> list[str]:
        """The named ones first, then those that orders name besides; an order that has none yet is left out."""
        return list(dict.fromkeys(name for name in (*self.departments, *(entry.department for entry in self.entries)) if name))


class PlaybookKey(StrEnum):
    NONE = ""
    DOUBLE11 = "double11"
    MIDYEAR = "midyear618"
    LAUNCH = "launch"
    FLASH_SALE = "flash_sale"
    OPENING = "opening"


@dataclass(frozen=True)
class Playbook:
    """A shipped one."""

    key: PlaybookKey
    name: str
    kind: LineKind
    entries: tuple[Entry, ...]
    gates: tuple[Milestone, ...] = ()

    @property
    def content(self) -> Content:
        return Content(self.entries, self.gates, tuple(dict.fromkeys(entry.department for entry in self.entries)))


def department_for(name: str, known: Mapping[str, str], *, otherwise: str) -> str:
    """Id of the company's department of this name; ``otherwise`` (the director's own) when it has none such.

    known: name -> id. An order is never dropped because a department is called differently here.
    """
    return known.get(name, otherwise)


class Trouble(StrEnum):
    """What can be wrong. With one of ``FATAL`` no version is saved; the others are said and let through."""

    NO_ORDERS = "no_orders"
    NO_TITLE = "no_title"
    NO_DEPARTMENT = "no_department"
    NO_GATE_NAME = "no_gate_name"
    SAME_GATE = "same_gate"
    SAME_KEY = "same_key"
    UNKNOWN_NEED = "unknown_need"
    CIRCLE = "circle"
    BEGINS_EARLY = "begins_early"
    EMPTY_DEPARTMENT = "empty_department"


FATAL = frozenset(Trouble) - {Trouble.BEGINS_EARLY, Trouble.EMPTY_DEPARTMENT}


@dataclass(frozen=True)
class Fault:
    """keys: the orders concerned, for a circle in its turn; names: their titles, or the department's name."""

    trouble: Trouble
    keys: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def fatal(self) -> bool:
        return self.trouble in FATAL


def faults_of(content: Content) -> list[Fault]:
    """Everything that is wrong with a playbook, the fatal first."""
    entries = {entry.key: entry for entry in content.entries}
    found: list[Fault] = [] if content.entries else [Fault(Trouble.NO_ORDERS)]
    if len(entries) < len(content.entries):
        keys = [entry.key for entry in content.entries]
        found.append(Fault(Trouble.SAME_KEY, tuple(sorted({key for key in keys if keys.count(key) > 1}))))
    for entry in content.entries:
        found += [Fault(Trouble.NO_TITLE, (entry.key,))] if not entry.title.strip() else []
        found += [Fault(Trouble.NO_DEPARTMENT, (entry.key,), (entry.title,))] if not entry.department.strip() else []
        if any(need not in entries for need in entry.needs):
            found.append(Fault(Trouble.UNKNOWN_NEED, (entry.key,), (entry.title,)))
    found += [Fault(Trouble.NO_GATE_NAME, (), (f"D{gate.offset:+d}",)) for gate in content.gates if not (gate.gate or gate.name.strip())]
    named = [gate.gate for gate in content.gates if gate.gate]
    found += [Fault(Trouble.SAME_GATE, (), (gate.value,)) for gate in dict.fromkeys(named) if named.count(gate) > 1]
    for circle in circles_in({entry.key: entry.needs for entry in content.entries}):
        found.append(Fault(Trouble.CIRCLE, tuple(circle), tuple(entries[key].title for key in circle)))
    for entry in content.entries:
        for need in entry.needs:
            if need in entries and _begins_early(entry, entries[need]):
                found.append(Fault(Trouble.BEGINS_EARLY, (entry.key, need), (entry.title, entries[need].title)))
    used = {entry.department for entry in content.entries}
    found += [Fault(Trouble.EMPTY_DEPARTMENT, (), (name,)) for name in content.departments if name not in used]
    return sorted(found, key=lambda fault: not fault.fatal)


def _begins_early(entry: Entry, need: Entry) -> bool:
    """It would begin on or before the day on which what it waits for is due."""
    if entry.begins is not None and need.offset is not None:
        return entry.begins <= need.offset
    if entry.on is not None and need.on is not None:
        return entry.on - timedelta(days=entry.days - 1) <= need.on
    return False


def circles_in(needs: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Chains that come back to their first order, each from it to the last before it comes again; at most CIRCLES_MOST.

    Each one found is opened by leaving out its last need, so that the next lies elsewhere. Orders that are not given need nothing.
    """
    left = {key: [need for need in found if need in needs] for key, found in needs.items()}
    circles: list[list[str]] = []
    while len(circles) < CIRCLES_MOST and (circle := _circle(left)):
        circles.append(circle)
        left[circle[-1]].remove(circle[0])
    return circles


def _circle(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """A walk in depth; a need that is on the way itself closes a circle. Without recursion: a chain may be 400 long."""
    done: set[str] = set()
    for start in needs:
        way: list[str] = []
        waiting = [(start, False)]
        while waiting:
            key, leaving = waiting.pop()
            if leaving:
                way.pop()
                done.add(key)
                continue
            if key in way:
                return way[way.index(key) :]
            if key in done:
                continue
            way.append(key)
            waiting.append((key, True))
            waiting += [(need, False) for need in needs[key] if need not in done]
    return []


def without(entries: Iterable[Entry], left_out: Collection[str]) -> tuple[Entry, ...]:
    """The others; what waited for one that is left out waits for what that one waited for. The entries hold no circle."""
    entries = list(entries)
    own = {entry.key: entry.needs for entry in entries}
    bridged: dict[str, tuple[str, ...]] = {}
    for key in in_turn(own, own):
        needs = [through for need in own[key] if need in own for through in (bridged[need] if need in left_out else (need,))]
        bridged[key] = tuple(dict.fromkeys(needs))
    return tuple(replace(entry, needs=bridged[entry.key]) for entry in entries if entry.key not in left_out)


def keeping(content: Content, left_out: Collection[str]) -> Content:
    """Without the orders of these departments."""
    gone = {entry.key for entry in content.entries if entry.department in left_out}
    return replace(content, entries=without(content.entries, gone))


class Timing(StrEnum):
    """What to do when the first orders would have had to begin before today: keep their days, or press them into those left."""

    KEEP = "keep"
    TODAY = "today"


Press = Callable[[int], int]
"""A day counted from D-day -> the one that it goes to."""


def press_into(entries: Iterable[Entry], lead_days: int) -> Press:
    """How days before D-day go into the ``lead_days`` that are left until it, today being the first of them.

    Each goes to its share of what is left: nothing is earlier than it was, what came first still does, what is due before D-day
    is still due before it while there is a day left, and what is due from D-day on stays. Days may fall together. Where
    everything fits already, nothing moves.
    """
    first = min((entry.begins for entry in entries if entry.begins is not None), default=0)
    if first >= -lead_days:
        return lambda day: day
    return lambda day: day if day >= 0 else (day * lead_days) // -first


def pressed(entries: Iterable[Entry], press: Press) -> tuple[Entry, ...]:
    """Dates of their own are left alone."""
    return tuple(_pressed(entry, press) for entry in entries)


def _pressed(entry: Entry, press: Press) -> Entry:
    if entry.offset is None or entry.begins is None:
        return entry
    due = press(entry.offset)
    return replace(entry, offset=due, days=due - press(entry.begins) + 1)


def press_for(content: Content, d_day: date, today: date, timing: Timing) -> Press:
    return press_into(content.entries, (d_day - today).days) if timing is Timing.TODAY else (lambda day: day)


@dataclass(frozen=True)
class Placed:
    """An order in the calendar. due, start: None without a due day. late: its due day is over; begun: it should have begun already.

    moved: days by which pressing made it later.
    """

    entry: Entry
    due: date | None
    start: date | None
    late: bool
    begun: bool
    moved: int = 0


def placed(entries: Sequence[Entry], d_day: date, today: date, press: Press) -> list[Placed]:
    """Each order on its day, in the order of the entries."""
    shown = pressed(entries, press)
    found = []
    for before, entry in zip(entries, shown, strict=True):
        due = entry.on or (d_day + timedelta(days=entry.offset) if entry.offset is not None else None)
        start = due - timedelta(days=entry.days - 1) if due else None
        late = due is not None and due < today
        begun = start is not None and start < today
        moved = (entry.offset - before.offset) if entry.offset is not None and before.offset is not None else 0
        found.append(Placed(entry, due, start, late, begun and not late, moved))
    return found


@dataclass(frozen=True)
class Changes:
    """Between two versions, by title. others: gates, departments or the order of those that stayed differ."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    others: bool = False


def changes_between(before: Content, after: Content) -> Changes:
    then, now = ({entry.key: entry for entry in content.entries} for content in (before, after))
    moved = [key for key in then if key in now] != [key for key in now if key in then]
    return Changes(
        added=tuple(entry.title for key, entry in now.items() if key not in then),
        removed=tuple(entry.title for key, entry in then.items() if key not in now),
        changed=tuple(entry.title for key, entry in now.items() if key in then and then[key] != entry),
        others=before.gates != after.gates or before.departments != after.departments or moved,
    )
