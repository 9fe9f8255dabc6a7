"""Finding the device behind a token."""

from sqlalchemy import ColumnElement, select

from workspace.devices.models import Device
from workspace.people.models import Member
from workspace.roles.access import permissions_of
from workspace.secrets import token_hash
from workspace.work import Actor, Work


def actor_by_device_token(work: Work, token: str) -> Actor | None:
    """The member for whom the device acts, with the device noted; None when unknown or revoked, or the member left."""
    return _actor_of(work, Device.token_hash == token_hash(token), Device.protocol == "sync")


def actor_by_folder_password(work: Work, login: str, password: str) -> Actor | None:
    """The same for a program that opens a network folder."""
    return _actor_of(work, Device.token_hash == token_hash(password), Device.protocol == "webdav", Member.login == login.strip().lower())


def _actor_of(work: Work, *conditions: ColumnElement[bool]) -> Actor | None:
    found = work.session.execute(
        select(Device.id, Member.id, Member.name)
        .join(Member, Member.id == Device.member_id)
        .where(*conditions, Device.revoked_at.is_(None), Member.state == "active")
    ).first()
    if found is None:
        return None
    device_id, member_id, name = found
    return Actor(member_id, name, permissions_of(work, member_id), device_id)


def get_own_device(work: Work) -> Device:
    """The device that sends this request."""
    return work.session.get_one(Device, work.actor.device_id)


def is_active_device(work: Work) -> bool:
    """Whether the device that sends this request is still enrolled and its member still here."""
    query = select(Device.id).join(Member, Member.id == Device.member_id)
    query = query.where(Device.id == work.actor.device_id, Device.revoked_at.is_(None), Member.state == "active")
    return work.session.scalar(query) is not None
