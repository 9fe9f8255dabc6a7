"""What lies at a path of the network folder. The libraries are its top folders; whatever may not be seen is not there."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select

from sync.core.paths import name_key
from sync.library.assets.access import find_shown, path_of
from sync.library.assets.models import Node
from sync.library.content.access import stored_bytes
from sync.library.grants.access import children_shown, right_to
from sync.library.libraries.access import OpenLibrary, visible_libraries
from workspace.errors import NotFound
from workspace.work import Work

DEEPEST = 200


@dataclass(frozen=True)
class Top:
    """The folder of one library. name: unlike those of the other libraries that the reader sees."""

    found: OpenLibrary
    name: str


@dataclass(frozen=True)
class Place:
    """A file or folder. path: ``/library/folder/file`` as the reader sees it. ref: the ids of the same, which no rename changes."""

    top: Top
    node: Node
    path: str
    ref: str


def tops(work: Work) -> list[Top]:
    """The libraries that the reader sees. Those of the same name carry the end of their id."""
    opened = visible_libraries(work)
    count = Counter(name_key(_plain(found)) for found in opened)
    return [Top(found, _plain(found) if count[name_key(_plain(found))] == 1 else _told_apart(found)) for found in opened]


def top_places(work: Work) -> list[Place]:
    """The same as places."""
    found = [_place(work, top, [top.found.library.root_id]) for top in tops(work)]
    return [place for place in found if place is not None]


def find_place(work: Work, path: str) -> Place | None:
    """What is at ``/library/folder/file``, None when there is nothing that the reader may see."""
    steps = [step for step in path.split("/") if step]
    if not steps or len(steps) > DEEPEST:
        return None
    key = name_key(steps[0])
    top = next((top for top in tops(work) if name_key(top.name) == key), None)
    if top is None:
        return None
    ids = [top.found.library.root_id]
    for step in steps[1:]:
        query = select(Node.id).where(Node.parent_id == ids[-1], Node.name_key == name_key(step), Node.deleted_at.is_(None))
        found = work.session.scalar(query)
        if found is None:
            return None
        ids.append(found)
    return _place(work, top, ids)


def place_of(work: Work, ref: str) -> Place | None:
    """What a lock is on, None when it is gone or not to be seen."""
    library_id, *ids = ref.strip("/").split("/")
    top = next((top for top in tops(work) if top.found.library.id == library_id), None)
    return _place(work, top, [top.found.library.root_id, *ids]) if top is not None else None


def children_of(work: Work, folder: Place) -> list[Place]:
    """What is in a folder, by name."""
    view = folder.top.found.view
    shown = children_shown(view, folder.node.id, right_to(work, view, folder.node))
    query = select(Node).where(Node.parent_id == folder.node.id, Node.deleted_at.is_(None), shown).order_by(Node.name_key, Node.id)
    return [
        Place(folder.top, node, f"{folder.path}/{node.name}", f"{folder.ref}/{node.id}")
        for node in work.session.scalars(query)
    ]  # fmt: skip


def space_of(work: Work, top: Top) -> tuple[int, int | None]:
    """Bytes that a library occupies, and the most it may; None without a limit."""
    return stored_bytes(work, top.found.library.id), top.found.library.quota_bytes


def _place(work: Work, top: Top, ids: list[str]) -> Place | None:
    """ids: from the library's root down. What lies at the last of them, under the names that the folders have now."""
    try:
        node = find_shown(work, ids[-1])[0]
    except NotFound:
        return None
    if node.library_id != top.found.library.id:
        return None
    below = path_of(work, node)
    return Place(top, node, f"/{top.name}/{below}".rstrip("/"), "/".join(["", top.found.library.id, *ids[1:]]))


def _plain(found: OpenLibrary) -> str:
    return found.library.name.replace("/", "／").strip()


def _told_apart(found: OpenLibrary) -> str:
    return f"{_plain(found)} ({found.library.id[-4:]})"
