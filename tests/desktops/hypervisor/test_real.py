"""The contract on real QEMU under a daemon of our own, and what only real files and processes can show."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desktops.hypervisor.base import DomainFiles, DomainSpec, DomainState, HypervisorError, SavedStateMismatch, Unreachable
from desktops.hypervisor.disks import backing_file, fingerprint, make_home_disk, make_system_disk
from desktops.hypervisor.libvirt_driver import LibvirtHost
from desktops.hypervisor.local_libvirtd import LocalLibvirtd
from desktops.hypervisor.saved_state import begin_record
from tests.contracts.hypervisor_contract import HypervisorContract, state_of
from tests.desktops.conftest import qemu_process

pytestmark = pytest.mark.guest
NewDesktop = Callable[..., tuple[DomainSpec, DomainFiles]]


STANDSTILL = b"\xfa\xf4\xeb\xfd"
"""cli; hlt; and again."""


@pytest.fixture
def new_desktop(new_desktop: NewDesktop, host_folder: Path) -> NewDesktop:
    """Their kernel halts at once: nothing here asks a guest anything, and thirty that boot keep an emulated processor busy."""
    kernel = host_folder / "standstill"
    kernel.write_bytes(standing_still())

    def make(**options: object) -> tuple[DomainSpec, DomainFiles]:
        spec, files = new_desktop(**options)
        return replace(spec, kernel=kernel), files

    return make


def standing_still() -> bytes:
    """A kernel of 1.5 KiB in the form that QEMU loads: https://docs.kernel.org/arch/x86/boot.html"""
    image = bytearray(3 * 512)
    for place, content in (
        (0x1F1, b"\x01"),  # sectors of set-up code after the first
        (0x1FE, b"\x55\xaa\xeb\x66HdrS\x04\x02"),  # where it is entered, a jump over the header: protocol 2.04
        (0x211, b"\x01"),  # loaded high
        (0x22C, b"\xff\xff\xff\x37"),  # up to where the initrd may lie
        (0x268, STANDSTILL),
    ):
        image[place : place + len(content)] = content
    return bytes(image)


@pytest.fixture
def hypervisor(real_host: LibvirtHost) -> LibvirtHost:
    return real_host


@pytest.fixture
def new_spec(new_desktop: NewDesktop) -> Callable[[], DomainSpec]:
    return lambda: new_desktop()[0]


class TestReal(HypervisorContract):
    def test_start_when_running_then_under_its_own_account_and_without_tcp(self, hypervisor: LibvirtHost, running: DomainSpec) -> None:
        process = Path("/proc") / str(qemu_process(running.desktop_id))
        assert process.stat().st_uid == running.qemu_uid != 0
        assert running.vnc_socket.is_socket()
        assert running.channel_socket.is_socket()
        inodes = {os.readlink(link) for link in (process / "fd").iterdir()}
        listening = [line.split()[9] for name in ("tcp", "tcp6") for line in (process / "net" / name).read_text().splitlines()[1:]]
        assert not {f"socket:[{inode}]" for inode in listening} & inodes

    def test_start_when_the_disk_is_missing_then_error_and_still_off(self, hypervisor: LibvirtHost, defined: DomainSpec) -> None:
        defined.system_disk.unlink()
        with pytest.raises(HypervisorError) as caught:
            hypervisor.start(defined.desktop_id)
        assert not isinstance(caught.value, Unreachable)
        assert caught.value.facts["state"] == "off"

    @pytest.mark.parametrize("change", ["written", "replaced", "gone"])
    def test_wake_when_a_disk_changed_then_refused(self, hypervisor: LibvirtHost, saved: DomainSpec, record: Path, change: str) -> None:
        disk = saved.system_disk
        if change == "written":
            with disk.open("r+b") as file:
                file.seek(0, os.SEEK_END)
                file.write(b"\0")
        else:
            disk.unlink()
        if change == "replaced":
            make_system_disk(disk, image=saved.image_disk, owner=(saved.qemu_uid or 0, saved.qemu_gid or 0))
        with pytest.raises(SavedStateMismatch):
            hypervisor.wake(saved.desktop_id, record=record)
        assert state_of(hypervisor, saved) is DomainState.SAVED

    def test_wake_when_killed_between_save_and_record_then_only_on_the_same_files(
        self, hypervisor: LibvirtHost, saved: DomainSpec, record: Path
    ) -> None:
        domain = hypervisor.domain(saved.desktop_id)
        assert domain is not None
        other = saved.system_disk.with_name("other")
        other.touch()
        begin_record(record, domain, [other, saved.image_disk])
        with pytest.raises(SavedStateMismatch):
            hypervisor.wake(saved.desktop_id, record=record)
        begin_record(record, domain, [saved.system_disk, saved.image_disk])
        hypervisor.wake(saved.desktop_id, record=record)
        assert state_of(hypervisor, saved) is DomainState.RUNNING

    def test_use_when_running_then_memory_and_time(self, hypervisor: LibvirtHost, running: DomainSpec) -> None:
        use = hypervisor.use(running.desktop_id)
        assert use is not None
        assert use.resident_bytes is not None
        assert use.resident_bytes > 10 << 20

    def test_facts_when_real_then_versions_and_a_tried_accelerator(self, hypervisor: LibvirtHost) -> None:
        facts = hypervisor.facts()
        assert not facts.simulated
        assert facts.qemu_version
        assert facts.accelerator in ("kvm", "qemu")


@pytest.fixture
def stopped(libvirt_daemon: LocalLibvirtd) -> Iterator[int]:
    """The daemon's process, silent while the test runs."""
    process = int((libvirt_daemon.folder / "run" / "libvirtd.pid").read_text())
    yield process
    os.kill(process, signal.SIGCONT)


def test_call_when_the_host_falls_silent_then_unreachable_within_seconds(real_host: LibvirtHost, stopped: int) -> None:
    assert real_host.domains() == []
    os.kill(stopped, signal.SIGSTOP)
    with pytest.raises(Unreachable):  # Else it waits for as long as the host is silent.
        real_host.domains()
    os.kill(stopped, signal.SIGCONT)
    assert real_host.domains() == []


def test_linked_clone_when_made_then_small_and_backed_by_the_image(new_desktop: NewDesktop) -> None:
    spec, _files = new_desktop()
    assert backing_file(spec.system_disk) == spec.image_disk
    assert spec.system_disk.stat().st_blocks * 512 < 1 << 20
    assert spec.system_disk.stat().st_mode & 0o777 == 0o600
    before = spec.system_disk.stat().st_ino
    make_system_disk(spec.system_disk, image=spec.image_disk)
    assert spec.system_disk.stat().st_ino == before
    assert [path.name for path in spec.system_disk.parent.iterdir() if path.name.startswith(".")] == []


def test_home_disk_when_it_exists_then_never_made_again(tmp_path: Path) -> None:
    disk = tmp_path / "home.qcow2"
    make_home_disk(disk, size_gib=1)
    before = fingerprint([disk])
    make_home_disk(disk, size_gib=2)
    assert fingerprint([disk]) == before
    assert disk.stat().st_blocks * 512 < 64 << 20


def test_clone_when_the_image_is_missing_then_error_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(HypervisorError):
        make_system_disk(tmp_path / "system.qcow2", image=tmp_path / "none.qcow2")
    assert list(tmp_path.iterdir()) == []


def test_domains_when_the_daemon_was_restarted_then_the_guest_went_on(
    host_folder: Path, libvirt_daemon: LocalLibvirtd, real_host: LibvirtHost, new_desktop: NewDesktop
) -> None:
    from desktops.hypervisor.local_libvirtd import running_libvirtd

    with running_libvirtd(host_folder / "other") as daemon:
        host = LibvirtHost(daemon.uri, owner="tests")
        spec, _files = new_desktop()
        host.define(spec)
        host.start(spec.desktop_id)
        process = qemu_process(spec.desktop_id)
        host.close()
    with running_libvirtd(host_folder / "other") as daemon:
        host = LibvirtHost(daemon.uri, owner="tests")
        assert state_of(host, spec) is DomainState.RUNNING
        assert qemu_process(spec.desktop_id) == process
        host.destroy(spec.desktop_id)
        host.define(replace(spec, generation=2))
        host.undefine(spec.desktop_id)
        host.close()
