"""Enrolling devices by one-time codes, and taking them back."""

import secrets
from datetime import timedelta

from sqlalchemy import select, update

from workspace.db import new_id
from workspace.devices.models import Device, DeviceEvent, DeviceSeen, EnrolmentCode
from workspace.errors import NotAllowed
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


def enrol_device(work: Work, code: str) -> tuple[Device, str]:
    """Spend the code. Returns the device and its token, which is shown this once. NotAllowed when spent, late or unknown."""
    spent = (
        update(EnrolmentCode)
        .where(EnrolmentCode.code_hash == token_hash(code), EnrolmentCode.used_at.is_(None), EnrolmentCode.expires_at > work.now)
        .values(used_at=work.now)
    )
    if work.session.execute(spent).rowcount != 1:  # type: ignore[attr-defined]
        raise NotAllowed(_("登记码无效"), _("登记码只能使用一次且有期限，请重新签发。"), code="bad_enrolment_code")
    found = work.session.get_one(EnrolmentCode, token_hash(code))
    if found.desktop_id is not None:  # A rebuilt desktop enrols anew; its former device must not live on beside it.
        former = update(Device).where(Device.desktop_id == found.desktop_id, Device.revoked_at.is_(None))
        work.session.execute(former.values(revoked_at=work.now))
    member = work.session.get_one(Member, found.member_id)
    token = secrets.token_urlsafe(32)
    device = Device(
        id=new_id(),
        kind=found.kind,
        name=found.name,
        member_id=member.id,
        desktop_id=found.desktop_id,
        token_hash=token_hash(token),
        created_at=work.now,
    )
    work.session.add(device)
    work.actor = Actor(member.id, member.name, device_id=device.id)
    rooms = ["audit", f"member:{member.id}", *([f"desktop:{found.desktop_id}"] if found.desktop_id else [])]
    work.record(DeviceEvent.ENROLLED, subject=f"device:{device.id}", rooms=rooms, name=device.name, member=member.name)
    return device, token


def note_seen(work: Work, status: dict[str, object]) -> None:
    """Remember the heartbeat of the device that sends this request. status: small, shown on the device page."""
    assert work.actor.device_id is not None
    seen = work.session.get(DeviceSeen, work.actor.device_id)
    if seen is None:
        work.session.add(DeviceSeen(device_id=work.actor.device_id, at=work.now, status=status))
    else:
        seen.at, seen.status = work.now, status


def revoke_devices_of_desktop(work: Work, desktop_id: str) -> None:
    devices = work.session.scalars(select(Device).where(Device.desktop_id == desktop_id, Device.revoked_at.is_(None))).all()
    for device in devices:
        device.revoked_at = work.now
        member = work.session.get_one(Member, device.member_id)
        work.record(
            DeviceEvent.REVOKED,
            subject=f"device:{device.id}",
            rooms=["audit", f"member:{member.id}"],
            name=device.name,
            member=member.name,
        )
