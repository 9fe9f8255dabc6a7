"""Adding places, departments and members; keeping groups."""

from collections.abc import Iterable

from sqlalchemy import delete, select

from workspace.db import new_id
from workspace.errors import InvalidInput
from workspace.i18n import _
from workspace.people.models import Department, Group, GroupMember, Member, PeopleEvent, Site
from workspace.work import Work


def add_site(work: Work, *, kind: str, name: str, parent_id: str | None = None) -> Site:
    site = Site(id=new_id(), kind=kind, name=name, parent_id=parent_id)
    work.session.add(site)
    work.record(PeopleEvent.SITE_ADDED, subject=f"site:{site.id}", rooms=["company"], name=name)
    return site


def add_department(work: Work, *, name: str, parent_id: str | None = None) -> Department:
    department = Department(id=new_id(), name=name, parent_id=parent_id)
    work.session.add(department)
    work.record(PeopleEvent.DEPARTMENT_ADDED, subject=f"department:{department.id}", rooms=["company"], name=name)
    return department


def add_member(
    work: Work,
    *,
    login: str,
    name: str,
    title: str,
    password_hash: str,
    department: Department,
    site: Site,
    manager_id: str | None = None,
) -> Member:
    """login is kept in lower case and must be free."""
    login = login.strip().lower()
    if work.session.scalar(select(Member.id).where(Member.login == login)):
        raise InvalidInput(_("账号已被使用"), fields={"login": _("请换一个账号")})
    member = Member(
        id=new_id(),
        login=login,
        name=name,
        title=title,
        password_hash=password_hash,
        department_id=department.id,
        site_id=site.id,
        manager_id=manager_id,
        state="active",
        locale="",
        created_at=work.now,
    )
    work.session.add(member)
    work.session.flush()
    work.record(PeopleEvent.MEMBER_ADDED, subject=f"member:{member.id}", rooms=["company"], name=name, department=department.name)
    return member


def make_group(work: Work, *, name: str, kind: str, member_ids: Iterable[str]) -> Group:
    """A group kept by a feature, which records what it means; this alone records nothing."""
    group = Group(id=new_id(), name=name, kind=kind)
    work.session.add(group)
    work.session.flush()
    work.session.add_all(GroupMember(group_id=group.id, member_id=member_id) for member_id in dict.fromkeys(member_ids))
    return group


def add_to_group(work: Work, group_id: str, member_id: str) -> bool:
    """False when the member was in it already. The caller records the event."""
    if work.session.get(GroupMember, (group_id, member_id)):
        return False
    work.session.add(GroupMember(group_id=group_id, member_id=member_id))
    return True


def remove_from_group(work: Work, group_id: str, member_id: str) -> bool:
    """False when the member was not in it. The caller records the event."""
    gone = work.session.execute(delete(GroupMember).where(GroupMember.group_id == group_id, GroupMember.member_id == member_id))
    return bool(gone.rowcount)  # type: ignore[attr-defined]
