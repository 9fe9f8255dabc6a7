"""Work on many task orders that nobody waits for."""

from sqlalchemy import select

from main_lines.tasks.actions import document_of
from main_lines.tasks.models import TaskOrder
from workspace.jobs.registry import job
from workspace.jobs.worker import JobRun
from workspace.search.actions import index_documents

BATCH = 200


@job("main_lines.index_orders", lease_s=600)
def index_orders(run: JobRun) -> None:
    """Every order is found by all that is written in it now; put into the table by a migration after which more of it counts."""
    last = ""
    while True:
        with run.open_work() as work:
            query = select(TaskOrder).where(TaskOrder.id > last).order_by(TaskOrder.id).limit(BATCH)
            orders = list(work.session.scalars(query))
            if not orders:
                return
            index_documents(work, [document_of(work, order) for order in orders])
            last = orders[-1].id
