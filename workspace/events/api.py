"""The realtime feed's truth over HTTP: tickets for the socket, replay by sequence with the permission of now."""

from flask import request
from pydantic import BaseModel

from workspace.events.access import Frame, frames_of, rooms_left, rooms_of, visible_events
from workspace.realtime_line import TICKET_PURPOSE
from workspace.secrets import SigningKey
from workspace.security import service_urls
from workspace.settings import Settings
from workspace.web import SIGNED_IN, Routes, request_work
from workspace.work import Work, head_and_epoch, head_seq

api = Routes("events_api", __name__, api=True)

PAGE = 200
RESYNC_BEHIND = 5_000


class Ticket(BaseModel):
    """ticket: opens one socket within 60 s. head: the sequence from which the page's state is fresh.

    epoch: another one than before means that data was restored: fetch the page anew and go on from head, lower as it may be.
    """

    ticket: str
    head: int
    epoch: str
    url: str


class EventPage(BaseModel):
    """resync: too far behind, fetch the page anew and go on from head. more: ask again from the last seq.

    left: rooms that the member has left since, and not come back to. The events themselves are not theirs to see any more.
    """

    events: list[dict[str, object]]
    head: int
    more: bool
    resync: bool
    left: list[str]


@api.post("/realtime/ticket", needs=SIGNED_IN, returns=Ticket, opens_work=False)
def make_ticket() -> Ticket:
    """A ticket that admits this browser to the realtime process with the rooms open to it now."""
    # Nothing is written: a thousand browsers that come back at once must not queue up with those who write.
    with request_work(writes=False) as work:
        head, epoch = head_and_epoch(work.session)
        grant = {"member": work.actor.member_id, "rooms": sorted(rooms_of(work)), "head": head, "epoch": epoch}
        token = work.parts.get(SigningKey).sign(TICKET_PURPOSE, grant)
        return Ticket(ticket=token, head=head, epoch=epoch, url=service_urls(work.parts.get(Settings))["realtime"])


@api.get("/events", needs=SIGNED_IN, returns=EventPage)
def list_events(work: Work) -> EventPage:
    """Events after ``since`` that the member may see now, in order, at most 200."""
    since = request.args.get("since", default=0, type=int)
    head = head_seq(work)
    if head - since > RESYNC_BEHIND:  # The sequence has no gaps.
        return EventPage(events=[], head=head, more=False, resync=True, left=[])
    rooms = rooms_of(work)
    events = visible_events(work, since=since, until=head, limit=PAGE, rooms=rooms)
    return EventPage(
        events=[_plain(frame) for frame in frames_of(events, since=since, rooms=rooms)],
        head=head,
        more=len(events) == PAGE,
        resync=False,
        left=sorted(rooms_left(work, since=since) - rooms),
    )


def _plain(frame: Frame) -> dict[str, object]:
    return {**frame.__dict__, "at": frame.at.isoformat()}
