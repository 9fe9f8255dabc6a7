"""What a page has just shown to a session, so that the pictures on it need not prove their reader again one by one.

A folder of pictures is one page and then forty requests within a second; each of them asked the database who it is and what
they may see, which took longer than sending the picture. A pass stands for the answer that the page already got: this session, this
address, for a few seconds. It lives in the memory of one process and is nobody's right: without it the request is checked as ever.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from workspace.work import Actor

PASS_S = 8.0
"""Who is denied something keeps the pictures already on the screen; for this long they may also load the last of them."""
_MOST = 20_000


@dataclass(frozen=True)
class Pass:
    """what: whatever the page noted for the address, such as the digest of a picture. until: in seconds of the clock."""

    actor: Actor
    what: str
    until: float


class Passes:
    """Thread-safe; the oldest are forgotten beyond 20,000 (some 6 MB)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._kept: OrderedDict[tuple[bytes, str], Pass] = OrderedDict()

    def let(self, session: str, actor: Actor, addresses: Mapping[str, str]) -> None:
        """For the next seconds the session may have these paths. addresses: path -> what to note for it."""
        key, until = _digest(session), self._clock() + PASS_S
        with self._guard:
            for path, what in addresses.items():
                self._kept[key, path] = Pass(actor, what, until)
                self._kept.move_to_end((key, path))
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def find(self, session: str, path: str) -> Pass | None:
        with self._guard:
            found = self._kept.get((_digest(session), path))
        return found if found is not None and found.until > self._clock() else None

    def forget(self, session: str) -> None:
        """The session has ended here."""
        key = _digest(session)
        with self._guard:
            for known in [each for each in self._kept if each[0] == key]:
                del self._kept[known]


def _digest(session: str) -> bytes:
    """Sessions themselves are kept nowhere in the clear."""
    return hashlib.blake2b(session.encode(), digest_size=16).digest()
