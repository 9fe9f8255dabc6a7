"""Which asset versions store checklists need for ever: the photos that answer their items."""

from collections.abc import Iterator

from sqlalchemy import select

from main_lines.checks.models import StoreSheet
from main_lines.lines.models import MainLine
from workspace.work import Work


def held_by_checks(work: Work, library_id: str) -> Iterator[tuple[str, int]]:
    """Asset and version number of every photo; it lies in the library of its own main line."""
    query = select(StoreSheet.answers).join(MainLine, MainLine.id == StoreSheet.line_id).where(MainLine.library_id == library_id)
    for answers in work.session.scalars(query):
        for answer in answers.values():
            if isinstance(answer["value"], dict):
                yield answer["value"]["asset_id"], answer["value"]["version"]
