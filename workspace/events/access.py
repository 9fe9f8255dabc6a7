"""Who may see which events: one rule, asked both ways (my rooms, events of my rooms)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, String, and_, cast, func, select, true, union_all

from workspace.events import folding
from workspace.events.folding import Mark, folded, folds, newest_page, oldest_page
from workspace.events.kinds import all_kinds, kind_named, quiet_kinds
from workspace.events.models import Event, EventRoom
from workspace.events.rules import shown_facts
from workspace.i18n import _
from workspace.roles.models import WorkspacePermission
from workspace.work import Work

RoomProvider = Callable[[Work], Iterable[str]]
_PROVIDERS: list[RoomProvider] = []
ROOMS_AT_ONCE = 50
MARKS_A_ROW = 4
"""So many events are looked at for each row that is wanted; acts that hold more are read on."""
MARKS_MOST = 6000
"""An act of more events than that is told in several rows."""
RARE = 10_000
"""Kinds of which so few are in the whole log are found by kind; of others a room is walked, which may have none for very long."""


def gives_rooms(provider: RoomProvider) -> RoomProvider:
    """Register a feature's answer to "which rooms are open to work.actor now"."""
    if provider not in _PROVIDERS:
        _PROVIDERS.append(provider)
    return provider


def rooms_of(work: Work) -> set[str]:
    """Every room that is open to the actor at this instant; nothing for a visitor."""
    if work.actor.member_id is None:
        return set()
    rooms = {"company", f"member:{work.actor.member_id}"}
    if work.actor.may(WorkspacePermission.AUDIT_READ):
        rooms.add("audit")
    for provider in _PROVIDERS:
        rooms.update(provider(work))
    return rooms


def rooms_left(work: Work, *, since: int) -> set[str]:
    """Rooms that events after ``since`` have closed to the actor, whether or not they were opened again."""
    names_me = cast(Event.rooms_changed, String).contains(work.actor.member_id or "-", autoescape=True)
    changes = work.session.scalars(select(Event.rooms_changed).where(Event.seq > since, names_me))
    return {room for changed in changes for room in changed.get("leave", {}).get(work.actor.member_id, ())}


@dataclass(frozen=True)
class Frame:
    """An event as a client sees it. rooms: only those open to the client; prev: the sequence it got before this."""

    seq: int
    prev: int
    kind: str
    rooms: list[str]
    subject: str
    at: datetime
    actor: str
    facts: dict[str, Any]


def visible_events(work: Work, *, since: int, limit: int, until: int | None = None, rooms: set[str] | None = None) -> list[Event]:
    """The actor's next events after ``since`` in order of sequence; one each, however many of its rooms are theirs.

    until: a head that was read before the rooms. Beyond it there may be an event that opens a room, and others in that room:
    who got a later one of an old room would never ask for them.
    """
    mine = rooms_of(work) if rooms is None else rooms
    seqs = select(EventRoom.seq).where(EventRoom.room.in_(mine), EventRoom.seq > since).distinct().order_by(EventRoom.seq).limit(limit)
    if until is not None:
        seqs = seqs.where(EventRoom.seq <= until)
    return list(work.session.scalars(select(Event).where(Event.seq.in_(seqs.scalar_subquery())).order_by(Event.seq)))


def frames_of(events: Sequence[Event], *, since: int, rooms: set[str]) -> list[Frame]:
    frames, prev = [], since
    for event in events:
        shown = [room for room in event.rooms if room in rooms]
        facts = shown_facts(event.facts)
        frames.append(Frame(event.seq, prev, event.kind, shown, event.subject, event.at, event.actor_name, facts))
        prev = event.seq
    return frames


@dataclass(frozen=True)
class EventRow:
    """An event as a person reads it."""

    seq: int
    at: datetime
    kind: str
    actor: str
    actor_id: str | None
    words: str
    subject: str
    facts: dict[str, Any]


# What a reader is told of an event. An entity would bring its rooms, its origin and its hashes, all of which are put together first.
_TOLD = select(Event.seq, Event.kind, Event.at, Event.actor_id, Event.actor_name, Event.subject, Event.facts)


def in_words(event: Event | sa.Row[Any]) -> EventRow:
    """The sentence of the event, or of a row of its columns, in the reader's language; a kind that is no longer known shows its name."""
    kind, actor = kind_named(event.kind), shown_actor(event.actor_id, event.actor_name)
    words = kind.sentence({**event.facts, "actor": actor}) if kind else event.kind
    return EventRow(event.seq, event.at, event.kind, actor, event.actor_id, words, event.subject, event.facts)


def shown_actor(actor_id: str | None, name: str) -> str:
    """Who did it: a person's name as it was, the product itself in the reader's language."""
    return _(name) if actor_id is None and name else name


def newest_events(
    work: Work,
    *,
    rooms: Iterable[str],
    limit: int,
    before: int | None = None,
    without: Sequence[str] = (),
    kinds: Sequence[str] = (),
    only: str = "",
) -> list[EventRow]:
    """The newest events of these rooms, newest first, paged by ``before``. The caller has checked the rooms.

    Quiet kinds, and those that begin with one of ``without``, are left out; kinds: none but those that begin with one of these.
    only: of those ``limit`` events, the ones of this kind.
    """
    bounds = [EventRoom.seq < before] if before is not None else []
    seqs = _seqs_in(work, _asked(rooms, bounds, without, kinds), limit=limit, newest=True)
    query = _TOLD.where(Event.seq.in_(seqs), *([Event.kind == only] if only else [])).order_by(Event.seq.desc())
    return [in_words(event) for event in work.read(query)]


def events_from(
    work: Work, *, rooms: Iterable[str], since: int, limit: int, without: Sequence[str] = (), kinds: Sequence[str] = ()
) -> list[EventRow]:
    """The events of these rooms from this sequence on, in its order. See newest_events."""
    seqs = _seqs_in(work, _asked(rooms, [EventRoom.seq >= since], without, kinds), limit=limit, newest=False)
    query = _TOLD.where(Event.seq.in_(seqs)).order_by(Event.seq)
    return [in_words(event) for event in work.read(query)]


@dataclass(frozen=True)
class ToldRow:
    """A row of a feed: an event, or what one act did many times over. event: the one that tells of it."""

    row: folding.Row
    event: EventRow

    @property
    def words(self) -> str:
        if not self.row.words:
            return self.event.words
        return _(self.row.words, **{**self.event.facts, "actor": self.event.actor, "n": self.row.count})


@dataclass(frozen=True)
class Told:
    """A page of them, the newest first. more: whether others follow."""

    rows: list[ToldRow]
    more: bool

    @property
    def lowest(self) -> int:
        """The first sequence that the page tells of: what comes before it is on the next one."""
        return min((told.row.first for told in self.rows), default=0)


def newest_told(
    work: Work, *, rooms: Iterable[str], limit: int, before: int | None = None, since: int = 0, without: Sequence[str] = (),
    kinds: Sequence[str] = (),
) -> Told:  # fmt: skip
    """As ``newest_events``, with acts folded: at least ``limit`` rows where there are so many, and no act in part.

    before, since: the ``lowest`` of a page, which goes on from there or is read again.
    """
    bounds = [EventRoom.seq >= since, *([EventRoom.seq < before] if before is not None else [])]
    return _told(work, _asked(rooms, bounds, without, kinds), limit, newest=True)


def told_after(work: Work, *, rooms: Iterable[str], after: int, limit: int, without: Sequence[str] = (), kinds: Sequence[str] = ()) -> Told:
    """What came next, the newest first all the same. after: the sequence on which a page ends."""
    return _told(work, _asked(rooms, [EventRoom.seq > after], without, kinds), limit, newest=False)


@dataclass(frozen=True)
class _Asked:
    """Which events. bounds: of the sequence in its room. kinds: exactly these; None for all that are shown."""

    rooms: tuple[str, ...]
    bounds: Sequence[ColumnElement[bool]]
    shown: ColumnElement[bool]
    kinds: Sequence[str] | None


def _asked(rooms: Iterable[str], bounds: Sequence[ColumnElement[bool]], without: Sequence[str], kinds: Sequence[str]) -> _Asked:
    hidden = (*without, *quiet_kinds())
    if not kinds:
        shown = and_(true(), *(~Event.kind.startswith(prefix, autoescape=True) for prefix in hidden))
        return _Asked(tuple(rooms), bounds, shown, None)
    named = [kind.value for kind in all_kinds() if kind.startswith(tuple(kinds)) and not kind.startswith(hidden)]
    return _Asked(tuple(rooms), bounds, Event.kind.in_(named), named)


def _told(work: Work, asked: _Asked, limit: int, *, newest: bool) -> Told:
    read = MARKS_A_ROW * (limit + 1)
    while True:
        marks = _marks(work, asked, limit=read, newest=newest)
        rows, whole = folded(marks), len(marks) < read or read >= MARKS_MOST
        page = newest_page(rows, limit) if newest else oldest_page(rows, limit)
        if whole or (len(page) < len(rows) and not _reaches_end(page, marks, newest=newest)):
            break
        read *= MARKS_A_ROW
    events = {event.seq: in_words(event) for event in work.read(_TOLD.where(Event.seq.in_([row.head for row in page])))}
    return Told([ToldRow(row, events[row.head]) for row in page], len(page) < len(rows) or len(marks) == read)


# An act may hold thousands of events: its instant is compared, never read, so it stays what the database gives.
_MARK = (Event.seq, Event.kind, sa.type_coerce(Event.at, String).label("at"), Event.actor_id)


def _marks(work: Work, asked: _Asked, *, limit: int, newest: bool) -> list[Mark]:
    """The newest first, whichever end was asked for."""
    found = _found(work, asked, _MARK, limit=limit, newest=newest)
    marks = [Mark(seq, kind, (at, actor_id)) for seq, kind, at, actor_id in found]
    return marks if newest else marks[::-1]


def _reaches_end(page: Sequence[folding.Row], marks: Sequence[Mark], *, newest: bool) -> bool:
    """Whether the page tells of the act at which the marks break off: there may be more of it to be told in one row."""
    act = marks[-1 if newest else 0].act
    of_act = [mark.seq for mark in marks if mark.act == act and folds(mark.kind)]
    if not of_act:
        return False
    return min(row.first for row in page) <= max(of_act) if newest else max(row.seq for row in page) >= min(of_act)


def _seqs_in(work: Work, asked: _Asked, *, limit: int, newest: bool) -> list[int]:
    """The first or last sequences in any of these rooms, each once."""
    return [row[0] for row in _found(work, asked, (Event.seq,), limit=limit, newest=newest)]


_Row = sa.Row[*tuple[Any, ...]]


def _found(work: Work, asked: _Asked, columns: Sequence[Any], *, limit: int, newest: bool) -> list[_Row]:
    """Of the first or last events in any of these rooms, each once; columns: the first is the sequence."""
    way = _of_kinds if asked.kinds is not None and _are_rare(work, asked.kinds) else _walked
    return way(work, asked, columns, limit=limit, newest=newest)


def _are_rare(work: Work, kinds: Sequence[str]) -> bool:
    some = select(Event.kind).where(Event.kind.in_(kinds)).limit(RARE + 1).subquery()
    return bool(work.read(select(func.count() <= RARE).select_from(some)).scalar_one())


def _of_kinds(work: Work, asked: _Asked, columns: Sequence[Any], *, limit: int, newest: bool) -> list[_Row]:
    """Each event of these rare kinds is looked for in the rooms. Without the inner limit, which is none, PostgreSQL walks the whole log."""
    rare = select(Event.seq).where(asked.shown).limit(2 * RARE).subquery()
    here = select(EventRoom.seq).where(EventRoom.seq == rare.c.seq, EventRoom.room.in_(asked.rooms), *asked.bounds).exists()
    seqs = select(rare.c.seq).where(here).order_by(rare.c.seq.desc() if newest else rare.c.seq).limit(limit)
    order = Event.seq.desc() if newest else Event.seq
    return list(work.read(select(*columns).where(Event.seq.in_(seqs)).order_by(order)))


def _walked(work: Work, asked: _Asked, columns: Sequence[Any], *, limit: int, newest: bool) -> list[_Row]:
    """Each room is walked from its end until ``limit`` are found. Asked of several rooms at once, a database sorts all that ever
    happened in them first.
    """
    order = EventRoom.seq.desc() if newest else EventRoom.seq
    where = (*asked.bounds, asked.shown)
    found: dict[int, _Row] = {}
    rooms = sorted(set(asked.rooms))
    for start in range(0, len(rooms), ROOMS_AT_ONCE):
        of_rooms = [
            select(*columns).join(EventRoom, Event.seq == EventRoom.seq).where(EventRoom.room == room, *where).order_by(order).limit(limit)
            for room in rooms[start : start + ROOMS_AT_ONCE]
        ]
        found.update((row[0], row) for row in work.read(union_all(*(select(*one.subquery().c) for one in of_rooms))))
    return [found[seq] for seq in sorted(found, reverse=newest)[:limit]]
