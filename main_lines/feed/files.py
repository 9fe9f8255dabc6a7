"""Which files somebody can attach to a post: those saved last in the line's library, or whatever they may see by a part of its name."""

from dataclasses import dataclass

from main_lines.tasks.deliverables import recent_versions
from sync.library.assets.access import library_of, visible_nodes
from workspace.errors import NotFound
from workspace.search.queries import find
from workspace.work import Work

OFFERED = 12


@dataclass(frozen=True)
class OfferedFile:
    """A file's newest version. where: the library, or who saved it last."""

    asset_id: str
    version: int
    name: str
    where: str


def files_to_attach(work: Work, library_id: str | None, words: str) -> list[OfferedFile]:
    """The reader's own rights decide, in whatever library. The caller has loaded the line that library_id belongs to."""
    if words.strip():
        found = [thing.subject.partition(":")[2] for thing in find(work, words, limit=OFFERED * 2, kinds=("asset",))]
        nodes = [node for node in visible_nodes(work, found) if node.kind == "file" and node.deleted_at is None]
        return [OfferedFile(node.id, node.version, node.name, library_of(work, node).name) for node in nodes[:OFFERED]]
    try:
        recent = recent_versions(work, library_id)
    except NotFound:  # The line's library was closed to this member.
        return []
    return [OfferedFile(one.asset_id, one.version, one.name, one.author) for one in recent[:OFFERED]]
