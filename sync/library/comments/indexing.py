"""Comments in the search index, each an entry of its own in the room of its asset."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Select, literal, select, update

from sync.library.assets.models import Node
from sync.library.comments.models import AssetComment
from sync.library.comments.rules import excerpt
from workspace.search.actions import Document, forget_document, index_documents
from workspace.search.models import SearchEntry
from workspace.work import Work


def url_of(comment: AssetComment) -> str:
    return f"/library/assets/{comment.asset_id}?version={comment.version}#comment-{comment.id}"


def index_comment(work: Work, comment: AssetComment, node: Node, *, room: str, library_name: str) -> None:
    index_documents(work, [_document(comment, node, room, library_name)])


def forget_comment(work: Work, comment_id: str) -> None:
    forget_document(work, f"comment:{comment_id}")


def index_comments_of(work: Work, nodes: Sequence[Node], *, rooms: Mapping[str, str], library_name: str) -> None:
    """After a change of these nodes: what is said of them is found under today's name, by who may see them now."""
    by_id = {node.id: node for node in nodes}
    comments = _comments_of(work, by_id)
    index_documents(work, [_document(each, by_id[each.asset_id], rooms[each.asset_id], library_name) for each in comments])


def forget_comments_of(work: Work, node_ids: Iterable[str]) -> None:
    for comment in _comments_of(work, node_ids):
        forget_comment(work, comment.id)


def move_comments(work: Work, node_ids: Select[str], room: str) -> None:
    """What is said of these nodes is found by those to whom this room is open, from now on."""
    subjects = select(literal("comment:") + AssetComment.id).where(AssetComment.asset_id.in_(node_ids))
    entries = update(SearchEntry).where(SearchEntry.subject.in_(subjects)).values(room=room)
    work.session.execute(entries.execution_options(synchronize_session=False))


def _comments_of(work: Work, node_ids: Iterable[str]) -> list[AssetComment]:
    query = select(AssetComment).where(AssetComment.asset_id.in_(list(node_ids)), AssetComment.deleted_at.is_(None))
    return list(work.session.scalars(query))


def _document(comment: AssetComment, node: Node, room: str, library_name: str) -> Document:
    note = f"{comment.author_name} · {node.name} · {library_name}"
    return Document(f"comment:{comment.id}", room, excerpt(comment.words), url_of(comment), note, comment.words)
