"""The change feed of agents: what is newer than a cursor, and waiting for it without keeping the web process busy.

A waiting request holds one of the web process's threads, so only half of them may wait at one time. Who finds no
place is told to come back in a moment (429 with Retry-After) and is served as a poll until a place is free.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import structlog
from sqlalchemy import select

from sync.core.protocol import FeedAnswer, FeedPage, FeedRequest
from sync.library.assets.models import Node
from sync.library.assets.wire import node_message
from sync.library.libraries.access import OpenLibrary, libraries_tag, visible_libraries
from workspace.errors import TooManyRequests
from workspace.i18n import _
from workspace.wake import Listener, Wake
from workspace.work import Work

log = structlog.get_logger("feed")

LOOK_AGAIN_S = 5.0  # A lost wake costs this much, never data.


def read_feed(work: Work, request: FeedRequest, limit: int) -> FeedAnswer:
    """What the member may see now that is newer than the request's cursors."""
    opened = visible_libraries(work)
    pages = [
        page
        for found in opened
        if found.library.id in request.cursors
        and found.library.seq > request.cursors[found.library.id]
        and (page := _page(work, found, cursor=request.cursors[found.library.id], limit=limit)).nodes
    ]
    return FeedAnswer(libraries_tag(opened), tuple(pages))


def _page(work: Work, found: OpenLibrary, *, cursor: int, limit: int) -> FeedPage:
    library = found.library
    query = select(Node).where(Node.library_id == library.id, Node.seq > cursor).order_by(Node.seq).limit(limit + 1)
    if cursor == 0:
        query = query.where(Node.deleted_at.is_(None))  # A newcomer has nothing to remove.
    rows = list(work.session.scalars(query))
    shown = rows[:limit]
    nodes = tuple(node_message(node, library.name) for node in shown)
    return FeedPage(library.id, nodes, shown[-1].seq if shown else cursor, more=len(rows) > limit)


class Bell:
    """Wakes the waiting requests of one process when anything was committed anywhere."""

    def __init__(self, wake: Wake, places: int) -> None:
        self._wake, self._places = wake, places
        self._rung = threading.Condition()
        self._rings = 0
        self._waiting = 0
        self._listening = False
        self._closed = False

    @contextmanager
    def place(self) -> Iterator[None]:
        """One of the places to wait; TooManyRequests when all are taken."""
        with self._rung:
            if self._waiting >= self._places:
                raise TooManyRequests(_("等待者过多"), _("请稍后再问。"))
            self._waiting += 1
            if not self._listening:
                self._listening = True
                threading.Thread(target=self._listen, name="feed-bell", daemon=True).start()
        try:
            yield
        finally:
            with self._rung:
                self._waiting -= 1

    def wait_for(self, look: Callable[[], FeedAnswer | None], *, until: float) -> FeedAnswer | None:
        """``look`` now and after each ring, until it finds something, the monotonic clock reaches ``until``, or the bell is closed."""
        while True:
            with self._rung:
                heard = self._rings  # Read before looking, so that a ring in between is not missed.
            answer = look()
            left_s = until - time.monotonic()
            if answer is not None or left_s <= 0 or self._closed:
                return answer
            with self._rung:
                woken = lambda heard=heard: self._closed or self._rings != heard  # noqa: E731
                self._rung.wait_for(woken, timeout=min(left_s, LOOK_AGAIN_S))

    def close(self) -> None:
        """Whoever waits, and whoever comes from now on, gets an answer at once: the process is stopping."""
        with self._rung:
            self._closed = True
            self._rung.notify_all()

    def _listen(self) -> None:
        while True:
            try:
                with closing(self._wake.listener()) as listener:
                    self._ring_with(listener)
            except Exception as error:  # The line may be away for a moment; until it is back, waiting requests look every few seconds.
                log.error("bell.failed", exc_info=error)
                time.sleep(1)

    def _ring_with(self, listener: Listener) -> None:
        while True:
            if listener.wait(LOOK_AGAIN_S):
                with self._rung:
                    self._rings += 1
                    self._rung.notify_all()
