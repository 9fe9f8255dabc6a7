"""Offering an order to another department or person, and answering."""

from typing import Any

from main_lines.handovers.access import get_handover, holder_standing, offers_to, open_handover, receivers, standing_of
from main_lines.handovers.models import NOTE_LENGTH, Handover, HandoverEvent
from main_lines.handovers.rules import State, Verb, Why, decide_answer, decide_offer
from main_lines.handovers.words import REFUSALS
from main_lines.lines.access import require_members
from main_lines.tasks.access import get_task
from main_lines.tasks.models import TaskOrder
from main_lines.tasks.record import check_rate, reason_given, record
from main_lines.tasks.rules import State as OrderState
from workspace.db import new_id
from workspace.errors import Conflict, InvalidInput, NotAllowed
from workspace.i18n import _
from workspace.notices.actions import read_about
from workspace.people.access import get_department, get_member
from workspace.work import Work


def offer_order(work: Work, task_id: str, *, note: str, department_id: str = "", member_id: str | None = None) -> Handover:
    """Offer the order, with what the receiver has to know. Until they accept, it stays where it is.

    member_id: to this member, whose department takes it along; None: to the department, to whoever of it accepts first.
    """
    order = get_task(work, task_id, lock=True)
    member = get_member(work, member_id) if member_id else None
    if member is not None:
        require_members(work, order.line_id, [member.id])
    to_department = get_department(work, member.department_id if member else department_id)
    to_itself = member.id == order.owner_id if member else to_department.id == order.department_id
    already = open_handover(work, order.id) is not None
    refused = decide_offer(OrderState(order.state), holder_standing(work, order), offered_already=already, to_itself=to_itself)
    if refused is not None:
        raise _refusal(refused)
    words = _note(note)
    check_rate(work, order, HandoverEvent.OFFERED)
    if not receivers(work, order.line_id, to_department.id, member.id if member else None):
        title = _("%(department)s还没有人在主线中", department=to_department.name)
        raise InvalidInput(title, _("请先将其加入主线。"), fields={"department_id": title})
    handover = Handover(
        id=new_id(), task_id=order.id, line_id=order.line_id, from_department_id=order.department_id, from_id=order.owner_id,
        to_department_id=to_department.id, to_id=member.id if member else None, note=words, offered_by_id=work.actor.member_id,
        offered_at=work.now, state=State.OFFERED.value, answer="",
    )  # fmt: skip
    work.session.add(handover)
    _record(work, HandoverEvent.OFFERED, order, handover, to=member.name if member else to_department.name, note=words)
    return handover


def answer_handover(work: Work, handover_id: str, verb: Verb, *, reason: str = "") -> Handover:
    """Accept it: the order is the actor's and their department's. Decline it, with a reason. Or take the offer back."""
    handover = get_handover(work, handover_id)
    order = get_task(work, handover.task_id, lock=True)
    decision = decide_answer(State(handover.state), verb, standing_of(work, handover, order), OrderState(order.state))
    if isinstance(decision, Why):
        raise _refusal(decision)
    words = reason_given(reason) if verb is Verb.DECLINE else ""
    handover.state, handover.answer = decision.value, words
    handover.answered_by_id, handover.answered_at = work.actor.member_id, work.now
    read_about(work, f"/tasks/{order.id}")
    match verb:
        case Verb.ACCEPT:
            require_members(work, order.line_id, [str(work.actor.member_id)])
            order.owner_id, order.department_id = work.actor.member_id, handover.to_department_id
            _record(work, HandoverEvent.TAKEN, order, handover, plan=order.plan)
        case Verb.DECLINE:
            _record(work, HandoverEvent.REFUSED, order, handover, reason=words)
        case Verb.WITHDRAW:
            _record(work, HandoverEvent.RECALLED, order, handover)
    return handover


def recall_offers_to(work: Work, line_id: str, member_id: str) -> int:
    """Take back what was offered to somebody who left the line: nobody could answer, and nobody else could be asked. Returns how many."""
    offers = offers_to(work, line_id, member_id)
    for found in offers:
        handover = get_handover(work, found.id)
        if handover.state != State.OFFERED.value:
            continue
        handover.state, handover.answered_at = State.WITHDRAWN.value, work.now
        _record(work, HandoverEvent.RECALLED, get_task(work, handover.task_id), handover)
    return len(offers)


def _note(text: str) -> str:
    if not text.strip():
        raise InvalidInput(_("请写明移交的事项"), fields={"note": _("对方需要知道什么？做到哪一步、还差什么")})
    if len(text.strip()) > NOTE_LENGTH:
        raise InvalidInput(_("内容太长"), fields={"note": _("最多 %(n)s 个字", n=NOTE_LENGTH)})
    return text.strip()


def _refusal(why: Why) -> NotAllowed | Conflict:
    title, message = REFUSALS[why]
    return NotAllowed(title, message) if why is Why.NOT_YOURS else Conflict(title, message, code=f"handover_{why.value}")


def _record(work: Work, kind: HandoverEvent, order: TaskOrder, handover: Handover, **facts: Any) -> None:
    record(work, kind, order, handover_id=handover.id, **facts)
