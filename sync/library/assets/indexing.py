"""Files and folders in the search index: by name, by library, by their tags and what their kept versions are called."""

from collections.abc import Mapping, Sequence

from sync.library.assets.models import Node
from sync.library.libraries.models import Library
from sync.library.retention.access import labels_of
from sync.library.tags.access import tags_of
from workspace.search.actions import Document, index_documents
from workspace.work import Work


def index_nodes(work: Work, library: Library, nodes: Sequence[Node], rooms: Mapping[str, str]) -> None:
    """Make live nodes findable as they are now. rooms: of each of them."""
    node_ids = [node.id for node in nodes]
    tags, labels = tags_of(work, node_ids), labels_of(work, node_ids)
    marks = {node_id: list(dict.fromkeys((*tags.get(node_id, ()), *labels.get(node_id, ())))) for node_id in node_ids}
    index_documents(work, [_document(library, rooms[node.id], node, marks[node.id]) for node in nodes])


def _document(library: Library, room: str, node: Node, marks: Sequence[str]) -> Document:
    url = f"/library/{'assets' if node.kind == 'file' else 'folders'}/{node.id}"
    return Document(f"asset:{node.id}", room, node.name, url, " · ".join((library.name, *marks)), "")
