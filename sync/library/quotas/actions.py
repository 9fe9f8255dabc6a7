"""Setting what a department may save, and what a library may hold."""

from jinja2.filters import do_filesizeformat
from sqlalchemy import delete, select

from sync.library.assets.tree import lock_tree
from sync.library.libraries.access import find_library, rooms_of_library
from sync.library.quotas.models import DepartmentQuota, DepartmentUse, QuotaEvent
from sync.library.quotas.queries import used_bytes
from workspace.errors import NotFound
from workspace.i18n import _
from workspace.people.models import Department
from workspace.work import Work


def set_quota(work: Work, department_id: str, quota_bytes: int | None) -> None:
    """The most that a department may have saved, below what it has as well: then nothing more. None lifts the limit."""
    department = work.session.get(Department, department_id, with_for_update=True)  # Two may say it first at the same moment.
    if department is None:
        raise NotFound(_("没有找到这个部门"), _("刷新后再试。"))
    subject = f"department:{department_id}"
    if quota_bytes is not None:
        work.session.merge(DepartmentQuota(department_id=department_id, quota_bytes=quota_bytes))
        work.session.merge(DepartmentUse(department_id=department_id, used_bytes=used_bytes(work).get(department_id, 0)))
        said = do_filesizeformat(quota_bytes)
        work.record(QuotaEvent.SET, subject=subject, rooms=["audit"], department=department.name, quota=said, quota_bytes=quota_bytes)
    elif (row := work.session.get(DepartmentQuota, department_id)) is not None:
        work.session.delete(row)
        work.session.execute(delete(DepartmentUse).where(DepartmentUse.department_id == department_id))
        work.record(QuotaEvent.LIFTED, subject=subject, rooms=["audit"], department=department.name)


def set_library_quota(work: Work, library_id: str, quota_bytes: int | None) -> None:
    """The most that the store may keep for a library which the actor sees, below what it has as well: then nothing more. None lifts it."""
    tree = lock_tree(work, find_library(work, library_id).library.id)
    library = tree.library
    if library.quota_bytes == quota_bytes:
        return
    library.quota_bytes = quota_bytes
    tree.tell()  # What the bucket's log says of the library has changed.
    kind = QuotaEvent.LIBRARY_LIFTED if quota_bytes is None else QuotaEvent.LIBRARY_SET
    work.record(
        kind, subject=f"library:{library.id}", rooms=[*rooms_of_library(library), "audit"], library=library.name, library_id=library.id,
        quota=do_filesizeformat(quota_bytes or 0), quota_bytes=quota_bytes,
    )  # fmt: skip


def count_uses(work: Work) -> None:
    """Anew for every department with a quota: versions thin out, and members change their department."""
    counted = used_bytes(work)
    for use in work.session.scalars(select(DepartmentUse)):
        use.used_bytes = counted.get(use.department_id, 0)
