"""Loading comments: who may see an asset sees what is said of it; who may comment there says something. Also who else may see it."""

from collections.abc import Collection

from sqlalchemy import func, select

from sync.library.assets.access import get_asset, library_of
from sync.library.assets.models import Node
from sync.library.comments.models import AssetComment
from sync.library.grants.access import everyones_views, ways_above
from sync.library.libraries.access import rooms_of_node
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from workspace.errors import NotAllowed, NotFound
from workspace.i18n import _
from workspace.work import Work


def get_comment(work: Work, comment_id: str, to: Right = Right.SEE, *, lock: bool = False) -> tuple[AssetComment, Node]:
    """A comment with its asset; NotFound where the asset is not visible.

    lock: hold the library's row until the commit, as whoever changes anything in the library does.
    """
    comment = work.session.get(AssetComment, comment_id)
    if comment is None:
        raise _absent()
    try:
        node = get_asset(work, comment.asset_id, to=to)
    except NotFound as error:
        raise _absent() from error
    if lock:
        hold_library(work, node)
        work.session.refresh(comment)
    return comment, node


def hold_library(work: Work, node: Node) -> Library:
    """Comments of a library are written one at a time, so that numbers and limits hold (SQLite writers are alone anyway)."""
    return work.session.scalars(select(Library).where(Library.id == node.library_id).with_for_update()).one()


def may(work: Work, node: Node, right: Right) -> bool:
    """Whether the actor, who sees the asset, may also do this with it."""
    try:
        get_asset(work, node.id, to=right)
    except NotAllowed:
        return False
    return True


def readers_among(work: Work, node: Node, member_ids: Collection[str]) -> set[str]:
    """Those of these members who may see the asset."""
    if not member_ids:
        return set()
    parents = ways_above(work, [node])
    views = everyones_views(work, library_of(work, node))
    return {one for one in member_ids if one in views and views[one].right_at(node.id, parents) >= Right.SEE}


def rooms_of_asset(work: Work, node: Node) -> list[str]:
    """Where what happens to the asset is heard; the first is the room of those who may see it."""
    return rooms_of_node(work, library_of(work, node), node)


def thread_people(work: Work, thread_id: str) -> set[str]:
    """Whoever wrote in a thread or was mentioned there, and what was deleted does not count."""
    query = select(AssetComment.author_id, AssetComment.mentions).where(
        AssetComment.thread_id == thread_id, AssetComment.deleted_at.is_(None)
    )
    found: set[str] = set()
    for author_id, mentions in work.session.execute(query):
        found |= {author_id, *(each["id"] for each in mentions)}
    return found


def open_threads(work: Work, asset_id: str) -> int:
    query = select(func.count()).select_from(AssetComment).where(AssetComment.asset_id == asset_id, AssetComment.number.is_not(None))
    return int(work.session.scalar(query.where(AssetComment.resolved_at.is_(None), AssetComment.deleted_at.is_(None))) or 0)


def _absent() -> NotFound:
    return NotFound(_("没有找到这条批注"), _("它可能已被删除，或您没有查看的权限。"))
