"""What the member is told: where each recent file is, and how far everything is.

on_this_machine -> uploading n % -> safe -> seen by n others        fetching n % -> here
"""

from __future__ import annotations

from sync.agent.index import File, Index
from sync.agent.mirror.records import Records, Trouble
from sync.agent.status import Status

_TROUBLES_SHOWN = 200


class Report:
    """Writes facts of the mirror into the status."""

    def __init__(self, index: Index, records: Records, status: Status) -> None:
        self._index = index
        self._records = records
        self._status = status
        self._changes = -1
        self._waiting = 0
        self._troubles: list[Trouble] = []

    def fetching(self, file: File, percent: int) -> None:
        """A file is on its way to this machine."""
        self._status.saved(file.ino, self._index.path_of(file.ino), state="fetching", percent=percent)

    def landed(self, file: File, path: str) -> None:
        """A version is here."""
        self._status.saved(file.ino, path, state="here", percent=100, version=file.version)

    def write(self, *, fetching: int, paused: bool) -> None:
        """The figures of the whole, read anew only after something changed."""
        changes = self._index.changes()
        if changes != self._changes:
            self._changes = changes
            files, size_bytes = self._index.one("SELECT COUNT(*), COALESCE(SUM(size), 0) FROM mirrored WHERE kind='file'") or (0, 0)
            (self._waiting,) = self._index.one("SELECT COUNT(*) FROM unsettled") or (0,)
            self._troubles = self._records.troubles()
            self._status.set(mirrored_files=files, mirrored_bytes=size_bytes)
        troubles = self._troubles
        self._status.set(
            paused=paused, fetching=fetching, to_settle=self._waiting,
            troubles=[{"path": t.path, "reason": t.reason, "detail": t.detail} for t in troubles[:_TROUBLES_SHOWN]],
            troubles_count=len(troubles),
        )  # fmt: skip
