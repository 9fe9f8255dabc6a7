"""Who is told of a gate: everybody in the line, since what they may do changes with it."""

from main_lines.gates.models import GateEvent
from main_lines.lines.access import line_member_ids
from workspace.jobs.registry import reacts_to
from workspace.jobs.worker import JobRun
from workspace.notices.actions import send_notices


@reacts_to(GateEvent.REMINDED, name="main_lines.gate_reminders")
def ask_holders(run: JobRun, seq: int) -> None:
    """Who holds one of the orders is led right to it, who holds several to their work."""
    event = run.event(seq)
    with run.open_work() as work:
        inside = set(line_member_ids(work, event.facts["line_id"]))
        for member_id, task_id in event.facts["told_id"].items():
            if member_id in inside:
                send_notices(work, event, [member_id], url=f"/tasks/{task_id}" if task_id else "/tasks", asking=[member_id])


@reacts_to(GateEvent.PASSED, GateEvent.FORCED, GateEvent.REOPENED, name="main_lines.gate_notices")
def tell_members(run: JobRun, seq: int) -> None:
    event = run.event(seq)
    line_id = event.facts["line_id"]
    with run.open_work() as work:
        told = sorted(set(line_member_ids(work, line_id)) - {event.actor_id})
        send_notices(work, event, told, url=f"/lines/{line_id}/gates")
