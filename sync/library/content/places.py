"""How many slow requests of one kind a process takes at once, and how many of them one member may have."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from workspace.errors import TooManyRequests
from workspace.i18n import _


class Places:
    """Each place stands for memory and a thread that are held for long. most: in this process; each: of one member."""

    def __init__(self, *, most: int, each: int) -> None:
        self._most, self._each = most, each
        self._guard = threading.Lock()
        self._taken: Counter[str] = Counter()

    def take(self, member_id: str) -> None:
        """TooManyRequests when no place is free; whoever took one gives it back with ``leave``."""
        with self._guard:
            if self._taken[member_id] >= self._each or self._taken.total() >= self._most:
                raise TooManyRequests(_("同时进行的传输太多"), _("请等其中一个完成后再试。"))
            self._taken[member_id] += 1

    def leave(self, member_id: str) -> None:
        with self._guard:
            self._taken[member_id] -= 1
            if not self._taken[member_id]:
                del self._taken[member_id]

    @contextmanager
    def held(self, member_id: str) -> Iterator[None]:
        self.take(member_id)
        try:
            yield
        finally:
            self.leave(member_id)
