"""What departments have saved and may save, and what libraries hold and may hold, for the page where it is set; and counting it."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from sqlalchemy import func, select

from sync.library.assets.models import Version
from sync.library.content.models import Pack
from sync.library.heads.models import Head
from sync.library.libraries.access import visible_libraries
from sync.library.quotas.models import DepartmentQuota
from sync.library.quotas.rules import Limit, way_up
from workspace.people.models import Department, Member
from workspace.work import Work


@dataclass(frozen=True)
class QuotaRow:
    """A department or a library. depth: departments above it. used_bytes: with those below it; of a library, as stored.

    limit: None for none.
    """

    id: str
    name: str
    depth: int
    used_bytes: int
    limit: Limit | None


def quota_rows(work: Work) -> list[QuotaRow]:
    """Every department under the one that it belongs to."""
    used, quotas = used_bytes(work), dict(work.session.execute(select(DepartmentQuota.department_id, DepartmentQuota.quota_bytes)).all())
    below: dict[str | None, list[Department]] = defaultdict(list)
    for department in work.session.scalars(select(Department).order_by(Department.name)):
        below[department.parent_id].append(department)
    rows: list[QuotaRow] = []
    left = [(department, 0) for department in reversed(below[None])]
    while left:
        department, depth = left.pop()
        size = used.get(department.id, 0)
        limit = Limit(department.id, department.name, quotas[department.id], size) if department.id in quotas else None
        rows.append(QuotaRow(department.id, department.name, depth, size, limit))
        left += [(each, depth + 1) for each in reversed(below[department.id])]
    return rows


def library_rows(work: Work) -> list[QuotaRow]:
    """Those that the actor sees, by name: who manages members need not know of each."""
    packs = select(Pack.library_id, func.sum(Pack.size_bytes)).where(Pack.state == "verified").group_by(Pack.library_id)
    stored: Counter[str] = Counter()
    for query in (packs, select(Head.library_id, func.sum(Head.size_bytes)).group_by(Head.library_id)):
        stored.update({library_id: int(size or 0) for library_id, size in work.session.execute(query)})
    rows = []
    for library in (found.library for found in visible_libraries(work)):
        size, quota = stored[library.id], library.quota_bytes
        rows.append(
            QuotaRow(library.id, library.name, 0, size, Limit(library.id, library.name, quota, size) if quota is not None else None)
        )
    return rows


def used_bytes(work: Work) -> dict[str, int]:
    """By department: the versions saved by its members and by those of the departments below it, as if nothing were shared."""
    query = select(Member.department_id, func.sum(Version.size_bytes)).join(Member, Member.id == Version.author_id)
    parents = {row.id: row.parent_id for row in work.session.execute(select(Department.id, Department.parent_id))}
    found: dict[str, int] = defaultdict(int)
    for department_id, size in work.session.execute(query.group_by(Member.department_id)):
        for above in way_up(department_id, parents):
            found[above] += int(size or 0)
    return dict(found)
