"""How much the members of a department may keep in the libraries. What a library may hold is the library's own (libraries/models.py)."""

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from workspace.db import Base, Id
from workspace.events.kinds import N_, EventKind


class DepartmentQuota(Base):
    """The most bytes of versions saved by members of a department and of those below it; no row: no limit."""

    __tablename__ = "department_quota"

    department_id: Mapped[str] = mapped_column(Id, ForeignKey("department.id"), primary_key=True)
    quota_bytes: Mapped[int] = mapped_column(BigInteger)


class DepartmentUse(Base):
    """What they have saved, for departments with a quota: added to by each save, counted anew once an hour."""

    __tablename__ = "department_use"
    __unaudited__ = "a sum over recorded versions"

    department_id: Mapped[str] = mapped_column(Id, ForeignKey("department.id"), primary_key=True)
    used_bytes: Mapped[int] = mapped_column(BigInteger)


class QuotaEvent(EventKind):
    SET = "library.quota.set", N_("%(actor)s 将部门“%(department)s”的素材空间设为 %(quota)s")
    LIFTED = "library.quota.lifted", N_("%(actor)s 取消了部门“%(department)s”的素材空间上限")
    LIBRARY_SET = "library.quota.library_set", N_("%(actor)s 将素材库“%(library)s”的空间设为 %(quota)s")
    LIBRARY_LIFTED = "library.quota.library_lifted", N_("%(actor)s 取消了素材库“%(library)s”的空间上限")
