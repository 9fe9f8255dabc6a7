"""The jobs that a change of a library asks for, and how soon: what can wait a moment is done for many changes at once."""

from datetime import timedelta

from sync.library.assets.models import Node
from sync.library.assets.wire import to_ms
from sync.library.previews.rules import is_previewable
from sync.library.words.rules import is_readable
from workspace.work import Work

INDEXED_AFTER = timedelta(seconds=1)
"""What is saved within so long is indexed by one job. A job of its own for each save was three commits, each synced to the disk."""
LOG_GATHERED_AFTER = timedelta(seconds=30)
"""How long small objects collect in the bucket's log before a job makes one of them."""
AGAIN_WITHIN = timedelta(seconds=10)
DRAWN_AGAIN_AFTER = timedelta(seconds=5)
"""A file that is saved again and again, each time within AGAIN_WITHIN, is drawn this often and not for each save."""


def ask_for_index_and_log(work: Work, library_id: str, *, since: int) -> None:
    """Changes with numbers after ``since`` were made."""
    soon, later = work.now + INDEXED_AFTER, work.now + LOG_GATHERED_AFTER
    asked_ms = to_ms(work.now)
    work.after_commit("library.index_changes", key=library_id, run_at=soon, library_id=library_id, since=since, asked_ms=asked_ms)
    work.after_commit("library.ship_log", key=library_id, run_at=later, library_id=library_id)


def ask_for_pictures_and_words(work: Work, node: Node, *, again: bool) -> None:
    """A version was saved. again: soon after the one before it, by the clock of its author's machine."""
    if is_previewable(node.name, node.size_bytes):
        if again:  # The newest version then; what was replaced by then waits for the hourly round.
            later = work.now + DRAWN_AGAIN_AFTER
            work.after_commit("library.make_preview", key=f"again:{node.id}", run_at=later, node_id=node.id, number=None)
        else:
            work.after_commit("library.make_preview", key=node.digest, node_id=node.id, number=node.version)
    if is_readable(node.name, node.size_bytes):
        work.after_commit("library.read_words", key=node.digest, node_id=node.id, number=node.version)
