"""An alert reaches every participant and wants an acknowledgement; it goes by itself when what caused it is over."""

from sqlalchemy import select

from main_lines.alerts.access import get_alert
from main_lines.alerts.actions import watch_line
from main_lines.alerts.models import Alert, AlertAcknowledgement, AlertEvent
from main_lines.alerts.watching import changes_in
from main_lines.gates.models import GateEvent
from main_lines.lines.access import director_ids, line_member_ids
from main_lines.lines.models import LineEvent, MainLine
from main_lines.tasks.models import TaskEvent
from workspace.jobs.registry import reacts_to
from workspace.jobs.worker import JobRun
from workspace.notices.actions import nothing_to_do, send_notices

ALL_ARE_TOLD = 20
"""Of more alerts of one rule that stand in a line, its directors alone are told one by one; everybody sees all of them on its pages."""


@reacts_to(AlertEvent.RAISED, name="main_lines.alert_notices")
def tell_everybody(run: JobRun, seq: int) -> None:
    event = run.event(seq)
    line_id = event.facts["line_id"]
    with run.open_work() as work:
        alert = get_alert(work, event.facts["alert_id"], lock=False)
        if alert.closed_at is not None:
            return
        same = select(Alert.id).where(Alert.line_id == line_id, Alert.rule == alert.rule, Alert.closed_at.is_(None))
        many = alert.rule != "" and len(work.session.scalars(same.limit(ALL_ARE_TOLD + 1)).all()) > ALL_ARE_TOLD
        seen = work.session.scalars(select(AlertAcknowledgement.member_id).where(AlertAcknowledgement.alert_id == alert.id))
        told = sorted(set(director_ids(work, line_id) if many else line_member_ids(work, line_id)) - {event.actor_id, *seen})
        send_notices(work, event, told, url=alert.url, asking=told)


@reacts_to(AlertEvent.ESCALATED, AlertEvent.REMINDED, name="main_lines.alert_escalations")
def tell_who_is_next(run: JobRun, seq: int) -> None:
    event = run.event(seq)
    with run.open_work() as work:
        told = sorted(set(event.facts["told_id"]) & set(line_member_ids(work, event.facts["line_id"])) - {event.actor_id})
        send_notices(work, event, told, url=f"/alerts/{event.facts['alert_id']}", asking=told)


@reacts_to(AlertEvent.CLOSED, AlertEvent.CLEARED, AlertEvent.REPLACED, name="main_lines.alert_over")
def ask_nobody_any_more(run: JobRun, seq: int) -> None:
    event = run.event(seq)
    with run.open_work() as work:
        nothing_to_do(work, f"/alerts/{event.facts['alert_id']}", line_member_ids(work, event.facts["line_id"]))


@reacts_to(
    TaskEvent.SIGNED, TaskEvent.DECLINED, TaskEvent.STARTED, TaskEvent.DELIVERED, TaskEvent.ACCEPTED, TaskEvent.CLOSED,
    TaskEvent.CANCELLED, TaskEvent.UNBLOCKED, TaskEvent.EDITED, LineEvent.RESCHEDULED, LineEvent.PHASE_CLOSED, GateEvent.PASSED,
    GateEvent.FORCED, GateEvent.REOPENED, GateEvent.MOVED, AlertEvent.RULES_CHANGED,
    name="main_lines.look_at_line",
)  # fmt: skip
def look_at_line(run: JobRun, seq: int) -> None:
    """What may have ended a cause ends its alert within the second. What begins one is time, and found by ``watch_lines``."""
    event = run.event(seq)
    line_id = event.facts["line_id"]
    with run.open_work(writes=False) as work:
        standing = select(Alert.id).where(Alert.line_id == line_id, Alert.rule != "", Alert.cause_gone_at.is_(None))
        if event.subject.startswith("task:"):
            standing = standing.where((Alert.subject == event.subject) | Alert.subject.startswith("gate:"))
        may_end = work.session.scalar(standing.limit(1)) is not None
        if not (may_end or event.kind == str(AlertEvent.RULES_CHANGED)):
            return
        if not changes_in(work, work.session.get_one(MainLine, line_id)):
            return
    with run.open_work() as work:
        watch_line(work, line_id)
