"""Admitting a browser to a desktop's screen by a one-time token, and keeping note of who is in front of it."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update

from desktops.consoles.access import signed_in_still
from desktops.consoles.models import ConsoleEvent, ConsoleSession, ConsoleToken, GatewaySeen
from desktops.consoles.rules import TOKEN_MAX_S
from desktops.hosts.models import Host
from desktops.machines.access import get_own_desktop
from desktops.machines.actions import advance_soon
from desktops.machines.models import Desktop, DesktopActivity
from desktops.machines.rules import UP, State, Wanted
from workspace.db import new_id
from workspace.errors import Conflict, NotAllowed
from workspace.i18n import _
from workspace.people.models import Member
from workspace.secrets import token_hash
from workspace.settings import Settings
from workspace.work import Actor, Work


@dataclass(frozen=True)
class Admission:
    """What a spent token opened."""

    session_id: str
    desktop_id: str
    member_id: str


def issue_console(work: Work, desktop_id: str, *, sign_in_hash: str) -> str:
    """A token that opens the screen of the actor's own desktop once, within a minute, while this sign-in lives.

    Conflict while the desktop is not up, and on a simulated host, where there is no screen.
    """
    desktop = get_own_desktop(work, desktop_id)
    host = work.session.get(Host, desktop.host_id) if desktop.host_id else None
    if host is not None and host.simulated:
        raise Conflict(_("这是模拟的云桌面"), _("这台宿主机没有真正的虚拟化，因此没有画面。"), code="simulated")
    if State(desktop.state) not in UP:
        raise Conflict(_("云桌面还没有就绪"), _("就绪后会自动连接。"), code="not_ready", state=desktop.state)
    work.session.execute(delete(ConsoleToken).where(ConsoleToken.expires_at < work.now - timedelta(hours=1)))
    token = secrets.token_urlsafe(32)
    valid_s = min(TOKEN_MAX_S, work.parts.get(Settings).console_token_s)
    work.session.add(
        ConsoleToken(
            token_hash=token_hash(token),
            member_id=desktop.member_id,
            desktop_id=desktop.id,
            sign_in_hash=sign_in_hash,
            expires_at=work.now + timedelta(seconds=valid_s),
        )
    )
    return token


def spend_token(work: Work, token: str, *, gateway: str) -> Admission:
    """Open a session for the token's member. NotAllowed when it is unknown, spent or late, or anything it was bound to has ended."""
    hashed = token_hash(token)
    spent = update(ConsoleToken).where(
        ConsoleToken.token_hash == hashed, ConsoleToken.used_at.is_(None), ConsoleToken.expires_at > work.now
    )
    if work.session.execute(spent.values(used_at=work.now)).rowcount != 1:  # type: ignore[attr-defined]
        raise _refused()
    found = work.session.get_one(ConsoleToken, hashed)
    desktop = work.session.get_one(Desktop, found.desktop_id)
    bound = desktop.member_id == found.member_id and desktop.wanted != Wanted.GONE and State(desktop.state) in UP
    if not bound or not signed_in_still(work, found.member_id, found.sign_in_hash):
        raise _refused()
    session = ConsoleSession(
        id=new_id(), member_id=found.member_id, desktop_id=desktop.id, sign_in_hash=found.sign_in_hash, gateway=gateway, opened_at=work.now
    )
    work.session.add(session)
    note_input(work, {desktop.id: work.now})  # Opening the screen is an act of a person.
    _record(work, ConsoleEvent.OPENED, session, desktop)
    return Admission(session.id, desktop.id, found.member_id)


def close_session(work: Work, session_id: str) -> None:
    """The connection ended; doing it again changes nothing. One session a Work: its member is who acts."""
    session = work.session.get(ConsoleSession, session_id)
    if session is None or session.closed_at is not None:
        return
    session.closed_at = work.now
    _record(work, ConsoleEvent.CLOSED, session, work.session.get_one(Desktop, session.desktop_id))


def note_input(work: Work, inputs: Mapping[str, datetime]) -> None:
    """desktop id -> time of its latest key or pointer event; an earlier time than the known one changes nothing."""
    for desktop_id, at in inputs.items():
        row = work.session.get(DesktopActivity, desktop_id)
        if row is None:
            work.session.add(DesktopActivity(desktop_id=desktop_id, last_input_at=at))
        else:
            row.last_input_at = max(row.last_input_at or at, at)


def note_channel_up(work: Work, desktop_id: str) -> None:
    """The guest answered on its channel: one that was woken is back, so look at once."""
    row = work.session.get(DesktopActivity, desktop_id)
    if row is None:
        work.session.add(DesktopActivity(desktop_id=desktop_id, channel_up_at=work.now))
    else:
        row.channel_up_at = work.now
    advance_soon(work, desktop_id)


def note_beat(work: Work, gateway: str, inputs: Mapping[str, datetime]) -> None:
    """The gateway lives, and this is when people last typed or moved since it told last."""
    note_input(work, inputs)
    seen = work.session.get(GatewaySeen, gateway)
    if seen is None:
        work.session.add(GatewaySeen(gateway=gateway, at=work.now))
    else:
        seen.at = work.now


def _record(work: Work, kind: ConsoleEvent, session: ConsoleSession, desktop: Desktop) -> None:
    member = work.session.get_one(Member, session.member_id)
    work.actor = Actor(member.id, member.name)
    room = f"desktop:{desktop.id}"
    work.record(kind, subject=room, rooms=[room, f"member:{member.id}", "desktops", "audit"], name=desktop.name, member=member.name)


def _refused() -> NotAllowed:
    return NotAllowed(_("连接凭证无效"), _("凭证只能使用一次，且一分钟内有效；请刷新页面重新连接。"), code="console_token")
