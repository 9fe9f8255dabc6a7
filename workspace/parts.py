"""Parts: the outside things a process holds (settings, database, store, hypervisor, mail …), found by type.

A part is made on first use by its factory and kept for the process. Business code asks ``work.parts.get(Type)``;
tests provide a fake under the same type.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

T = TypeVar("T")
HearsCommit = Callable[[Sequence[Mapping[str, Any]], str | None], None]


class Parts:
    def __init__(self, wake: Callable[[], None] | None = None) -> None:
        self._factories: dict[type, Callable[[], Any]] = {}
        self._made: dict[type, Any] = {}
        self._guard = threading.RLock()
        self._at_stop: list[Callable[[], None]] = []
        self._at_commit: list[HearsCommit] = []
        self._stopped = False
        self.wake: Callable[[], None] = wake or (lambda: None)
        self.simulated: Callable[[], bool] = lambda: False

    def provide(self, kind: type[T], factory: Callable[[], T]) -> None:
        """Say how the part is made; replaces an earlier factory and forgets what it made."""
        with self._guard:
            self._factories[kind] = factory
            self._made.pop(kind, None)

    def get(self, kind: type[T]) -> T:
        """The part; LookupError names the type when no process wiring provides it."""
        with self._guard:
            if kind not in self._made:
                if kind not in self._factories:
                    raise LookupError(f"no part of type {kind.__name__} is provided in this process")
                self._made[kind] = self._factories[kind]()
            return cast(T, self._made[kind])

    def at_commit(self, call: HearsCommit) -> None:
        """``call`` with the rows of events that this process has just committed and the device that acted, None for a person.

        In the thread that did; it must be quick and not raise.
        """
        with self._guard:
            self._at_commit = [*self._at_commit, call]

    def committed(self, events: Sequence[Mapping[str, Any]], device_id: str | None) -> None:
        """Tell this process of its own events before the others are woken."""
        for call in self._at_commit:
            call(events, device_id)

    def at_stop(self, call: Callable[[], None]) -> None:
        """``call`` when the process is told to stop, at once if it was already; it may come from any thread."""
        with self._guard:
            self._at_stop.append(call)
            stopped = self._stopped
        if stopped:
            call()

    def stop(self) -> None:
        """The process was told to stop: whoever waits for something in it is woken."""
        with self._guard:
            self._stopped, calls = True, list(self._at_stop)
        for call in calls:
            call()
