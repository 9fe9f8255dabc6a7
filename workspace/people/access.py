"""Loading members, departments, sites and groups. The directory is open to everybody in the company."""

from sqlalchemy import select

from workspace.errors import NotFound
from workspace.i18n import _
from workspace.people.models import Department, GroupMember, Member, Site
from workspace.work import Work


def get_member(work: Work, member_id: str) -> Member:
    """An active member; NotFound otherwise."""
    member = work.session.get(Member, member_id)
    if member is None or member.state != "active":
        raise NotFound(_("没有找到这位成员"), _("成员可能已离职，请重新选择。"))
    return member


def get_department(work: Work, department_id: str) -> Department:
    department = work.session.get(Department, department_id)
    if department is None:
        raise NotFound(_("没有找到这个部门"), _("请重新选择部门。"))
    return department


def get_site(work: Work, site_id: str) -> Site:
    site = work.session.get(Site, site_id)
    if site is None:
        raise NotFound(_("没有找到这个地点"), _("请重新选择城市或门店。"))
    return site


def get_store(work: Work, store_id: str) -> Site:
    site = work.session.get(Site, store_id)
    if site is None or site.kind != "store":
        raise NotFound(_("没有找到这家门店"), _("地址有误，请从门店列表中选择。"))
    return site


def lock_stores(work: Work) -> None:
    """Hold every store until the commit: of two who give one code to two stores the second has to see the first."""
    work.session.execute(select(Site.id).where(Site.kind == "store").order_by(Site.id).with_for_update())


def group_ids_of(work: Work, member_id: str) -> list[str]:
    return list(work.session.scalars(select(GroupMember.group_id).where(GroupMember.member_id == member_id)))


def member_ids_of(work: Work, group_id: str) -> list[str]:
    return list(work.session.scalars(select(GroupMember.member_id).where(GroupMember.group_id == group_id)))
