"""Whether KVM really works on this host, found out by running a guest of 512 bytes, outside libvirt.

/dev/kvm can open, libvirt can advertise KVM and report a domain as running, and still no guest ever boots (seen
on machines that are guests themselves). So a boot sector does what every kernel does in its first moments: it goes
to long mode, takes an exception, runs swapgs, and then tells QEMU to exit with a known code. A host on which that
takes longer than the limit is emulated instead: emulation needs 0.1 s for it.
"""

import enum
import json
import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktops.hypervisor.base import Accelerator
from workspace.i18n import _

LIMIT_S = 2.5
QEMU = "qemu-system-x86_64"
_KVM = Path("/dev/kvm")
_EXIT_OF_PROBE = (0x10 << 1) | 1  # isa-debug-exit answers (value << 1) | 1
_SECTOR_BYTES = 512

# Assembled from tests/desktops/hypervisor/kvm_probe.S; a test runs both under emulation and compares them.
_BOOT_CODE = bytes.fromhex(
    "fa31c08ed88ec08ed0bc007cfc66bf001000000f22df6631c066b9001000006766f3ab66c70600100320000066c70600"
    "200330000066c706003083000000c70660409a7c66c70662400800008ec706664000000f20e06683c8200f22e066b980"
    "0000c00f32660d000100000f300f20c0660d010000800f22c0660f0116b87c66ea877c0000080031c08ed0bc00700000"
    "0f011c25be7c00000f0b0f01f8b010e6f4f4ebfd0f1f4000000000000000000000000000009a20000f00a87c0000ff0f"
    "0040"
)


class Finding(enum.StrEnum):
    """Why a host runs desktops the way it does; stored as code, shown as sentence."""

    KVM_WORKS = "kvm_works"
    KVM_ABSENT = "kvm_absent"
    KVM_NOT_PERMITTED = "kvm_not_permitted"
    KVM_FOR_ROOT_ONLY = "kvm_for_root_only"
    KVM_FAILS = "kvm_fails"
    KVM_TOO_SLOW = "kvm_too_slow"
    QEMU_ABSENT = "qemu_absent"
    REMOTE_NOT_PROBED = "remote_not_probed"
    SIMULATED = "simulated"
    QEMU_RUNS_AS_ROOT = "qemu_runs_as_root"
    LIBVIRTD_NOT_ROOT = "libvirtd_not_root"
    LIBVIRTD_ABSENT = "libvirtd_absent"
    LIBVIRTD_PATH_TOO_LONG = "libvirtd_path_too_long"
    LIBVIRTD_NO_NAMESPACE = "libvirtd_no_namespace"

    @property
    def sentence(self) -> str:
        return {
            Finding.KVM_WORKS: _("硬件虚拟化（KVM）可用，已实际启动测试程序验证。"),
            Finding.KVM_ABSENT: _("没有 /dev/kvm：本机不提供硬件虚拟化，云桌面以软件模拟运行，速度较慢。"),
            Finding.KVM_NOT_PERMITTED: _("无权打开 /dev/kvm：请把运行账号加入 kvm 组。云桌面暂以软件模拟运行。"),
            Finding.KVM_FOR_ROOT_ONLY: _(
                "/dev/kvm 只允许 root 访问，libvirt 会在每次启动时重新探测 QEMU（多等数秒到数分钟）："
                "请执行 chgrp kvm /dev/kvm && chmod 0660 /dev/kvm。"
            ),
            Finding.KVM_FAILS: _("/dev/kvm 可以打开，但测试程序无法在其上运行：云桌面以软件模拟运行，速度较慢。"),
            Finding.KVM_TOO_SLOW: _("/dev/kvm 可以打开，但测试程序没有按时完成：云桌面以软件模拟运行，速度较慢。"),
            Finding.QEMU_ABSENT: _("没有安装 QEMU（qemu-system-x86）：云桌面为模拟数据，不会真正启动。"),
            Finding.REMOTE_NOT_PROBED: _("这是远程宿主机，尚未在其上测试硬件虚拟化：云桌面以软件模拟运行。"),
            Finding.SIMULATED: _("这是 libvirt 自带的模拟宿主机：云桌面为模拟数据，不会真正启动。"),
            Finding.QEMU_RUNS_AS_ROOT: _(
                "数据目录不允许其他账号进入，各云桌面的 QEMU 只能以 root 运行：请把数据目录移到 /var/lib/mainline 之类的位置。"
            ),
            Finding.LIBVIRTD_NOT_ROOT: _("当前账号不是 root，无法启动自带的 libvirtd。"),
            Finding.LIBVIRTD_ABSENT: _(
                "没有安装 libvirt 与 QEMU，请执行 apt-get install libvirt-daemon-system qemu-system-x86 qemu-utils。"
            ),
            Finding.LIBVIRTD_PATH_TOO_LONG: _("数据目录的路径太长，libvirt 的套接字放不下，请换用更短的数据目录。"),
            Finding.LIBVIRTD_NO_NAMESPACE: _("当前环境不允许建立挂载命名空间，无法启动自带的 libvirtd。"),
        }[self]


@dataclass(frozen=True)
class Acceleration:
    """What this machine's guests run on, and why."""

    accelerator: Accelerator
    reasons: tuple[Finding, ...]


NOT_PROBED = Acceleration(Accelerator.QEMU, (Finding.REMOTE_NOT_PROBED,))
SIMULATED = Acceleration(Accelerator.TEST, (Finding.SIMULATED,))


def probe_acceleration(*, cache: Path | None = None, program: str = QEMU, kvm: Path = _KVM, limit_s: float = LIMIT_S) -> Acceleration:
    """Probe this machine, at most once per kernel, QEMU and boot (the answer is kept in ``cache``).

    The permission of /dev/kvm is looked at each time: it is what people repair.
    """
    if shutil.which(program) is None:
        return Acceleration(Accelerator.TEST, (Finding.QEMU_ABSENT,))
    try:
        mode = kvm.stat()
    except OSError:
        return Acceleration(Accelerator.QEMU, (Finding.KVM_ABSENT,))
    if not os.access(kvm, os.R_OK | os.W_OK):
        return Acceleration(Accelerator.QEMU, (Finding.KVM_NOT_PERMITTED,))
    advice = (Finding.KVM_FOR_ROOT_ONLY,) if mode.st_mode & (stat.S_IRGRP | stat.S_IWGRP) != stat.S_IRGRP | stat.S_IWGRP else ()
    key = _machine(program)
    outcome = _remembered(cache, key)
    if outcome is None:
        outcome = run_boot_sector(program, ["-accel", "kvm", "-cpu", "host"], limit_s=limit_s)
        _remember(cache, key, outcome)
    accelerator = Accelerator.KVM if outcome is Finding.KVM_WORKS else Accelerator.QEMU
    return Acceleration(accelerator, (outcome, *advice))


def run_boot_sector(program: str, acceleration: Sequence[str], *, limit_s: float) -> Finding:
    """Run the probe once: KVM_WORKS when it answered in time, KVM_TOO_SLOW when not, KVM_FAILS for anything else."""
    with tempfile.NamedTemporaryFile(prefix="mainline-probe-", suffix=".img") as disk:
        disk.write(boot_sector())
        disk.flush()
        argv = [program, *acceleration, "-M", "pc", "-m", "16", "-nodefaults", "-display", "none", "-no-reboot", "-no-user-config"]
        argv += ["-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-drive", f"if=ide,format=raw,file={disk.name}"]
        try:
            done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit_s)
        except subprocess.TimeoutExpired:
            return Finding.KVM_TOO_SLOW
    return Finding.KVM_WORKS if done.returncode == _EXIT_OF_PROBE else Finding.KVM_FAILS


def boot_sector() -> bytes:
    return _BOOT_CODE.ljust(_SECTOR_BYTES - 2, b"\0") + b"\x55\xaa"


def _machine(program: str) -> dict[str, str]:
    """What the answer depends on. boot: KVM's module options and the layer below us can change with a reboot only."""
    version = subprocess.run([program, "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout.splitlines()
    boot = Path("/proc/sys/kernel/random/boot_id")
    return {
        "kernel": os.uname().release,
        "qemu": version[0] if version else "",
        "boot": boot.read_text().strip() if boot.exists() else "",
    }


def _remembered(cache: Path | None, key: dict[str, str]) -> Finding | None:
    if cache is None:
        return None
    try:
        kept: dict[str, Any] = json.loads(cache.read_text())
        return Finding(kept["outcome"]) if kept["machine"] == key else None
    except (OSError, ValueError, KeyError):
        return None  # Absent, torn or from another release: probing again is cheap.


def _remember(cache: Path | None, key: dict[str, str], outcome: Finding) -> None:
    if cache is None:
        return
    cache.parent.mkdir(parents=True, exist_ok=True)
    temporary = cache.with_name(f"{cache.name}.{os.getpid()}")
    temporary.write_text(json.dumps({"machine": key, "outcome": outcome.value}))
    temporary.rename(cache)
