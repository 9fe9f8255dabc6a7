"""What may still be saved: by the quota of a library, and by those of the departments to which the actor belongs."""

from jinja2.filters import do_filesizeformat
from sqlalchemy import select, update

from sync.library.content.access import stored_bytes
from sync.library.libraries.models import Library
from sync.library.quotas.models import DepartmentQuota, DepartmentUse
from sync.library.quotas.rules import Limit, first_full, way_up
from workspace.i18n import _
from workspace.people.models import Department, Member
from workspace.work import Work


class Room:
    """For the saves of one transaction. Asks the database when the first of them comes; ``close`` once at the end."""

    def __init__(self, work: Work, library: Library) -> None:
        self._work, self._library = work, library
        self._is_over: bool | None = None
        self._limits: list[Limit] = []
        self._taken_bytes = 0

    def refusal(self, size_bytes: int) -> tuple[str, str] | None:
        """Title and message when a version of this size has no room, else None."""
        if self._is_over is None:
            quota = self._library.quota_bytes
            self._is_over = quota is not None and stored_bytes(self._work, self._library.id) > quota
            self._limits = limits_of(self._work)
        if self._is_over:
            return _("素材库空间已满"), _("请清理旧文件，或联系管理员扩容。")
        full = first_full(self._limits, self._taken_bytes + size_bytes)
        return words_of(full) if full is not None else None

    def take(self, size_bytes: int) -> None:
        """A version of this size was saved."""
        self._taken_bytes += size_bytes

    def close(self) -> None:
        if self._limits and self._taken_bytes:
            uses = update(DepartmentUse).where(DepartmentUse.department_id.in_([limit.id for limit in self._limits]))
            uses = uses.values(used_bytes=DepartmentUse.used_bytes + self._taken_bytes)
            self._work.session.execute(uses.execution_options(synchronize_session=False))


def limits_of(work: Work) -> list[Limit]:
    """Of the actor's department and those above it; most companies have none, and are asked one short question."""
    query = select(DepartmentQuota.department_id, DepartmentQuota.quota_bytes, DepartmentUse.used_bytes)
    rows = work.session.execute(query.outerjoin(DepartmentUse, DepartmentUse.department_id == DepartmentQuota.department_id)).all()
    own = work.session.scalar(select(Member.department_id).where(Member.id == work.actor.member_id)) if rows else None
    if own is None:
        return []
    departments = {row.id: row for row in work.session.execute(select(Department.id, Department.name, Department.parent_id))}
    way = way_up(own, {row.id: row.parent_id for row in departments.values()})
    return [Limit(row[0], departments[row[0]].name, row[1], row[2] or 0) for row in rows if row[0] in way]


def words_of(limit: Limit) -> tuple[str, str]:
    """Title and message for who has no room."""
    used, most = do_filesizeformat(limit.used_bytes), do_filesizeformat(limit.quota_bytes)
    title = _("部门“%(name)s”的素材空间已满", name=limit.name)
    return title, _("已用 %(used)s，上限 %(most)s。请清理旧文件，或联系管理员扩容。", used=used, most=most)
