"""Who is told of a post: those whom it calls, and whoever carries out the order that it is about."""

from main_lines.feed.models import WRITTEN, ProgressPost
from main_lines.feed.rules import MentionKind
from main_lines.lines.access import line_member_ids
from workspace.jobs.registry import reacts_to
from workspace.jobs.worker import JobRun
from workspace.notices.actions import send_notices


@reacts_to(*WRITTEN, name="main_lines.post_notices")
def tell_called(run: JobRun, seq: int) -> None:
    """Those of them who are still in the line; who is called by name is asked to act. A post that is gone already calls nobody."""
    event = run.event(seq)
    with run.open_work() as work:
        post = work.session.get(ProgressPost, event.facts["post_id"]) if "post_id" in event.facts else None
        if post is None or post.withdrawn_at is not None:
            return
        told = set(post.told) & set(line_member_ids(work, post.line_id)) - {event.actor_id or ""}
        named = {one["id"] for one in post.mentions if one["kind"] == MentionKind.MEMBER.value}
        send_notices(work, event, sorted(told), url=post.url, asking=told & named)
