"""The directory: who works where."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from workspace.people.models import Department, Member, Site
from workspace.people.names import Named, plain
from workspace.work import Work


@dataclass(frozen=True)
class MemberRow:
    """A member as lists show them. city_name: of a store's staff, the store itself."""

    id: str
    login: str
    name: str
    title: str
    department_id: str
    department_name: str
    city_name: str

    @property
    def initials(self) -> str:
        return initials(self.name)


def initials(name: str) -> str:
    """Chinese names are recognised by their last two characters, others by their first two letters."""
    return name[-2:] if any("\u4e00" <= char <= "\u9fff" for char in name) else name[:2].upper()


def list_members(work: Work, *, department_id: str | None = None, ids: Collection[str] | None = None) -> list[MemberRow]:
    """Active members by department and name; a company's directory fits one page per department. ids: only these."""
    query = (
        select(
            Member.id, Member.login, Member.name, Member.title, Member.department_id,
            Department.name.label("department_name"), Site.name.label("city_name"),
        )
        .join(Department, Department.id == Member.department_id)
        .join(Site, Site.id == Member.site_id)
        .where(Member.state == "active")
        .order_by(Department.name, Member.name)
    )  # fmt: skip
    if department_id:
        query = query.where(Member.department_id == department_id)
    if ids is not None:
        query = query.where(Member.id.in_(ids))
    return [MemberRow(**row._mapping) for row in work.session.execute(query)]


def members_by_id(work: Work) -> dict[str, MemberRow]:
    return {row.id: row for row in list_members(work)}


@dataclass(frozen=True)
class DepartmentRow:
    id: str
    name: str
    members: list[MemberRow]


def departments_with_members(work: Work) -> list[DepartmentRow]:
    """Every department, also one that has nobody yet."""
    members = list_members(work)
    departments = work.session.execute(select(Department.id, Department.name).order_by(Department.id))
    return [DepartmentRow(row.id, row.name, [member for member in members if member.department_id == row.id]) for row in departments]


def list_departments(work: Work) -> list[tuple[str, str]]:
    """(id, name), in the order in which they were added."""
    return [(row.id, row.name) for row in work.session.execute(select(Department.id, Department.name).order_by(Department.id))]


def list_cities(work: Work) -> list[tuple[str, str]]:
    """(id, name), in the order in which they were added."""
    return [(row.id, row.name) for row in work.session.execute(select(Site.id, Site.name).where(Site.kind == "city").order_by(Site.id))]


@dataclass(frozen=True)
class StoreRow:
    """A store and its city. code: empty while it has none."""

    id: str
    name: str
    city_id: str
    city_name: str
    code: str

    @property
    def named(self) -> Named:
        return Named(self.id, self.name, self.city_name, self.code)


def list_stores(work: Work, *, asked: str = "") -> list[StoreRow]:
    """Every store, city by city, both in the order in which they were added. asked: only those that have all of these words in their
    name, code or city."""
    city = aliased(Site)
    columns = (Site.id, Site.name, city.id.label("city_id"), city.name.label("city_name"), func.coalesce(Site.code, "").label("code"))
    query = select(*columns).join(city, city.id == Site.parent_id).where(Site.kind == "store").order_by(city.id, Site.id)
    rows = [StoreRow(**row._mapping) for row in work.session.execute(query)]
    words = plain(asked).split()
    return [row for row in rows if all(word in plain(f"{row.name} {row.code} {row.city_name}") for word in words)]
