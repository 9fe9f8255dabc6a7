"""Carrying out one step on a hypervisor, and looking at what is there. Called by the worker's jobs outside of any transaction."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktops.hypervisor.account import QemuAccount, make_folders, qemu_account, write_seed
from desktops.hypervisor.base import Accelerator, Domain, DomainFiles, DomainSpec, DomainState, Hypervisor
from desktops.hypervisor.disks import make_home_disk, make_system_disk
from desktops.machines.rules import Power, Step
from workspace.errors import MainlineError, Unavailable
from workspace.i18n import _

SHUT_DOWN_S = 15.0  # The guest gives its sync client ten seconds to send what waits; see usr/lib/mainline/stop.
SOCKET_PATH_BYTES = 107
_POWERS: Mapping[DomainState, Power] = {
    DomainState.OFF: Power.OFF, DomainState.SAVED: Power.SAVED, DomainState.RUNNING: Power.RUNNING,
    DomainState.PAUSED: Power.CHANGING, DomainState.ENDING: Power.CHANGING, DomainState.CRASHED: Power.CRASHED,
}  # fmt: skip


@dataclass(frozen=True)
class Commission:
    """What the worker needs to know to carry a desktop on its host.

    number: small and unique, for its account. owner: of our domains on that host. image: as the build described it; empty when simulated.
    """

    desktop_id: str
    number: int
    owner: str
    title: str
    generation: int
    memory_mib: int
    vcpus: int
    home_gib: int
    accelerator: Accelerator
    image: Mapping[str, Any]
    files: DomainFiles

    @property
    def simulated(self) -> bool:
        return self.accelerator is Accelerator.TEST

    @property
    def account(self) -> QemuAccount:
        """Under which this desktop's QEMU runs and to which its files belong."""
        return qemu_account(self.number, self.files.folder, self.accelerator)


@dataclass(frozen=True)
class Seen:
    """What a look at the hypervisor gave. trouble: why it gave nothing; power is UNKNOWN then."""

    power: Power
    disks: bool
    trouble: str = ""


def power_of(domain: Domain | None) -> Power:
    return Power.ABSENT if domain is None else _POWERS[domain.state]


def look(hypervisor: Hypervisor, order: Commission) -> Seen:
    """Observe one desktop; a failure is part of the answer."""
    try:
        domain = hypervisor.domain(order.desktop_id)
    except MainlineError as error:
        return Seen(Power.UNKNOWN, False, in_words(error))
    return Seen(power_of(domain), has_disks(order))


def has_disks(order: Commission) -> bool:
    """Whether the system disk of this generation is there; simulated desktops have none and lack none."""
    return order.simulated or order.files.system_disk(order.generation).exists()


def carry_out(hypervisor: Hypervisor, step: Step, order: Commission, *, seed: Mapping[str, Any] | None = None) -> None:
    """Do one step; every one may be repeated. Raises MainlineError, after which only a new look tells what happened."""
    if step is Step.CLONE:
        _clone(order)
    elif step is Step.DEFINE:
        if seed is not None:
            write_seed(order.files, json.dumps(seed, ensure_ascii=False).encode(), order.account)
        hypervisor.define(domain_spec(order))
    elif step is Step.START:
        hypervisor.start(order.desktop_id)
    elif step is Step.HIBERNATE:
        hypervisor.hibernate(order.desktop_id, record=order.files.saved_record)
    elif step is Step.WAKE:
        hypervisor.wake(order.desktop_id, record=order.files.saved_record)
    elif step is Step.STOP:
        _stop(hypervisor, order.desktop_id, gentle=not order.simulated)
    elif step is Step.REMOVE:
        _remove(hypervisor, order)
    else:
        raise ValueError(f"{step} is not for a hypervisor")


def domain_spec(order: Commission) -> DomainSpec:
    """The domain of a desktop. A simulated one names files that nobody opens."""
    folder, image = order.files.folder, order.image
    return DomainSpec(
        desktop_id=order.desktop_id,
        owner=order.owner,
        generation=order.generation,
        title=order.title,
        accelerator=order.accelerator,
        memory_mib=order.memory_mib,
        vcpus=order.vcpus,
        system_disk=order.files.system_disk(order.generation),
        image_disk=Path(image.get("system_disk", folder / "none")),
        kernel=Path(image.get("kernel", folder / "none")),
        initrd=Path(image.get("initrd", folder / "none")),
        cmdline=str(image.get("cmdline", "")),
        vnc_socket=order.files.vnc_socket,
        channel_socket=order.files.channel_socket,
        agent_socket=order.files.agent_socket,
        seed=None if order.simulated else order.files.seed,
        home_disk=None if order.simulated else order.files.home_disk,
        qemu_uid=order.account.uid,
        qemu_gid=order.account.gid,
    )


def in_words(error: MainlineError) -> str:
    """Title and next step as one line."""
    return "：".join(part for part in (str(error.title), str(error.message)) if part)


def _clone(order: Commission) -> None:
    if order.simulated:
        return
    if len(os.fsencode(order.files.channel_socket)) > SOCKET_PATH_BYTES:
        raise Unavailable(_("数据目录的路径太长"), _("套接字 %(path)s 放不下，请换用更短的数据目录。", path=order.files.channel_socket))
    account = order.account
    make_folders(order.files, account)
    make_home_disk(order.files.home_disk, size_gib=order.home_gib, owner=account.owner)
    make_system_disk(order.files.system_disk(order.generation), image=Path(order.image["system_disk"]), owner=account.owner)


def _stop(hypervisor: Hypervisor, desktop_id: str, *, gentle: bool) -> None:
    """Off: a saved state is dropped; a running guest is asked first and has a few seconds to write down what it holds."""
    domain = hypervisor.domain(desktop_id)
    if domain is None or domain.state is DomainState.OFF:
        return
    if domain.state is DomainState.SAVED:
        hypervisor.discard_saved(desktop_id)
        return
    if gentle and domain.state is DomainState.RUNNING:
        hypervisor.shut_down(desktop_id)
        deadline = time.monotonic() + SHUT_DOWN_S
        while power_of(hypervisor.domain(desktop_id)) in (Power.RUNNING, Power.CHANGING) and time.monotonic() < deadline:
            time.sleep(0.25)  # Polling a machine outside; there is nothing to wait on that a lost event could not miss.
    hypervisor.destroy(desktop_id)


def _remove(hypervisor: Hypervisor, order: Commission) -> None:
    """The definition, the saved state and the disposable system disk. The home disk is the member's and stays."""
    domain = hypervisor.domain(order.desktop_id)
    if domain is not None and domain.state is DomainState.SAVED:
        hypervisor.discard_saved(order.desktop_id)
    hypervisor.undefine(order.desktop_id)
    for path in (order.files.system_disk(order.generation), order.files.seed, order.files.saved_record):
        path.unlink(missing_ok=True)
