"""Which asset versions task orders need for ever: what they were delivered with, and what lies with them."""

from collections.abc import Iterator

from sqlalchemy import select

from main_lines.tasks.models import TaskDeliverable, TaskOrder
from workspace.work import Work


def held_by_tasks(work: Work, library_id: str) -> Iterator[tuple[str, int]]:
    """Asset and version number of every deliverable; of other libraries too, because a deliverable does not name its library."""
    query = select(TaskOrder.deliverable).where(TaskOrder.deliverable["kind"].as_string() == "asset")
    for deliverable in work.session.scalars(query):
        yield deliverable["asset_id"], deliverable["version"]
    for content in work.session.scalars(select(TaskDeliverable.content).where(TaskDeliverable.asset_id.is_not(None))):
        yield content["asset_id"], content["version"]
