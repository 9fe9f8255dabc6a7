"""Finding the device behind a token."""

from sqlalchemy import Select, bindparam, select

from workspace.devices.models import Device
from workspace.errors import NotSignedIn
from workspace.i18n import _
from workspace.people.models import Member
from workspace.roles.models import MemberRole, Role
from workspace.secrets import token_hash
from workspace.work import Actor, Work

# Made once: each request of a program asks this first. A row for each role of the member, one when they have none.
_BY_TOKEN = (
    select(Device.id, Member.id, Member.name, Role.permissions)
    .join(Member, Member.id == Device.member_id)
    .outerjoin(MemberRole, MemberRole.member_id == Member.id)
    .outerjoin(Role, Role.id == MemberRole.role_id)
    .where(Device.token_hash == bindparam("hash"), Device.protocol == bindparam("protocol"), Device.revoked_at.is_(None))
    .where(Member.state == "active")
)
_BY_PASSWORD = _BY_TOKEN.where(Member.login == bindparam("login"))
_ACTIVE = (
    select(Device.id)
    .join(Member, Member.id == Device.member_id)
    .where(Device.id == bindparam("device"), Device.revoked_at.is_(None), Member.state == "active")
)


def actor_by_device_token(work: Work, token: str) -> Actor | None:
    """The member for whom the device acts, with the device noted; None when unknown or revoked, or the member left."""
    return _actor_of(work, _BY_TOKEN, hash=token_hash(token), protocol="sync")


def actor_by_folder_password(work: Work, login: str, password: str) -> Actor | None:
    """The same for a program that opens a network folder."""
    return _actor_of(work, _BY_PASSWORD, hash=token_hash(password), protocol="webdav", login=login.strip().lower())


def _actor_of(work: Work, query: Select[str, str, str, list[str]], **values: str) -> Actor | None:
    rows = work.session.connection().execute(query, values).all()
    if not rows:
        return None
    device_id, member_id, name, _permissions = rows[0]
    return Actor(member_id, name, frozenset(each for *_who, of_role in rows for each in of_role or ()), device_id)


def get_own_device(work: Work) -> Device:
    """The device that sends this request."""
    return work.session.get_one(Device, work.actor.device_id)


def check_active_device(work: Work) -> None:
    """NotSignedIn when the device was revoked since the request began: what it sent took a while to arrive or to be read."""
    if not is_active_device(work):
        raise NotSignedIn(_("设备未登记"), _("请重新登记此设备。"), code="unauthenticated")


def is_active_device(work: Work) -> bool:
    """Whether the device that sends this request is still enrolled and its member still here."""
    return work.session.connection().scalar(_ACTIVE, {"device": work.actor.device_id}) is not None
