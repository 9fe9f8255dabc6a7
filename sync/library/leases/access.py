"""Which check-outs are in force."""

from collections.abc import Iterable

from sqlalchemy import select

from sync.library.leases.models import Lease
from sync.library.leases.rules import binds
from workspace.work import Work


def live_leases(work: Work, library_id: str) -> list[Lease]:
    """All of a library; there are never many."""
    return list(work.session.scalars(select(Lease).where(Lease.library_id == library_id, Lease.until > work.now).order_by(Lease.node_id)))


def binding_leases(work: Work, library_id: str) -> dict[str, Lease]:
    """Those that keep the actor from changing something, by node."""
    return {
        lease.node_id: lease
        for lease in live_leases(work, library_id)
        if binds(lease.member_id, work.actor.member_id, lease.until, work.now)
    }  # fmt: skip


def find_lease(work: Work, node_id: str) -> Lease | None:
    """The check-out of an asset that is in force."""
    lease = work.session.get(Lease, node_id)
    return lease if lease is not None and lease.until > work.now else None


def leases_by_node(work: Work, node_ids: Iterable[str]) -> dict[str, Lease]:
    """Those in force, of these assets."""
    rows = work.session.scalars(select(Lease).where(Lease.node_id.in_(list(node_ids)), Lease.until > work.now))
    return {lease.node_id: lease for lease in rows}
