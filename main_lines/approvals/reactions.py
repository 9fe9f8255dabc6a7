"""Who is told when an approval moves."""

from collections.abc import Iterable

from main_lines.approvals.access import participant_ids, steps_of
from main_lines.approvals.models import Approval, ApprovalEvent
from main_lines.approvals.rules import StepState
from sync.library.heads.actions import want_heads
from workspace.events.models import Event
from workspace.jobs.registry import reacts_to
from workspace.jobs.worker import JobRun
from workspace.notices.actions import send_notices
from workspace.work import Work

MOVED_TO_HOLDERS = (ApprovalEvent.SUBMITTED, ApprovalEvent.PASSED_ON, ApprovalEvent.TRANSFERRED, ApprovalEvent.REMINDED)
TOLD_TO_APPLICANT = (ApprovalEvent.PASSED_ON, ApprovalEvent.APPROVED, ApprovalEvent.REJECTED, ApprovalEvent.RETURNED)


@reacts_to(*ApprovalEvent, name="main_lines.approval_notices")
def tell_people(run: JobRun, seq: int) -> None:
    """Holders whose turn it is are asked to act, the applicant hears of every decision, cc what was copied to them."""
    event = run.event(seq)
    with run.open_work() as work:
        approval = work.session.get(Approval, event.facts["approval_id"])
        if approval is None:
            return
        asked = _asked(work, event, approval)
        told = {*asked, *_told(work, event, approval)} - {event.actor_id}
        send_notices(work, event, sorted(one for one in told if one), url=f"/approvals/{approval.id}", asking=asked)


@reacts_to(ApprovalEvent.APPROVED, name="main_lines.approved_head")
def make_head_of_approved(run: JobRun, seq: int) -> None:
    """The version that was approved is kept as a plain object too."""
    pin = run.event(seq).facts["pin"]
    if pin:
        with run.open_work() as work:
            want_heads(work, pin["library_id"])


def _asked(work: Work, event: Event, approval: Approval) -> set[str]:
    """Who has to act because of this event, as far as they still have to."""
    if event.kind == ApprovalEvent.RETURNED:
        return {approval.applicant_id}
    if event.kind not in MOVED_TO_HOLDERS:
        return set()
    pending = [step for step in steps_of(work, approval.id) if step.state == StepState.PENDING.value]
    opened_here = event.kind != ApprovalEvent.REMINDED
    return {step.holder_id for step in pending if not opened_here or step.opened_at == event.at}


def _told(work: Work, event: Event, approval: Approval) -> Iterable[str]:
    if event.kind == ApprovalEvent.COMMENTED:
        return participant_ids(work, approval.id)
    if event.kind in (ApprovalEvent.COPIED, ApprovalEvent.SUBMITTED):
        return participant_ids(work, approval.id, "cc", at=event.at)
    if event.kind == ApprovalEvent.RECALLED:
        return [step.holder_id for step in steps_of(work, approval.id) if step.closed_at == event.at]
    return [approval.applicant_id] if event.kind in TOLD_TO_APPLICANT else []
