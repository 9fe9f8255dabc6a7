"""Which console sessions are open, and which of them may stay."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select

from desktops.consoles.models import ConsoleSession, GatewaySeen
from desktops.consoles.rules import GATEWAY_GONE_S
from desktops.machines.models import Desktop, DesktopPermission
from desktops.machines.rules import Wanted
from workspace.people.models import Member
from workspace.roles.access import permissions_of
from workspace.signin.models import SignInSession
from workspace.work import Work


def signed_in_still(work: Work, member_id: str, sign_in_hash: str) -> bool:
    """Whether the browser's sign-in session lives, its member is active and still has the right to a desktop."""
    query = select(SignInSession.id).join(Member, Member.id == SignInSession.member_id)
    query = query.where(SignInSession.token_hash == sign_in_hash, SignInSession.member_id == member_id, *_alive(work))
    return work.session.scalar(query) is not None and DesktopPermission.OWN in permissions_of(work, member_id)


def _alive(work: Work) -> tuple[ColumnElement[bool], ...]:
    """Of a sign-in session joined with its member."""
    return SignInSession.ended_at.is_(None), SignInSession.expires_at > work.now, Member.state == "active"


def allowed_sessions(work: Work, session_ids: Iterable[str]) -> set[str]:
    """Those that may stay open at this instant; asked by the gateway every two seconds."""
    query = select(ConsoleSession.id, ConsoleSession.member_id).join(Desktop, Desktop.id == ConsoleSession.desktop_id)
    query = query.join(SignInSession, SignInSession.token_hash == ConsoleSession.sign_in_hash)
    query = query.join(Member, Member.id == SignInSession.member_id)
    query = query.where(
        ConsoleSession.id.in_(list(session_ids)),
        ConsoleSession.closed_at.is_(None),
        Desktop.member_id == ConsoleSession.member_id,
        Desktop.wanted != Wanted.GONE,
        SignInSession.member_id == ConsoleSession.member_id,
        *_alive(work),
    )
    found = work.session.execute(query).all()
    entitled = {member_id for member_id in {row.member_id for row in found} if DesktopPermission.OWN in permissions_of(work, member_id)}
    return {row.id for row in found if row.member_id in entitled}


def open_consoles(work: Work) -> dict[str, tuple[int, datetime | None]]:
    """desktop id -> how many consoles are open, and when the most silent of their gateways was last heard."""
    query = select(ConsoleSession.desktop_id, func.count(), func.min(GatewaySeen.at), func.count(GatewaySeen.at))
    query = query.outerjoin(GatewaySeen, GatewaySeen.gateway == ConsoleSession.gateway)
    query = query.where(ConsoleSession.closed_at.is_(None)).group_by(ConsoleSession.desktop_id)
    return {row[0]: (row[1], row[2] if row[3] == row[1] else None) for row in work.session.execute(query)}


def sessions_of(work: Work, gateway: str) -> set[str]:
    """Those that are open as far as is known; when the gateway starts, its predecessor's."""
    return set(work.session.scalars(select(ConsoleSession.id).where(ConsoleSession.gateway == gateway, ConsoleSession.closed_at.is_(None))))


def abandoned_sessions(work: Work) -> list[str]:
    """Sessions that nobody will close: their gateway is gone for good, as when its machine was replaced."""
    query = select(ConsoleSession.id).outerjoin(GatewaySeen, GatewaySeen.gateway == ConsoleSession.gateway)
    before = work.now - timedelta(seconds=GATEWAY_GONE_S)
    query = query.where(ConsoleSession.closed_at.is_(None), ConsoleSession.opened_at < before)
    return list(work.session.scalars(query.where(or_(GatewaySeen.at.is_(None), GatewaySeen.at < before))))
