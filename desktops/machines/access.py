"""Who may see which desktops: one's own, and all of them for those who manage desktops."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, false, select

from desktops.machines.models import Desktop, DesktopActivity, DesktopPermission
from desktops.machines.rules import IdleVerdict, State, idle_verdict
from desktops.templates.models import DesktopTemplate
from workspace.errors import NotFound
from workspace.events.access import gives_rooms
from workspace.i18n import _
from workspace.settings import Settings
from workspace.work import Work


def get_desktop(work: Work, desktop_id: str) -> Desktop:
    """The actor's own desktop, or any for a manager; NotFound for everybody else."""
    desktop = work.session.get(Desktop, desktop_id)
    if desktop is None or not may_see(work, desktop):
        raise _not_found()
    return desktop


def may_see(work: Work, desktop: Desktop) -> bool:
    mine = desktop.member_id == work.actor.member_id and work.actor.may(DesktopPermission.OWN)
    return mine or work.actor.may(DesktopPermission.MANAGE)


def get_own_desktop(work: Work, desktop_id: str) -> Desktop:
    """For what nobody else may do, managers included: look at the screen."""
    desktop = get_desktop(work, desktop_id)
    if desktop.member_id != work.actor.member_id:
        raise _not_found()
    return desktop


def living_desktops(member_id: str) -> Select[Desktop]:
    return select(Desktop).where(Desktop.member_id == member_id, Desktop.state != State.GONE).order_by(Desktop.created_at)


def visible_desktops(work: Work) -> list[Desktop]:
    """Living desktops that ``get_desktop`` would give."""
    query = select(Desktop).where(Desktop.state != State.GONE).order_by(Desktop.created_at, Desktop.id)
    if not work.actor.may(DesktopPermission.MANAGE):
        query = living_desktops(work.actor.member_id or "") if work.actor.may(DesktopPermission.OWN) else query.where(false())
    return list(work.session.scalars(query))


@gives_rooms
def rooms(work: Work) -> Iterable[str]:
    if work.actor.may(DesktopPermission.MANAGE):
        yield "desktops"
    for desktop_id in work.session.scalars(
        select(Desktop.id).where(Desktop.member_id == work.actor.member_id, Desktop.state != State.GONE)
    ):
        yield f"desktop:{desktop_id}"


def verdict_of(work: Work, desktop: Desktop, consoles_open: int, gateway_seen_at: datetime | None) -> IdleVerdict:
    """What the idle rule says now."""
    template = work.session.get_one(DesktopTemplate, desktop.template_id)
    minutes = template.idle_minutes if template.idle_minutes is not None else work.parts.get(Settings).idle_minutes
    activity = work.session.get(DesktopActivity, desktop.id)
    return idle_verdict(
        now=work.now,
        idle_minutes=minutes,
        ready_at=desktop.ready_at,
        last_input_at=activity.last_input_at if activity else None,
        consoles_open=consoles_open,
        gateway_seen_at=gateway_seen_at,
    )


def _not_found() -> NotFound:
    return NotFound(_("没有找到这台云桌面"), _("它可能已被回收，或不属于您。"))
