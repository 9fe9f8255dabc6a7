"""What a download of many files holds: everything that the actor may see of a folder or of a selection in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from sync.library.assets.access import get_node, library_of
from sync.library.assets.models import Node
from sync.library.zips.rules import DEPTH_MOST, FILES_MOST, Entry
from workspace.errors import NotFound
from workspace.work import Work

_BATCH = 500


@dataclass(frozen=True)
class ZipPlan:
    """name: of the zip, without its suffix."""

    name: str
    entries: list[Entry]


def plan_zip(work: Work, folder_id: str, chosen: Sequence[str] = ()) -> ZipPlan:
    """The newest versions in a folder and below, or of these nodes in it. Stops counting a little above the bounds of rules.py."""
    folder = get_node(work, folder_id)
    nodes = [get_node(work, node_id) for node_id in dict.fromkeys(chosen)]
    start = nodes or [folder]
    entries: list[Entry] = []
    level: list[tuple[Node, str]] = []
    for node in start:
        if node.kind == "file":
            entries.append(entry_of(node, node.name))
        else:
            level.append((node, "" if not nodes else f"{node.name}/"))
    depth = 0
    while level and len(entries) <= FILES_MOST and depth <= DEPTH_MOST + 1:
        level = _next_level(work, level, entries)
        depth += 1
    if depth > DEPTH_MOST + 1:
        entries.append(Entry("/" * (DEPTH_MOST + 1), folder.library_id, "", 0, work.now))
    name = (nodes[0].name if len(nodes) == 1 else folder.name) or library_of(work, folder).name
    return ZipPlan(name.rpartition(".")[0] or name if len(nodes) == 1 and nodes[0].kind == "file" else name, entries)


def _next_level(work: Work, level: Sequence[tuple[Node, str]], entries: list[Entry]) -> list[tuple[Node, str]]:
    below: list[tuple[Node, str]] = []
    paths = {folder.id: path for folder, path in level}
    ids = list(paths)
    for start in range(0, len(ids), _BATCH):
        query = select(Node).where(Node.parent_id.in_(ids[start : start + _BATCH]), Node.deleted_at.is_(None))
        for node in work.session.scalars(query.order_by(Node.name_key)):
            path = paths[str(node.parent_id)] + node.name
            if node.kind == "file":
                entries.append(entry_of(node, path))
            elif _may_see(work, node):
                below.append((node, path + "/"))
    return below


def _may_see(work: Work, folder: Node) -> bool:
    try:
        get_node(work, folder.id)
    except NotFound:
        return False
    return True


def entry_of(node: Node, path: str) -> Entry:
    return Entry(path, node.library_id, str(node.digest), node.size_bytes, node.modified_at)
