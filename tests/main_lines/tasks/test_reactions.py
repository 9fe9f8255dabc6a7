"""An approval carries a deliverable: the order follows it, through the real approvals and through events out of order."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, func, select

from main_lines.approvals.access import steps_of
from main_lines.approvals.actions import Draft as Request
from main_lines.approvals.actions import approve_request, reject_request, submit_request
from main_lines.approvals.models import ApprovalEvent
from main_lines.lines.actions import remove_line_member
from main_lines.tasks.access import get_task
from main_lines.tasks.actions import cancel_task, deliver_task, sign_task, start_task
from main_lines.tasks.models import TaskEvent, TaskOrder
from main_lines.tasks.reactions import follow_approval
from tests.main_lines.conftest import Story
from workspace.events.models import Event
from workspace.jobs.models import Job
from workspace.jobs.worker import JobRun

PIN = {"asset_id": "a" * 26, "library_id": "l" * 26, "name": "主视觉.psd", "version": 3, "digest": "b3:" + "0" * 64}
LEAVE = {"kind": "年假", "from": "2026-10-08", "to": "2026-10-09", "reason": "家事"}


@pytest.fixture
def task_id(work_as: Callable, write: Callable) -> str:
    """An order that 苏航 is working on."""
    found = write()
    with work_as("林悦") as work:
        sign_task(work, found)
    with work_as("苏航") as work:
        start_task(work, found)
    return found


def order_of(work_as: Callable, task_id: str) -> TaskOrder:
    with work_as("林悦", writes=False) as work:
        return get_task(work, task_id)


def submit(work_as: Callable, story: Story, task_id: str) -> str:
    with work_as("苏航") as work:
        return submit_request(
            work, "leave", Request(title="主视觉送审", values=LEAVE, to=(story.id_of("陈墨"),), task_id=task_id)
        ).approval_id


def step_of(work_as: Callable, approval_id: str) -> str:
    with work_as("陈墨", writes=False) as work:
        return steps_of(work, approval_id)[-1].id


def test_order_when_its_approval_is_finished_then_delivered_and_accepted(
    work_as: Callable, story: Story, task_id: str, run_jobs: Callable
) -> None:
    approval_id = submit(work_as, story, task_id)
    run_jobs()
    order = order_of(work_as, task_id)
    assert (order.state, order.approval_id) == ("delivered", approval_id)
    step_id = step_of(work_as, approval_id)
    with work_as("陈墨") as work:
        approve_request(work, approval_id, step_id=step_id)
    run_jobs()
    assert order_of(work_as, task_id).state == "accepted"
    with work_as("林悦", writes=False) as work:
        accepted = work.session.scalars(select(Event).where(Event.kind == str(TaskEvent.ACCEPTED))).one()
        assert accepted.facts["by"] == "陈墨"
        assert accepted.rooms == [story.room]


def test_order_when_its_approval_is_rejected_then_returned_and_may_be_sent_again(
    work_as: Callable, story: Story, task_id: str, run_jobs: Callable
) -> None:
    approval_id = submit(work_as, story, task_id)
    run_jobs()
    step_id = step_of(work_as, approval_id)
    with work_as("陈墨") as work:
        reject_request(work, approval_id, step_id=step_id, reason="字太小")
    run_jobs()
    order = order_of(work_as, task_id)
    assert (order.state, order.returned_reason) == ("returned", "字太小")
    second = submit(work_as, story, task_id)
    run_jobs()
    order = order_of(work_as, task_id)
    assert (order.state, order.approval_id) == ("delivered", second)


def tell(
    work_as: Callable, kind: ApprovalEvent, task_id: str | None, *, pin: object = PIN, approval_id: str = "p" * 26, by: str = "苏航"
) -> int:
    """Record an approval's event by hand and take its jobs away, so that a test decides their order. Returns its sequence.

    by: who submits it; 陈墨 decides.
    """
    with work_as(by if kind is ApprovalEvent.SUBMITTED else "陈墨") as work:
        work.record(
            kind, subject=f"approval:{approval_id}", rooms=["company"], approval_id=approval_id, title="送审", task_id=task_id, pin=pin
        )
    with work_as("陈墨") as work:
        work.session.execute(delete(Job))
        return work.session.scalar(select(func.max(Event.seq)))


@pytest.fixture
def run(parts, database) -> JobRun:
    import threading

    return JobRun(database, parts, attempt=1, job_id="by hand", stopping=threading.Event())


def test_delivery_when_submitted_then_pinned_to_exactly_that_version(work_as: Callable, task_id: str, run: JobRun) -> None:
    follow_approval(run, tell(work_as, ApprovalEvent.SUBMITTED, task_id))
    assert order_of(work_as, task_id).deliverable == {
        "kind": "asset",
        "asset_id": "a" * 26,
        "version": 3,
        "digest": PIN["digest"],
        "name": "主视觉.psd",
    }


def test_events_when_jobs_overtake_each_other_then_applied_in_order(work_as: Callable, task_id: str, run: JobRun) -> None:
    submitted = tell(work_as, ApprovalEvent.SUBMITTED, task_id)
    approved = tell(work_as, ApprovalEvent.APPROVED, task_id)
    follow_approval(run, approved)
    order = order_of(work_as, task_id)
    assert (order.state, order.deliverable["version"]) == ("accepted", 3)
    follow_approval(run, submitted)
    assert order_of(work_as, task_id).state == "accepted"


def test_events_when_a_job_repeats_then_nothing_happens_twice(work_as: Callable, task_id: str, run: JobRun) -> None:
    submitted = tell(work_as, ApprovalEvent.SUBMITTED, task_id)
    returned = tell(work_as, ApprovalEvent.RETURNED, task_id)
    for seq in (submitted, returned, submitted, returned, submitted):
        follow_approval(run, seq)
    order = order_of(work_as, task_id)
    assert (order.state, order.returned_reason) == ("returned", ""), "nobody wrote a reason"
    with work_as("林悦", writes=False) as work:
        kinds = list(work.session.scalars(select(Event.kind).where(Event.subject == f"task:{task_id}").order_by(Event.seq)))
        assert kinds[-2:] == [str(TaskEvent.DELIVERED), str(TaskEvent.RETURNED)]


def test_order_when_its_approval_gave_no_reason_then_each_reader_is_told_so_in_their_language(
    work_as: Callable, task_id: str, run: JobRun, signed_in: Callable
) -> None:
    follow_approval(run, tell(work_as, ApprovalEvent.SUBMITTED, task_id, pin=None))
    follow_approval(run, tell(work_as, ApprovalEvent.RETURNED, task_id))
    person = signed_in("suhang")
    page = person.get(f"/tasks/{task_id}").get_data(as_text=True)
    assert "审批没有通过，也没有写明理由" in page
    assert "审批“送审”未通过" in page, "in the history"
    page = person.get(f"/tasks/{task_id}?lang=en").get_data(as_text=True)
    for words in ("No reason was written", "Approval “送审” was not granted", "Approval “送审”"):
        assert words in page
    assert "审批“" not in page


def test_recall_when_it_overtakes_the_submission_then_the_order_goes_on(work_as: Callable, task_id: str, run: JobRun) -> None:
    submitted = tell(work_as, ApprovalEvent.SUBMITTED, task_id)
    recalled = tell(work_as, ApprovalEvent.RECALLED, task_id)
    follow_approval(run, recalled)
    follow_approval(run, submitted)
    order = order_of(work_as, task_id)
    assert (order.state, order.deliverable) == ("in_progress", {})


def test_approval_when_the_order_was_cancelled_then_nothing_changes(work_as: Callable, task_id: str, run: JobRun) -> None:
    with work_as("林悦") as work:
        cancel_task(work, task_id, reason="方案换了")
    follow_approval(run, tell(work_as, ApprovalEvent.SUBMITTED, task_id))
    assert order_of(work_as, task_id).state == "cancelled"


def test_approval_when_the_order_is_unsigned_then_nothing_changes(work_as: Callable, write: Callable, run: JobRun) -> None:
    unsigned = write()
    follow_approval(run, tell(work_as, ApprovalEvent.SUBMITTED, unsigned))
    assert order_of(work_as, unsigned).state == "draft"


def test_approval_when_asked_for_by_somebody_else_then_delivers_nothing(work_as: Callable, task_id: str, run: JobRun) -> None:
    """赵宁 sees the order, but it is not hers to carry out."""
    follow_approval(run, tell(work_as, ApprovalEvent.SUBMITTED, task_id, by="赵宁"))
    follow_approval(run, tell(work_as, ApprovalEvent.APPROVED, task_id))
    order = order_of(work_as, task_id)
    assert (order.state, order.deliverable) == ("in_progress", {})


def test_approval_when_something_else_was_handed_in_then_its_decision_is_not_about_that(
    work_as: Callable, task_id: str, run: JobRun
) -> None:
    follow_approval(run, tell(work_as, ApprovalEvent.SUBMITTED, task_id))
    with work_as("苏航") as work:
        deliver_task(work, task_id, "另一稿")
    follow_approval(run, tell(work_as, ApprovalEvent.APPROVED, task_id))
    order = order_of(work_as, task_id)
    assert (order.state, order.deliverable["text"]) == ("delivered", "另一稿")


def test_approval_when_another_one_decides_then_the_order_keeps_its_own(work_as: Callable, task_id: str, run: JobRun) -> None:
    follow_approval(run, tell(work_as, ApprovalEvent.SUBMITTED, task_id))
    follow_approval(run, tell(work_as, ApprovalEvent.REJECTED, task_id, approval_id="q" * 26))
    assert order_of(work_as, task_id).state == "delivered"


def test_approval_when_about_no_order_then_ignored(work_as: Callable, task_id: str, run: JobRun) -> None:
    follow_approval(run, tell(work_as, ApprovalEvent.SUBMITTED, None))
    assert order_of(work_as, task_id).state == "in_progress"


def test_orders_when_their_owner_leaves_the_line_then_wait_for_another(
    work_as: Callable, story: Story, task_id: str, run_jobs: Callable
) -> None:
    with work_as("林悦") as work:
        remove_line_member(work, story.line_id, story.id_of("苏航"))
    run_jobs()
    assert order_of(work_as, task_id).owner_id is None
    with work_as("林悦", writes=False) as work:
        released = work.session.scalars(select(Event).where(Event.kind == str(TaskEvent.RELEASED))).one()
        assert released.facts["owner"] == "苏航"
