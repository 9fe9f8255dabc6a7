"""What follows for the plan: who waited for an order is told when it is handed in."""

from main_lines.lines.access import line_member_ids
from main_lines.plans.queries import set_free_by
from main_lines.tasks.access import workers_of
from main_lines.tasks.models import TaskEvent
from workspace.jobs.registry import reacts_to
from workspace.jobs.worker import JobRun
from workspace.notices.actions import send_notices


@reacts_to(TaskEvent.DELIVERED, name="main_lines.needs_met")
def tell_who_waited(run: JobRun, seq: int) -> None:
    """An order whose last need was handed in can go on: whoever carries it out, often another department, is asked to."""
    event = run.event(seq)
    with run.open_work() as work:
        inside = set(line_member_ids(work, event.facts["line_id"])) - {event.actor_id}
        for order in set_free_by(work, event.facts["task_id"]):
            asked = workers_of(work, order) & inside
            send_notices(work, event, sorted(asked), url=f"/tasks/{order.id}", asking=asked)
