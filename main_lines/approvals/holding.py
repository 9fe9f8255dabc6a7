"""Which asset versions approvals need for ever: whatever was ever submitted stays readable, decided or not; and which were approved."""

from collections.abc import Iterator

from sqlalchemy import select

from main_lines.approvals.models import Approval, ApprovalForm
from main_lines.approvals.rules import RequestState
from workspace.work import Work


def held_by_approvals(work: Work, library_id: str) -> Iterator[tuple[str, int]]:
    """Asset and version number of every revision of every approval about an asset of the library."""
    query = select(ApprovalForm.pin).where(ApprovalForm.pin["library_id"].as_string() == library_id)
    for pin in work.session.scalars(query):
        if pin:
            yield pin["asset_id"], pin["version"]


def approved_versions(work: Work, library_id: str) -> Iterator[tuple[str, int]]:
    """Asset and version number of every approved request about an asset of the library."""
    query = select(Approval.pin).where(Approval.pin["library_id"].as_string() == library_id)
    for pin in work.session.scalars(query.where(Approval.state == RequestState.APPROVED.value)):
        if pin:
            yield pin["asset_id"], pin["version"]
