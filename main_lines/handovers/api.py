"""Handovers as JSON."""

from datetime import datetime

from pydantic import BaseModel

from main_lines.handovers.actions import answer_handover, offer_order
from main_lines.handovers.bodies import AnswerBody, OfferBody
from main_lines.handovers.queries import HandoverRow, handovers_of_order, waiting_for_me
from main_lines.handovers.rules import Verb
from main_lines.lines.api import Created, Done
from main_lines.tasks.access import get_task
from main_lines.tasks.api import TaskOut, task_out
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("handovers_api", __name__, api=True)


class HandoverOut(BaseModel):
    """giver, receiver: names of a member, else of a department. state: offered, accepted, declined or withdrawn."""

    id: str
    giver: str
    receiver: str
    offered_at: datetime
    note: str
    state: str
    answer: str
    answered_by: str
    answered_at: datetime | None
    verbs: list[str]


class HandoversOut(BaseModel):
    handovers: list[HandoverOut]


class OfferedOut(BaseModel):
    order: TaskOut
    handover: HandoverOut


class OfferedListOut(BaseModel):
    offered: list[OfferedOut]


@api.get("/handovers", needs=SIGNED_IN, returns=OfferedListOut)
def list_offered(work: Work) -> OfferedListOut:
    """Orders that somebody wants the reader to take over, the oldest first."""
    return OfferedListOut(offered=[OfferedOut(order=task_out(one.order), handover=_out(one.handover)) for one in waiting_for_me(work)])


@api.get("/tasks/<task_id>/handovers", needs=SIGNED_IN, returns=HandoversOut)
def list_handovers(work: Work, task_id: str) -> HandoversOut:
    """Of one order, the newest first."""
    return HandoversOut(handovers=[_out(row) for row in handovers_of_order(work, get_task(work, task_id)).rows])


@api.post("/tasks/<task_id>/handovers", needs=SIGNED_IN, body=OfferBody, returns=Created)
def offer(work: Work, task_id: str, body: OfferBody) -> tuple[Created, int]:
    """Offer the order; it stays where it is until the receiver accepts."""
    department_id, member_id = body.target()
    return Created(id=offer_order(work, task_id, note=body.note, department_id=department_id, member_id=member_id).id), 201


@api.post("/handovers/<handover_id>", needs=SIGNED_IN, body=AnswerBody, returns=Done)
def answer(work: Work, handover_id: str, body: AnswerBody) -> Done:
    """Accept, decline with a reason, or take back."""
    answer_handover(work, handover_id, Verb(body.verb), reason=body.reason)
    return Done()


def _out(row: HandoverRow) -> HandoverOut:
    return HandoverOut(
        id=row.id, giver=row.giver, receiver=row.receiver, offered_at=row.offered_at, note=row.note, state=row.state.value,
        answer=row.answer, answered_by=row.answered_by, answered_at=row.answered_at, verbs=[verb.value for verb in row.verbs],
    )  # fmt: skip
