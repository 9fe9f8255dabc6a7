"""The agent's threads around the index: one sends, one follows the feed, one says that we are alive, one keeps what is pinned.

Each does its work, and waits longer after each failure in a row, up to ten seconds and not in step with other agents; what a
program does wakes a sender that is idle at once. Nothing here decides anything about files.
"""

from __future__ import annotations

import errno
import logging
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sync.agent import VERSION
from sync.agent.arrivals import Arrivals, Kernel
from sync.agent.config import Config, Identity
from sync.agent.content import Content
from sync.agent.departures import Departures
from sync.agent.disk_errors import disk_errno, disk_words
from sync.agent.errors import AgentError, NotEnrolled, Refused
from sync.agent.glimpse import Glimpse
from sync.agent.index import File, Index
from sync.agent.journal import Journal
from sync.agent.leases import Leases
from sync.agent.pins import Pins
from sync.agent.recovery import give_up, recover
from sync.agent.remote import Remote
from sync.agent.status import Status
from sync.agent.transport import Transport
from sync.agent.tree import Tree
from sync.core import protocol as p
from sync.core.manifest import manifest_digest

log = logging.getLogger("mainline.agent")

FEED_WAIT_S = 25
_FIRST_NODES = 200
"""So much of each library is asked for first: a newcomer that looks for something is not to wait for a page of thousands."""
_LONGEST_PAUSE_S = 10.0
_NO_PLACE_PAUSE_S = 1.0
_SHOW_S = 0.25
_DISK_ERRORS = (
    errno.EACCES, errno.EPERM, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN,
)  # fmt: skip
"""Of a disk that is gone: a volume pulled out, a network folder that stopped answering."""


class NoKernel:
    """For an engine without a mount."""

    def entry_changed(self, parent: int, name: str) -> None:
        """Nothing is cached."""

    def content_changed(self, ino: int) -> None:
        """Nothing is cached."""


class Engine:
    """Everything but the mount. `start` after the kernel is set; `stop` waits for nothing but the threads."""

    def __init__(self, config: Config, identity: Identity, transport: Transport) -> None:
        self._transport = transport
        self.remote = Remote(transport, identity.api, identity.token)
        self.index = Index(config.state_dir / "index.db")
        self.journal = Journal(self.index)
        self.tree = self.make_tree(config)
        self.content = self.tree.content
        self.status = Status(config.status_path)
        self.status.set(member=identity.member_name, device=identity.device, agent_version=VERSION, pid=os.getpid())
        self.pins = Pins(self.tree, self.status, config.state_dir)
        self._identity = identity
        self._cache_bytes = config.cache_bytes
        self._trimmed = False
        self._shown_at = 0.0
        self._showing, self._last_saved = threading.Lock(), object()
        self._stop = threading.Event()
        self._wake_sender = threading.Event()
        self._wake_heart = threading.Event()
        self._threads: list[threading.Thread] = []
        self._state = p.AgentState.STARTING
        self._mount_point = ""
        self.fatal: AgentError | None = None
        self.on_fatal: Callable[[], None] = lambda: None
        self.arrivals: Arrivals | None = None
        self.departures: Departures | None = None
        self.glimpse: Glimpse | None = None
        self.leases = Leases(self.remote, self.index, self.journal, member=identity.member, changed=self._lease_changed)
        self.tree.is_held = self.leases.holder
        self._kernel: Kernel = NoKernel()
        self.caught_up = self._begun = False
        """Whether everything that the library had when we started is in the index, and whether any of it is."""
        self._fetches_at_once = False
        self._leases_known = False

    def make_tree(self, config: Config) -> Tree:
        """What stands between programs and the index; a mirror has the member's own folder there."""
        return Tree(self.index, self.journal, Content(config.state_dir, self.index, self.remote, cache_bytes=config.cache_bytes))

    def recover(self) -> None:
        """Put what the last run left in order."""
        found = recover(self.tree)
        if found.saves:
            log.info("found %d saves of the last run", found.saves)
        for draft in found.drafts:
            self.status.draft(draft.ino, self.index.path_of(draft.ino))

    def start(self, kernel: Kernel) -> None:
        """Recover from the last run and begin."""
        self.prepare(kernel)
        assert self.departures is not None
        self.departures.send_packs_at_once()
        self._fetches_at_once = True
        self._wake_sender.set()
        for name, body in (("sender", self._send), ("feed", self._follow), ("heart", self._beat), ("keeper", self._keep)):
            thread = threading.Thread(target=self._loop, args=(name, body), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def prepare(self, kernel: Kernel) -> None:
        """Recover from the last run. `send` and `follow` may be called from now on; `start` has threads do it."""
        self.recover()
        self._kernel = kernel
        arrivals = self.arrivals = Arrivals(self.tree, kernel)
        self.departures = Departures(self.tree, self.remote, arrivals, self.status, member=self._identity.member_name)
        self.glimpse = Glimpse(self.remote, arrivals, lambda: self.caught_up)
        arrivals.give_way = self.glimpse.give_way
        self._show_kept()
        self.tree.give_up = self._give_up_save
        arrivals.released()

    def _give_up_save(self, ino: int) -> None:
        """A program closed a file that the disk did not take whole."""
        file = self.index.file(ino)
        if file is None or file.node is None or file.parent is None:
            return
        if not file.unsaved:
            if (last := self.content.lasts.kept(ino)) is not None:  # the disk failed when it was put back, which the index has written down
                self.content.lasts.put_back(ino, last, self.content.work_path(ino))
            return
        drafts = {draft.ino for draft in self._drafts_in(file.parent)}
        give_up(self.tree, file)
        self._kernel.entry_changed(file.parent, file.name)
        self._kernel.content_changed(ino)
        for draft in self._drafts_in(file.parent):
            if draft.ino not in drafts:
                self._kernel.entry_changed(file.parent, draft.name)
                self.status.draft(draft.ino, self.index.path_of(draft.ino))

    def _drafts_in(self, folder: int) -> list[File]:
        return [file for file in self.index.children(folder) if file.node is None and file.unsaved and not file.is_folder]

    def mounted(self, mount_point: Path) -> None:
        """Programs can use the mount from now on."""
        self._mount_point = str(mount_point)
        self._state = p.AgentState.MOUNTED
        self.status.set(state=self._state.value, mount_point=self._mount_point)
        self._wake_heart.set()

    def saved(self) -> None:
        """Something was written into the journal. Whoever asks from now on is told so, whatever the sender is waiting for."""
        self._last_saved = object()
        if not self.status.get("pending_ops"):
            self._show_backlog()
        self._wake_sender.set()

    def released(self) -> None:
        """A program closed a file, or gave up a name."""
        if self.arrivals is not None:
            self.arrivals.released()

    def drain(self, timeout_s: float) -> bool:
        """Send what waits; returns whether nothing is left. For stopping a desktop."""
        self._state = p.AgentState.STOPPING
        self.status.set(state=self._state.value)
        deadline = time.monotonic() + timeout_s
        with self.index.transaction():
            self.journal.hurry()
        while self.journal.backlog()[0] and time.monotonic() < deadline and not self.fatal:
            self._wake_sender.set()
            self._stop.wait(0.05)
        return self.journal.backlog()[0] == 0

    def stop(self) -> None:
        """End the threads and close the files."""
        self._stop.set()
        self._wake_sender.set()
        self._wake_heart.set()
        self.pins.wake()
        self._transport.close()
        self.content.close()
        for thread in self._threads:
            thread.join(10)
        if self.departures is not None:
            self.departures.close()
        self._show_backlog()
        self.status.close()
        self.index.close()

    # --- threads ------------------------------------------------------------------------------------------------

    def _loop(self, name: str, body: Callable[[], None]) -> None:
        """Call `body` again and again. A mistake of ours ends the whole agent: half of one would only look alive."""
        finished = False
        try:
            self._repeat(name, body)
            finished = True
        finally:
            if not finished:
                self._give_up(AgentError("同步客户端内部错误", f"the {name} thread stopped; see the log"), state="failed")

    def _repeat(self, name: str, body: Callable[[], None]) -> None:
        pause = 0.1
        while not self._stop.is_set():
            try:
                body()
                pause = 0.1
                if self.status.get("error_of") == name:
                    self.status.set(error=None, error_of=None)
            except NotEnrolled as error:
                self._give_up(error)
                return
            except (AgentError, sqlite3.OperationalError, OSError) as error:
                if self._stop.is_set():
                    return
                log.warning("%s: %s", name, error)
                self.status.set(error=_title(error), error_of=name)
                self._stop.wait(pause * random.uniform(0.5, 1))
                pause = min(pause * 2, _LONGEST_PAUSE_S)

    def _give_up(self, error: AgentError, *, state: str = "not_enrolled") -> None:
        """Nothing more can be sent or seen: say so and stop serving. What was saved stays for the next start."""
        log.error("%s", error)
        self.fatal = error
        self.status.set(state=state, error=error.title)
        self._stop.set()
        self._wake_sender.set()
        self._wake_heart.set()
        self.pins.wake()
        self.on_fatal()

    def _send(self) -> None:
        now = int(time.time() * 1000)
        due = self.journal.next_due_ms(now)
        if not self.journal.has_ready(now) and not self.tree.behind:
            self._wake_sender.wait(None if due is None else max(0.01, (due - now) / 1000))
        self._wake_sender.clear()
        if not self._stop.is_set():
            self.send()

    def send(self) -> None:
        """Send the next operations, and make ready for those to come when none is left. Never from two threads at once."""
        assert self.departures is not None, "prepare comes first"
        self.tree.catch_up()
        if not self.status.get("pending_ops") or time.monotonic() - self._shown_at >= _SHOW_S:
            self._show_backlog()  # Before the store is asked, which may take its time: nobody is told meanwhile that all is in sync.
        self.departures.send_batch()
        self.index.checkpoint()
        if not self.journal.has_ready(int(time.time() * 1000)):
            self._show_backlog()
            self.leases.settle()
            self._give_way()
            self.departures.stock()
            self._trim()

    def _trim(self) -> None:
        """Bound the working copies of what is safe, whenever a share of the bound was sent since the last time."""
        assert self.departures is not None
        if not self._trimmed or self.departures.sent_bytes >= self._cache_bytes // 16:
            self._trimmed, self.departures.sent_bytes = True, 0
            self.tree.trim(self._cache_bytes)

    def _lease_changed(self, ino: int) -> None:
        self._kernel.content_changed(ino)

    def _show_backlog(self) -> None:
        """Counting takes as long as there is much to count, so not with every batch."""
        with self._showing:
            counted = None
            while counted is not self._last_saved:  # What was saved while it was counted is not to be hidden by that count.
                counted = self._last_saved
                ops, size_bytes = self.journal.backlog()
                self.status.set(pending_ops=ops, pending_bytes=size_bytes, refused=self.journal.refusal())
                if ops:
                    break
            self._shown_at = time.monotonic()

    def _follow(self) -> None:
        self.follow(FEED_WAIT_S)

    def follow(self, wait_s: int) -> None:
        """Ask for what changed, wait for it for at most so long, and apply it. Never from two threads at once."""
        assert self.arrivals is not None, "prepare comes first"
        arrivals = self.arrivals
        tag = self.index.fact("libraries_tag")
        if tag is None:
            self._take_libraries()
            tag = self.index.fact("libraries_tag") or ""
            if self._fetches_at_once and self.glimpse is not None:
                self.glimpse.expect()
            self._wake_sender.set()  # it may prepare for the first save
        cursors = {known.id: known.cursor for known in self.index.libraries()}
        self._give_way()
        limit = p.MAX_NODES if self._begun else _FIRST_NODES
        try:
            answer = self.remote.feed(p.FeedRequest(cursors, tag, wait_s if self.caught_up else 0, limit, contents=self.caught_up))
        except Refused as error:
            if error.status == 429:  # too many wait at the moment; what was new would have come all the same
                self._stop.wait(_NO_PLACE_PAUSE_S)
                return
            if error.status != 404:
                raise
            self._take_libraries()
            if self.index.fact("libraries_tag") == tag:
                raise  # no library went away between two questions: asking at once again would be for ever
            return
        if self.glimpse is not None:
            self.glimpse.away = False
        for page in answer.pages:
            self._take_contents(page)
            arrivals.page(page.library, page.nodes, page.cursor, since=cursors.get(page.library, 0), more=page.more)
            self.leases.page(page.library, page.leases)
        self._begun = True
        self.caught_up = self.caught_up or not any(page.more for page in answer.pages)
        if answer.libraries_tag != tag:
            self._take_libraries()
        if not self._leases_known:  # not of a library that went away while the agent did not run
            self.leases.look(known.id for known in self.index.libraries())
            self._leases_known = True
        if answer.pages:
            self._show_kept()

    def _give_way(self) -> None:
        if self.glimpse is not None:
            self.glimpse.give_way()

    def _take_libraries(self) -> None:
        assert self.arrivals is not None, "prepare comes first"
        self.arrivals.libraries(self.remote.libraries())
        self._show_kept()

    def _show_kept(self) -> None:
        """What could not be sent any more, because the member may not see its place, is nowhere else."""
        self.status.set(kept=self.content.kept_aside(), kept_in=str(self.content.aside))

    def _take_contents(self, page: p.FeedPage) -> None:
        """Before the page is applied, so that whoever is told of a new version finds it on its way."""
        if not page.contents:
            return
        for content in page.contents:
            self.content.told(content)
        told = {manifest_digest(content.manifest) for content in page.contents if content.manifest is not None}
        for node in page.nodes if self._fetches_at_once else ():
            file = self.index.by_node(node.id)
            if file is not None and node.manifest is not None and node.manifest in told and file.manifest != node.manifest:
                self.content.fetch_next(file, node.manifest)

    def _keep(self) -> None:
        self.pins.keep(self._stop.is_set)

    def _beat(self) -> None:
        heartbeat_s = self.beat()
        self._wake_heart.wait(max(1, heartbeat_s))

    def beat(self) -> int:
        """Say how we are, and hear how many others know of what was saved here. Returns in how many seconds to come back."""
        ops, size_bytes = self.journal.backlog()
        error = self.status.get("error") or self.status.get("refused")
        cursors = {known.id: known.cursor for known in self.index.libraries()}
        asked = {file.node: ino for ino in self.status.safe() if (file := self.index.file(ino)) is not None and file.node is not None}
        request = p.HeartbeatRequest(
            self._state, self._mount_point, ops, size_bytes, VERSION, error, cursors, tuple(asked)[: p.MAX_ASKS]
        )  # fmt: skip
        self._wake_heart.clear()
        answer = self.remote.heartbeat(request)
        self.status.set(reached_ms=answer.server_ms)
        self.leases.settle()
        for node, seen in (answer.seen or {}).items():
            if node in asked:
                self.status.seen(asked[node], seen)
        return answer.heartbeat_s


def _title(error: AgentError | sqlite3.OperationalError | OSError) -> str:
    """What to show of a failure that may pass: ours, or a disk that is full, read-only or failing. Raises what is a mistake of ours."""
    if isinstance(error, AgentError):
        return error.title
    code = disk_errno(error)
    if code is None and isinstance(error, OSError) and (error.errno in _DISK_ERRORS or getattr(error, "winerror", None) is not None):
        code = errno.EIO
    if code is None:
        raise error
    return disk_words(code)
