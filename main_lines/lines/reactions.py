"""Who is told of a main line: those who are in it now, never anybody else."""

from main_lines.lines.access import line_member_ids
from main_lines.lines.models import LineEvent
from workspace.jobs.registry import reacts_to
from workspace.jobs.worker import JobRun
from workspace.notices.actions import send_notices


@reacts_to(LineEvent.SIGNERS_NAMED, name="main_lines.signer_notices")
def tell_signers(run: JobRun, seq: int) -> None:
    """Whoever signs from now on learns where."""
    event = run.event(seq)
    with run.open_work() as work:
        told = set(event.facts["signers"]) & set(line_member_ids(work, event.facts["line_id"])) - {event.actor_id}
        send_notices(work, event, sorted(told), url="/tasks/to-sign")


@reacts_to(LineEvent.DIRECTOR_NAMED, LineEvent.DIRECTOR_RELEASED, name="main_lines.director_notices")
def tell_director(run: JobRun, seq: int) -> None:
    """Whoever directs from now on, or no longer."""
    event = run.event(seq)
    line_id = event.facts["line_id"]
    with run.open_work() as work:
        told = {event.facts["member_id"]} & set(line_member_ids(work, line_id)) - {event.actor_id}
        send_notices(work, event, sorted(told), url=f"/lines/{line_id}/board")


@reacts_to(LineEvent.OPENED, LineEvent.MEMBER_ADDED, name="main_lines.line_notices")
def welcome_members(run: JobRun, seq: int) -> None:
    """Whoever came into the line with this event learns that it exists."""
    event = run.event(seq)
    line_id = event.facts["line_id"]
    with run.open_work() as work:
        came = set(event.rooms_changed.get("join", {}))
        told = came & set(line_member_ids(work, line_id)) - {event.actor_id}
        send_notices(work, event, sorted(told), url=f"/lines/{line_id}/board")
