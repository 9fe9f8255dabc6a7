"""Loading assets, versions and their content: the library's rule decides, absent and forbidden answer alike."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, bindparam, select

from sync.library.assets.models import Node, Version
from sync.library.content.access import load_manifest
from sync.library.content.sending import VersionContent
from sync.library.grants.access import reachable, right_to, rights_of, shows, view_of
from sync.library.grants.rules import View
from sync.library.libraries.access import find_library
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from workspace.errors import NotAllowed, NotFound
from workspace.i18n import _
from workspace.work import Work

_OF_IDS = select(Node).where(Node.id.in_(bindparam("ids", expanding=True)))  # Made once.


@dataclass(frozen=True)
class AssetPin:
    """One version of one asset, as it was when it was pinned. path: from the library's root, without a leading slash."""

    asset_id: str
    library_id: str
    name: str
    path: str
    version: int
    digest: str
    size_bytes: int
    author: str
    at: datetime


def get_node(work: Work, node_id: str, to: Right = Right.SEE) -> Node:
    """A live file or folder of a library that the actor may see."""
    node = work.session.get(Node, node_id)
    if node is None or node.deleted_at is not None:
        raise _absent()
    _check(work, node, to)
    return node


def find_folder(work: Work, folder_id: str) -> tuple[Node, View, Right]:
    """A live folder with the actor's rights, for showing what they may see in it (grants.access.children_shown).

    The right is NONE where the folder only leads to one that they may see.
    """
    node, view, right = find_shown(work, folder_id)
    if node.kind != "folder":
        raise _absent()
    return node, view, right


def find_shown(work: Work, node_id: str) -> tuple[Node, View, Right]:
    """A live file or folder that is shown to the actor, see find_folder."""
    node = work.session.get(Node, node_id)
    view = view_of(work, node.library_id) if node is not None and node.deleted_at is None else None
    if node is None or view is None:
        raise _absent()
    right = right_to(work, view, node)
    if not shows(view, node.id, right):
        raise _absent()
    return node, view, right


def get_asset(work: Work, asset_id: str, to: Right = Right.SEE) -> Node:
    """A file, also one in the trash: its versions stay readable for who finds it by link."""
    node = work.session.get(Node, asset_id)
    if node is None or node.kind != "file" or node.purged_at is not None:
        raise _absent()
    _check(work, node, to)
    return node


def asset_right(work: Work, node: Node) -> Right:
    """What the actor may do with a node."""
    view = view_of(work, node.library_id)
    return right_to(work, view, node) if view is not None else Right.NONE


def visible_nodes(work: Work, node_ids: Sequence[str]) -> list[Node]:
    """Those of these nodes that the actor may see, live or in the trash, in the order given."""
    found = nodes_by_id(work, node_ids)
    seen: set[str] = set()
    for library_id in {node.library_id for node in found.values()}:
        view = view_of(work, library_id)
        inside = [node for node in found.values() if node.library_id == library_id]
        if view is not None:
            seen |= {node_id for node_id, right in rights_of(work, view, inside).items() if right >= Right.SEE}
    return [found[node_id] for node_id in node_ids if node_id in seen]


def get_trashed(work: Work, node_id: str, to: Right = Right.SEE) -> Node:
    """A file or folder in the trash; what lies in a deleted folder is in the trash through that folder."""
    node = work.session.get(Node, node_id)
    if node is None or node.deleted_at is None or node.purged_at is not None:
        raise _absent()
    _check(work, node, to)
    return node


def get_version(work: Work, asset_id: str, number: int) -> Version:
    get_asset(work, asset_id)
    return _version(work, asset_id, number)


def pin_of(work: Work, asset_id: str, number: int) -> AssetPin:
    """Pin exactly this version. The actor must be able to see it now; later the pin itself is enough (``content_of``).

    The version's row is held until the transaction ends, so that it is not thinned before others can see who pinned it.
    """
    node = get_asset(work, asset_id)
    version = _version(work, asset_id, number, held=True)
    return AssetPin(
        asset_id=node.id, library_id=node.library_id, name=version.name, path=path_of(work, node), version=number,
        digest=version.digest, size_bytes=version.size_bytes, author=version.author_name, at=version.at,
    )  # fmt: skip


def content_of(work: Work, asset_id: str, number: int) -> VersionContent:
    """The content of a version WITHOUT asking the library's rule: for callers that have checked access of their own.

    Somebody who holds an approval pinned to a version may see that version, member of the library or not.
    """
    version = _version(work, asset_id, number)
    return VersionContent(
        version.library_id, asset_id, number, version.name, version.digest, load_manifest(work, version.digest), version.at
    )


def path_of(work: Work, node: Node) -> str:
    """Names from the library's root, joined by slashes."""
    return "/".join(step.name for step in (*ancestors_of(work, node), node) if step.parent_id is not None)


def ancestors_of(work: Work, node: Node) -> list[Node]:
    """The folders above a node, root first."""
    found: list[Node] = []
    parent_id = node.parent_id
    while parent_id is not None:
        parent = work.session.get_one(Node, parent_id)
        found.append(parent)
        parent_id = parent.parent_id
    return found[::-1]


def list_versions_of_library(work: Work, library_id: str, limit: int) -> list[Version]:
    """The newest versions in a library that the actor may see."""
    view = find_library(work, library_id).view
    query = versions_seen(view, select(Version).where(Version.library_id == library_id)).order_by(
        Version.at.desc(), Version.node_id, Version.number.desc()
    )
    return list(work.session.scalars(query.limit(limit)))


def versions_seen(view: View, query: Select[Version]) -> Select[Version]:
    """Of the view's library, only the versions of files that the person may see."""
    return query if view.is_even else query.join(Node, Node.id == Version.node_id).where(reachable(view))


def library_of(work: Work, node: Node) -> Library:
    return work.session.get_one(Library, node.library_id)


def nodes_by_id(work: Work, node_ids: Iterable[str]) -> dict[str, Node]:
    wanted = list(node_ids)
    return {node.id: node for node in work.session.scalars(_OF_IDS, {"ids": wanted})} if wanted else {}


def _version(work: Work, asset_id: str, number: int, *, held: bool = False) -> Version:
    version = work.session.get(Version, (asset_id, number), with_for_update={"read": True} if held else None)
    if version is None:
        raise NotFound(_("没有找到这个版本"), _("地址有误，或您没有查看的权限。"))
    return version


def _check(work: Work, node: Node, to: Right) -> None:
    """NotFound when the actor may not see the node; NotAllowed when they may, but ``to`` is not theirs."""
    right = asset_right(work, node)
    if right < Right.SEE:
        raise _absent()
    if right < to:
        raise NotAllowed(_("您在这里没有此权限"), _("请联系素材库或文件夹的管理者。"))


def _absent() -> NotFound:
    return NotFound(_("没有找到这个文件"), _("它可能已被删除，或您没有查看的权限。"))
