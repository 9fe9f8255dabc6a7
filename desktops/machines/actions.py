"""What people ask of desktops. Each action stores a wish and puts the reconciler to work; nothing here calls a hypervisor."""

from sqlalchemy import func, select, text, update

from desktops.hosts.access import reserved_mib
from desktops.hosts.models import Host
from desktops.machines.access import get_desktop, living_desktops
from desktops.machines.models import Desktop, DesktopEvent, DesktopPermission
from desktops.machines.rules import AWAKE, State, Wanted, deadline
from desktops.templates.access import default_template, get_template
from workspace.db import new_id
from workspace.errors import Conflict, NotAllowed
from workspace.events.kinds import EventKind
from workspace.i18n import _
from workspace.jobs.models import Job
from workspace.people.access import get_member
from workspace.people.models import Member
from workspace.roles.access import permissions_of
from workspace.work import Work

ADVANCE = "desktops.advance"
OPENING_LOCK = 0x4465736B  # PostgreSQL advisory lock, held to the end of the transaction.


def open_desktop(work: Work, *, member_id: str, template_id: str | None = None) -> Desktop:
    """Ask for a desktop. A member has at most one living desktop per template: asking again gives the one there is."""
    if member_id != work.actor.member_id and work.actor.member_id is not None and not work.actor.may(DesktopPermission.MANAGE):
        raise NotAllowed(_("只能为自己申请云桌面"), _("请联系管理员为其他成员开通。"))
    member = get_member(work, member_id)
    if DesktopPermission.OWN not in permissions_of(work, member.id):
        raise NotAllowed(_("%(name)s没有使用云桌面的权限", name=member.name), _("请先授予“使用自己的云桌面”权限。"))
    template = get_template(work, template_id) if template_id else default_template(work)
    _wait_for_turn(work)
    there = work.session.scalar(living_desktops(member_id).where(Desktop.template_id == template.id))
    if there is not None:
        return there
    desktop = Desktop(
        id=new_id(),
        number=next_number(work),
        name=template.name,
        member_id=member.id,
        template_id=template.id,
        memory_mib=template.memory_mib,
        vcpus=template.vcpus,
        state=State.REQUESTED,
        wanted=Wanted.RUNNING,
        generation=1,
        since=work.now,
        deadline_at=deadline(State.REQUESTED, work.now),
        created_at=work.now,
    )
    work.session.add(desktop)
    room = f"desktop:{desktop.id}"
    work.record(
        DesktopEvent.REQUESTED,
        subject=room,
        rooms=[room, f"member:{member.id}", "desktops"],
        joins={member.id: [room]},
        member=member.name,
        name=desktop.name,
        state=State.REQUESTED,
    )
    advance_soon(work, desktop.id)
    return desktop


def advance_soon(work: Work, desktop_id: str) -> None:
    """Put the reconciler to work on this desktop; a job of it that waits for its next look comes forward."""
    waiting = update(Job).where(Job.name == ADVANCE, Job.key == desktop_id, Job.state == "waiting", Job.run_at > work.now)
    work.session.execute(waiting.values(run_at=work.now))
    work.after_commit(ADVANCE, key=desktop_id, desktop_id=desktop_id)


def _wait_for_turn(work: Work) -> None:
    """One opening at a time: a second press of the button must find the first one's desktop, and numbers are counted up.

    On SQLite every writing Work has its turn.
    """
    if work.session.get_bind().dialect.name == "postgresql":
        work.session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": OPENING_LOCK})


def next_number(work: Work) -> int:
    return int(work.session.scalar(select(func.max(Desktop.number))) or 0) + 1


def connect_desktop(work: Work, desktop_id: str) -> Desktop:
    """Make sure that the desktop runs or is on its way; Conflict when its host has no room to wake it."""
    desktop = _get_living(work, desktop_id)
    if desktop.wanted == Wanted.RUNNING:
        return desktop
    _require_room(work, desktop)
    desktop.wanted = Wanted.RUNNING
    return _ask(work, desktop, DesktopEvent.CONNECT_ASKED)


def hibernate_desktop(work: Work, desktop_id: str) -> Desktop:
    """Save the running guest to disk. Conflict while it is being opened: there is nothing to save yet."""
    desktop = _get_living(work, desktop_id)
    if desktop.wanted == Wanted.HIBERNATED:
        return desktop
    if State(desktop.state) in (State.REQUESTED, State.PLACED, State.CLONED):
        raise Conflict(_("云桌面还在准备中"), _("开通完成后才能休眠。"))
    desktop.wanted = Wanted.HIBERNATED
    return _ask(work, desktop, DesktopEvent.HIBERNATE_ASKED)


def restart_desktop(work: Work, desktop_id: str) -> Desktop:
    """Power off and on; a saved state is dropped. What was saved to the library or the home disk stays."""
    desktop = _get_living(work, desktop_id)
    _require_room(work, desktop)
    desktop.wanted, desktop.restart = Wanted.RUNNING, True
    return _ask(work, desktop, DesktopEvent.RESTART_ASKED)


def retry_desktop(work: Work, desktop_id: str) -> Desktop:
    """Try again at once after a failure."""
    return _ask(work, _get_living(work, desktop_id), DesktopEvent.RETRY_ASKED)


def reclaim_desktop(work: Work, desktop_id: str) -> Desktop:
    """Take the desktop away: domain, saved state and system disk go, the home disk is kept on its host."""
    desktop = get_desktop(work, desktop_id)
    if not work.actor.may(DesktopPermission.MANAGE):
        raise NotAllowed(_("只有管理员可以回收云桌面"), _("不再需要时请联系管理员。"))
    if desktop.wanted == Wanted.GONE:
        return desktop
    desktop.wanted, desktop.restart = Wanted.GONE, False
    return _ask(work, desktop, DesktopEvent.RECLAIM_ASKED)


def _get_living(work: Work, desktop_id: str) -> Desktop:
    desktop = get_desktop(work, desktop_id)
    if desktop.wanted == Wanted.GONE:
        raise Conflict(_("这台云桌面正在回收"), _("回收完成后可以重新申请。"))
    return desktop


def _require_room(work: Work, desktop: Desktop) -> None:
    """Waking takes memory of the host again; reserved in the same transaction that makes it awake."""
    if desktop.host_id is None or State(desktop.state) in AWAKE:
        return
    host = work.session.get_one(Host, desktop.host_id, with_for_update=work.session.get_bind().dialect.name == "postgresql")
    free_mib = int(host.facts.get("memory_mib", 0)) - reserved_mib(work, host.id)
    if free_mib < desktop.memory_mib:
        raise Conflict(_("宿主机“%(name)s”内存已满", name=host.name), _("请稍后再试，或先让不用的云桌面休眠。"))
    desktop.state, desktop.since = (State.WAKING if desktop.state == State.HIBERNATED else State.STARTING), work.now
    desktop.deadline_at = deadline(State(desktop.state), work.now)


def _ask(work: Work, desktop: Desktop, kind: EventKind) -> Desktop:
    """Record the wish, forget earlier failures and put the reconciler to work."""
    desktop.problem, desktop.attempts, desktop.retry_at = "", 0, None
    member = work.session.get_one(Member, desktop.member_id)
    room = f"desktop:{desktop.id}"
    work.record(
        kind, subject=room, rooms=[room, f"member:{member.id}", "desktops"], member=member.name, name=desktop.name, state=desktop.state
    )
    advance_soon(work, desktop.id)
    return desktop
