"""Finding hosts, and what placement needs to know of them."""

from sqlalchemy import func, select

from desktops.hosts.models import Host, HostSeen
from desktops.hosts.rules import Candidate
from desktops.machines.models import Desktop
from desktops.machines.rules import AWAKE, State
from workspace.db import Database
from workspace.work import Work, open_work


def all_hosts(work: Work) -> list[Host]:
    return list(work.session.scalars(select(Host).order_by(Host.name)))


def candidates(work: Work) -> list[Candidate]:
    """Every host with what is reserved there now; read in the transaction that reserves."""
    query = select(Host)
    if work.session.get_bind().dialect.name == "postgresql":
        query = query.with_for_update(of=Host)
    hosts = list(work.session.scalars(query))
    troubles = dict(work.session.execute(select(HostSeen.host_id, HostSeen.trouble)).all())
    return [
        Candidate(
            host_id=host.id,
            site_id=host.site_id,
            memory_mib=int(host.facts.get("memory_mib", 0)),
            reserved_mib=reserved_mib(work, host.id),
            accepts_new=host.accepts_new,
            reachable=host.probed_at is not None and not troubles.get(host.id, ""),
            simulated=host.simulated,
        )
        for host in hosts
    ]


def reserved_mib(work: Work, host_id: str) -> int:
    query = select(func.coalesce(func.sum(Desktop.memory_mib), 0)).where(Desktop.host_id == host_id, Desktop.state.in_(AWAKE))
    return int(work.session.scalar(query) or 0)


def desktop_rooms(work: Work, host_id: str) -> list[str]:
    """Rooms of the desktops that live there: whoever has one sees on its card what is wrong with its host."""
    living = select(Desktop.id).where(Desktop.host_id == host_id, Desktop.state != State.GONE).order_by(Desktop.id)
    return [f"desktop:{desktop_id}" for desktop_id in work.session.scalars(living)]


def only_simulated(database: Database) -> bool:
    """Whether every known host is simulated; False before any is known."""
    with open_work(database, writes=False) as work:
        kinds = set(work.session.scalars(select(Host.simulated).where(Host.probed_at.is_not(None))))
    return kinds == {True}
