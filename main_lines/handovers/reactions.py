"""Who is told of a handover: the receiver is asked, the giver hears the answer; all as far as they are in the line now."""

from main_lines.handovers.access import receivers
from main_lines.handovers.actions import recall_offers_to
from main_lines.handovers.models import Handover, HandoverEvent
from main_lines.handovers.rules import State
from main_lines.lines.access import director_ids, line_member_ids
from main_lines.lines.models import LineEvent
from workspace.jobs.registry import reacts_to
from workspace.jobs.worker import JobRun
from workspace.notices.actions import send_notices


@reacts_to(LineEvent.MEMBER_REMOVED, name="main_lines.handovers_follow_member")
def recall_offers(run: JobRun, seq: int) -> None:
    """What was offered to a member who left the line can be offered to somebody else."""
    event = run.event(seq)
    with run.open_work() as work:
        recall_offers_to(work, event.facts["line_id"], event.facts["member_id"])


@reacts_to(HandoverEvent.OFFERED, HandoverEvent.TAKEN, HandoverEvent.REFUSED, name="main_lines.handover_notices")
def tell_both_sides(run: JobRun, seq: int) -> None:
    event = run.event(seq)
    with run.open_work() as work:
        handover = work.session.get(Handover, event.facts["handover_id"])
        if handover is None:
            return
        inside = set(line_member_ids(work, handover.line_id)) - {event.actor_id}
        if event.kind == HandoverEvent.OFFERED:
            told = receivers(work, handover.line_id, handover.to_department_id, handover.to_id) & inside
            asked = told if handover.state == State.OFFERED.value else set()
        else:
            told = {handover.offered_by_id, handover.from_id or "", *director_ids(work, handover.line_id)} & inside
            asked = set()
        send_notices(work, event, sorted(told), url=f"/tasks/{handover.task_id}", asking=asked)
