"""Deliverables, the order of a checklist, orders in which one takes part, and many orders at once, as JSON."""

from pydantic import BaseModel

from main_lines.lines.access import get_line
from main_lines.lines.api import Done
from main_lines.tasks import actions, bulk, pieces, queries
from main_lines.tasks.api import TasksOut, task_out
from main_lines.tasks.bodies import BulkBody, DeliverBody, ItemPlaceBody
from main_lines.tasks.deliverables import delivery_of
from main_lines.tasks.reminding import remind_of_task
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("task_parts_api", __name__, api=True)


class OutcomeOut(BaseModel):
    """refused: why nothing was done to this order, empty when it was done."""

    id: str
    title: str
    refused: str


class OutcomesOut(BaseModel):
    done: int
    orders: list[OutcomeOut]


class RemindedOut(BaseModel):
    names: list[str]


def outcomes_out(outcomes: list[bulk.Outcome]) -> OutcomesOut:
    orders = [OutcomeOut(id=one.id, title=one.title, refused=one.refused) for one in outcomes]
    return OutcomesOut(done=bulk.done_of(outcomes), orders=orders)


@api.get("/tasks/involved", needs=SIGNED_IN, returns=TasksOut)
def list_involved(work: Work) -> TasksOut:
    """Orders of other departments in which the reader's takes part."""
    return TasksOut(tasks=[task_out(row) for row in queries.involved_tasks(work)])


@api.post("/tasks/<task_id>/pieces", needs=SIGNED_IN, body=DeliverBody, returns=Done)
def file_piece(work: Work, task_id: str, body: DeliverBody) -> Done:
    """Lay one deliverable with the order, without handing in."""
    pieces.file_piece(work, task_id, delivery_of(body), name=body.name)
    return Done()


@api.route("/tasks/<task_id>/pieces/<piece_id>", methods=("DELETE",), needs=SIGNED_IN, returns=Done)
def drop_piece(work: Work, task_id: str, piece_id: str) -> Done:
    """Take one out again, before it is handed in."""
    pieces.drop_piece(work, task_id, piece_id)
    return Done()


@api.post("/tasks/<task_id>/checklist", needs=SIGNED_IN, body=ItemPlaceBody, returns=Done)
def move_item(work: Work, task_id: str, body: ItemPlaceBody) -> Done:
    """Another order of the checklist; the signature holds."""
    actions.move_item(work, task_id, body.index, to=body.to)
    return Done()


@api.post("/tasks/<task_id>/remind", needs=SIGNED_IN, returns=RemindedOut)
def remind(work: Work, task_id: str) -> RemindedOut:
    """Ask whoever an open order waits for once more, at most once an hour."""
    return RemindedOut(names=remind_of_task(work, task_id))


@api.post("/lines/<line_id>/tasks/bulk", needs=SIGNED_IN, body=BulkBody, returns=OutcomesOut)
def do_to_many(work: Work, line_id: str, body: BulkBody) -> OutcomesOut:
    """Sign, assign or move many orders of a line; each is decided for itself."""
    line, marks = get_line(work, line_id), body.marks()
    bulk.of_line(work, line.id, marks)
    match body.act:
        case "sign":
            return outcomes_out(bulk.sign_tasks(work, marks))
        case "assign":
            return outcomes_out(bulk.assign_tasks(work, marks, owner_id=body.owner_id))
    return outcomes_out(bulk.shift_tasks(work, marks, days=body.days))
