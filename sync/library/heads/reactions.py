"""A version that somebody keeps by hand gets a head; what main_lines approves, it tells of by itself."""

from sync.library.heads.actions import want_heads
from sync.library.retention.models import RetentionEvent
from workspace.jobs.registry import reacts_to
from workspace.jobs.worker import JobRun


@reacts_to(RetentionEvent.KEPT, name="library.head_of_kept")
def make_head_of_kept(run: JobRun, seq: int) -> None:
    event = run.event(seq)
    with run.open_work() as work:
        want_heads(work, event.facts["library_id"])
