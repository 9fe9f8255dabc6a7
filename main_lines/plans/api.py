"""The plan of a main line as JSON."""

from datetime import date, datetime

from flask import request
from pydantic import BaseModel

from main_lines.lines.access import get_line
from main_lines.lines.api import Created, Done
from main_lines.plans import actions
from main_lines.plans.bodies import BaselineBody, MilestoneBody, NeedBody, PlaceBody
from main_lines.plans.queries import PlanRow, plan_of
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("plans_api", __name__, api=True)


class BaselineOut(BaseModel):
    """key: to be named in ``baseline``."""

    key: str
    name: str
    at: datetime


class PlanOrderOut(BaseModel):
    """start to due, both included. ready: the forecast, null once handed in; slack: days left before something becomes late.

    due_then, slip: against the baseline, slip in days, positive for later; both null for an order that is new since.
    """

    id: str
    number: int
    title: str
    state: str
    department: str
    owner: str
    start: date | None
    due: date | None
    days: int
    needs: list[str]
    ready: date | None
    slack: int | None
    critical: bool
    due_then: date | None
    slip: int | None


class PlanOut(BaseModel):
    """critical: ids of the chain that decides the end, first one first; ends: the day on which its last order can be ready."""

    orders: list[PlanOrderOut]
    critical: list[str]
    ends: date | None
    late_by: int
    baseline: str
    baselines: list[BaselineOut]


@api.get("/lines/<line_id>/plan", needs=SIGNED_IN, returns=PlanOut)
def get_plan(work: Work, line_id: str) -> PlanOut:
    """The orders in time; ``baseline`` names what to compare with, else the newest one."""
    plan = plan_of(work, get_line(work, line_id), baseline=request.args.get("baseline", ""))
    return PlanOut(
        orders=[order_out(row) for row in plan.rows], critical=[row.task.id for row in plan.critical], ends=plan.ends, late_by=plan.late_by,
        baseline=plan.baseline.key, baselines=[BaselineOut(key=row.key, name=row.name, at=row.at) for row in plan.baselines],
    )  # fmt: skip


@api.post("/tasks/<task_id>/needs", needs=SIGNED_IN, body=NeedBody, returns=Done)
def add_need(work: Work, task_id: str, body: NeedBody) -> Done:
    """Let the order wait for another; 409 with the circle named when that one waits for it."""
    actions.add_need(work, task_id, body.needs_id)
    return Done()


@api.route("/tasks/<task_id>/needs/<needs_id>", methods=("DELETE",), needs=SIGNED_IN, returns=Done)
def drop_need(work: Work, task_id: str, needs_id: str) -> Done:
    """The order no longer waits for the other."""
    actions.drop_need(work, task_id, needs_id)
    return Done()


@api.post("/tasks/<task_id>/place", needs=SIGNED_IN, body=PlaceBody, returns=Done)
def move_order(work: Work, task_id: str, body: PlaceBody) -> Done:
    """Move the order in time."""
    actions.move_order(work, task_id, due=body.due, days=body.days, seen=body.seen)
    return Done()


@api.post("/lines/<line_id>/baselines", needs=SIGNED_IN, body=BaselineBody, returns=Created)
def keep_baseline(work: Work, line_id: str, body: BaselineBody) -> tuple[Created, int]:
    """Keep the plan as it stands under a name; director only."""
    return Created(id=actions.keep_baseline(work, line_id, name=body.name).id), 201


@api.route("/baselines/<baseline_id>", methods=("DELETE",), needs=SIGNED_IN, returns=Done)
def drop_baseline(work: Work, baseline_id: str) -> Done:
    """Forget a baseline that was kept by hand; director only."""
    actions.drop_baseline(work, baseline_id)
    return Done()


@api.post("/lines/<line_id>/milestones", needs=SIGNED_IN, body=MilestoneBody, returns=Created)
def set_milestone(work: Work, line_id: str, body: MilestoneBody) -> tuple[Created, int]:
    """Set a day that everybody looks at; director only."""
    return Created(id=actions.set_milestone(work, line_id, name=body.name, day=body.day).id), 201


@api.route("/milestones/<milestone_id>", methods=("DELETE",), needs=SIGNED_IN, returns=Done)
def drop_milestone(work: Work, milestone_id: str) -> Done:
    """Forget a milestone; director only."""
    actions.drop_milestone(work, milestone_id)
    return Done()


def order_out(row: PlanRow) -> PlanOrderOut:
    task, said = row.task, row.forecast
    return PlanOrderOut(
        id=task.id, number=task.number, title=task.title, state=task.state.value, department=task.department_name, owner=task.owner_name,
        start=row.start, due=task.due, days=row.days, needs=[need.id for need in row.needs], ready=said.ready if said else None,
        slack=said.slack if said else None, critical=row.critical, due_then=row.due_then, slip=row.slip,
    )  # fmt: skip
