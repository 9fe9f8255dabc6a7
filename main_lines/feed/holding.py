"""Which asset versions posts need: what was attached to one that stands."""

from collections.abc import Iterator

from sqlalchemy import select

from main_lines.feed.models import ProgressPost
from workspace.work import Work


def held_by_posts(work: Work, library_id: str) -> Iterator[tuple[str, int]]:
    """Asset and version number of every attached file; of other libraries too, because a post does not name them."""
    for files in work.session.scalars(select(ProgressPost.files).where(ProgressPost.withdrawn_at.is_(None))):
        for one in files:
            yield one["asset_id"], one["version"]
