"""Who is in the company and where: members, departments, sites (cities and stores) and groups."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind
from workspace.people.names import CODE_LENGTH

NAME_LENGTH = 60
CODE_KEY_LENGTH = 3 * CODE_LENGTH
"""A letter becomes three at most when capitals no longer matter."""


class Site(Base):
    """kind: city, or a store that belongs to a city (parent_id).

    code: what other systems know a store by, unlike its name the only one of its kind; None while it has none. code_key: the code as
    codes are compared, see ``names.plain``.
    """

    __tablename__ = "site"
    __table_args__ = (
        CheckConstraint("kind IN ('city', 'store')", name="kind"),
        CheckConstraint("kind = 'store' OR code IS NULL", name="code"),
        CheckConstraint("(code IS NULL) = (code_key IS NULL)", name="code_key"),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    parent_id: Mapped[str | None] = mapped_column(Id, ForeignKey("site.id"))
    code: Mapped[str | None] = mapped_column(String(CODE_LENGTH))
    code_key: Mapped[str | None] = mapped_column(String(CODE_KEY_LENGTH), unique=True)


class Department(Base):
    __tablename__ = "department"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    parent_id: Mapped[str | None] = mapped_column(Id, ForeignKey("department.id"))


class Member(Base):
    """state: active, or left (kept for the audit; cannot sign in). department_id is the main one."""

    __tablename__ = "member"
    __table_args__ = (CheckConstraint("state IN ('active', 'left')", name="state"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    login: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(60), default="")
    password_hash: Mapped[str] = mapped_column(String(200))
    department_id: Mapped[str] = mapped_column(Id, ForeignKey("department.id"))
    site_id: Mapped[str] = mapped_column(Id, ForeignKey("site.id"))
    manager_id: Mapped[str | None] = mapped_column(Id, ForeignKey("member.id"))
    state: Mapped[str] = mapped_column(String(10), default="active")
    locale: Mapped[str] = mapped_column(String(5), default="")
    created_at: Mapped[datetime]


class Group(Base):
    """A set of members that grants can name. kind: free, or the feature that keeps it (``line``)."""

    __tablename__ = "member_group"

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[str] = mapped_column(String(20), default="free")


class GroupMember(Base):
    __tablename__ = "member_group_member"

    group_id: Mapped[str] = mapped_column(Id, ForeignKey("member_group.id"), primary_key=True)
    member_id: Mapped[str] = mapped_column(Id, ForeignKey("member.id"), primary_key=True, index=True)


class PeopleEvent(EventKind):
    SITE_ADDED = "workspace.site.added", N_("%(actor)s 添加了地点“%(name)s”")
    STORE_RENAMED = "workspace.site.renamed", N_("%(actor)s 将门店“%(before)s”改名为“%(name)s”")
    STORE_CODED = "workspace.site.coded", N_("%(actor)s 将门店“%(name)s”的编码设为 %(code)s")
    STORE_UNCODED = "workspace.site.uncoded", N_("%(actor)s 去掉了门店“%(name)s”的编码 %(before)s")
    DEPARTMENT_ADDED = "workspace.department.added", N_("%(actor)s 添加了部门“%(name)s”")
    MEMBER_ADDED = "workspace.member.added", N_("%(actor)s 添加了成员%(name)s（%(department)s）")
