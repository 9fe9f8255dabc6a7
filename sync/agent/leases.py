"""Check-outs as this machine knows them: what others have, which binds here, and what programs here have open, which binds there.

Opening a layered file (psd, psb, ai, indd) for writing checks it out; the last close gives it back once its saves are in the library.
Without a line nothing is asked: a save that turns out to be of what somebody else has becomes a second head, as ever.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sync.agent.errors import AgentError, Refused, Unreachable
from sync.agent.index import File, Index
from sync.agent.journal import Journal
from sync.agent.remote import Remote
from sync.core import protocol as p
from sync.core.chunking import is_layered

log = logging.getLogger("mainline.agent")

RENEW_S = 60.0
"""Well within what a check-out lasts without being renewed (5 minutes)."""
TAKE_WITHIN_S = 5.0
"""A program waits for this at its open; what cannot be asked in time is taken as free, and the library decides when it is sent."""


@dataclass(frozen=True)
class _Held:
    library: str
    member: str
    name: str
    until: float


@dataclass
class _Taken:
    """A node that we have checked out. open: inodes that programs have open as this node for writing; none: to be given back once its
    saves are in the library. A program that saves through a temporary file has the node open as one inode after the other.
    """

    library: str
    open: set[int]


class Leases:
    """See module. One for each engine; any thread may ask it."""

    def __init__(self, remote: Remote, index: Index, journal: Journal, *, member: str, changed: Callable[[int], None]) -> None:
        """member: id of the one whose machine this is. changed: told the inode of a file that others took or gave back."""
        self._remote, self._index, self._journal, self._member, self._changed = remote, index, journal, member, changed
        self._lock = threading.Lock()
        self._settling = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._taken: dict[str, _Taken] = {}
        self._renewed = time.monotonic()
        self._cut_until = 0.0

    def page(self, library: str, leases: Iterable[p.Lease]) -> None:
        """What is checked out in a library, all of it, as a page of the feed says."""
        now = time.monotonic()
        told = {lease.node: _Held(library, lease.member, lease.name, now + lease.left_ms / 1000) for lease in leases}
        with self._lock:
            before = {node for node, held in self._held.items() if held.library == library and held.member != self._member}
            after = {node for node, held in told.items() if held.member != self._member}
            self._held = {node: held for node, held in self._held.items() if held.library != library} | told
        for node in before ^ after:
            self._tell(node)

    def look(self, libraries: Iterable[str]) -> None:
        """Ask for all that is checked out: the feed only tells of changes."""
        for library in libraries:
            self.page(library, self._remote.leases(library, p.LeasesRequest(())).leases)

    def holder(self, node: str | None) -> str | None:
        """Who else has this node, by name; None when nobody has."""
        held = self._held.get(node) if node is not None else None
        if held is None or held.member == self._member or held.until <= time.monotonic():
            return None
        return held.name

    def wants(self, file: File) -> bool:
        """Whether opening a file for writing checks it out."""
        if file.node is None or file.version == 0 or not is_layered(file.name):
            return False
        taken = self._taken.get(file.node)
        return taken is None or file.ino not in taken.open

    def take(self, file: File) -> None:
        """A program opens a file for writing. EACCES when somebody else has it; what cannot be asked is taken as free."""
        if file.node is None or file.library is None:
            return
        with self._lock:
            if (taken := self._taken.get(file.node)) is not None:
                taken.open.add(file.ino)
                return
        if time.monotonic() < self._cut_until:
            return  # nobody answered a moment ago: a program must not wait for that at each open
        try:
            answer = self._remote.leases(file.library, p.LeasesRequest((file.node,)), timeout_s=TAKE_WITHIN_S)
        except AgentError as error:
            log.info("%s is opened without a check-out: %s", file.name, error)
            if isinstance(error, Unreachable):
                self._cut_until = time.monotonic() + RENEW_S
            return
        self._note(file.library, answer.leases)
        if any(lease.member == self._member for lease in answer.leases):
            with self._lock:
                self._taken.setdefault(file.node, _Taken(file.library, set())).open.add(file.ino)
        elif answer.leases:
            self._tell(file.node)
            raise OSError(errno.EACCES, f"{answer.leases[0].name} has it checked out")

    def closed(self, ino: int) -> bool:
        """No program has the file open for writing any more. Returns whether that leaves something to give back."""
        with self._lock:
            left = [taken for taken in self._taken.values() if ino in taken.open]
            for taken in left:
                taken.open.discard(ino)
            return any(not taken.open for taken in left)

    def taken(self) -> list[str]:
        """The nodes that this machine has checked out, or has yet to give back."""
        with self._lock:
            return list(self._taken)

    def settle(self) -> None:
        """Give back what is closed and sent, and renew the rest in time. Raises AgentError when the library is out of reach."""
        if not self._taken or not self._settling.acquire(blocking=False):
            return  # Somebody else is at it.
        try:
            self._settle()
        finally:
            self._settling.release()

    def _settle(self) -> None:
        with self._lock:
            free = {node for node, taken in self._taken.items() if not taken.open and not self._journal.awaits(node)}
            renewing = time.monotonic() - self._renewed >= RENEW_S
            by_library: dict[str, tuple[list[str], list[str]]] = {}
            for node, taken in self._taken.items():
                if node in free or renewing:
                    by_library.setdefault(taken.library, ([], []))[node in free].append(node)
        for library, (take, give_back) in by_library.items():
            for request in _requests(take, give_back):
                try:
                    self._note(library, self._remote.leases(library, request).leases)
                except Refused as error:  # The member may no longer edit there: the check-outs end by themselves.
                    log.info("check-outs in %s are left: %s", library, error)
        with self._lock:
            if renewing:
                self._renewed = time.monotonic()
            for node in free:
                if not self._taken[node].open:
                    del self._taken[node]
                else:  # A program has opened it again meanwhile: it is to be taken again.
                    self._renewed -= RENEW_S

    def _note(self, library: str, leases: Iterable[p.Lease]) -> None:
        now = time.monotonic()
        with self._lock:
            self._held |= {lease.node: _Held(library, lease.member, lease.name, now + lease.left_ms / 1000) for lease in leases}

    def _tell(self, node: str) -> None:
        file = self._index.by_node(node)
        if file is not None:
            self._changed(file.ino)


def _requests(take: list[str], give_back: list[str]) -> Iterator[p.LeasesRequest]:
    """As many as it takes: the library refuses one that asks for too much."""
    for start in range(0, max(len(take), len(give_back)), p.MAX_LEASES // 2):
        part = slice(start, start + p.MAX_LEASES // 2)
        yield p.LeasesRequest(tuple(take[part]), tuple(give_back[part]))
