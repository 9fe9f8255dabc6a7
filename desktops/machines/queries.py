"""What the pages and the API show of desktops."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from desktops.caching.counts import hit_percent
from desktops.consoles.access import open_consoles
from desktops.hosts.access import reserved_mib
from desktops.hosts.models import Host, HostSeen
from desktops.hosts.words import sentences
from desktops.images.access import count_desktops, present_images
from desktops.images.models import ImageVersion
from desktops.machines.access import get_desktop, living_desktops, may_see, verdict_of, visible_desktops
from desktops.machines.models import Desktop, DesktopPermission
from desktops.machines.rules import ABSENT, MOVING, OPENING_STATES, UP, State, Wanted, opening_step
from desktops.machines.words import state_hint, state_tone, state_words
from main_lines.lines.models import LineMember
from main_lines.work.access import DesktopsUp
from workspace.people.models import Member, Site
from workspace.roles.models import MemberRole, Role
from workspace.work import Work


@dataclass(frozen=True)
class DesktopRow:
    """One desktop as a person reads it, on pages and in the API; words, hint, problem: in the reader's language.

    tone: one of the eight. step of steps: progress of opening. problem: why it does not move, empty = nothing is wrong.
    failed: a person has to act. overdue: it takes longer than it should. simulated: nothing runs in it, it has no screen.
    sleeps_in_s: until it hibernates without input, None = not by itself.
    """

    id: str
    name: str
    member_id: str
    member: str
    mine: bool
    state: State
    wanted: Wanted
    tone: str
    words: str
    hint: str
    problem: str
    failed: bool
    overdue: bool
    moving: bool
    up: bool
    simulated: bool
    host: str
    city: str
    image: str
    memory_mib: int
    vcpus: int
    step: int
    steps: int
    consoles: int
    sleeps_in_s: int | None
    since: datetime


def list_desktops(work: Work) -> list[DesktopRow]:
    """Every desktop that the actor may see, their own first."""
    rows = _rows(work, visible_desktops(work))
    return sorted(rows, key=lambda row: not row.mine)


def show_desktop(work: Work, desktop_id: str) -> DesktopRow:
    return _rows(work, [get_desktop(work, desktop_id)])[0]


def own_desktops(work: Work) -> list[DesktopRow]:
    return _rows(work, [desktop for desktop in work.session.scalars(living_desktops(work.actor.member_id or "")) if may_see(work, desktop)])


def _rows(work: Work, desktops: list[Desktop]) -> list[DesktopRow]:
    hosts = {host.id: host for host in work.session.scalars(select(Host))}
    troubles = dict(work.session.execute(select(HostSeen.host_id, HostSeen.trouble)).all())
    cities = dict(work.session.execute(select(Site.id, Site.name)).all())
    images = {image.id: image for image in work.session.scalars(select(ImageVersion))}
    members = {
        member.id: member for member in work.session.scalars(select(Member).where(Member.id.in_({one.member_id for one in desktops})))
    }
    consoles = open_consoles(work)
    return [
        _row(
            work,
            one,
            members[one.member_id],
            hosts.get(one.host_id or ""),
            images.get(one.image_id or ""),
            cities,
            troubles,
            consoles.get(one.id, (0, None)),
        )
        for one in desktops
    ]


def _row(
    work: Work,
    desktop: Desktop,
    member: Member,
    host: Host | None,
    image: ImageVersion | None,
    cities: dict[str, str],
    troubles: dict[str, str],
    consoles: tuple[int, datetime | None],
) -> DesktopRow:
    state = State(desktop.state)
    waits_for_room = state is State.REQUESTED and desktop.attempts == 0
    failed = bool(desktop.problem) and desktop.retry_at is None and not waits_for_room
    problem = desktop.problem or (troubles.get(host.id, "") if host else "")
    sleeps_at = verdict_of(work, desktop, *consoles).sleeps_at if state in UP else None
    return DesktopRow(
        id=desktop.id,
        name=desktop.name,
        member_id=member.id,
        member=member.name,
        mine=desktop.member_id == work.actor.member_id,
        state=state,
        wanted=Wanted(desktop.wanted),
        tone="blocked" if failed else state_tone(state),
        words=str(state_words(state)),
        hint=str(state_hint(state)),
        problem=problem,
        failed=failed,
        overdue=desktop.deadline_at is not None and work.now > desktop.deadline_at,
        moving=state in MOVING and not failed,
        up=state in UP,
        simulated=bool(host and host.simulated),
        host=host.name if host else "",
        city=cities.get(host.site_id or "", "") if host else "",
        image=f"{image.title} · {image.number}" if image else "",
        memory_mib=desktop.memory_mib,
        vcpus=desktop.vcpus,
        step=opening_step(state),
        steps=len(OPENING_STATES),
        consoles=consoles[0],
        sleeps_in_s=max(0, int((sleeps_at - work.now).total_seconds())) if sleeps_at else None,
        since=desktop.since,
    )


def why_simulated(work: Work, desktop_id: str) -> list[str]:
    """What the probe of the desktop's host found, in sentences."""
    host = work.session.get(Host, get_desktop(work, desktop_id).host_id)
    return sentences(host.facts.get("reasons", ())) if host else []


@dataclass(frozen=True)
class HostRow:
    """trouble: why it cannot be reached, empty = it answers. findings: what the probe found, in sentences."""

    id: str
    name: str
    city: str
    simulated: bool
    accelerator: str
    findings: list[str]
    memory_mib: int
    reserved_mib: int
    cpus: int
    software: str
    trouble: str
    cache_used_bytes: int
    cache_percent: int | None
    probed_at: datetime | None
    desktops: int


def list_hosts(work: Work) -> list[HostRow]:
    cities = dict(work.session.execute(select(Site.id, Site.name)).all())
    seen = {each.host_id: each for each in work.session.scalars(select(HostSeen))}
    count = select(Desktop.host_id, func.count()).where(Desktop.state != State.GONE).group_by(Desktop.host_id)
    living = dict(work.session.execute(count).all())
    return [
        HostRow(
            id=host.id,
            name=host.name,
            city=cities.get(host.site_id or "", ""),
            simulated=host.simulated,
            accelerator=str(host.facts.get("accelerator", "")),
            findings=sentences(host.facts.get("reasons", ())),
            memory_mib=int(host.facts.get("memory_mib", 0)),
            reserved_mib=reserved_mib(work, host.id),
            cpus=int(host.facts.get("cpu_count", 0)),
            software=_software(host.facts),
            trouble=seen[host.id].trouble if host.id in seen else "",
            cache_used_bytes=_cached(seen.get(host.id)).get("used_bytes", 0),
            cache_percent=hit_percent(_cached(seen.get(host.id))),
            probed_at=host.probed_at,
            desktops=living.get(host.id, 0),
        )
        for host in work.session.scalars(select(Host).order_by(Host.name))
    ]


def _cached(seen: HostSeen | None) -> dict[str, Any]:
    return (seen.cache if seen is not None else None) or {}


def _software(facts: dict[str, Any]) -> str:
    named = (("QEMU", facts.get("qemu_version")), ("libvirt", facts.get("libvirt_version")))
    return " · ".join(f"{name} {version}" for name, version in named if version)


@dataclass(frozen=True)
class ImageRow:
    title: str
    number: int
    built_at: str
    size_bytes: int
    desktops: int


def list_images(work: Work) -> list[ImageRow]:
    return [
        ImageRow(
            image.title,
            image.number,
            str(image.facts.get("built_at", "")),
            int(image.facts.get("size_bytes", 0)),
            count_desktops(work, image.id),
        )
        for image in present_images(work)
    ]


@dataclass(frozen=True)
class Candidate:
    """A member who may have a desktop and has none yet."""

    id: str
    name: str

    @property
    def pair(self) -> tuple[str, str]:
        return self.id, self.name


def members_without(work: Work) -> list[Candidate]:
    having = select(Desktop.member_id).where(Desktop.state != State.GONE)
    query = select(Member.id, Member.name, Role.permissions).join(MemberRole, MemberRole.member_id == Member.id)
    query = query.join(Role, Role.id == MemberRole.role_id).where(Member.state == "active", Member.id.not_in(having))
    rows = work.session.execute(query.order_by(Member.name, Member.id))
    found = {member_id: name for member_id, name, permissions in rows if DesktopPermission.OWN in permissions}
    return [Candidate(member_id, name) for member_id, name in found.items()]


def desktops_by_site(work: Work, line_id: str) -> dict[str, DesktopsUp]:
    """Placed desktops of a main line's members by the members' city or store. The caller has checked that the reader is in the line."""
    query = (
        select(Member.site_id, Desktop.state, Host.simulated)
        .join(Desktop, Desktop.member_id == Member.id)
        .join(LineMember, LineMember.member_id == Member.id)
        .outerjoin(Host, Host.id == Desktop.host_id)
        .where(LineMember.line_id == line_id, Desktop.state.not_in(ABSENT))
    )
    found: dict[str, DesktopsUp] = {}
    for site_id, state, simulated in work.session.execute(query):
        found[site_id] = found.get(site_id, DesktopsUp()) + DesktopsUp(int(State(state) in UP), 1, bool(simulated))
    return found


@dataclass(frozen=True)
class CityCount:
    """up of all: desktops in the city that are up, of those that have been given a host. simulated: at least one of them is."""

    city: str
    up: int
    all: int
    simulated: bool


def desktops_by_city(work: Work, line_id: str) -> list[CityCount]:
    """Desktops of a main line's members by the members' city. The caller has checked that the reader is in the line."""
    query = (
        select(Site.name, Desktop.state, Host.simulated)
        .join(Member, Member.site_id == Site.id)
        .join(Desktop, Desktop.member_id == Member.id)
        .join(LineMember, LineMember.member_id == Member.id)
        .outerjoin(Host, Host.id == Desktop.host_id)
        .where(LineMember.line_id == line_id, Desktop.state.not_in(ABSENT))
    )
    found: dict[str, list[tuple[State, bool]]] = {}
    for city, state, simulated in work.session.execute(query):
        found.setdefault(city, []).append((State(state), bool(simulated)))
    return [
        CityCount(city, up=sum(state in UP for state, _ in there), all=len(there), simulated=any(simulated for _, simulated in there))
        for city, there in sorted(found.items())
    ]
