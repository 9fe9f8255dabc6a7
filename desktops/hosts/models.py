"""Hosts: the hypervisors that carry desktops, where they stand and what was observed of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class Host(Base):
    """uri: a libvirt connection, empty for the one that the worker finds on its own machine. site_id: its city; None = not said.

    facts: what the probe found (accelerator, memory, versions, why KVM cannot be used). simulated: libvirt's test driver.
    """

    __tablename__ = "host"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    uri: Mapped[str] = mapped_column(String(300), unique=True)
    site_id: Mapped[str | None] = mapped_column(Id, ForeignKey("site.id"))
    simulated: Mapped[bool] = mapped_column(default=False)
    accepts_new: Mapped[bool] = mapped_column(default=True)
    facts: Mapped[dict[str, Any]]
    probed_at: Mapped[datetime | None]


class HostSeen(Base):
    """Apart from Host, because it changes with every look and is nobody's act. trouble: empty = it answered.

    cache: what its chunk cache counted since it was started, see desktops/caching/fetching.Counts; None without one.
    """

    __tablename__ = "host_seen"
    __unaudited__ = "observed, not decided"

    host_id: Mapped[str] = mapped_column(Id, ForeignKey("host.id"), primary_key=True)
    at: Mapped[datetime | None]
    trouble: Mapped[str] = mapped_column(String(400), default="")
    cache: Mapped[dict[str, Any] | None]


class HostEvent(EventKind):
    ADDED = "desktops.host.added", N_("%(actor)s 添加了宿主机“%(name)s”")
    PROBED = "desktops.host.probed", N_("宿主机“%(name)s”检查完毕：%(verdict)s")
    LOST = "desktops.host.lost", N_("宿主机“%(name)s”失去联系：%(trouble)s")
    BACK = "desktops.host.back", N_("宿主机“%(name)s”恢复联系")
