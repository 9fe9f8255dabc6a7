"""The plan of a line at an instant that is over, replayed from its events once in a process."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import bindparam, select

from main_lines.lines.models import MainLine
from main_lines.plans.replay import REPLAYED, PlanThen, replay
from workspace.events.models import Event, EventRoom
from workspace.work import Work, head_seq

SETTLED = timedelta(hours=1)
ORDERS_MOST = 50_000
"""Of all plans that a process keeps together, some 40 MB: five lines of ten thousand orders, or hundreds of the usual size."""

_PLANNED = (
    select(Event.kind, Event.facts)
    .join(EventRoom, EventRoom.seq == Event.seq)
    .where(
        EventRoom.room == bindparam("room"),
        EventRoom.seq > bindparam("since"),
        EventRoom.seq <= bindparam("until"),
        Event.kind.in_(REPLAYED),
        Event.at <= bindparam("at", type_=Event.at.type),
    )
    .order_by(EventRoom.seq)
)


@dataclass(frozen=True)
class Past:
    """A plan as it stood, from the events of its line up to ``seq``. settled: no event of that time can come any more."""

    then: PlanThen
    seq: int
    settled: bool


class Pasts:
    """The plans that were asked for last, as long as they have no more orders together than ``orders_most``; the newest one always."""

    def __init__(self, orders_most: int) -> None:
        self._orders_most = orders_most
        self._kept: OrderedDict[tuple[str, datetime], Past] = OrderedDict()
        self._guard = Lock()

    def get(self, key: tuple[str, datetime]) -> Past | None:
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: tuple[str, datetime], past: Past) -> None:
        with self._guard:
            self._kept[key] = past
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(len(kept.then.orders) for kept in self._kept.values()) > self._orders_most:
                self._kept.popitem(last=False)


_pasts = Pasts(ORDERS_MOST)


def plan_at(work: Work, line: MainLine, at: datetime) -> PlanThen:
    """The plan as it stood at the end of that instant; whoever gets it must not change it.

    An event of that instant may still be written by who began before it, so until that is over what came since is looked at too.
    """
    key = (line.id, at)
    known = _pasts.get(key)
    if known is not None and known.settled:
        return known.then
    head = head_seq(work)
    if known is None or known.seq > head or _planned(work, line, at, since=known.seq, until=head):
        then = replay(_planned(work, line, at, since=0, until=head))
    else:
        then = known.then
    _pasts.keep(key, Past(then, head, settled=work.now - at > SETTLED))
    return then


def _planned(work: Work, line: MainLine, at: datetime, *, since: int, until: int) -> list[tuple[str, dict[str, object]]]:
    """Kind and facts of the line's events that changed its plan up to that instant, with sequences after ``since`` up to ``until``."""
    rows = work.read(_PLANNED, {"room": line.room, "since": since, "until": until, "at": at})
    return [(kind, facts) for kind, facts in rows]
