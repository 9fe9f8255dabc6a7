"""Who is told of a comment: the author of the version, whoever takes part in the thread, and those who were mentioned."""

from sync.library.assets.models import Node, Version
from sync.library.comments.access import readers_among, thread_people
from sync.library.comments.models import AssetComment, CommentEvent
from workspace.events.models import Event
from workspace.jobs.registry import reacts_to
from workspace.jobs.worker import JobRun
from workspace.notices.actions import send_notices
from workspace.work import Work

TOLD_OF = (CommentEvent.ADDED, CommentEvent.REPLIED, CommentEvent.MENTIONED, CommentEvent.RESOLVED, CommentEvent.REOPENED)


@reacts_to(*TOLD_OF, name="library.comment_notices")
def tell_people(run: JobRun, seq: int) -> None:
    """Those of them who may see the asset now. Who is mentioned hears that, and not also that there is a comment."""
    event = run.event(seq)
    with run.open_work() as work:
        comment = work.session.get(AssetComment, event.facts["comment_id"])
        node = work.session.get(Node, event.facts["asset_id"])
        if comment is None or node is None:
            return
        mentioned = {each["id"] for each in comment.mentions}
        told = mentioned if event.kind == CommentEvent.MENTIONED else _told(work, event, comment) - mentioned
        seeing = readers_among(work, node, told - {event.actor_id or ""})
        url = f"/library/assets/{node.id}?version={comment.version}#comment-{comment.id}"
        send_notices(work, event, sorted(seeing), url=url, asking=seeing if event.kind == CommentEvent.MENTIONED else ())


def _told(work: Work, event: Event, comment: AssetComment) -> set[str]:
    people = thread_people(work, comment.thread_id)
    if event.kind not in (CommentEvent.ADDED, CommentEvent.REPLIED):
        return people
    if comment.deleted_at is not None:  # Taken back before anybody was told.
        return set()
    version = work.session.get(Version, (comment.asset_id, comment.version))
    return people | ({version.author_id} if version is not None and version.author_id else set())
