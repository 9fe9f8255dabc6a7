"""The loop in which pyfuse3 runs the handlers of the mount, in the place of trio.

Nearly every request is answered without waiting, and trio's bookkeeping around such an answer (timers, cancel scopes, an
epoll registration, two switches of task) cost more than the answer. Here a request that does not wait is read, handled and
answered in one go. One that does (`in_thread`, `at_disk`, `finished`) leaves the loop to the next, and goes on when its thread is done.

pyfuse3 takes a module with trio's names, as its own mode for asyncio gives it one; those below, down to `current_trio_token`,
are all that it uses. One thread runs the loop; only `notify_closing` may be called from others.
"""

from __future__ import annotations

import os
import select
import sys
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_THREADS = 40
"""So many requests may wait for the library at once; more wait for one of these."""
_DISK_THREADS = 4
"""For those that wait for this machine's disk alone: who flushes a save must not queue behind readers whose line is cut."""


class ClosedResourceError(Exception):
    """What was waited for is about to be closed."""


@dataclass(eq=False, slots=True)
class Task:
    """A coroutine under way. name: for pyfuse3's log."""

    coroutine: Coroutine[Any, Any, None]
    name: str
    nursery: Nursery | None = None


class _Loop:
    """ready: tasks that go on as soon as the present one pauses. readers: those that would read the next request; one at a time does."""

    def __init__(self) -> None:
        self.ready: deque[Task] = deque()
        self.readers: deque[Task] = deque()
        self.current: Task
        self.closing = False
        self.threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="request")
        self.disk_threads = ThreadPoolExecutor(_DISK_THREADS, thread_name_prefix="disk")
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._poll = select.poll()
        self._poll.register(self._wake, select.POLLIN)
        self._watched: set[int] = set()

    def run(self, task: Task) -> None:
        """Until this task is done; an error of any task ends the loop."""
        self.ready.append(task)
        done = False
        while not done:
            if not self.ready and not self.readers:
                self.wait()
                continue
            self.current = current = (self.ready or self.readers).popleft()
            try:
                current.coroutine.send(None)
            except StopIteration:
                done = current is task
                if current.nursery is not None:
                    current.nursery.one_is_done()

    def schedule(self, task: Task) -> None:
        """Let a task go on; from any thread."""
        self.ready.append(task)
        self.wake()

    def wake(self) -> None:
        """End a wait; from any thread and from a signal's handler."""
        os.eventfd_write(self._wake, 1)

    def wait(self, fd: int | None = None) -> bool:
        """Until the descriptor has something, or `wake`; returns whether it was the descriptor."""
        if fd is not None and fd not in self._watched:
            self._watched.add(fd)
            self._poll.register(fd, select.POLLIN)
        found = {each for each, _ in self._poll.poll()}
        if self._wake in found:
            os.eventfd_read(self._wake)
        return fd in found


_loop = _Loop()


@types.coroutine
def _pause() -> Generator[None, None, None]:
    """Let others go on; whoever pauses has seen to it that they are scheduled again."""
    yield


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run until `main` is done."""
    global _loop
    _loop = _Loop()
    try:
        _loop.run(Task(main(), "main"))
    finally:
        for threads in (_loop.threads, _loop.disk_threads):
            threads.shutdown(wait=False, cancel_futures=True)


async def in_thread(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call what may wait in a thread, while other requests go on."""
    return await finished(submit(call, *args, **kwargs))


async def at_disk(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The same for what waits for this machine's disk, and for nothing else."""
    return await finished(_loop.disk_threads.submit(call, *args, **kwargs))


def submit(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
    """Begin a call in a thread. Several may wait for it."""
    return _loop.threads.submit(call, *args, **kwargs)


async def finished(future: Future[R]) -> R:
    """What a call in a thread gave, or what it raised."""
    loop, task = _loop, _loop.current
    future.add_done_callback(lambda _: loop.schedule(task))
    await _pause()
    return future.result()


# --- what pyfuse3 asks of trio ------------------------------------------------------------------------------------


class Lock:
    """Around the reading of the next request. Who finds another one at it waits until there is nobody."""

    def __init__(self) -> None:
        self._held = False

    async def __aenter__(self) -> None:
        while self._held:
            _loop.readers.append(_loop.current)
            await _pause()
        self._held = True

    async def __aexit__(self, *_: object) -> None:
        self._held = False


class Nursery:
    """Tasks that belong together; leaving waits for all of them."""

    def __init__(self) -> None:
        self._count = 0
        self._owner: Task | None = None

    async def __aenter__(self) -> Nursery:
        return self

    def start_soon(self, call: Callable[..., Coroutine[Any, Any, None]], *args: object, name: str = "") -> None:
        """pyfuse3 starts one to read on while a handler waits, so it begins when nobody reads."""
        self._count += 1
        _loop.readers.append(Task(call(*args), name, self))

    def one_is_done(self) -> None:
        """Of the tasks; the last one lets the owner go on."""
        self._count -= 1
        if not self._count and self._owner is not None:
            _loop.schedule(self._owner)

    async def __aexit__(self, *_: object) -> None:
        if self._count:
            self._owner = _loop.current
            await _pause()


def open_nursery() -> Nursery:
    """See `Nursery`."""
    return Nursery()


async def wait_readable(fd: int) -> None:
    """Until there is something to read, while others go on as soon as they can."""
    task = _loop.current
    while not _loop.closing:
        if _loop.ready:
            _loop.ready.append(task)
            await _pause()
        elif _loop.wait(fd):
            return
    raise ClosedResourceError


def notify_closing(fd: int) -> None:
    """Nobody is to wait for this descriptor any more."""
    _loop.closing = True
    _loop.wake()


def current_task() -> Task:
    """The one that asks."""
    return _loop.current


def current_trio_token() -> _Loop:
    """The loop; pyfuse3 keeps it."""
    return _loop


lowlevel = from_thread = sys.modules[__name__]
