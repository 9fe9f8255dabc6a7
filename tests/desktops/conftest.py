"""Real guests for tests: the golden image, a libvirt daemon of our own, and specs of desktops cloned from the image."""

import itertools
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktops.hypervisor.account import make_folders, qemu_account, write_seed
from desktops.hypervisor.base import Accelerator, DomainFiles, DomainSpec
from desktops.hypervisor.choose import open_host
from desktops.hypervisor.disks import make_home_disk, make_system_disk
from desktops.hypervisor.libvirt_driver import LibvirtHost
from desktops.hypervisor.local_libvirtd import LocalLibvirtd, running_libvirtd
from desktops.images.build import Image, build_image
from desktops.images.recipe import AgentSource, load_recipe
from workspace.settings import load_settings


@pytest.fixture(scope="session")
def golden_image() -> Image:
    """Built once and kept where `mainline serve` finds it too: unchanged inputs cost nothing."""
    return build_image(load_recipe(), AgentSource(), load_settings({}).effective_image_dir, tell=print)


@pytest.fixture(scope="session")
def host_folder() -> Iterator[Path]:
    """Short, because unix sockets live in it, and open to the accounts of the guests, which pytest's folders are not."""
    folder = Path(tempfile.mkdtemp(prefix="ml-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def libvirt_daemon(host_folder: Path) -> Iterator[LocalLibvirtd]:
    with running_libvirtd(host_folder / "libvirt") as daemon:
        yield daemon


@pytest.fixture
def real_host(libvirt_daemon: LocalLibvirtd, host_folder: Path) -> Iterator[LibvirtHost]:
    """Whatever a test leaves on it is removed, other owners' domains too."""
    host = open_host(libvirt_daemon.uri, owner="tests", data_dir=host_folder)
    yield host
    for owner in ("tests", "somebody else"):
        cleaner = LibvirtHost(libvirt_daemon.uri, owner=owner)
        for domain in cleaner.domains():
            cleaner.destroy(domain.desktop_id)
            cleaner.discard_saved(domain.desktop_id)
            cleaner.undefine(domain.desktop_id)
        cleaner.close()
    host.close()


@pytest.fixture
def new_desktop(golden_image: Image, host_folder: Path, real_host: LibvirtHost) -> Callable[..., tuple[DomainSpec, DomainFiles]]:
    """Makes the files of one more desktop and its spec. home: with a home disk. memory_mib: default small."""
    numbers = itertools.count(1)

    def make(*, home: bool = False, memory_mib: int = 192, seed: bytes = b"{}") -> tuple[DomainSpec, DomainFiles]:
        number, name = next(numbers), uuid.uuid4().hex[:12]
        files = DomainFiles(host_folder / "d" / name, host_folder / "s" / name)
        account = qemu_account(number, host_folder, Accelerator.QEMU)
        for folder in (host_folder / "d", host_folder / "s"):
            folder.mkdir(mode=0o711, exist_ok=True)
        make_folders(files, account)
        make_system_disk(files.system_disk(1), image=golden_image.system_disk, owner=account.owner)
        if home:
            make_home_disk(files.home_disk, size_gib=1, owner=account.owner)
        write_seed(files, seed, account)
        spec = DomainSpec(
            desktop_id=name,
            owner="tests",
            generation=1,
            title="测试桌面",
            accelerator=real_host.facts().accelerator,
            memory_mib=memory_mib,
            vcpus=2,
            system_disk=files.system_disk(1),
            image_disk=golden_image.system_disk,
            kernel=golden_image.kernel,
            initrd=golden_image.initrd,
            cmdline=golden_image.cmdline,
            vnc_socket=files.vnc_socket,
            channel_socket=files.channel_socket,
            agent_socket=files.agent_socket,
            seed=files.seed,
            home_disk=files.home_disk if home else None,
            qemu_uid=account.uid,
            qemu_gid=account.gid,
            boot_log=files.boot_log,
        )
        return spec, files

    return make


def qemu_process(desktop_id: str) -> int:
    """The process id of a running domain's QEMU."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue  # It ended meanwhile.
        if f"guest=mainline-{desktop_id},".encode() in command:
            return int(process.name)
    raise AssertionError(f"no QEMU of {desktop_id}")
