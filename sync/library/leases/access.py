"""Which check-outs are in force."""

from collections.abc import Iterable

from sqlalchemy import bindparam, func, select

from sync.library.assets.models import Node
from sync.library.grants.access import right_to, view_of
from sync.library.grants.rules import View
from sync.library.leases.models import Lease
from sync.library.leases.rules import binds
from sync.library.libraries.rules import Right
from workspace.people.models import Member
from workspace.work import Work

# Made once: each save and each page of a feed asks it.
_IN_FORCE = Lease.until > bindparam("now", type_=Lease.until.type)
_OF_NODES = select(Lease).where(Lease.node_id.in_(bindparam("nodes", expanding=True)), _IN_FORCE)
_HOW_MANY = (
    select(func.count())
    .select_from(Lease)
    .where(Lease.library_id == bindparam("library"), Lease.member_id == bindparam("member"), _IN_FORCE)
)
_LIVE = select(Lease).where(Lease.library_id == bindparam("library"), _IN_FORCE).order_by(Lease.node_id)


def live_leases(work: Work, library_id: str) -> list[Lease]:
    """All of a library; there are never many."""
    return list(work.session.scalars(_LIVE, {"library": library_id, "now": work.now}))


def binding_leases(work: Work, library_id: str) -> dict[str, Lease]:
    """Those that keep the actor from changing something, by node."""
    return {
        lease.node_id: lease
        for lease in live_leases(work, library_id)
        if binds(lease.member_id, work.actor.member_id, lease.until, work.now)
    }  # fmt: skip


def count_leases(work: Work, library_id: str, member_id: str | None) -> int:
    """Those of a member that are in force in a library."""
    return int(work.session.scalar(_HOW_MANY, {"library": library_id, "member": member_id, "now": work.now}) or 0)


def ended_leases(work: Work, library_id: str) -> list[Lease]:
    """Those whose time is over, or whose holder may not edit there any more: nobody waits for somebody who cannot save."""
    rows = list(work.session.scalars(select(Lease).where(Lease.library_id == library_id).order_by(Lease.node_id)))
    holders = select(Member.id).where(Member.id.in_({lease.member_id for lease in rows}), Member.state == "active")
    views = {member_id: view_of(work, library_id, member_id) for member_id in work.session.scalars(holders).all()}
    return [lease for lease in rows if lease.until <= work.now or not _may_still_edit(work, lease, views.get(lease.member_id))]


def _may_still_edit(work: Work, lease: Lease, view: View | None) -> bool:
    return view is not None and right_to(work, view, work.session.get_one(Node, lease.node_id)) >= Right.EDIT


def find_lease(work: Work, node_id: str) -> Lease | None:
    """The check-out of an asset that is in force."""
    lease = work.session.get(Lease, node_id)
    return lease if lease is not None and lease.until > work.now else None


def leases_by_node(work: Work, node_ids: Iterable[str]) -> dict[str, Lease]:
    """Those in force, of these assets."""
    wanted = list(node_ids)
    rows = work.session.scalars(_OF_NODES, {"nodes": wanted, "now": work.now}) if wanted else ()
    return {lease.node_id: lease for lease in rows}
