"""Adding hosts and keeping what was observed of them."""

from typing import Any

from sqlalchemy import select

from desktops.hosts.access import desktop_rooms
from desktops.hosts.models import Host, HostEvent, HostSeen
from desktops.machines.models import Desktop
from desktops.machines.progress import tell_lines
from workspace.db import new_id
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.work import Work


def add_host(work: Work, *, name: str, uri: str = "", site_id: str | None = None) -> Host:
    """uri empty: the hypervisor of the machine that the worker runs on."""
    if work.session.scalar(select(Host.id).where((Host.uri == uri) | (Host.name == name))):
        raise InvalidInput(_("这台宿主机已经添加过"), fields={"uri": _("请检查连接地址和名称")})
    host = Host(id=new_id(), name=name, uri=uri, site_id=site_id, facts={})
    work.session.add(host)
    work.record(HostEvent.ADDED, subject=f"host:{host.id}", rooms=["desktops"], name=name)
    return host


def ensure_own_host(work: Work) -> None:
    """Where nobody added a host, the worker's own machine is one."""
    if work.session.scalar(select(Host.id).limit(1)) is None:
        add_host(work, name=_("本机"))


def note_probe(work: Work, host_id: str, *, simulated: bool, facts: dict[str, Any], verdict: str) -> None:
    """Keep what the probe found; an event only when it differs from what was known."""
    host = work.session.get_one(Host, host_id)
    if host.probed_at is not None and (host.simulated, host.facts) == (simulated, facts):
        return
    if host.simulated != simulated:
        tell_lines(work, Desktop.host_id == host_id)  # They are told apart there.
    host.simulated, host.facts, host.probed_at = simulated, facts, work.now
    rooms = ["desktops", *desktop_rooms(work, host_id)]
    work.record(HostEvent.PROBED, subject=f"host:{host_id}", rooms=rooms, name=host.name, verdict=verdict)


def note_host_seen(work: Work, host_id: str, trouble: str = "", *, cache: dict[str, Any] | None = None) -> None:
    """trouble: the sentence of the failure, empty when the host answered. Records an event when that changed. cache: as in HostSeen."""
    seen = work.session.get(HostSeen, host_id)
    before = seen.trouble if seen else ""
    if seen is None:
        seen = HostSeen(host_id=host_id, at=None, trouble="")
        work.session.add(seen)
    seen.trouble, seen.cache = trouble[:400], cache
    if not trouble:
        seen.at = work.now
    if bool(trouble) != bool(before):
        host = work.session.get_one(Host, host_id)
        kind = HostEvent.LOST if trouble else HostEvent.BACK
        rooms = ["desktops", *desktop_rooms(work, host_id)]
        work.record(kind, subject=f"host:{host_id}", rooms=rooms, name=host.name, trouble=trouble)
