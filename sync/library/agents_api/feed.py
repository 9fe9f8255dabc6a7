"""The change feed of agents: what is newer than a cursor, and waiting for it without keeping the web process busy.

A waiting request holds a thread of the web process and nothing else; there are ``feed_places`` threads for them beside
those that answer. Who finds no place is told to come back in a moment (429 with Retry-After) and is served as a poll.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog
from sqlalchemy import Row, bindparam, func, select

from sync.core.protocol import MAX_NODES, ChildrenAnswer, FeedAnswer, FeedPage, FeedRequest
from sync.core.protocol import Node as NodeMessage
from sync.library.agents_api.contents import new_contents
from sync.library.assets.models import AssetEvent, Node
from sync.library.assets.wire import NODE_COLUMNS, hidden_message, lease_message, node_message, right_message
from sync.library.grants.access import right_to, shows, ways_above
from sync.library.grants.rules import View
from sync.library.leases.access import live_leases
from sync.library.leases.models import LeaseEvent
from sync.library.libraries.access import OpenLibrary, libraries_tag, visible_libraries
from sync.library.libraries.rules import Right
from workspace.db import Database
from workspace.errors import TooManyRequests
from workspace.events.models import Event
from workspace.i18n import _
from workspace.wake import Listener, Wake
from workspace.work import Work

log = structlog.get_logger("feed")

LOOK_AGAIN_S = 5.0  # A lost wake costs this much, never data.
EVERYONE = "*"
_ANSWERED = frozenset(map(str, (AssetEvent.COMMITTED, LeaseEvent.TAKEN, LeaseEvent.RETURNED)))
"""Whose answer tells the device all that changed. It hears of them again when its feed brings something else, or has waited its time:
a machine that saves 10,000 files is not woken by each batch of its own."""
# Made once: each agent that waits asks it after each save of anybody. Columns: a newcomer to a large library takes a hundred thousand rows.
_TOLD = select(*NODE_COLUMNS)
_ROWS = _TOLD.where(Node.library_id == bindparam("library"), Node.seq > bindparam("cursor"))
_CHILDREN = (
    _TOLD.where(Node.library_id == bindparam("library"), Node.parent_id == bindparam("folder"), Node.deleted_at.is_(None))
    .order_by(Node.name_key)
    .limit(MAX_NODES)
)
_NEWER = _ROWS.order_by(Node.seq).limit(bindparam("most"))
_NEWCOMERS = _ROWS.where(Node.deleted_at.is_(None)).order_by(Node.seq).limit(bindparam("most"))  # A newcomer has nothing to remove.


class NoPlace(TooManyRequests):
    """All places to wait are taken."""


def read_feed(work: Work, request: FeedRequest, limit: int) -> FeedAnswer:
    """What the member may see now that is newer than the request's cursors."""
    opened = visible_libraries(work)
    pages = [
        page
        for found in opened
        if found.library.id in request.cursors
        and found.library.seq > request.cursors[found.library.id]
        and (page := _page(work, found, request, limit=limit)).cursor > request.cursors[found.library.id]
    ]
    return FeedAnswer(libraries_tag(opened), tuple(pages))


def _page(work: Work, found: OpenLibrary, request: FeedRequest, *, limit: int) -> FeedPage:
    library, cursor = found.library, request.cursors[found.library.id]
    asked = {"library": library.id, "cursor": cursor, "most": limit + 1}
    rows = work.read(_NEWCOMERS if cursor == 0 else _NEWER, asked).all()
    shown = rows[:limit]
    nodes = _messages(work, found, shown)
    if cursor == 0:
        nodes = [node for node in nodes if not node.deleted]
    more = len(rows) > limit
    # What was numbered without a node (check-outs) moves the cursor as well; the library's row was read before its nodes.
    reached = shown[-1].seq if more else max(cursor, library.seq, shown[-1].seq if shown else 0)
    leases = [lease for lease in live_leases(work, library.id) if found.view.is_even or _sees(work, found.view, lease.node_id)]
    contents = new_contents(work, found.view, nodes) if request.contents and cursor > 0 else ()
    return FeedPage(library.id, tuple(nodes), reached, more, tuple(lease_message(lease, work.now) for lease in leases), contents)


def _sees(work: Work, view: View, node_id: str) -> bool:
    node = work.session.get(Node, node_id)
    return node is not None and right_to(work, view, node) >= Right.SEE


def read_children(work: Work, found: OpenLibrary, folder_id: str) -> ChildrenAnswer:
    """What the member may see in one folder. Nothing where there is no such folder for them."""
    nodes = work.read(_CHILDREN, {"library": found.library.id, "folder": folder_id}).all()
    return ChildrenAnswer(tuple(message for message in _messages(work, found, nodes) if not message.deleted))


def _messages(work: Work, found: OpenLibrary, nodes: Sequence[Row[Any]]) -> list[NodeMessage]:
    if found.view.is_even:
        return [node_message(node, found.library.name) for node in nodes]
    return _seen(work, found.view, nodes, found.library.name)


def _seen(work: Work, view: View, nodes: Sequence[Row[Any]], library_name: str) -> list[NodeMessage]:
    """The nodes as a member sees them whose rights are not the same everywhere; what they may not see is gone for them, without a name."""
    parents = ways_above(work, nodes)
    messages = []
    for node in nodes:
        decider = view.decider_of(node.id, parents)
        right = view.decided[decider] if decider is not None else Right.NONE
        if not shows(view, node.id, right):
            messages.append(hidden_message(node))
            continue
        message = node_message(node, library_name)
        as_library = decider == view.root_id and right >= Right.SEE
        messages.append(message if as_library or node.kind == "file" else replace(message, right=right_message(right)))
    return messages


def concerned(kind: str, rooms: Iterable[str], rooms_changed: dict[str, Any]) -> set[str]:
    """The libraries whose agents an event may bring news; EVERYONE where it may change who sees what."""
    if rooms_changed or kind.startswith("workspace.device."):
        return {EVERYONE}
    return {room.removeprefix("library:").partition("/")[0] for room in rooms if room.startswith("library:")}


@dataclass(frozen=True)
class _Waiter:
    """Who waits for news of these libraries. device_id: None for nobody's."""

    libraries: frozenset[str]
    device_id: str | None


class Bell:
    """Wakes those waiting requests of one process that an event concerns.

    It is told of what its own process commits, and reads each event of the others once for all who wait. Without that, every
    commit anywhere made every waiting request look.
    """

    def __init__(self, wake: Wake, database: Database, places: int) -> None:
        self._wake, self._database, self._places = wake, database, places
        self._lock = threading.Lock()
        self._waiting: dict[threading.Event, _Waiter] = {}
        self._heard: int | None = None  # Sequence of the last event that was looked at; None = not listening yet.
        self._told: set[int] = set()  # Later ones, of this process, that were rung for when they were committed.
        self._closed = False

    @contextmanager
    def place(self, libraries: Iterable[str], device_id: str | None = None) -> Iterator[threading.Event]:
        """A place for a device to wait for news of these libraries, with its bell; NoPlace when all are taken."""
        bell = threading.Event()
        with self._lock:
            if len(self._waiting) >= self._places:
                raise NoPlace(_("等待者过多"), _("请稍后再问。"))
            if self._heard is None:
                self._heard = self._head()
                threading.Thread(target=self._listen, name="feed-bell", daemon=True).start()
            self._waiting[bell] = _Waiter(frozenset({EVERYONE, *libraries}), device_id)
            if self._closed:
                bell.set()
        try:
            yield bell
        finally:
            with self._lock:
                del self._waiting[bell]

    def wait_for(self, bell: threading.Event, look: Callable[[], FeedAnswer | None], *, until: float) -> FeedAnswer | None:
        """``look`` now and after each ring, until it finds something, the monotonic clock reaches ``until``, or the bell is closed."""
        while True:
            bell.clear()  # Before looking, so that a ring in between is not missed.
            answer = look()
            left_s = until - time.monotonic()
            if answer is not None or left_s <= 0 or self._closed:
                return answer
            bell.wait(left_s)

    def hear(self, events: Sequence[Mapping[str, Any]], device_id: str | None) -> None:
        """Ring for events of this process, as soon as they are committed; not with the device that acted for what its answer says."""
        libraries: set[str] = set()
        answered: set[str] = set()
        with self._lock:
            if self._heard is None:
                return
            for event in events:
                found = answered if device_id is not None and event["kind"] in _ANSWERED else libraries
                found |= concerned(event["kind"], event["rooms"], event["rooms_changed"])
                self._told.add(event["seq"])
        self._ring(libraries)
        self._ring(answered, but=device_id)

    def close(self) -> None:
        """Whoever waits, and whoever comes from now on, gets an answer at once: the process is stopping."""
        with self._lock:
            self._closed = True
            for bell in self._waiting:
                bell.set()

    def _listen(self) -> None:
        while not self._closed:
            try:
                with closing(self._wake.listener(own=False)) as listener:
                    self._ring_with(listener)
            except Exception as error:  # The line or the database may be away for a moment; nothing is missed, the events stay.
                log.error("bell.failed", exc_info=error)
                time.sleep(1)

    def _ring_with(self, listener: Listener) -> None:
        while not self._closed:
            self._ring(self._news())
            listener.wait(LOOK_AGAIN_S)

    def _ring(self, libraries: set[str], *, but: str | None = None) -> None:
        with self._lock:
            for bell, waiter in self._waiting.items():
                if libraries & waiter.libraries and (but is None or waiter.device_id != but):
                    bell.set()

    def _head(self) -> int:
        with self._database.session(writes=False) as session:
            return int(session.scalar(select(func.max(Event.seq))) or 0)

    def _news(self) -> set[str]:
        """The libraries that events since the last look concern, as far as nobody rang for them."""
        query = select(Event.seq, Event.kind, Event.rooms, Event.rooms_changed).where(Event.seq > self._heard).order_by(Event.seq)
        libraries: set[str] = set()
        with self._database.session(writes=False) as session:
            for seq, kind, rooms, changed in session.execute(query):
                if seq not in self._told:
                    libraries |= concerned(kind, rooms, changed)
                self._heard = seq
        with self._lock:
            self._told = {seq for seq in self._told if seq > (self._heard or 0)}
        return libraries
