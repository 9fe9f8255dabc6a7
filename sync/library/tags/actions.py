"""Putting tags on files and taking them off, told to the bucket's log in the same transaction."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from sync.library.assets.indexing import index_nodes
from sync.library.assets.models import Node
from sync.library.assets.tree import Tree, lock_tree
from sync.library.grants.access import rooms_of_nodes
from sync.library.libraries.access import rooms_of_library
from sync.library.tags.models import AssetTag, TagEvent
from sync.library.tags.rules import TAG_LENGTH, TAGS_MOST, tag_key
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.work import Work

TAGS_A_NOTE = 500


def tag_nodes(work: Work, nodes: Sequence[Node], tags: Sequence[str]) -> int:
    """Put tags on files of one library, loaded with the right to edit. Returns how many files have one more; folders are passed over."""
    files = _files(nodes)
    _check(tags)
    tree = lock_tree(work, files[0].library_id)
    there = _there(work, files)
    added: dict[str, list[str]] = {}
    for node in files:
        has = there.get(node.id, {})
        new = [tag for tag in tags if tag_key(tag) not in has]
        if len(has) + len(new) > TAGS_MOST:
            raise _refusal(_("一个文件最多 %(n)s 个标签", n=TAGS_MOST))
        for tag in new:
            row = AssetTag(
                node_id=node.id, tag_key=tag_key(tag), library_id=node.library_id, tag=tag, by_name=work.actor.name, at=work.now
            )  # fmt: skip
            work.session.add(row)
        if new:
            added[node.id] = new
    _tell(work, tree, TagEvent.TAGGED, files, added)
    return len(added)


def untag_nodes(work: Work, nodes: Sequence[Node], tags: Sequence[str]) -> int:
    """Take tags off. Returns how many files have one less."""
    files = _files(nodes)
    _check(tags)
    tree = lock_tree(work, files[0].library_id)
    there, keys = _there(work, files), {tag_key(tag) for tag in tags}
    removed: dict[str, list[str]] = {}
    for node_id, has in there.items():
        rows = [row for key, row in has.items() if key in keys]
        for row in rows:
            work.session.delete(row)
        if rows:
            removed[node_id] = [row.tag for row in rows]
    _tell(work, tree, TagEvent.UNTAGGED, files, removed)
    return len(removed)


def _files(nodes: Iterable[Node]) -> list[Node]:
    files = [node for node in nodes if node.kind == "file"]
    if not files:
        raise _refusal(_("标签只能加在文件上"))
    return files


def _check(tags: Sequence[str]) -> None:
    if not tags:
        raise _refusal(_("请填写标签"))
    if any(len(tag) > TAG_LENGTH for tag in tags):
        raise _refusal(_("一个标签最多 %(n)s 个字", n=TAG_LENGTH))
    if len(tags) > TAGS_MOST:
        raise _refusal(_("一个文件最多 %(n)s 个标签", n=TAGS_MOST))


def _refusal(why: str) -> InvalidInput:
    return InvalidInput(_("标签没有修改"), why, fields={"tags": why})


def _there(work: Work, files: Sequence[Node]) -> dict[str, dict[str, AssetTag]]:
    found: dict[str, dict[str, AssetTag]] = {}
    for row in work.session.scalars(select(AssetTag).where(AssetTag.node_id.in_([node.id for node in files]))):
        found.setdefault(row.node_id, {})[row.tag_key] = row
    return found


def _tell(work: Work, tree: Tree, kind: TagEvent, files: Sequence[Node], changed: dict[str, list[str]]) -> None:
    nodes, library = [node for node in files if node.id in changed], tree.library
    if not nodes:
        return
    pairs = [[node_id, tag] for node_id, tags in changed.items() for tag in tags]
    for start in range(0, len(pairs), TAGS_A_NOTE):
        part = pairs[start : start + TAGS_A_NOTE]
        tree.tell(**({"tagged": part} if kind is TagEvent.TAGGED else {"untagged": part}))
    work.session.flush()
    rooms = rooms_of_nodes(work, library, nodes)
    for node in nodes:
        room = rooms[node.id]
        work.record(
            kind, subject=f"asset:{node.id}", rooms=rooms_of_library(library) if room == f"library:{library.id}" else [room],
            asset=node.name, asset_id=node.id, tags="、".join(changed[node.id]), library=library.name, library_id=library.id,
            parent_id=node.parent_id,
        )  # fmt: skip
    index_nodes(work, library, nodes, rooms)
