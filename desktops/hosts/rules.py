"""Where a new desktop goes: filters first, then the best score. Pure."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Candidate:
    """A host as placement sees it. reserved_mib: memory of every awake or opening desktop placed there."""

    host_id: str
    site_id: str | None
    memory_mib: int
    reserved_mib: int
    accepts_new: bool
    reachable: bool
    simulated: bool = False

    @property
    def free_mib(self) -> int:
        return self.memory_mib - self.reserved_mib


class Refusal(StrEnum):
    NO_HOST = "no_host"
    UNREACHABLE = "unreachable"
    FULL = "full"


def place(candidates: list[Candidate], *, memory_mib: int, site_id: str | None) -> Candidate | Refusal:
    """Real before simulated, the member's city before others, then the most free memory; ties by id, so that it is stable."""
    open_hosts = [host for host in candidates if host.accepts_new]
    if not open_hosts:
        return Refusal.NO_HOST
    reachable = [host for host in open_hosts if host.reachable]
    if not reachable:
        return Refusal.UNREACHABLE
    fitting = [host for host in reachable if host.free_mib >= memory_mib]
    if not fitting:
        return Refusal.FULL
    return min(fitting, key=lambda host: (host.simulated, host.site_id != site_id or site_id is None, -host.free_mib, host.host_id))
