"""The devices of a member as their page shows them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from workspace.devices.models import Device, DeviceSeen
from workspace.work import Work

ICONS = {"desktop": "device-desktop", "pc": "device-laptop", "folder": "folder-symlink"}


@dataclass(frozen=True)
class DeviceRow:
    """kind: desktop, pc or folder.

    seen_at: its last sign of life, None before the first. pending: saves that had not reached the library then.
    """

    id: str
    kind: str
    name: str
    icon: str
    created_at: datetime
    seen_at: datetime | None
    pending: int


def own_devices(work: Work) -> list[DeviceRow]:
    """What may act for the reader at the moment, the newest first."""
    query = select(Device, DeviceSeen).outerjoin(DeviceSeen, DeviceSeen.device_id == Device.id)
    query = query.where(Device.member_id == work.actor.member_id, Device.revoked_at.is_(None)).order_by(Device.created_at.desc(), Device.id)
    rows = []
    for device, seen in work.session.execute(query):
        kind = "folder" if device.protocol == "webdav" else device.kind
        pending = int(seen.status.get("pending_ops") or 0) if seen else 0
        rows.append(DeviceRow(device.id, kind, device.name, ICONS[kind], device.created_at, seen.at if seen else None, pending))
    return rows
