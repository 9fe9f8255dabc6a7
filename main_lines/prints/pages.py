"""Task orders and the plan of a main line on paper: A4, nothing but what belongs on it."""

from flask import render_template, request

from main_lines.lines.access import get_line
from main_lines.lines.queries import gates_of, line_head
from main_lines.lines.words import PHASES
from main_lines.plans.queries import plan_of, waits_of
from main_lines.prints.queries import record_of
from main_lines.tasks.access import get_task, line_of
from main_lines.tasks.deliverables import deliverable_view
from main_lines.tasks.glances import counts_of
from main_lines.tasks.queries import task_page
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

pages = Routes("prints", __name__)


@pages.get("/tasks/<task_id>/print", needs=SIGNED_IN)
def show_printed_task(work: Work, task_id: str) -> str:
    """The signed work order: what is asked, who signed it when, what came of it, and everything that happened."""
    order = get_task(work, task_id)
    page = task_page(work, order)
    return render_template(
        "prints/task.html", head=line_head(work, line_of(work, order)), task=page, row=page.row, record=record_of(work, order),
        delivered=deliverable_view(work, order.deliverable), waits=waits_of(work, order), phases=PHASES, revision=order.revision,
        at=work.now,
    )  # fmt: skip


@pages.get("/lines/<line_id>/plan/print", needs=SIGNED_IN)
def show_printed_plan(work: Work, line_id: str) -> str:
    """The plan of a line by department, against the baseline that ``baseline`` names."""
    line = get_line(work, line_id)
    plan = plan_of(work, line, baseline=request.args.get("baseline", ""))
    return render_template(
        "prints/plan.html", head=line_head(work, line), plan=plan, counts=counts_of([row.task for row in plan.rows]),
        gates=gates_of(work, line.id), phases=PHASES, at=work.now,
    )  # fmt: skip
