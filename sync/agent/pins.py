"""Folders that a member keeps on this machine: all of what is in them is here, whatever the cache's limit, and follows the library.

A pin is a row with the folder's node; what is below it in the index is wanted. A version is here once each of its chunks lies
among those that are never evicted, or the file has its whole bytes here as a working copy. What is wanted no longer goes back to the
ordinary cache.
"""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from sync.agent.content import Content
from sync.agent.errors import AgentError, NotEnrolled, Refused, Unreachable
from sync.agent.index import ROOT, File
from sync.agent.status import Status
from sync.agent.tree import Tree, fail
from sync.core.hashing import Address

AT_ONCE = 4
_HANDED_OUT = 64
NO_ROOM = "no_room"
LOOK_S = 1.0
AGAIN_S = 30.0
LEFT_FREE_BYTES = 1024**3
"""What a pin leaves on the disk, a twentieth of it at most: saves go there first."""

_DOWN = (
    "WITH RECURSIVE down (top, ino) AS ({first} UNION SELECT down.top, f.ino FROM down"
    " JOIN files AS f ON f.parent=down.ino AND f.parent IS NOT NULL AND f.parked=0)"
)
_BELOW_PINS = _DOWN.format(first="SELECT f.ino, f.ino FROM pins AS p JOIN files AS f ON f.node=p.node")
_BELOW_ONE = _DOWN.format(first="SELECT ino, ino FROM files WHERE ino=?")

log = logging.getLogger("mainline.agent")


@dataclass
class Pinned:
    """A pinned folder, for the status. size_bytes: of all; here_bytes: of what can be read without a line.

    problem: a code that has words, or a sentence.
    """

    path: str
    files: int = 0
    here_files: int = 0
    size_bytes: int = 0
    here_bytes: int = 0
    problem: str | None = None


class Pins:
    """`pin` and `unpin` from any thread; `keep` from one."""

    def __init__(self, tree: Tree, status: Status, state_dir: Path) -> None:
        self._tree, self._index, self._status, self._state_dir = tree, tree.index, status, state_dir
        self._content: Content = tree.content
        self._wake = threading.Event()
        self._here: set[Address] = set()
        self._failed: dict[Address, str] = {}
        self._seen: tuple[int, int] | None = None
        """What there was at the last look that went through: changes of the index, and chunks that proved to be spoiled."""
        self._looked_s = self._told_s = 0.0
        self._pause_s = LOOK_S
        tree.pinned = lambda: set(self._wanted())

    def pin(self, ino: int) -> None:
        """Keep a folder here from now on. ENOTDIR for a file, EINVAL for what is in no library, ENOSPC when it does not fit."""
        folder = self._tree.get(ino)
        if not folder.is_folder:
            raise fail(errno.ENOTDIR)
        if ino == ROOT or folder.node is None:
            raise fail(errno.EINVAL)
        wanted = {**self._wanted(), **self._files(_BELOW_ONE, ino)}
        if sum(file.size for file in wanted.values() if not self._is_here(file)) > self._room():
            raise fail(errno.ENOSPC)
        with self._index.transaction(durable=True) as db:
            db.execute("INSERT OR IGNORE INTO pins VALUES (?)", (folder.node,))
        self._wake.set()

    def unpin(self, ino: int) -> None:
        """Keep a folder no longer. ENODATA if it was not pinned itself."""
        with self._index.transaction(durable=True) as db:
            if not db.execute("DELETE FROM pins WHERE node=?", (self._tree.get(ino).node,)).rowcount:
                raise fail(errno.ENODATA)
        self._wake.set()

    def wake(self) -> None:
        """Look now; for stopping."""
        self._wake.set()

    def keep(self, stopping: Callable[[], bool]) -> None:
        """Wait for a reason to look, then fetch what is missing and let go what is not wanted.

        Raises AgentError when the line is cut: come again then.
        """
        if self._seen is not None:
            self._wake.wait(self._pause_s if self._index.one("SELECT 1 FROM pins") else None)
            self._wake.clear()
        seen = (self._index.changes(), self._content.chunks.spoiled)
        again = bool(self._failed) and time.monotonic() - self._looked_s > AGAIN_S
        if stopping() or (seen == self._seen and not again):
            return
        self._looked_s = time.monotonic()
        if self._seen is None or self._seen[1] != seen[1]:
            self._here.clear()  # look at the disk itself
        self._failed.clear()
        wanted = self._wanted()
        self._pause_s = max(LOOK_S, 15 * (time.monotonic() - self._looked_s))  # a large tree is not looked through all the time
        try:
            self._fetch_all(wanted, stopping)
        finally:
            self._tell(wanted)
        self._let_go({file.manifest for file in wanted.values() if file.manifest is not None})
        self._seen = seen

    def _fetch_all(self, wanted: dict[int, File], stopping: Callable[[], bool]) -> None:
        missing = [file for file in wanted.values() if not self._is_here(file)]
        away: list[AgentError] = []

        def fetch(file: File) -> None:
            if not stopping() and not away:
                try:
                    self._fetch(file)
                except AgentError as error:
                    away.append(error)
                if time.monotonic() - self._told_s > self._pause_s:
                    self._tell(wanted)

        if missing:
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="pin") as pool:
                for start in range(0, len(missing), _HANDED_OUT):  # a pool takes down what it is given, were it 100,000 files
                    for _ in pool.map(fetch, missing[start : start + _HANDED_OUT]):
                        pass
        if away:
            raise away[0]

    def _fetch(self, file: File) -> None:
        assert file.manifest is not None
        try:
            if not self._content.is_kept(file) and file.size > self._room():
                self._failed[file.manifest] = NO_ROOM
                return
            self._content.keep_whole(file)
            self._here.add(file.manifest)
        except AgentError as error:
            if isinstance(error, NotEnrolled) or _is_away(error):
                raise
            log.info("%s is not kept yet: %s", file.name, error)
            self._failed[file.manifest] = error.title
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self._failed[file.manifest] = NO_ROOM

    def _let_go(self, wanted: set[Address]) -> None:
        """Chunks that no pinned version needs go back to the cache, where they are evicted in their turn."""
        if self._seen is not None and self._here <= wanted:
            return
        self._here &= wanted
        manifests = (self._index.manifest(digest) for digest in wanted)
        self._content.chunks.unpin_all_but({chunk.address for manifest in manifests if manifest is not None for chunk in manifest.chunks})

    def _is_here(self, file: File) -> bool:
        return file.local or not file.size or file.manifest in self._here

    def _room(self) -> int:
        import shutil  # loads what opens archives, which starting does not need

        disk = shutil.disk_usage(self._state_dir)
        return disk.free - min(LEFT_FREE_BYTES, disk.total // 20)

    def _wanted(self) -> dict[int, File]:
        """The files in pinned folders."""
        return self._files(_BELOW_PINS)

    def _files(self, below: str, *arguments: object) -> dict[int, File]:
        files = self._index.matching(f"kind='file' AND ino IN ({below} SELECT ino FROM down)", *arguments)
        return {file.ino: file for file in files}

    def _tell(self, files: dict[int, File]) -> None:
        """Where each pinned folder stands."""
        self._told_s = time.monotonic()
        tops = self._index.rows("SELECT f.ino FROM pins AS p JOIN files AS f ON f.node=p.node ORDER BY f.ino")
        pinned = {top: Pinned(self._index.path_of(top)) for (top,) in tops}
        for top, ino in self._index.rows(f"{_BELOW_PINS} SELECT top, ino FROM down"):
            if ino not in files or top not in pinned:
                continue
            each, file = pinned[top], files[ino]
            here = self._is_here(file)
            each.files += 1
            each.size_bytes += file.size
            each.here_files += here
            each.here_bytes += file.size if here else 0
            if file.manifest is not None and file.manifest in self._failed:
                each.problem = self._failed[file.manifest]
        self._status.set(pinned=[asdict(each) for each in pinned.values()])


def _is_away(error: AgentError) -> bool:
    """Whether the other files could not be fetched either."""
    return isinstance(error, Unreachable) or (isinstance(error, Refused) and error.retryable and error.status >= 400)
