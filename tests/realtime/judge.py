"""What a browser's journal must hold, decided from the event table alone: nothing missed, doubled, out of order or leaked.

A room is open to a member from the event that opens it to them, up to and without the one that closes it. What happens in it must
be in their journal when the room stays open to the end; it may be there when they came (back) into the room before they got it,
since then the whole past of the room is theirs; else it must not. A purge says up to which event it holds: nothing from before comes
behind it. Whoever ends outside a room they were in was told to purge it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Happened:
    """One row of the event table. at: epoch seconds of the commit's begin."""

    seq: int
    at: float
    rooms: tuple[str, ...]
    changed: Mapping[str, Mapping[str, Sequence[str]]]
    kind: str = ""

    def opens(self, member: str) -> set[str]:
        return set(self.changed.get("join", {}).get(member, ()))

    def closes(self, member: str) -> set[str]:
        return set(self.changed.get("leave", {}).get(member, ()))


@dataclass
class Verdict:
    """Sequences, and for purges rooms; all empty = the promise was kept. due: how many events had to be there."""

    due: int = 0
    missed: list[int] = field(default_factory=list)
    doubled: list[int] = field(default_factory=list)
    disordered: list[int] = field(default_factory=list)
    leaked: list[int] = field(default_factory=list)
    unpurged: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.missed or self.doubled or self.disordered or self.leaked or self.unpurged)


@dataclass
class _Room:
    """One room and one member. spans: (opened by seq, closed by seq or None) in order; the first may have been open before all.

    opened: (seq, at) of each opening since.
    """

    spans: list[tuple[int, int | None]] = field(default_factory=list)
    opened: list[tuple[int, float]] = field(default_factory=list)

    def holds(self, seq: int) -> bool:
        return any(start <= seq and (end is None or seq < end) for start, end in self.spans)

    def stays(self, seq: int) -> bool:
        return self.spans[-1][1] is None and self.spans[-1][0] <= seq

    def opened_later(self, seq: int, by: float) -> bool:
        return any(start > seq and at <= by for start, at in self.opened)


def judge(member: str, rooms: Iterable[str], events: Sequence[Happened], journal: Sequence[Sequence[Any]]) -> Verdict:
    """rooms: open to the member before the first of ``events``, which are all that happened since the page was drawn."""
    spans = _rooms_over_time(member, rooms, events)
    got = [(int(entry[1]), float(entry[2])) for entry in journal if entry[0] == "event"]
    verdict = Verdict()
    seen: set[int] = set()
    newest = 0
    for seq, _at in got:
        if seq in seen:
            verdict.doubled.append(seq)
        elif seq < newest:
            verdict.disordered.append(seq)
        seen.add(seq)
        newest = max(newest, seq)
    by_seq = {event.seq: event for event in events}
    for seq, at in got:
        event = by_seq.get(seq)
        theirs = [spans[room] for room in event.rooms if room in spans] if event else []
        if not any(room.holds(seq) or room.opened_later(seq, at) for room in theirs):
            verdict.leaked.append(seq)
    due = [event.seq for event in events if any(spans[room].stays(event.seq) for room in event.rooms if room in spans)]
    verdict.due = len(due)
    verdict.missed = [seq for seq in due if seq not in seen]
    verdict.leaked += _after_purge(spans, by_seq, journal)
    told = [(entry[1], int(entry[3])) for entry in journal if entry[0] == "purge"]
    ended = [(name, end) for name, room in spans.items() if (end := room.spans[-1][1]) is not None]
    verdict.unpurged = [name for name, end in ended if not any(what == name and until >= end for what, until in told)]
    return verdict


def _rooms_over_time(member: str, rooms: Iterable[str], events: Sequence[Happened]) -> dict[str, _Room]:
    found = {room: _Room([(0, None)]) for room in rooms}
    for event in events:
        for name in event.closes(member):
            room = found.get(name)
            if room is not None and room.spans[-1][1] is None:
                room.spans[-1] = (room.spans[-1][0], event.seq)
        for name in event.opens(member):
            room = found.setdefault(name, _Room())
            if not room.spans or room.spans[-1][1] is not None:
                room.spans.append((event.seq, None))
                room.opened.append((event.seq, event.at))
    return found


def _after_purge(spans: Mapping[str, _Room], by_seq: Mapping[int, Happened], journal: Sequence[Sequence[Any]]) -> list[int]:
    """What came although the browser had been told that the only rooms by which it was theirs were closed by then."""
    purged: dict[str, int] = {}
    leaked = []
    for kind, what, _at, *until in journal:
        if kind == "purge":
            purged[str(what)] = max(int(until[0]), purged.get(str(what), 0))
        elif int(what) in by_seq:
            theirs = [room for room in by_seq[int(what)].rooms if room in spans]
            if theirs and all(int(what) <= purged.get(room, 0) for room in theirs):
                leaked.append(int(what))
    return leaked
