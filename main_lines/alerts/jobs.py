"""What time does to alerts: orders become late, and nobody answers. Both look at what is open, never at what has happened."""

from sqlalchemy import select

from main_lines.alerts.actions import escalate_alert, watch_line
from main_lines.alerts.watching import alerts_to_escalate, changes_in
from main_lines.lines.models import MainLine
from main_lines.lines.rules import Phase
from workspace.jobs.registry import job, periodic
from workspace.jobs.worker import JobRun


@periodic("main_lines.watch_lines", every_s=60)
def watch_lines(run: JobRun) -> None:
    """A question or two a line that is not over; a job for each in which something is to change."""
    with run.open_work(writes=False) as work:
        lines = work.session.scalars(select(MainLine).where(MainLine.phase != Phase.CLOSED.value).order_by(MainLine.id)).all()
        line_ids = [line.id for line in lines if changes_in(work, line)]
    if line_ids:
        with run.open_work() as work:
            for line_id in line_ids:
                work.after_commit("main_lines.watch_line", key=f"watch_line:{line_id}", line_id=line_id)


@job("main_lines.watch_line")
def watch_one_line(run: JobRun, line_id: str) -> None:
    with run.open_work() as work:
        watch_line(work, line_id)


@periodic("main_lines.escalate_alerts", every_s=20)
def escalate_alerts(run: JobRun) -> None:
    """Only alerts whose next step is due are read."""
    with run.open_work(writes=False) as work:
        alert_ids = alerts_to_escalate(work)
    if alert_ids:
        with run.open_work() as work:
            for alert_id in alert_ids:
                work.after_commit("main_lines.escalate_alert", key=f"escalate_alert:{alert_id}", alert_id=alert_id)


@job("main_lines.escalate_alert")
def escalate_one_alert(run: JobRun, alert_id: str) -> None:
    with run.open_work() as work:
        escalate_alert(work, alert_id)
