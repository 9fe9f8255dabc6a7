"""Task orders as JSON: the same reads and actions as the pages."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from main_lines.lines.access import get_line
from main_lines.lines.api import Done
from main_lines.plans.access import needs_of
from main_lines.plans.actions import edit_with_needs, set_needs
from main_lines.tasks import actions, queries
from main_lines.tasks.access import get_task
from main_lines.tasks.bodies import AssignBody, CheckBody, DeliverBody, MoveBody, TaskBody
from main_lines.tasks.deliverables import Lying, delivery_of, lying_with
from main_lines.tasks.queries import TaskRow
from main_lines.tasks.rules import Verb
from main_lines.tasks.verbs import move_task
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("tasks_api", __name__, api=True)


class TaskOut(BaseModel):
    """late_days: whole days past due while not handed in. due_from_d: whole days from D-day, negative before it."""

    id: str
    number: int
    title: str
    line_id: str
    line: str
    phase: str
    state: str
    blocked_reason: str
    due: date | None
    due_from_d: int | None
    late_days: int
    department: str
    owner_id: str | None
    owner: str
    city: str
    state_at: datetime


class TasksOut(BaseModel):
    tasks: list[TaskOut]


class PieceOut(BaseModel):
    """name: of the expected deliverable, or empty. newest: number of a later version of the asset, null when there is none."""

    id: str
    name: str
    kind: str
    words: str
    url: str
    digest: str
    newest: int | None
    at: datetime | None


class TaskFullOut(TaskOut):
    """signed: whether the requirements as they stand now are signed; signers: who is asked to. verbs: what the reader may do now.

    deliverable: what was handed in last; pieces: all that lies with the order, missing: names of the expected that nothing lies under.
    involved: ids of departments. needs: ids of the orders that it waits for. mark: see ``seen``.
    """

    requirements: str
    checklist: list[dict[str, object]]
    signed: bool
    signed_by: str
    signers: list[str]
    involved: list[str]
    expected: list[str]
    missing: list[str]
    pieces: list[PieceOut]
    needs: list[str]
    deliverable: dict[str, object]
    approval_id: str | None
    verbs: list[str]
    mark: str


class MyWorkOut(BaseModel):
    to_sign: list[TaskOut]
    to_accept: list[TaskOut]
    today: list[TaskOut]
    week: list[TaskOut]
    later: list[TaskOut]
    waiting_others: list[TaskOut]


@api.get("/tasks", needs=SIGNED_IN, returns=MyWorkOut)
def get_my_work(work: Work) -> MyWorkOut:
    """What wants something of me."""
    mine = queries.my_work(work)
    return MyWorkOut(**{name: [task_out(row) for row in getattr(mine, name)] for name in MyWorkOut.model_fields})


@api.get("/lines/<line_id>/tasks", needs=SIGNED_IN, returns=TasksOut)
def list_line_tasks(work: Work, line_id: str) -> TasksOut:
    """The orders of a line, by department and due day."""
    return TasksOut(tasks=[task_out(row) for row in queries.line_tasks(work, get_line(work, line_id))])


@api.post("/lines/<line_id>/tasks", needs=SIGNED_IN, body=TaskBody, returns=TaskFullOut)
def write_task(work: Work, line_id: str, body: TaskBody) -> tuple[TaskFullOut, int]:
    """Write an order as a draft."""
    order = actions.write_task(work, line_id, body.draft())
    set_needs(work, order.id, body.needs or [])
    return _full(work, order.id), 201


@api.get("/tasks/<task_id>", needs=SIGNED_IN, returns=TaskFullOut)
def get_one_task(work: Work, task_id: str) -> TaskFullOut:
    """One order in full."""
    return _full(work, task_id)


@api.route("/tasks/<task_id>", methods=("PUT",), needs=SIGNED_IN, body=TaskBody, returns=TaskFullOut)
def edit_task(work: Work, task_id: str, body: TaskBody) -> TaskFullOut:
    """Change what is written; new requirements of a signed order wait for a new signature."""
    edit_with_needs(work, task_id, body.draft(), needs=body.needs, seen=body.seen)
    return _full(work, task_id)


@api.post("/tasks/<task_id>/moves", needs=SIGNED_IN, body=MoveBody, returns=TaskFullOut)
def post_move(work: Work, task_id: str, body: MoveBody) -> TaskFullOut:
    """Submit, sign, decline, start, withdraw, accept, return, close, cancel, block or unblock."""
    move_task(work, task_id, Verb(body.verb), reason=body.reason, seen=body.seen)
    return _full(work, task_id)


@api.post("/tasks/<task_id>/deliver", needs=SIGNED_IN, body=DeliverBody, returns=TaskFullOut)
def deliver_task(work: Work, task_id: str, body: DeliverBody) -> TaskFullOut:
    """Hand in an asset version (pinned with its digest), a link, a text, or what lies with the order."""
    actions.deliver_task(work, task_id, delivery_of(body), name=body.name, note=body.note)
    return _full(work, task_id)


@api.post("/tasks/<task_id>/assign", needs=SIGNED_IN, body=AssignBody, returns=TaskFullOut)
def assign_task(work: Work, task_id: str, body: AssignBody) -> TaskFullOut:
    """Hand the order to a member of the line."""
    actions.assign_task(work, task_id, body.owner_id)
    return _full(work, task_id)


@api.post("/tasks/<task_id>/check", needs=SIGNED_IN, body=CheckBody, returns=Done)
def check_item(work: Work, task_id: str, body: CheckBody) -> Done:
    """Tick or untick a line of the checklist."""
    actions.check_item(work, task_id, body.index, done=body.done)
    return Done()


def task_out(row: TaskRow) -> TaskOut:
    return TaskOut(**_plain(row))


def _plain(row: TaskRow) -> dict[str, Any]:
    names = ("id", "number", "title", "line_id", "phase", "blocked_reason", "due", "due_from_d", "late_days", "owner_id", "state_at")
    plain = {name: getattr(row, name) for name in names}
    return plain | {
        "line": row.line_name, "state": row.state.value, "department": row.department_name, "owner": row.owner_name, "city": row.city_name,
    }  # fmt: skip


def _full(work: Work, task_id: str) -> TaskFullOut:
    work.session.flush()
    order = get_task(work, task_id)
    page = queries.task_page(work, order)
    lying = lying_with(work, order, page.pieces)
    return TaskFullOut(
        **_plain(page.row), requirements=page.requirements, checklist=page.checklist, signed=page.signed,
        signed_by=page.signer.name if page.signer else "", signers=[card.name for card in page.signers], involved=order.involved,
        expected=page.expected, missing=page.missing, pieces=[_piece(one) for one in lying],
        needs=needs_of(work, order.line_id).get(order.id, []), deliverable=page.deliverable, approval_id=page.approval_id,
        verbs=[verb.value for verb in page.verbs], mark=page.row.mark,
    )  # fmt: skip


def _piece(one: Lying) -> PieceOut:
    view = one.view
    return PieceOut(
        id=one.id, name=one.name, kind=view.kind, words=view.words, url=view.url, digest=view.digest, newest=view.newest, at=one.at
    )
