"""What follows for task orders: an approval that carries a deliverable, a member who leaves; and who is told of what."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from main_lines.approvals.models import ApprovalEvent
from main_lines.lines.access import director_ids, line_member_ids
from main_lines.lines.models import LineEvent
from main_lines.tasks.access import asked_to_sign, held_by, workers_of, works_on
from main_lines.tasks.actions import accept, give_back, hand_in, release_tasks_of, take_back
from main_lines.tasks.models import TaskEvent, TaskOrder
from main_lines.tasks.pieces import PINNED, file_for_approval
from main_lines.tasks.rules import Move, Standing, State, Verb, decide
from workspace.events.kinds import N_
from workspace.events.models import Event
from workspace.jobs.registry import reacts_to
from workspace.jobs.worker import JobRun
from workspace.notices.actions import send_notices
from workspace.people.models import Member
from workspace.phrases import in_source, phrase
from workspace.work import Work

ANYBODY = Standing(directs=True, wrote=True, works=True, signs=True)


@reacts_to(
    ApprovalEvent.SUBMITTED, ApprovalEvent.APPROVED, ApprovalEvent.REJECTED, ApprovalEvent.RETURNED, ApprovalEvent.RECALLED,
    name="main_lines.task_follows_approval",
)  # fmt: skip
def follow_approval(run: JobRun, seq: int) -> None:
    """Move the task order that an approval is about.

    Jobs may repeat and overtake each other, so this applies every event of the approval that is newer than the order's
    approval_seq, up to this one, in order. One that no longer fits (the order was cancelled meanwhile) changes nothing.
    """
    event = run.event(seq)
    task_id = event.facts.get("task_id")
    if not task_id:
        return
    with run.open_work() as work:
        order = work.session.get(TaskOrder, task_id, with_for_update=True)
        if order is None:
            return
        for missed in _events_of(work, event.subject, after=order.approval_seq, until=seq):
            _FOLLOW[missed.kind](work, order, missed)


def _events_of(work: Work, subject: str, *, after: int, until: int) -> list[Event]:
    query = select(Event).where(Event.subject == subject, Event.kind.in_(_FOLLOW), Event.seq > after, Event.seq <= until)
    return list(work.session.scalars(query.order_by(Event.seq)))


@reacts_to(LineEvent.MEMBER_REMOVED, name="main_lines.tasks_follow_member")
def release_tasks(run: JobRun, seq: int) -> None:
    """Open orders of a member who left the line wait for a new owner."""
    event = run.event(seq)
    with run.open_work() as work:
        release_tasks_of(work, event.facts["line_id"], event.facts["member_id"], name=event.facts["member"])


# Who hears of what: by what they are to the order. The first name is whom it asks to act, the rest are only told.
_HEARS: dict[TaskEvent, tuple[str, ...]] = {
    TaskEvent.SUBMITTED: ("signers",),
    TaskEvent.EDITED: ("signers", "directors", "owner", "involved"),
    TaskEvent.SIGNED: ("owner", "involved"),
    TaskEvent.DECLINED: ("writer", "owner"),
    TaskEvent.ASSIGNED: ("owner",),
    TaskEvent.DELIVERED: ("directors", "involved"),
    TaskEvent.RETURNED: ("owner",),
    TaskEvent.ACCEPTED: ("", "owner", "involved"),
    TaskEvent.CANCELLED: ("", "owner", "involved"),
    TaskEvent.BLOCKED: ("directors", "involved"),
    TaskEvent.RELEASED: ("directors",),
    TaskEvent.REMINDED: ("holders",),
}


@reacts_to(*_HEARS, name="main_lines.task_notices")
def tell_people(run: JobRun, seq: int) -> None:
    """Who has to act on an order is told, as far as they are in the line now; an order without an owner asks its department."""
    event = run.event(seq)
    with run.open_work() as work:
        order = work.session.get(TaskOrder, event.facts["task_id"])
        if order is None or (event.kind == TaskEvent.DELIVERED and order.approval_id):
            return  # An approval asks its own holders.
        if event.kind == TaskEvent.EDITED and event.facts["state"] == State.DRAFT:
            return  # Who writes a draft is not finished yet.
        inside = set(line_member_ids(work, order.line_id)) - {event.actor_id}
        asks, *told = next(hears for kind, hears in _HEARS.items() if str(kind) == event.kind)
        stands = order.state == event.facts["state"]  # Else somebody was quicker, and a later event asks whose turn it is.
        if event.kind == TaskEvent.EDITED:
            stands = stands and event.facts["sign_again"]  # A new due day or owner asks nobody to sign.
        asked = _are(work, order, asks) & inside if stands else set()
        everybody = asked.union(*(_are(work, order, name) for name in told)) & inside
        send_notices(work, event, sorted(everybody), url=f"/tasks/{order.id}", asking=asked)


def _are(work: Work, order: TaskOrder, name: str) -> set[str]:
    match name:
        case "directors":
            return set(director_ids(work, order.line_id))
        case "signers":
            return set(asked_to_sign(work, order))
        case "involved":
            return set(work.session.scalars(select(Member.id).where(Member.department_id.in_(order.involved))))
        case "writer":
            return {order.written_by_id}
        case "owner":
            return workers_of(work, order)
        case "holders":
            return held_by(work, order)
    return set()


def _submitted(work: Work, order: TaskOrder, event: Event) -> None:
    """Hand in what the approval is about. Others in the line may ask for an approval too, but deliver nothing by it."""
    if not (works_on(work, order, event.actor_id) and _fits(order, Verb.DELIVER)):
        return
    order.approval_seq, content = event.seq, _deliverable(event.facts)
    name = file_for_approval(work, order, content, by=event.actor_name, by_id=event.actor_id)
    if name is not None:
        order.approval_id = event.facts["approval_id"]
        hand_in(work, order, content, by=event.actor_name, name=name, by_id=event.actor_id)


def _approved(work: Work, order: TaskOrder, event: Event) -> None:
    if order.approval_id == event.facts["approval_id"] and _fits(order, Verb.ACCEPT):
        order.approval_seq = event.seq
        accept(work, order, by=event.actor_name)


def _given_back(work: Work, order: TaskOrder, event: Event) -> None:
    if order.approval_id == event.facts["approval_id"] and _fits(order, Verb.RETURN):
        order.approval_seq = event.seq
        reason = event.facts.get("comment") or phrase(N_("审批“%(title)s”未通过"), title=event.facts.get("title", ""))
        give_back(work, order, by=event.actor_name, reason=reason)


def _recalled(work: Work, order: TaskOrder, event: Event) -> None:
    if order.approval_id == event.facts["approval_id"] and _fits(order, Verb.WITHDRAW):
        order.approval_seq = event.seq
        take_back(work, order, by=event.actor_name)


_FOLLOW: dict[str, Callable[[Work, TaskOrder, Event], None]] = {
    str(ApprovalEvent.SUBMITTED): _submitted,
    str(ApprovalEvent.APPROVED): _approved,
    str(ApprovalEvent.REJECTED): _given_back,
    str(ApprovalEvent.RETURNED): _given_back,
    str(ApprovalEvent.RECALLED): _recalled,
}


def _fits(order: TaskOrder, verb: Verb) -> bool:
    return isinstance(decide(State(order.state), verb, ANYBODY, blocked=order.blocked_at is not None), Move)


def _deliverable(facts: dict[str, Any]) -> dict[str, Any]:
    """What the approval decides about: its pinned version, else the approval itself by its title."""
    pin = facts.get("pin")
    if not pin:
        words = phrase(N_("审批“%(title)s”"), title=facts.get("title", ""))
        return {"kind": "text", "text": in_source(words), "said": words}
    return {"kind": "asset", **{name: pin[name] for name in PINNED}}
