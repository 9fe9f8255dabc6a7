"""What the product asks of a hypervisor: types, errors and the protocol. No libvirt, no files, no clock.

Here a cloud desktop is a *domain*. A domain belongs to us when its metadata says so (owner = this installation);
nothing else on the host is ever touched. State x verb (– = does nothing, ! = raises Refused):

| state         | define | start   | shut_down | destroy | hibernate | wake    | discard_saved | undefine |
|---------------|--------|---------|-----------|---------|-----------|---------|---------------|----------|
| absent (None) | off    | !       | –         | –       | !         | !       | –             | –        |
| off           | off    | running | –         | –       | !         | !       | –             | absent   |
| running       | !      | –       | off later | off     | saved     | –       | –             | !        |
| saved         | !      | !       | –         | –       | –         | running | off           | !        |
| paused, ending, crashed | ! | !  | off later | off     | !         | !       | –             | !        |

`wake` of a save that no longer fits its disks raises SavedStateMismatch and changes nothing.
"""

import enum
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from workspace.errors import Conflict, Unavailable

_DOMAIN_IDS = uuid.UUID("a2c6f0de-6f36-4f39-9c1f-2f6e9d6f3b57")


class Accelerator(enum.StrEnum):
    """libvirt's domain type. TEST is libvirt's own simulation: domains that run nothing."""

    KVM = "kvm"
    QEMU = "qemu"
    TEST = "test"


class DomainState(enum.StrEnum):
    OFF = "off"
    SAVED = "saved"
    RUNNING = "running"
    PAUSED = "paused"
    ENDING = "ending"
    CRASHED = "crashed"


class HypervisorError(Unavailable):
    """libvirt answered with an error. ``facts``: uri, verb, libvirt_code, and state as read again after the error."""

    code = "hypervisor_error"


class Unreachable(HypervisorError):
    """No connection to the host, or it was lost. What was asked may have happened: read the state before anything else."""

    code = "host_unreachable"


class Unanswered(Unreachable):
    """No answer within the time given; the call may still be running. Neither success nor failure."""

    code = "host_unanswered"


class Refused(Conflict):
    """The verb does not fit the domain's state; see the table above."""

    code = "domain_refused"


class SavedStateMismatch(Refused):
    """The disks or the definition changed since the domain was saved: waking it would destroy the file system."""

    code = "saved_state_mismatch"


@dataclass(frozen=True)
class DomainFiles:
    """Where one desktop's files lie on its host. ``folder`` is its own, named by desktop id.

    Unix socket paths hold at most 107 bytes, so sockets live under ``sockets``, which the caller keeps short.
    """

    folder: Path
    sockets: Path

    def system_disk(self, generation: int) -> Path:
        return self.folder / f"system-{generation}.qcow2"

    @property
    def home_disk(self) -> Path:
        return self.folder / "home.qcow2"

    @property
    def seed(self) -> Path:
        return self.folder / "seed.json"

    @property
    def saved_record(self) -> Path:
        return self.folder / "saved.json"

    @property
    def boot_log(self) -> Path:
        return self.folder / "boot.log"

    @property
    def vnc_socket(self) -> Path:
        return self.sockets / "vnc.sock"

    @property
    def channel_socket(self) -> Path:
        """The host's end of com.mainline.gateway.0; QEMU listens, the gateway connects."""
        return self.sockets / "channel.sock"

    @property
    def agent_socket(self) -> Path:
        """The host's end of org.qemu.guest_agent.0; libvirt speaks on it."""
        return self.sockets / "qga.sock"


@dataclass(frozen=True)
class DomainSpec:
    """Everything the domain's XML is made of; equal specs give equal text.

    owner: id of this installation. generation: of the system disk, raised at each reset or roll-out.
    image_disk: the immutable disk that the system disk is a clone of. qemu_uid: the account this desktop's QEMU runs
    under, which must own the desktop's files; None = the daemon's default. home_disk None = none. boot_log: where the
    guest's serial port is written, None = no serial port (a guest could fill the host's disk through it).
    """

    desktop_id: str
    owner: str
    generation: int
    title: str
    accelerator: Accelerator
    memory_mib: int
    vcpus: int
    system_disk: Path
    image_disk: Path
    kernel: Path
    initrd: Path
    cmdline: str
    vnc_socket: Path
    channel_socket: Path
    agent_socket: Path
    seed: Path | None = None
    home_disk: Path | None = None
    qemu_uid: int | None = None
    qemu_gid: int | None = None
    boot_log: Path | None = None
    width_px: int = 1280
    height_px: int = 800

    @property
    def uuid(self) -> str:
        return domain_uuid(self.desktop_id)

    @property
    def name(self) -> str:
        return f"mainline-{self.desktop_id}"


def domain_uuid(desktop_id: str) -> str:
    """The same desktop has the same domain UUID on every host: libvirt then refuses a second one by itself."""
    return str(uuid.uuid5(_DOMAIN_IDS, desktop_id))


@dataclass(frozen=True)
class Domain:
    """One of our domains as the host reports it."""

    desktop_id: str
    uuid: str
    name: str
    generation: int
    state: DomainState
    definition: str  # digest of the XML we gave, from its metadata


@dataclass(frozen=True)
class DomainUse:
    """What a running domain takes. resident_bytes: of its QEMU process, None when unknown. cpu_s: since its start."""

    cpu_s: float
    resident_bytes: int | None


@dataclass(frozen=True)
class HostFacts:
    """What is known of one host, for its page and for placement.

    simulated: libvirt's test driver, nothing real runs. reasons: why the accelerator is what it is, and anything
    that needs a person's hand, as codes of `desktops.hypervisor.probe.Finding` (sentences: `Finding.sentence`).
    """

    uri: str
    simulated: bool
    accelerator: Accelerator
    hostname: str
    libvirt_version: str
    qemu_version: str
    cpu_count: int
    memory_mib: int
    reasons: tuple[str, ...] = field(default=())


Listener = Callable[[str, DomainState | None], None]
"""Called with (desktop id, its new state or None when it is gone), on the host's event thread: hand over, return at once."""


class Hypervisor(Protocol):
    """One host. Every verb is safe to repeat. All raise Unreachable, Unanswered, HypervisorError or Refused."""

    uri: str

    def facts(self) -> HostFacts: ...
    def define(self, spec: DomainSpec) -> None: ...
    def start(self, desktop_id: str) -> None: ...
    def shut_down(self, desktop_id: str) -> None: ...
    def destroy(self, desktop_id: str) -> None: ...
    def hibernate(self, desktop_id: str, *, record: Path) -> None: ...
    def wake(self, desktop_id: str, *, record: Path) -> None: ...
    def discard_saved(self, desktop_id: str) -> None: ...
    def undefine(self, desktop_id: str) -> None: ...
    def domain(self, desktop_id: str) -> Domain | None: ...
    def domains(self) -> list[Domain]: ...
    def use(self, desktop_id: str) -> DomainUse | None: ...
    def set_clock(self, desktop_id: str, now: datetime) -> bool: ...
    def listen(self, listener: Listener) -> None: ...
    def close(self) -> None: ...
