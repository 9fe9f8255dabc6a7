"""Desktops: one row per virtual machine that a member has, had, or is getting; what is wanted and what was observed."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from desktops.machines.rules import State, Wanted
from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind, make_quiet
from workspace.roles.permissions import Permission


class Desktop(Base):
    """number: small and unique; the account of its QEMU is counted from it.

    state: what was last observed, never what is hoped for. wanted: what the reconciler works towards.
    generation: number of the system disk; it grows with each fresh clone. restart: stop it once, then go on as wanted.
    since: when state began. deadline_at: when a waiting state stops being normal; None where nothing is waited for.
    booted_at: latest start or wake; only what the desktop's sync client said after it counts as ready.
    ready_at: when it was first heard after that, from which an unopened desktop's idle time counts.
    problem: why it does not move, in words; attempts so far and when the next may begin (None = a person must retry).
    """

    __tablename__ = "desktop"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(str(state)) for state in State)})", name="state"),
        CheckConstraint(f"wanted IN ({', '.join(repr(str(wanted)) for wanted in Wanted)})", name="wanted"),
        # One living desktop per member and template, however often "open" is pressed.
        Index(
            "uq_desktop_living",
            "member_id",
            "template_id",
            unique=True,
            sqlite_where=text("state <> 'gone'"),
            postgresql_where=text("state <> 'gone'"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, unique=True)
    name: Mapped[str] = mapped_column(String(120))
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), index=True)
    template_id: Mapped[str] = mapped_column(Id, ForeignKey("desktop_template.id"))
    host_id: Mapped[str | None] = mapped_column(Id, ForeignKey("host.id"), index=True)
    image_id: Mapped[str | None] = mapped_column(Id, ForeignKey("image_version.id"), index=True)
    memory_mib: Mapped[int] = mapped_column(Integer)
    vcpus: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(12))
    wanted: Mapped[str] = mapped_column(String(12))
    restart: Mapped[bool] = mapped_column(default=False)
    generation: Mapped[int] = mapped_column(Integer, default=1)
    since: Mapped[datetime]
    deadline_at: Mapped[datetime | None]
    booted_at: Mapped[datetime | None]
    ready_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(String(400), default="")
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    retry_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class DesktopActivity(Base):
    """What the gateway saw. last_input_at: latest key or pointer event through a console; channel_up_at: when the guest
    last answered on its channel. None until there was one."""

    __tablename__ = "desktop_activity"
    __unaudited__ = "observed, not decided; changes every few seconds"

    desktop_id: Mapped[str] = mapped_column(Id, ForeignKey("desktop.id"), primary_key=True)
    last_input_at: Mapped[datetime | None]
    channel_up_at: Mapped[datetime | None]


class DesktopPermission(Permission):
    OWN = "desktops:desktop:own", N_("使用自己的云桌面")
    MANAGE = "desktops:desktop:manage", N_("管理所有云桌面、镜像与宿主机")


class DesktopEvent(EventKind):
    REQUESTED = "desktops.desktop.requested", N_("%(actor)s 为%(member)s申请了云桌面“%(name)s”")
    PROGRESSED = "desktops.desktop.progressed", N_("%(member)s的云桌面“%(name)s”：%(state_words)s")
    READY = "desktops.desktop.ready", N_("%(member)s的云桌面“%(name)s”已就绪")
    IDLE = "desktops.desktop.idle", N_("%(member)s的云桌面“%(name)s”空闲，%(seconds_left)s 秒后休眠")
    HIBERNATED = "desktops.desktop.hibernated", N_("%(member)s的云桌面“%(name)s”已休眠")
    WOKEN = "desktops.desktop.woken", N_("%(member)s的云桌面“%(name)s”已唤醒")
    STOPPED = "desktops.desktop.stopped", N_("%(member)s的云桌面“%(name)s”已关机")
    FAILED = "desktops.desktop.failed", N_("%(member)s的云桌面“%(name)s”出错：%(problem)s")
    RECLAIMED = "desktops.desktop.reclaimed", N_("%(member)s的云桌面“%(name)s”已回收")
    CONNECT_ASKED = "desktops.desktop.connect_asked", N_("%(actor)s 打开云桌面“%(name)s”")
    HIBERNATE_ASKED = "desktops.desktop.hibernate_asked", N_("%(actor)s 让云桌面“%(name)s”休眠")
    RESTART_ASKED = "desktops.desktop.restart_asked", N_("%(actor)s 重新启动云桌面“%(name)s”")
    RETRY_ASKED = "desktops.desktop.retry_asked", N_("%(actor)s 让云桌面“%(name)s”再试一次")
    RECLAIM_ASKED = "desktops.desktop.reclaim_asked", N_("%(actor)s 回收%(member)s的云桌面“%(name)s”")
    COUNT_CHANGED = "desktops.desktop.count_changed", N_("主线成员在线的云桌面数有变化")


make_quiet(DesktopEvent.COUNT_CHANGED)
