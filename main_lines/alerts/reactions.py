"""An alert reaches every participant and wants an acknowledgement."""

from main_lines.alerts.models import AlertEvent
from main_lines.lines.access import line_member_ids
from workspace.jobs.registry import reacts_to
from workspace.jobs.worker import JobRun
from workspace.notices.actions import send_notices


@reacts_to(AlertEvent.RAISED, name="main_lines.alert_notices")
def tell_everybody(run: JobRun, seq: int) -> None:
    event = run.event(seq)
    line_id = event.facts["line_id"]
    with run.open_work() as work:
        told = sorted(set(line_member_ids(work, line_id)) - {event.actor_id})
        send_notices(work, event, told, url=f"/lines/{line_id}/alerts", asking=told)
