"""Files and folders in the search index: by name, by library, by their tags."""

from collections.abc import Mapping, Sequence

from sync.library.assets.models import Node
from sync.library.libraries.models import Library
from sync.library.tags.access import tags_of
from workspace.search.actions import Document, index_documents
from workspace.work import Work


def index_nodes(work: Work, library: Library, nodes: Sequence[Node], rooms: Mapping[str, str]) -> None:
    """Make live nodes findable as they are now. rooms: of each of them."""
    tags = tags_of(work, [node.id for node in nodes])
    index_documents(work, [_document(library, rooms[node.id], node, tags.get(node.id, [])) for node in nodes])


def _document(library: Library, room: str, node: Node, tags: Sequence[str]) -> Document:
    url = f"/library/{'assets' if node.kind == 'file' else 'folders'}/{node.id}"
    return Document(f"asset:{node.id}", room, node.name, url, " · ".join((library.name, *tags)), "")
