"""Roles: named sets of permissions, held by members."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind
from workspace.roles.permissions import Permission


class Role(Base):
    __tablename__ = "role"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    permissions: Mapped[list[str]]


class MemberRole(Base):
    __tablename__ = "member_role"

    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), primary_key=True)
    role_id: Mapped[str] = mapped_column(Id, ForeignKey("role.id"), primary_key=True)


class RoleEvent(EventKind):
    DEFINED = "workspace.role.defined", N_("%(actor)s 设定了角色“%(name)s”")
    ASSIGNED = "workspace.role.assigned", N_("%(actor)s 授予%(member)s角色“%(role)s”")


class WorkspacePermission(Permission):
    MEMBER_MANAGE = "workspace:member:manage", N_("管理成员与门店")
    ROLE_MANAGE = "workspace:role:manage", N_("管理角色与权限")
    AUDIT_READ = "workspace:audit:read", N_("查看审计记录")
    SETTINGS_READ = "workspace:settings:read", N_("查看系统运行状态")
