"""Which versions comments need: a remark about a point of a picture means nothing once the picture is gone."""

from collections.abc import Iterator

from sqlalchemy import select

from sync.library.assets.models import Node
from sync.library.comments.models import AssetComment
from workspace.work import Work


def held_by_comments(work: Work, library_id: str) -> Iterator[tuple[str, int]]:
    """Asset and version number of whatever has a comment that was not taken back. Of what has left the trash, nothing."""
    query = select(AssetComment.asset_id, AssetComment.version).join(Node, Node.id == AssetComment.asset_id).distinct()
    here = (Node.library_id == library_id, Node.purged_at.is_(None), AssetComment.deleted_at.is_(None))
    for row in work.session.execute(query.where(*here)):
        yield row.asset_id, row.version
