"""Enrolling devices by one-time codes, and taking them back."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select, update

from workspace.db import new_id
from workspace.devices.models import Device, DeviceEvent, DeviceSeen, EnrolmentCode
from workspace.errors import NotFound, NotSignedIn
from workspace.i18n import _
from workspace.people.models import Member
from workspace.secrets import token_hash
from workspace.work import Actor, Work


def issue_code(
    work: Work, *, member_id: str, kind: str, name: str, desktop_id: str | None = None, valid_for: timedelta = timedelta(days=7)
) -> str:
    """A new one-time code (32 random bytes). Unused earlier codes of the same desktop stop working."""
    if desktop_id is not None:
        outdated = update(EnrolmentCode).where(EnrolmentCode.desktop_id == desktop_id, EnrolmentCode.used_at.is_(None))
        work.session.execute(outdated.values(used_at=work.now))
    code = secrets.token_urlsafe(32)
    member = work.session.get_one(Member, member_id)
    work.session.add(
        EnrolmentCode(
            code_hash=token_hash(code),
            kind=kind,
            name=name,
            member_id=member_id,
            desktop_id=desktop_id,
            expires_at=work.now + valid_for,
        )
    )
    work.record(DeviceEvent.CODE_ISSUED, subject=f"member:{member_id}", rooms=["audit"], member=member.name, name=name)
    return code


@dataclass(frozen=True)
class Enrolment:
    """An enrolled device with its token, which exists in the clear this once."""

    device: Device
    member_name: str
    token: str


def enrol_device(work: Work, code: str, *, nonce: str) -> Enrolment:
    """Spend the code. nonce: the program's own secret; with the same one it may ask again, and its former token ends.

    NotSignedIn: ``code_unknown`` when unknown or late, ``code_used`` when somebody else spent it.
    """
    query = select(EnrolmentCode).where(EnrolmentCode.code_hash == token_hash(code)).with_for_update()
    found = work.session.scalar(query)
    if found is None or found.expires_at <= work.now:
        raise NotSignedIn(_("登记码无效"), _("登记码有期限，请重新签发。"), code="code_unknown")
    member = work.session.get_one(Member, found.member_id)
    device = _enrolled(work, found, member) if found.used_at is None else _enrolled_before(work, found, nonce)
    token = secrets.token_urlsafe(32)
    device.token_hash = token_hash(token)
    found.used_at, found.nonce_hash, found.device_id = work.now, token_hash(nonce), device.id
    work.session.add(device)
    work.actor = Actor(member.id, member.name, device_id=device.id)
    work.record(DeviceEvent.ENROLLED, subject=f"device:{device.id}", rooms=_rooms(device), name=device.name, member=member.name)
    return Enrolment(device, member.name, token)


def _enrolled(work: Work, code: EnrolmentCode, member: Member) -> Device:
    if code.desktop_id is not None:  # A rebuilt desktop enrols anew; its former device must not live on beside it.
        former = update(Device).where(Device.desktop_id == code.desktop_id, Device.revoked_at.is_(None))
        work.session.execute(former.values(revoked_at=work.now))
    return Device(id=new_id(), kind=code.kind, name=code.name, member_id=member.id, desktop_id=code.desktop_id, created_at=work.now)


def _enrolled_before(work: Work, code: EnrolmentCode, nonce: str) -> Device:
    device = work.session.get(Device, code.device_id) if code.device_id else None
    if device is None or device.revoked_at is not None or code.nonce_hash != token_hash(nonce):
        raise NotSignedIn(_("登记码已被使用"), _("登记码只能使用一次，请重新签发。"), code="code_used")
    return device


def _rooms(device: Device) -> list[str]:
    return ["audit", f"member:{device.member_id}", *([f"desktop:{device.desktop_id}"] if device.desktop_id else [])]


def note_heartbeat(work: Work, status: Mapping[str, object]) -> None:
    """Remember how the device that sends this request is. status: small; ``state`` is starting, mounted or stopping.

    A desktop's device that was not mounted and now is records an event, so that its desktop becomes ready.
    """
    device = work.session.get_one(Device, work.actor.device_id)
    seen = work.session.get(DeviceSeen, device.id)
    before = seen.status.get("state") if seen is not None else None
    if seen is None:
        work.session.add(DeviceSeen(device_id=device.id, at=work.now, status=dict(status)))
    else:
        seen.at, seen.status = work.now, dict(status)
    if status.get("state") == "mounted" and before != "mounted" and device.desktop_id is not None:
        work.record(
            DeviceEvent.MOUNTED,
            subject=f"device:{device.id}",
            rooms=_rooms(device)[1:],
            name=device.name,
            member=work.actor.name,
            device_id=device.id,
            desktop_id=device.desktop_id,
        )


def revoke_devices_of_desktop(work: Work, desktop_id: str) -> None:
    devices = work.session.scalars(select(Device).where(Device.desktop_id == desktop_id, Device.revoked_at.is_(None))).all()
    for device in devices:
        _revoke(work, device)


def add_folder_access(work: Work, *, name: str) -> str:
    """A password of 32 random bytes by which programs open the actor's libraries as a network folder (WebDAV)."""
    member = work.session.get_one(Member, work.actor.member_id)
    password = secrets.token_urlsafe(32)
    device = Device(id=new_id(), kind="pc", protocol="webdav", name=name, member_id=member.id, desktop_id=None, created_at=work.now)
    device.token_hash = token_hash(password)
    work.session.add(device)
    work.record(DeviceEvent.FOLDER_ADDED, subject=f"device:{device.id}", rooms=_rooms(device), name=name, member=member.name)
    return password


def revoke_own_device(work: Work, device_id: str) -> str:
    """Stop a computer or network folder of the actor; returns its name. A desktop's device ends with the desktop.

    NotFound when it is not theirs, or stopped already.
    """
    device = work.session.get(Device, device_id)
    if device is None or device.member_id != work.actor.member_id or device.kind == "desktop" or device.revoked_at is not None:
        raise NotFound(_("没有找到这台设备"), _("它可能已经停用。"))
    _revoke(work, device)
    return device.name


def _revoke(work: Work, device: Device) -> None:
    device.revoked_at = work.now
    member = work.session.get_one(Member, device.member_id)
    work.record(
        DeviceEvent.REVOKED, subject=f"device:{device.id}", rooms=["audit", f"member:{member.id}"], name=device.name, member=member.name
    )
