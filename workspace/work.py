"""Work: the one write path of the product.

A Work is one transaction by one actor at one instant. It refuses to commit changed rows without an event, so
no action can forget the audit; events, jobs and changes are written together or not at all.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import CursorResult, Executable, Insert, bindparam, func, select, text
from sqlalchemy import event as sa_event
from sqlalchemy.orm import ORMExecuteState, Session

from workspace.db import Base, Database, bulk_of, insert_into, new_id
from workspace.errors import MainlineError
from workspace.events.kinds import N_, EventKind
from workspace.events.models import RESTORED_ROOM, Event, EventRoom
from workspace.events.rules import GENESIS, event_hash
from workspace.jobs.models import Job
from workspace.jobs.registry import lane_of, reactions_to
from workspace.parts import Parts

# Made once, on the plain tables: each request asks for the head, and each change for the last event and the jobs that wait.
_HEAD = select(func.max(Event.seq))
_BEGAN = func.coalesce(select(func.max(EventRoom.seq)).where(EventRoom.room == RESTORED_ROOM).scalar_subquery(), 1)
_HEAD_AND_EPOCH = select(func.max(Event.seq), select(func.substr(Event.hash, 1, 16)).where(Event.seq == _BEGAN).scalar_subquery())
_LAST = select(Event.__table__.c.seq, Event.__table__.c.hash).order_by(Event.__table__.c.seq.desc()).limit(1)
_JOB = Job.__table__.c
# Held until the commit, so that no worker begins with one before what it is to find is there.
_WAITING = (
    select(_JOB.name, _JOB.key)
    .where(_JOB.name.in_(bindparam("names", expanding=True)), _JOB.key.in_(bindparam("keys", expanding=True)), _JOB.state == "waiting")
    .order_by(_JOB.id)
    .with_for_update()
)
_ADD_EVENTS, _ADD_ROOMS, _ADD_JOBS = insert_into(Event), insert_into(EventRoom), insert_into(Job)
_KEYS_AT_ONCE = 1000
_COUNTED = {"preserve_rowcount": True}

_WORK = "work"
"""Where a session keeps its Work."""

EVENT_LOCK = 0x4D41494E  # PostgreSQL advisory lock: sequence order must be commit order.


@dataclass(frozen=True)
class Actor:
    """Who acts. member_id is None for the system; permissions are those of now."""

    member_id: str | None
    name: str
    permissions: frozenset[str] = frozenset()
    device_id: str | None = None

    def may(self, permission: str) -> bool:
        return str(permission) in self.permissions


SYSTEM = Actor(None, N_("系统"))


class Unrecorded(MainlineError):
    """A programming mistake: rows changed and nobody said what happened."""

    code = "unrecorded_change"


@dataclass(frozen=True)
class Recorded:
    """An event that will be written at commit. subject: "kind:id"; rooms: who sees it."""

    kind: EventKind
    subject: str
    rooms: tuple[str, ...]
    facts: dict[str, Any]
    joins: dict[str, list[str]] = field(default_factory=dict)
    leaves: dict[str, list[str]] = field(default_factory=dict)


Guard = Callable[["Work", Recorded], None]
_GUARDS: list[Guard] = []


def guards_events(guard: Guard) -> Guard:
    """Let a feature refuse, by raising, what must not happen now whatever way it comes. It is asked about every event that is recorded."""
    if guard not in _GUARDS:
        _GUARDS.append(guard)
    return guard


class Work:
    """See module. Made by ``open_work``; tests read ``recorded`` and ``jobs``."""

    def __init__(
        self, session: Session, actor: Actor, *, now: datetime, parts: Parts, origin: Mapping[str, Any], writes: bool = True
    ) -> None:
        self.session = session
        self.known: dict[Any, Any] | None = None if writes else {}
        """Answers that hold for as long as a reading Work lasts, by whatever names them; None in one that may change them."""
        self.actor = actor
        self.now = now
        self.parts = parts
        self.origin = dict(origin)
        self.recorded: list[Recorded] = []
        self.jobs: list[tuple[str, dict[str, Any]]] = []
        self.after: list[Callable[[], None]] = []
        self._new_jobs: list[dict[str, Any]] = []
        self.changed: set[str] = set()
        """Audited tables that changed; a commit that changed any must have recorded what happened."""
        session.info[_WORK] = self

    def record(
        self,
        kind: EventKind,
        *,
        subject: str,
        rooms: Sequence[str],
        joins: dict[str, list[str]] | None = None,
        leaves: dict[str, list[str]] | None = None,
        **facts: Any,
    ) -> None:
        """Say what happened. ``facts`` must be JSON and hold names as they are now; no secrets, no file content.

        joins, leaves: member id -> rooms that this event opens or closes to them, applied to live connections.
        """
        item = Recorded(kind, subject, tuple(dict.fromkeys(rooms)), facts, joins or {}, leaves or {})
        for guard in _GUARDS:
            guard(self, item)
        self.recorded.append(item)

    def after_commit(self, name: str, *, key: str | None = None, run_at: datetime | None = None, **args: Any) -> None:
        """Write a job with the change; it runs at least once, after the commit.

        key: while a job with the same name and key waits, a second one is not added.
        """
        lane_of(name)  # An unknown job is a mistake to find here, not in the worker's log.
        self.jobs.append((name, args))
        self._new_jobs.append({
            "id": new_id(), "name": name, "key": key, "lane": lane_of(name), "args": args, "state": "waiting", "run_at": run_at or self.now,
            "created_at": self.now, "attempts": 0,
        })  # fmt: skip

    def changes_no_rights(self) -> None:
        """From here on: what somebody may do is asked once, as in a reading Work. For who holds the locks under which rights change."""
        self.known = {}

    def read(self, query: Executable, values: Mapping[str, Any] | None = None) -> CursorResult[*tuple[Any, ...]]:
        """Rows of columns, without the cost of entities; what this transaction changed is flushed first, as for any query."""
        if self.session.new or self.session.deleted or self.session.dirty:
            self.session.flush()
        return self.session.connection().execute(query, values)

    def write(self, statement: Insert, rows: Sequence[Mapping[str, Any]]) -> int:
        """Many rows of a table whose changes are recorded otherwise, or not at all (see ``__unaudited__``), in one statement.

        Returns how many were written, -1 where the database does not say.
        """
        if not rows:
            return 0
        connection = self.session.connection()
        if connection.dialect.positional:
            bulk = bulk_of(statement, tuple(rows[0]), connection.dialect)
            return connection.exec_driver_sql(bulk.sql, bulk.values_of(rows)).rowcount
        return connection.execute(statement, rows, execution_options=_COUNTED).rowcount

    def commit(self) -> None:
        self.session.flush()
        if self.changed and not self.recorded:
            raise Unrecorded(f"Rows of {', '.join(sorted(self.changed))} changed without an event")
        wrote = bool(self.recorded or self.jobs)
        events = self._write_events()
        self._write_jobs()
        self.session.commit()
        self.changed.clear()
        self.recorded, recorded = [], self.recorded
        self.committed = recorded
        if events:
            self.parts.committed(events, self.actor.device_id)
        if wrote:
            self.parts.wake()

    def _write_events(self) -> list[dict[str, Any]]:
        if not self.recorded:
            return []
        if self.session.get_bind().dialect.name == "postgresql":
            self.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": EVENT_LOCK})
        connection = self.session.connection()
        last = connection.execute(_LAST).first()
        seq, prev_hash = (last.seq, last.hash) if last else (0, GENESIS)
        rows: list[dict[str, Any]] = []
        rooms: list[dict[str, Any]] = []
        for item in self.recorded:
            seq += 1
            row = self._event_row(item, seq)
            row |= {"prev_hash": prev_hash, "hash": event_hash(prev_hash, row)}
            prev_hash = row["hash"]
            rows.append(row)
            rooms += [{"seq": seq, "room": room} for room in item.rooms]
        # In bulk: a thousand saves come in a hundred transactions, and a flush per event was most of their cost.
        self.write(_ADD_EVENTS, rows)
        self.write(_ADD_ROOMS, rooms)
        for row in rows:
            for name in reactions_to(row["kind"]):
                self.after_commit(name, key=f"{name}:{row['seq']}", seq=row["seq"])
        return rows

    def _write_jobs(self) -> None:
        """In two statements, however many there are: a save of a hundred pictures asks for a hundred previews."""
        fresh: dict[tuple[str, str], dict[str, Any]] = {}
        for row in self._new_jobs:
            found = fresh.setdefault((row["name"], row["key"] or row["id"]), row)
            found["run_at"] = min(found["run_at"], row["run_at"])
        self._new_jobs = []
        connection = self.session.connection()
        keyed = [row for row in fresh.values() if row["key"] is not None]
        for start in range(0, len(keyed), _KEYS_AT_ONCE):
            part = keyed[start : start + _KEYS_AT_ONCE]
            asked = {"names": list({row["name"] for row in part}), "keys": [row["key"] for row in part]}
            for name, key in connection.execute(_WAITING, asked):
                fresh.pop((name, key), None)
        self.write(_ADD_JOBS, list(fresh.values()))

    def _event_row(self, item: Recorded, seq: int) -> dict[str, Any]:
        changed = {name: value for name, value in (("join", item.joins), ("leave", item.leaves)) if value}
        return {
            "seq": seq,
            "kind": str(item.kind),
            "at": self.now,
            "actor_id": self.actor.member_id,
            "actor_name": self.actor.name,
            "subject": item.subject,
            "rooms": list(item.rooms),
            "facts": item.facts,
            "rooms_changed": changed,
            "origin": self.origin,
        }


# Once for all sessions: to listen to each one cost every request more than some of its questions.
@sa_event.listens_for(Session, "after_flush")
def _note_flush(session: Session, _context: Any) -> None:
    work: Work | None = session.info.get(_WORK)
    if work is None:
        return
    changed = work.changed
    changed.update(type(row).__tablename__ for row in (*session.new, *session.deleted) if not type(row).__unaudited__)
    for row in session.dirty:
        name = type(row).__tablename__
        if name not in changed and not type(row).__unaudited__ and session.is_modified(row):
            changed.add(name)


@sa_event.listens_for(Session, "do_orm_execute")
def _note_statement(state: ORMExecuteState) -> None:
    if not (state.is_insert or state.is_update or state.is_delete):
        return
    work: Work | None = state.session.info.get(_WORK)
    # By name: a statement on a model carries an annotated copy of its table.
    name = getattr(getattr(state.statement, "table", None), "name", "?")
    if work is not None and not _is_unaudited(name):
        work.changed.add(name)


@cache
def _is_unaudited(table: str) -> bool:
    models = [mapper.class_ for mapper in Base.registry.mappers if getattr(mapper.local_table, "name", "") == table]
    return bool(models) and bool(models[0].__unaudited__)


@contextmanager
def open_work(
    database: Database,
    *,
    actor: Actor = SYSTEM,
    writes: bool = True,
    now: datetime | None = None,
    parts: Parts | None = None,
    origin: Mapping[str, Any] | None = None,
) -> Iterator[Work]:
    """One transaction: committed when the block ends, rolled back when it raises. A reading Work never commits.

    What ``work.after`` holds is called once it is committed and nobody waits for it any more, before a request is answered:
    the place for what an answer promises outside the database. It may raise; the change stands.
    """
    with database.session(writes=writes) as session:
        work = Work(session, actor, now=now or datetime.now(UTC), parts=parts or Parts(), origin=origin or {}, writes=writes)
        yield work
        if writes:
            work.commit()
    for call in work.after:
        call()


def head_seq(work: Work) -> int:
    """Sequence of the newest event, 0 when there is none."""
    return int(work.session.scalar(_HEAD) or 0)


def head_and_epoch(session: Session) -> tuple[int, str]:
    """The head, and the hash of the event with which its epoch began: the newest restore or recovery, else the first of all.

    After a restore the sequence goes on from where the backup was made: only within an epoch does a number stand for one event.
    """
    head, epoch = session.execute(_HEAD_AND_EPOCH).one()
    return head or 0, epoch or ""
