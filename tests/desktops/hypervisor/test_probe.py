"""Finding out whether KVM works: the boot sector itself under emulation, and every verdict with stand-in programs."""

import shutil
import subprocess
from pathlib import Path

import pytest

from desktops.hypervisor.base import Accelerator
from desktops.hypervisor.probe import QEMU, Finding, boot_sector, probe_acceleration, run_boot_sector


@pytest.fixture
def kvm(tmp_path: Path) -> Path:
    device = tmp_path / "kvm"
    device.touch()
    device.chmod(0o660)
    return device


def program(tmp_path: Path, body: str) -> str:
    """A stand-in for QEMU that counts its runs."""
    path = tmp_path / "qemu"
    path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && {{ echo "QEMU 1"; exit; }}\necho run >> {tmp_path}/runs\n{body}\n')
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("body", "accelerator", "finding"),
    [
        ("exit 33", Accelerator.KVM, Finding.KVM_WORKS),
        ("exit 1", Accelerator.QEMU, Finding.KVM_FAILS),
        ("kill -ABRT $$", Accelerator.QEMU, Finding.KVM_FAILS),
        ("exec sleep 60", Accelerator.QEMU, Finding.KVM_TOO_SLOW),
    ],
)
def test_probe_when_qemu_ends_so_then_that_verdict(
    tmp_path: Path, kvm: Path, body: str, accelerator: Accelerator, finding: Finding
) -> None:
    found = probe_acceleration(program=program(tmp_path, body), kvm=kvm, limit_s=0.5)
    assert (found.accelerator, found.reasons) == (accelerator, (finding,))


def test_probe_when_only_root_may_open_the_device_then_advised(tmp_path: Path, kvm: Path) -> None:
    kvm.chmod(0o600)
    found = probe_acceleration(program=program(tmp_path, "exit 33"), kvm=kvm)
    assert found.reasons == (Finding.KVM_WORKS, Finding.KVM_FOR_ROOT_ONLY)
    assert "chmod" in Finding.KVM_FOR_ROOT_ONLY.sentence


def test_probe_when_there_is_no_device_or_no_qemu_then_said(tmp_path: Path) -> None:
    assert probe_acceleration(program=program(tmp_path, ""), kvm=tmp_path / "none").reasons == (Finding.KVM_ABSENT,)
    assert probe_acceleration(program="surely-absent").accelerator is Accelerator.TEST


def test_probe_when_asked_again_then_remembered_until_qemu_changes(tmp_path: Path, kvm: Path) -> None:
    cache, qemu = tmp_path / "cache" / "probe.json", program(tmp_path, "exit 33")
    for _time in range(3):
        assert probe_acceleration(program=qemu, kvm=kvm, cache=cache).accelerator is Accelerator.KVM
    assert (tmp_path / "runs").read_text().count("run") == 1
    Path(qemu).write_text(Path(qemu).read_text().replace("QEMU 1", "QEMU 2"))
    probe_acceleration(program=qemu, kvm=kvm, cache=cache)
    assert (tmp_path / "runs").read_text().count("run") == 2
    cache.write_text("{")
    assert probe_acceleration(program=qemu, kvm=kvm, cache=cache).accelerator is Accelerator.KVM


def test_every_finding_has_a_sentence() -> None:
    assert all(finding.sentence.endswith("。") for finding in Finding)


@pytest.mark.guest
def test_boot_sector_when_emulated_then_answers() -> None:
    assert run_boot_sector(QEMU, ["-accel", "tcg"], limit_s=30) is Finding.KVM_WORKS


@pytest.mark.guest
def test_boot_sector_is_what_the_source_says(tmp_path: Path) -> None:
    assembler = shutil.which("as")
    assert assembler, "binutils is missing"
    source = Path(__file__).parent / "kvm_probe.S"
    subprocess.run([assembler, "--64", "-o", tmp_path / "probe.o", source], check=True)
    subprocess.run(["ld", "-Ttext", "0x7c00", "--oformat", "binary", "-o", tmp_path / "probe.bin", tmp_path / "probe.o"], check=True)
    assert (tmp_path / "probe.bin").read_bytes() == boot_sector()
