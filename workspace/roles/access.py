"""Which permissions a member has now."""

from sqlalchemy import select

from workspace.roles.models import MemberRole, Role
from workspace.work import Work


def permissions_of(work: Work, member_id: str) -> frozenset[str]:
    rows = work.session.scalars(
        select(Role.permissions).join(MemberRole, MemberRole.role_id == Role.id).where(MemberRole.member_id == member_id)
    )
    return frozenset(permission for row in rows for permission in row)
