"""What departments with a quota have saved is counted anew once an hour."""

from sync.library.quotas.actions import count_uses
from workspace.jobs.registry import periodic
from workspace.jobs.worker import JobRun


@periodic("library.count_department_use", every_s=3600)
def count_department_use(run: JobRun) -> None:
    with run.open_work() as work:
        count_uses(work)
