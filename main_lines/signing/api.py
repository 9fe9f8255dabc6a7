"""Signatures as JSON."""

from collections.abc import Sequence

from pydantic import BaseModel

from main_lines.lines.access import get_line
from main_lines.lines.actions import name_signers
from main_lines.lines.api import Done
from main_lines.signing.bodies import SignersBody
from main_lines.signing.queries import signers_of_line, waiting_for_me
from main_lines.signing.rules import Change, changes_since
from main_lines.tasks.access import get_task
from main_lines.tasks.api import TaskOut, task_out
from main_lines.tasks.bodies import ChosenBody
from main_lines.tasks.bulk import sign_tasks
from main_lines.tasks.part_api import OutcomesOut, outcomes_out
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("signing_api", __name__, api=True)


class ChangeOut(BaseModel):
    """field: title, requirements, checklist or expected. lines: each with "+" or "-" or nothing in front of a blank."""

    field: str
    lines: list[str]


class ChangesOut(BaseModel):
    changes: list[ChangeOut]


class ToSignOut(BaseModel):
    """mark: to be sent back behind the id and a colon. again: it was signed before; changes: since then."""

    order: TaskOut
    mark: str
    again: bool
    changes: list[ChangeOut]


class ToSignListOut(BaseModel):
    orders: list[ToSignOut]


class SignerOut(BaseModel):
    """mark: see ``seen``."""

    department_id: str
    members: list[str]
    mark: str


class SignersOut(BaseModel):
    """An empty department_id stands for the whole line; where nobody is named, the director signs."""

    signers: list[SignerOut]


@api.get("/tasks/to-sign", needs=SIGNED_IN, returns=ToSignListOut)
def list_to_sign(work: Work) -> ToSignListOut:
    """What waits for the reader's signature, the oldest first."""
    found = [
        ToSignOut(order=task_out(one.row), mark=one.row.mark, again=one.again, changes=_changes(one.changes))
        for one in waiting_for_me(work)
    ]
    return ToSignListOut(orders=found)


@api.post("/tasks/sign", needs=SIGNED_IN, body=ChosenBody, returns=OutcomesOut)
def sign_many(work: Work, body: ChosenBody) -> OutcomesOut:
    """Sign many orders, each only as it was seen."""
    return outcomes_out(sign_tasks(work, body.marks()))


@api.get("/tasks/<task_id>/changes", needs=SIGNED_IN, returns=ChangesOut)
def get_changes(work: Work, task_id: str) -> ChangesOut:
    """What has changed in an order since it was signed last."""
    order = get_task(work, task_id)
    return ChangesOut(changes=_changes(changes_since(order.signed_as, order.asked)))


@api.get("/lines/<line_id>/signers", needs=SIGNED_IN, returns=SignersOut)
def get_signers(work: Work, line_id: str) -> SignersOut:
    """Who signs in the director's place."""
    rows = signers_of_line(work, get_line(work, line_id))
    found = [SignerOut(department_id=row.department_id, members=[card.id for card in row.people], mark=row.mark) for row in rows]
    return SignersOut(signers=found)


@api.route("/lines/<line_id>/signers", methods=("PUT",), needs=SIGNED_IN, body=SignersBody, returns=Done)
def put_signers(work: Work, line_id: str, body: SignersBody) -> Done:
    """Name who signs in the director's place; director only."""
    name_signers(work, line_id, department_id=body.department_id, member_ids=body.members, seen=body.seen)
    return Done()


def _changes(changes: Sequence[Change]) -> list[ChangeOut]:
    return [ChangeOut(field=one.field, lines=[f"{line.sign} {line.text}" for line in one.lines]) for one in changes]
