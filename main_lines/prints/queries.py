"""What a printed task order shows beyond its page: every signature with its mark in the audit, and the whole history, oldest first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from main_lines.tasks.models import TaskEvent, TaskOrder
from workspace.events.access import EventRow, in_words
from workspace.events.models import Event
from workspace.work import Work

HISTORY_MOST = 500
SIGNS = {str(TaskEvent.SIGNED): True, str(TaskEvent.ACCEPTED): False}


@dataclass(frozen=True)
class Signature:
    """Who signed or accepted, and when. revision: of the requirements, 0 for an acceptance. current: it holds for what is written now.

    seq, mark: of the event in the hash chain, by which ``mainline verify`` finds out whether anything was altered.
    """

    name: str
    at: datetime
    signs: bool
    revision: int
    current: bool
    seq: int
    mark: str


@dataclass(frozen=True)
class Record:
    """earlier: events before those of the history that are not printed."""

    signatures: Sequence[Signature]
    history: Sequence[EventRow]
    earlier: bool


def record_of(work: Work, order: TaskOrder) -> Record:
    """The caller has loaded the order through access."""
    query = select(Event).where(Event.subject == f"task:{order.id}").order_by(Event.seq.desc()).limit(HISTORY_MOST + 1)
    events = list(work.session.scalars(query))
    shown = events[:HISTORY_MOST][::-1]
    signed = select(Event).where(Event.subject == f"task:{order.id}", Event.kind.in_(list(SIGNS))).order_by(Event.seq)
    signatures = [_signature(event, order) for event in work.session.scalars(signed)]
    return Record(signatures, [in_words(event) for event in shown], len(events) > HISTORY_MOST)


def _signature(event: Event, order: TaskOrder) -> Signature:
    revision = int(event.facts.get("revision", 0))
    signs = SIGNS[event.kind]
    name = event.actor_name if signs else str(event.facts.get("by") or event.actor_name)
    current = revision == order.revision == order.signed_revision if signs else False
    return Signature(name, event.at, signs, revision, current, event.seq, event.hash[:16])
