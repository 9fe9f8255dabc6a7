"""The only importer of libvirt: the Hypervisor protocol over one libvirt connection URI.

Two connections (operations, events) and one single-thread executor per host: libvirt calls block, and a stuck host
must hold up nobody but itself. libvirt's event loop is registered before the first connection is opened, once per
process, because keepalive works only then; without keepalive a call to a host that went silent never returns.

After any libvirt error the domain's state is read again and goes into the error: which of libvirt's codes means
"done", "not done" or "unknown" differs between its versions, so no list of codes is trusted.

Over 400 lines because no other module may import libvirt.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import libvirt

from desktops.hypervisor.base import (
    Domain,
    DomainSpec,
    DomainState,
    DomainUse,
    HostFacts,
    HypervisorError,
    Listener,
    Refused,
    Unanswered,
    Unreachable,
    domain_uuid,
)
from desktops.hypervisor.probe import NOT_PROBED, SIMULATED, Acceleration
from desktops.hypervisor.saved_state import begin_record, check_record, finish_record
from desktops.hypervisor.xml import NAMESPACE, definition_digest, disk_files, domain_xml, read_metadata
from workspace.i18n import _

KEEPALIVE_INTERVAL_S = 2
KEEPALIVE_COUNT = 2
QUICK_S = 20.0
SLOW_S = 300.0
T = TypeVar("T")

_STATES = {
    libvirt.VIR_DOMAIN_RUNNING: DomainState.RUNNING,
    libvirt.VIR_DOMAIN_BLOCKED: DomainState.RUNNING,
    libvirt.VIR_DOMAIN_PAUSED: DomainState.PAUSED,
    libvirt.VIR_DOMAIN_PMSUSPENDED: DomainState.PAUSED,
    libvirt.VIR_DOMAIN_SHUTDOWN: DomainState.ENDING,
    libvirt.VIR_DOMAIN_SHUTOFF: DomainState.OFF,
    libvirt.VIR_DOMAIN_CRASHED: DomainState.CRASHED,
}
_ABSENT = libvirt.VIR_ERR_NO_DOMAIN
_LOST = {
    libvirt.VIR_ERR_RPC,
    libvirt.VIR_ERR_SYSTEM_ERROR,
    libvirt.VIR_ERR_INTERNAL_ERROR,
    libvirt.VIR_ERR_NO_CONNECT,
    libvirt.VIR_ERR_INVALID_CONN,
}
_loop_lock = threading.Lock()
_loop_running = False


def run_event_loop() -> None:
    """Register libvirt's event loop and run it in a daemon thread; safe to call again."""
    global _loop_running
    with _loop_lock:
        if _loop_running:
            return
        # libvirt prints every error to stderr unless told otherwise; we raise them.
        libvirt.registerErrorHandler(lambda _context, _error: None, None)
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(target=_turn, name="libvirt-events", daemon=True).start()
        _loop_running = True


def _turn() -> None:
    while True:
        libvirt.virEventRunDefaultImpl()


def answers(uri: str) -> bool:
    """Whether a hypervisor can be opened at the URI now."""
    run_event_loop()
    try:
        libvirt.open(uri).close()
    except libvirt.libvirtError:
        return False
    return True


class LibvirtHost:
    """One host. Thread-safe: every call runs on the host's own thread, one after the other.

    owner: id of this installation; only domains with it in their metadata are seen. acceleration: tries out what
    guests run on there, asked by `facts`; None = nobody tries.
    """

    def __init__(self, uri: str, *, owner: str, acceleration: Callable[[], Acceleration] | None = None) -> None:
        run_event_loop()
        self.uri = uri
        self.owner = owner
        self._acceleration = acceleration
        self._calls = ThreadPoolExecutor(max_workers=1, thread_name_prefix="libvirt-host")
        self._listener: Listener | None = None
        self._connection: Any = None
        self._events: Any = None
        self._closed = False

    # The protocol

    def facts(self) -> HostFacts:
        def read() -> HostFacts:
            connection = self._open()
            info, simulated = connection.getInfo(), connection.getType().upper() == "TEST"
            found = self._acceleration() if self._acceleration else SIMULATED if simulated else NOT_PROBED
            return HostFacts(
                uri=self.uri,
                simulated=simulated,
                accelerator=found.accelerator,
                hostname=connection.getHostname(),
                libvirt_version=_version(connection.getLibVersion()),
                qemu_version="" if simulated else _version(connection.getVersion()),
                cpu_count=info[2],
                memory_mib=info[1],
                reasons=tuple(finding.value for finding in found.reasons),
            )

        return self._call("facts", read)

    def define(self, spec: DomainSpec) -> None:
        """Make or replace the definition. An unchanged one is left alone; a changed one needs the domain off."""

        def define() -> None:
            before = self._find(spec.desktop_id)
            if before is not None:
                if before[1].definition == definition_digest(spec):
                    return
                self._require(before[1], DomainState.OFF, verb="define")
            self._open().defineXML(domain_xml(spec))

        self._call("define", define, spec.desktop_id)

    def start(self, desktop_id: str) -> None:
        def start() -> None:
            handle, domain = self._require_present(desktop_id, "start")
            if domain.state is not DomainState.RUNNING:
                self._require(domain, DomainState.OFF, verb="start")
                handle.create()

        self._order("start", start, desktop_id, DomainState.RUNNING, limit_s=SLOW_S)

    def shut_down(self, desktop_id: str) -> None:
        """Ask the guest to switch itself off; whether and when it does shows in its state."""

        def shut_down() -> None:
            found = self._find(desktop_id)
            if found is not None and found[1].state is DomainState.RUNNING:
                found[0].shutdown()

        self._call("shut_down", shut_down, desktop_id)

    def destroy(self, desktop_id: str) -> None:
        """Cut the power. The disks and a saved state stay."""

        def destroy() -> None:
            found = self._find(desktop_id)
            if found is not None and found[1].state not in (DomainState.OFF, DomainState.SAVED):
                found[0].destroy()

        self._order("destroy", destroy, desktop_id, DomainState.OFF, DomainState.SAVED, None)

    def hibernate(self, desktop_id: str, *, record: Path) -> None:
        """Save memory to the host's disk and end the domain. ``record``: where the digest of its disks is kept."""

        def hibernate() -> None:
            handle, domain = self._require_present(desktop_id, "hibernate")
            if domain.state is DomainState.SAVED:
                return
            self._require(domain, DomainState.RUNNING, verb="hibernate")
            disks = self._disks(handle)
            begin_record(record, domain, disks)
            handle.managedSave(0)
            finish_record(record, domain, disks)

        self._call("hibernate", hibernate, desktop_id, limit_s=SLOW_S)

    def wake(self, desktop_id: str, *, record: Path) -> None:
        """Continue a saved domain, after checking that its disks and its definition are those it was saved with."""

        def wake() -> None:
            handle, domain = self._require_present(desktop_id, "wake")
            if domain.state is DomainState.RUNNING:
                return
            self._require(domain, DomainState.SAVED, verb="wake")
            check_record(record, domain, self._disks(handle))
            handle.create()

        self._order("wake", wake, desktop_id, DomainState.RUNNING, limit_s=SLOW_S)

    def discard_saved(self, desktop_id: str) -> None:
        """Throw the saved memory away; the next start is a cold one."""

        def discard() -> None:
            found = self._find(desktop_id)
            if found is not None and found[1].state is DomainState.SAVED:
                found[0].managedSaveRemove(0)

        self._order("discard_saved", discard, desktop_id, DomainState.OFF, None)

    def undefine(self, desktop_id: str) -> None:
        """Forget the definition. Files stay: disks are only ever removed by an action that asked for it."""

        def undefine() -> None:
            found = self._find(desktop_id)
            if found is not None:
                self._require(found[1], DomainState.OFF, verb="undefine")
                found[0].undefine()

        self._order("undefine", undefine, desktop_id, None)

    def domain(self, desktop_id: str) -> Domain | None:
        def read() -> Domain | None:
            found = self._find(desktop_id)
            return found[1] if found else None

        return self._call("domain", read, desktop_id)

    def domains(self) -> list[Domain]:
        """All of ours, by desktop id. One that vanishes while it is being read is left out."""

        def read() -> list[Domain]:
            seen = (self._describe(handle) for handle in self._open().listAllDomains(0))
            return sorted((domain for domain in seen if domain is not None), key=lambda domain: domain.desktop_id)

        return self._call("domains", read)

    def use(self, desktop_id: str) -> DomainUse | None:
        """None unless it is running."""

        def read() -> DomainUse | None:
            found = self._find(desktop_id)
            if found is None or found[1].state is not DomainState.RUNNING:
                return None
            resident_kib = found[0].memoryStats().get("rss")
            return DomainUse(cpu_s=found[0].info()[4] / 1e9, resident_bytes=resident_kib * 1024 if resident_kib else None)

        return self._call("use", read, desktop_id)

    def set_clock(self, desktop_id: str, now: datetime) -> bool:
        """Set the guest's clock (after a wake) through its guest agent; False when none answers yet: ask again later."""

        def set_clock() -> bool:
            handle, _domain = self._require_present(desktop_id, "set_clock")
            try:
                handle.setTime({"seconds": int(now.timestamp()), "nseconds": now.microsecond * 1000})
            except libvirt.libvirtError as error:
                quiet = {libvirt.VIR_ERR_AGENT_UNRESPONSIVE, libvirt.VIR_ERR_NO_SUPPORT, libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED}
                if error.get_error_code() in quiet:
                    return False
                raise
            return True

        return self._call("set_clock", set_clock, desktop_id)

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` at each change of one of our domains, also after reconnects."""
        self._listener = listener
        self._call("listen", self._subscribe)

    def close(self) -> None:
        """Close both connections. Running domains go on."""
        self._closed = True
        try:
            self._calls.submit(self._disconnect).result(timeout=QUICK_S)
        except FutureTimeout:
            pass  # A silent host: its thread ends with the process.
        self._calls.shutdown(wait=False, cancel_futures=True)

    # One call at a time, errors converted here and nowhere else

    def _order(self, verb: str, act: Callable[[], None], desktop_id: str, *goal: DomainState | None, limit_s: float = QUICK_S) -> None:
        """A verb that is done when the domain is in one of the goal's states, whatever libvirt said on the way there.

        Seen: a domain destroyed while a restarted daemon was still finding it again is gone, and "not running" the answer.
        """

        def reach() -> None:
            try:
                act()
            except libvirt.libvirtError:
                if not self._alive() or self._state_now(desktop_id) not in goal:
                    raise

        self._call(verb, reach, desktop_id, limit_s=limit_s)

    def _call(self, verb: str, function: Callable[[], T], desktop_id: str = "", *, limit_s: float = QUICK_S) -> T:
        future = self._calls.submit(self._converted, verb, function, desktop_id)
        try:
            return future.result(timeout=limit_s)
        except FutureTimeout:
            future.cancel()  # One that has not begun must not be carried out later, nor pile up behind a silent host.
            title = _("宿主机 %(uri)s 在 %(seconds)s 秒内没有回应", uri=self.uri, seconds=int(limit_s))
            raise Unanswered(title, verb, uri=self.uri, verb=verb, desktop=desktop_id) from None

    def _converted(self, verb: str, function: Callable[[], T], desktop_id: str) -> T:
        try:
            return function()
        except libvirt.libvirtError as error:
            facts = {"uri": self.uri, "verb": verb, "desktop": desktop_id, "libvirt_code": error.get_error_code()}
            if error.get_error_code() in _LOST and not self._alive():
                self._disconnect()
                raise Unreachable(_("无法连接宿主机 %(uri)s", uri=self.uri), str(error), **facts) from error
            title = _("宿主机 %(uri)s 拒绝了操作 %(verb)s", uri=self.uri, verb=verb)
            raise HypervisorError(title, str(error), state=self._state_after_error(desktop_id), **facts) from error

    def _state_after_error(self, desktop_id: str) -> str:
        if not desktop_id:
            return ""
        try:
            state = self._state_now(desktop_id)
        except libvirt.libvirtError:
            return "unknown"
        return state.value if state else "absent"

    def _state_now(self, desktop_id: str) -> DomainState | None:
        found = self._find(desktop_id)
        return found[1].state if found else None

    # Connections

    def _open(self) -> Any:
        if self._connection is None or not self._alive():
            self._disconnect()
            self._connection = _connect(self.uri)
            if self._listener is not None:
                self._subscribe()
        return self._connection

    def _alive(self) -> bool:
        try:
            return self._connection is not None and bool(self._connection.isAlive())
        except libvirt.libvirtError:
            return False

    def _subscribe(self) -> None:
        """A second connection, so that events arrive while an operation holds the first one.

        The test driver keeps its state per connection (when it has a file of its own): there the first one serves both.
        """
        if self._events is not None or self._closed:
            return
        connection = self._open()
        if self._events is not None:
            return  # Opening subscribed already.
        self._events = connection if self.uri.startswith("test:") else _connect(self.uri)
        self._events.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._on_lifecycle, None)

    def _on_lifecycle(self, _connection: Any, handle: Any, event: int, _detail: int, _context: Any) -> None:
        """Runs on libvirt's event thread. An undefined domain has no metadata left, so it goes by its name."""
        listener = self._listener
        if listener is None:
            return
        name: str = handle.name()
        if event == libvirt.VIR_DOMAIN_EVENT_UNDEFINED:
            if name.startswith("mainline-") and handle.UUIDString() == domain_uuid(name.removeprefix("mainline-")):
                listener(name.removeprefix("mainline-"), None)
            return
        domain = self._describe(handle)
        if domain is not None:
            listener(domain.desktop_id, domain.state)

    def _disconnect(self) -> None:
        for connection in (self._events, self._connection):
            try:
                if connection is not None:
                    connection.close()
            except libvirt.libvirtError:
                pass  # It is gone already; closing was all we wanted.
        self._events = self._connection = None

    # Reading domains

    def _find(self, desktop_id: str) -> tuple[Any, Domain] | None:
        try:
            handle = self._open().lookupByUUIDString(domain_uuid(desktop_id))
        except libvirt.libvirtError as error:
            if error.get_error_code() == _ABSENT:
                return None
            raise
        domain = self._describe(handle)
        if domain is None:
            raise Refused(_("宿主机上同名的虚拟机不属于本系统"), handle.name(), uri=self.uri)
        return handle, domain

    def _describe(self, handle: Any) -> Domain | None:
        """None when it is not ours or has just vanished."""
        try:
            metadata = read_metadata(handle.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE, 0))
            state = _STATES[handle.state()[0]]
            if state is DomainState.OFF and handle.hasManagedSaveImage(0):
                state = DomainState.SAVED
        except libvirt.libvirtError as error:
            if error.get_error_code() in (_ABSENT, libvirt.VIR_ERR_NO_DOMAIN_METADATA):
                return None
            raise
        if metadata.get("owner") != self.owner:
            return None
        return Domain(
            desktop_id=metadata["id"],
            uuid=handle.UUIDString(),
            name=handle.name(),
            generation=int(metadata["generation"]),
            state=state,
            definition=metadata["definition"],
        )

    def _require_present(self, desktop_id: str, verb: str) -> tuple[Any, Domain]:
        found = self._find(desktop_id)
        if found is None:
            raise Refused(_("宿主机 %(uri)s 上没有这台虚拟机", uri=self.uri), desktop_id, verb=verb, state="absent")
        return found

    def _require(self, domain: Domain, state: DomainState, *, verb: str) -> None:
        if domain.state is not state:
            title = _("虚拟机当前状态（%(state)s）不允许该操作（%(verb)s）", state=domain.state.value, verb=verb)
            raise Refused(title, domain.name, verb=verb, state=domain.state.value)

    def _disks(self, handle: Any) -> list[Path]:
        """The files a saved state depends on, images included. The test driver's disks do not exist."""
        if self.uri.startswith("test:"):
            return []
        return disk_files(handle.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))


def _connect(uri: str) -> Any:
    connection = libvirt.open(uri)
    try:
        connection.setKeepAlive(KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT)
    except libvirt.libvirtError as error:
        if error.get_error_code() != libvirt.VIR_ERR_NO_SUPPORT:  # The test driver has no other end.
            raise
    return connection


def _version(number: int) -> str:
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"
