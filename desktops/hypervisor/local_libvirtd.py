"""A libvirt daemon of our own, for machines where none answers: a supervised child with all its files in the data directory.

libvirtd as root always uses /etc/libvirt, /run/libvirt, /var/lib/libvirt …; so it runs in a mount namespace of its own
in which these are folders below ours. Guests survive its end: it finds them again at its next start. Needs root and
the right to mount (a container without CAP_SYS_ADMIN lacks it); `missing` says what is lacking.

Two settings matter and are not obvious: `user = root` for the daemon's default account, because with another one and
/dev/kvm at its usual 0660 or 0600 libvirtd probes QEMU anew before each start (measured: 4.7 s instead of 0.5 s);
each domain gets its own account through its own DAC label all the same. And no cgroups, no QEMU namespaces: both
need parts of the system that only systemd sets up.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from desktops.hypervisor.base import Unreachable
from desktops.hypervisor.probe import QEMU, Finding
from workspace.i18n import _

READY_WITHIN_S = 30.0
_SOCKET_PATH_BYTES = 107  # sockaddr_un.sun_path without its terminating zero
_PLACES = {
    "etc": "/etc/libvirt",
    "run": "/run/libvirt",
    "lib": "/var/lib/libvirt",
    "cache": "/var/cache/libvirt",
    "log": "/var/log/libvirt",
}

_QEMU_CONF = """\
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
stdio_handler = "file"
save_image_format = "raw"
max_core = 0
"""
_LIBVIRTD_CONF = """\
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_rw_perms = "0700"
unix_sock_dir = "{run}"
log_outputs = "3:stderr"
"""
# $1 = our folder; then pairs of our subfolder and the place it takes.
_ENTER = """
set -eu
folder=$1; shift
while [ $# -gt 1 ]; do mount --bind "$folder/$1" "$2"; shift 2; done
exec "$1" --config /etc/libvirt/libvirtd.conf --pid-file "$folder/run/libvirtd.pid"
"""


@dataclass(frozen=True)
class LocalLibvirtd:
    """folder: of its own, below the data directory; its path may have about 80 bytes."""

    folder: Path

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "libvirt-sock"

    @property
    def uri(self) -> str:
        return f"qemu+unix:///system?socket={quote(str(self.socket))}"

    @property
    def argv(self) -> list[str]:
        """For the supervisor: the process becomes the daemon itself, so TERM and its end are the daemon's."""
        return [sys.executable, "-m", "desktops.hypervisor.local_libvirtd", str(self.folder)]

    def ready(self) -> bool:
        """Whether it accepts connections."""
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            try:
                probe.connect(str(self.socket))
            except OSError:
                return False
            return True

    def missing(self) -> Finding | None:
        """Why it cannot run here; None = it can."""
        if os.geteuid() != 0:
            return Finding.LIBVIRTD_NOT_ROOT
        if _libvirtd() is None or shutil.which(QEMU) is None:
            return Finding.LIBVIRTD_ABSENT
        if len(str(self.socket).encode()) > _SOCKET_PATH_BYTES:
            return Finding.LIBVIRTD_PATH_TOO_LONG
        if subprocess.run(["unshare", "--mount", "true"], stdin=subprocess.DEVNULL, capture_output=True).returncode != 0:
            return Finding.LIBVIRTD_NO_NAMESPACE
        return None

    def prepare(self) -> None:
        """Write its folders and configuration."""
        self.folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        for name, place in _PLACES.items():
            (self.folder / name).mkdir(mode=0o755, exist_ok=True)
            Path(place).mkdir(mode=0o755, parents=True, exist_ok=True)
        (self.folder / "etc" / "qemu.conf").write_text(_QEMU_CONF)
        (self.folder / "etc" / "libvirtd.conf").write_text(_LIBVIRTD_CONF.format(run=self.folder / "run"))

    def become(self) -> None:
        """Replace this process by the daemon. Does not return."""
        program = _libvirtd()
        if program is None:
            raise Unreachable(_("没有安装 libvirtd"), "apt-get install libvirt-daemon-system")
        self.prepare()
        pairs = [part for name, place in _PLACES.items() for part in (name, place)]
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "libvirtd", str(self.folder), *pairs, program]
        os.execvp(argv[0], argv)


@contextmanager
def running_libvirtd(folder: Path) -> Iterator[LocalLibvirtd]:
    """For tests and one-off commands: a private daemon for the time of the block. Guests must be ended by the caller."""
    daemon = LocalLibvirtd(folder)
    missing = daemon.missing()
    if missing:
        raise Unreachable(missing.sentence)
    daemon.prepare()
    with (folder / "log" / "libvirtd.log").open("ab") as log:
        process = subprocess.Popen(daemon.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    try:
        _await_ready(daemon, process, log=folder / "log" / "libvirtd.log")
        yield daemon
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_ready(daemon: LocalLibvirtd, process: "subprocess.Popen[bytes]", *, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while not daemon.ready():
        if process.poll() is not None or time.monotonic() > deadline:
            words = log.read_text("utf-8", "replace").strip().splitlines()[-5:]
            raise Unreachable(_("自带的 libvirtd 没有启动"), "\n".join([str(log), *words]))
        time.sleep(0.05)


def _libvirtd() -> str | None:
    return shutil.which("libvirtd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


if __name__ == "__main__":
    LocalLibvirtd(Path(sys.argv[1]).absolute()).become()
