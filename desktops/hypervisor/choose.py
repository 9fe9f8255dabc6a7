"""Which hypervisor this installation uses by default, decided once at start.

A configured URI is taken as it is. Else the system's daemon where one answers; else, as root, a daemon of our own;
else the user's session daemon; else libvirt's test driver, in which nothing really runs, and which every page that
shows a desktop then says.
"""

import os
import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from desktops.hypervisor.account import others_may_pass
from desktops.hypervisor.base import Accelerator
from desktops.hypervisor.libvirt_driver import LibvirtHost, answers
from desktops.hypervisor.local_libvirtd import LocalLibvirtd
from desktops.hypervisor.probe import QEMU, Acceleration, Finding, probe_acceleration

SYSTEM, SESSION, SIMULATED = "qemu:///system", "qemu:///session", "test:///default"


@dataclass(frozen=True)
class Choice:
    """uri: where to connect. daemon: to be kept running by the supervisor before that, None = somebody else's.
    why: nothing better could be had; empty when the URI was configured or something real runs there."""

    uri: str
    daemon: LocalLibvirtd | None = None
    why: tuple[Finding, ...] = ()

    @property
    def simulated(self) -> bool:
        return self.uri.startswith("test:")


def choose_hypervisor(configured_uri: str, data_dir: Path) -> Choice:
    """Look at this machine; starts nothing. The answer may differ after a package was installed."""
    if configured_uri:
        return Choice(configured_uri)
    if shutil.which(QEMU) is None:
        return Choice(SIMULATED, why=(Finding.QEMU_ABSENT,))
    if answers(SYSTEM):
        return Choice(SYSTEM)
    daemon = LocalLibvirtd(data_dir.absolute() / "libvirt")
    missing = daemon.missing()
    if missing is None:
        return Choice(daemon.uri, daemon)
    if os.geteuid() != 0 and answers(SESSION):
        return Choice(SESSION)
    return Choice(SIMULATED, why=(missing,))


def open_host(uri: str, *, owner: str, data_dir: Path, why: tuple[Finding, ...] = ()) -> LibvirtHost:
    """A host whose facts name an accelerator that was tried, not believed. A remote host is not tried from here.

    Connects at its first call only. owner: id of this installation. why: of the choice, for the host's page.
    """
    if uri.startswith("test:"):
        return LibvirtHost(uri, owner=owner, acceleration=lambda: Acceleration(Accelerator.TEST, (Finding.SIMULATED, *why)))
    if not is_local(uri):
        return LibvirtHost(uri, owner=owner)
    return LibvirtHost(uri, owner=owner, acceleration=partial(local_acceleration, data_dir))


def local_acceleration(data_dir: Path) -> Acceleration:
    """What this machine's guests run on, remembered in ``data_dir``, with all that deserves a person's attention."""
    found = probe_acceleration(cache=data_dir / "kvm-probe.json")
    if os.geteuid() == 0 and not others_may_pass(data_dir):
        return replace(found, reasons=(*found.reasons, Finding.QEMU_RUNS_AS_ROOT))
    return found


def is_local(uri: str) -> bool:
    """Whether the URI names this machine: no host part, no transport over the network."""
    scheme, _separator, rest = uri.partition("://")
    return rest.startswith("/") and scheme.partition("+")[2] in ("", "unix")
