"""Checking assets out and back in. Each change is numbered, so that open mounts and pages hear of it at once."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from sync.library.assets.access import get_node
from sync.library.assets.models import Node
from sync.library.assets.tree import Tree, lock_tree
from sync.library.grants.access import rooms_of_nodes
from sync.library.leases.access import count_leases, ended_leases, find_lease
from sync.library.leases.models import Lease, LeaseEvent
from sync.library.leases.rules import MOST, binds, until
from sync.library.leases.words import checked_out
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from workspace.errors import Conflict, InvalidInput
from workspace.i18n import _
from workspace.work import Work


def take_lease(work: Work, node_id: str, *, way: str, lasts: timedelta | None = None, tree: Tree | None = None) -> Lease:
    """Check an asset out that the actor may edit, or renew one's own check-out. lasts: shorter than usual. tree: its library's, locked.

    Conflict ``checked_out`` when somebody else has it. A check-out by hand is not made shorter by opening the file.
    InvalidInput for a folder, and when the actor has too many.
    """
    node = get_node(work, node_id, to=Right.EDIT)
    if node.kind != "file":
        raise InvalidInput(_("文件夹不能签出"))
    tree = tree or lock_tree(work, node.library_id)
    lease = work.session.get(Lease, node.id)
    if lease is not None and binds(lease.member_id, work.actor.member_id, lease.until, work.now):
        raise checked_out(lease, node.name)
    if lease is not None and lease.until > work.now:
        lease.until = max(lease.until, until(way, work.now, lasts))
        if way == "hand" and lease.way != "hand":
            lease.way, lease.device_id = way, work.actor.device_id
        return lease
    if count_leases(work, node.library_id, work.actor.member_id) >= MOST:
        raise InvalidInput(_("您签出的文件太多"), _("最多 %(n)s 个，请先归还一些。", n=MOST))
    if lease is None:
        lease = Lease(node_id=node.id, library_id=node.library_id)
        work.session.add(lease)
    lease.member_id, lease.member_name, lease.device_id = str(work.actor.member_id), work.actor.name, work.actor.device_id
    lease.way, lease.taken_at, lease.until = way, work.now, until(way, work.now, lasts)
    tree.tell(lease={"node": node.id, "member": lease.member_name})
    _record(work, tree.library, node, LeaseEvent.TAKEN)
    return lease


def return_lease(work: Work, node_id: str, *, way: str | None = None, tree: Tree | None = None) -> bool:
    """Give one's own check-out back; whether there was one. way: only one that was taken this way. tree: only in this locked library."""
    lease = find_lease(work, node_id)
    if lease is not None and tree is not None and lease.library_id != tree.library.id:
        return False
    if lease is None or lease.member_id != work.actor.member_id or (way is not None and lease.way != way):
        return False
    if way is not None and lease.device_id != work.actor.device_id:
        return False
    _end(work, lease, LeaseEvent.RETURNED, tree=tree)
    return True


def break_lease(work: Work, node_id: str, *, holder_id: str | None = None) -> None:
    """Take somebody's check-out back, for whoever manages the folder. The holder is told (reactions).

    holder_id: whose it was when the actor saw it; Conflict when it is another's by now.
    """
    node = get_node(work, node_id, to=Right.MANAGE)
    lease = find_lease(work, node_id)
    if lease is not None and holder_id not in (None, lease.member_id):
        raise Conflict(_("现在是%(name)s在编辑“%(asset)s”", name=lease.member_name, asset=node.name), _("请刷新后再决定是否收回。"))
    if lease is not None:
        _end(work, lease, LeaseEvent.BROKEN, holder=lease.member_name, holder_id=lease.member_id)


def end_leases(work: Work, library_id: str) -> int:
    """End those that bind for no reason any more (access.ended_leases); how many."""
    rows = ended_leases(work, library_id)
    for lease in rows:
        _end(work, lease, LeaseEvent.ENDED, holder=lease.member_name)
    return len(rows)


def end_leases_of_devices(work: Work, device_ids: Iterable[str]) -> None:
    """A device is no more: what it held is free."""
    for lease in list(work.session.scalars(select(Lease).where(Lease.device_id.in_(list(device_ids))))):
        _end(work, lease, LeaseEvent.ENDED, holder=lease.member_name)


def _end(work: Work, lease: Lease, kind: LeaseEvent, *, tree: Tree | None = None, **facts: Any) -> None:
    tree = tree or lock_tree(work, lease.library_id)
    node = work.session.get_one(Node, lease.node_id)
    work.session.delete(lease)
    work.session.flush()
    tree.tell(lease={"node": node.id, "member": None})
    _record(work, tree.library, node, kind, **facts)


def _record(work: Work, library: Library, node: Node, kind: LeaseEvent, **facts: Any) -> None:
    rooms = list(rooms_of_nodes(work, library, [node]).values())
    if kind is LeaseEvent.BROKEN:
        rooms.append("audit")
    work.record(
        kind, subject=f"asset:{node.id}", rooms=rooms, asset=node.name, asset_id=node.id, library_id=library.id, parent_id=node.parent_id,
        **facts,
    )  # fmt: skip
