"""Who is told of a gate: everybody in the line, since what they may do changes with it."""

from main_lines.gates.models import GateEvent
from main_lines.lines.access import line_member_ids
from workspace.jobs.registry import reacts_to
from workspace.jobs.worker import JobRun
from workspace.notices.actions import send_notices


@reacts_to(GateEvent.PASSED, GateEvent.FORCED, GateEvent.REOPENED, name="main_lines.gate_notices")
def tell_members(run: JobRun, seq: int) -> None:
    event = run.event(seq)
    line_id = event.facts["line_id"]
    with run.open_work() as work:
        told = sorted(set(line_member_ids(work, line_id)) - {event.actor_id})
        send_notices(work, event, told, url=f"/lines/{line_id}/gates")
