"""Which permissions a member has now."""

from sqlalchemy import bindparam, select

from workspace.roles.models import MemberRole, Role
from workspace.work import Work

# Made once: each request asks it.
_PERMISSIONS = select(Role.permissions).join(MemberRole, MemberRole.role_id == Role.id).where(MemberRole.member_id == bindparam("member"))


def permissions_of(work: Work, member_id: str) -> frozenset[str]:
    rows = work.session.scalars(_PERMISSIONS, {"member": member_id})
    return frozenset(permission for row in rows for permission in row)
