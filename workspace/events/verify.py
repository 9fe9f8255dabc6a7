"""The check of the event table that ``mainline verify`` makes."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from workspace.errors import MainlineError
from workspace.events.models import Event
from workspace.events.rules import CHAINED, first_broken


class Altered(MainlineError):
    """A chain of hashes does not hold: somebody wrote to the database past the product."""

    code = "altered"

    def __init__(self, what: str) -> None:
        super().__init__(what, "Restore it from a backup and find out who had access to the database.")


def verify_events(session: Session) -> str:
    """What was found, in a sentence; Altered names the first event that does not follow from the one before."""
    events = session.scalars(select(Event).order_by(Event.seq).execution_options(yield_per=1000))
    broken = first_broken({name: getattr(event, name) for name in (*CHAINED, "prev_hash", "hash")} for event in events)
    if broken is not None:
        raise Altered(f"The event log was altered at number {broken}")
    return f"event log: {session.scalar(select(func.count()).select_from(Event))} events, chain unbroken"
