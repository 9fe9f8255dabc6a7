"""Defining roles and giving them to members."""

from collections.abc import Iterable

from workspace.db import new_id
from workspace.people.models import Member
from workspace.roles.models import MemberRole, Role, RoleEvent
from workspace.roles.permissions import Permission
from workspace.work import Work


def define_role(work: Work, *, name: str, permissions: Iterable[Permission]) -> Role:
    role = Role(id=new_id(), name=name, permissions=sorted(str(permission) for permission in permissions))
    work.session.add(role)
    work.record(RoleEvent.DEFINED, subject=f"role:{role.id}", rooms=["audit"], name=name, permissions=role.permissions)
    return role


def assign_role(work: Work, member: Member, role: Role) -> None:
    work.session.add(MemberRole(member_id=member.id, role_id=role.id))
    work.record(RoleEvent.ASSIGNED, subject=f"member:{member.id}", rooms=["audit"], member=member.name, role=role.name)
