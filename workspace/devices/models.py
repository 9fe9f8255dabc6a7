"""Devices that speak for a member without a browser: the sync agent on a desktop or PC."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class Device(Base):
    """kind: desktop (desktop_id says which) or pc. protocol: sync (the agent, by token) or webdav (programs, by password)."""

    __tablename__ = "device"
    __table_args__ = (CheckConstraint("kind IN ('desktop', 'pc')", name="kind"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    protocol: Mapped[str] = mapped_column(String(10), default="sync", server_default="sync")
    name: Mapped[str] = mapped_column(String(120))
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), index=True)
    desktop_id: Mapped[str | None] = mapped_column(Id, index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class DeviceSeen(Base):
    """Apart from Device, because it changes with every heartbeat and is nobody's act."""

    __tablename__ = "device_seen"
    __unaudited__ = "observed, not decided"

    device_id: Mapped[str] = mapped_column(Id, ForeignKey("device.id"), primary_key=True)
    at: Mapped[datetime]
    status: Mapped[dict[str, Any]]


class EnrolmentCode(Base):
    """A one-time code by which a device gets its token; stored hashed.

    nonce_hash, device_id: who spent it and what for. The same program may ask again with the same nonce, because its
    first answer may have been lost on the way.
    """

    __tablename__ = "enrolment_code"

    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(120))
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"))
    desktop_id: Mapped[str | None] = mapped_column(Id)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    nonce_hash: Mapped[str | None] = mapped_column(String(64))
    device_id: Mapped[str | None] = mapped_column(Id)


class DeviceEvent(EventKind):
    CODE_ISSUED = "workspace.device.code_issued", N_("%(actor)s 为%(member)s签发了设备登记码（%(name)s）")
    ENROLLED = "workspace.device.enrolled", N_("设备“%(name)s”为%(member)s登记")
    MOUNTED = "workspace.device.mounted", N_("%(member)s的设备“%(name)s”已挂载素材库")
    FOLDER_ADDED = "workspace.device.folder_added", N_("%(actor)s 添加了网络文件夹“%(name)s”")
    REVOKED = "workspace.device.revoked", N_("%(actor)s 停用了%(member)s的设备“%(name)s”")
