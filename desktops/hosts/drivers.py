"""The hypervisors of this process, opened when first asked for. Only the worker process has this part."""

import threading
from collections.abc import Callable

from desktops.hypervisor.base import Hypervisor
from workspace.parts import Parts


def hypervisors_factory(parts: Parts) -> "Callable[[], Hypervisors]":
    """Makes the part when a process first asks for it; only then is libvirt loaded, so the web process never has it."""

    def make() -> Hypervisors:
        from desktops.hosts.opening import open_hypervisors

        return open_hypervisors(parts)

    return make


class Hypervisors:
    """``of(uri)`` opens a host's hypervisor once and keeps it; opening may fail with MainlineError and is tried again next time.

    open_one: URI ("" = this machine's own) -> hypervisor.
    """

    def __init__(self, open_one: Callable[[str], Hypervisor]) -> None:
        self._open_one = open_one
        self._open: dict[str, Hypervisor] = {}
        self._guards: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()

    def of(self, uri: str) -> Hypervisor:
        with self._guard:
            guard = self._guards.setdefault(uri, threading.Lock())
        with guard:  # One host that does not answer must not hold up the others.
            if uri not in self._open:
                self._open[uri] = self._open_one(uri)
            return self._open[uri]
