"""Reads for the agents' protocol."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import func, select

from sync.core.protocol import Library, Right
from sync.library.agents_api.models import DevicePosition
from sync.library.assets.access import versions_seen
from sync.library.assets.models import Node, Version
from sync.library.content.models import Pack
from sync.library.grants.access import right_to, view_of
from sync.library.grants.models import FolderGrant
from sync.library.grants.rules import View
from sync.library.libraries.access import OpenLibrary
from sync.library.libraries.rules import Right as Rights
from workspace.devices.models import Device
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.work import Work


def library_messages(work: Work, opened: Iterable[OpenLibrary]) -> tuple[Library, ...]:
    """Libraries as messages, with what each occupies."""
    listed = list(opened)
    query = select(Pack.library_id, func.sum(Pack.size_bytes)).where(Pack.state == "verified")
    query = query.where(Pack.library_id.in_([found.library.id for found in listed])).group_by(Pack.library_id)
    used = {library_id: int(size or 0) for library_id, size in work.session.execute(query)}
    return tuple(
        Library(
            found.library.id, found.library.name, found.library.root_id, (Right.SEE, Right.EDIT) if found.may_edit else (Right.SEE,),
            found.library.seq, found.library.quota_bytes, used.get(found.library.id, 0),
        )
        for found in listed
    )  # fmt: skip


def find_digest(work: Work, view: View, digest: str) -> None:
    """NotFound unless a version that the member may see has this content."""
    query = versions_seen(view, select(Version).where(Version.library_id == view.library_id, Version.digest == digest))
    if work.session.scalars(query.limit(1)).first() is None:
        raise NotFound(_("没有找到这份内容"), _("刷新后再试。"))


def seen_by(work: Work, node_ids: Sequence[str], opened: Iterable[OpenLibrary]) -> dict[str, int]:
    """For each of these nodes that the actor may see: how many other devices know its newest change, and may see it."""
    libraries = {each.library.id: each for each in opened}
    nodes = list(work.session.scalars(select(Node).where(Node.id.in_(node_ids), Node.library_id.in_(libraries))))
    nodes = [node for node in nodes if right_to(work, libraries[node.library_id].view, node) >= Rights.SEE]
    readers = _readers(work, {node.library_id for node in nodes})
    return {
        node.id: sum(seq >= node.seq and _sees(work, libraries[node.library_id], node, member) for member, seq in readers[node.library_id])
        for node in nodes
    }


def _readers(work: Work, library_ids: Iterable[str]) -> dict[str, list[tuple[str, int]]]:
    """By library: member and position of each other device that is still enrolled."""
    query = select(DevicePosition.library_id, Device.member_id, DevicePosition.seq).join(Device, Device.id == DevicePosition.device_id)
    query = query.where(DevicePosition.library_id.in_(list(library_ids)), Device.revoked_at.is_(None), Device.id != work.actor.device_id)
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for library_id, member_id, seq in work.session.execute(query):
        found[library_id].append((member_id, seq))
    return found


def _sees(work: Work, opened: OpenLibrary, node: Node, member_id: str) -> bool:
    """Whether a member whose device reads this library may see this node; only grants on folders make a difference."""
    library = opened.library
    inner = select(FolderGrant.folder_id).where(FolderGrant.library_id == library.id, FolderGrant.folder_id != library.root_id).limit(1)
    if work.session.scalar(inner) is None:
        return True
    view = view_of(work, library.id, member_id)
    return view is not None and right_to(work, view, node) >= Rights.SEE
