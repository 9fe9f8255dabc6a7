"""Which hypervisor is taken, and under which account its guests run."""

from pathlib import Path

import pytest

from desktops.hypervisor import account, choose
from desktops.hypervisor.account import FIRST_UID, QemuAccount, others_may_pass, qemu_account, write_seed
from desktops.hypervisor.base import Accelerator, DomainFiles
from desktops.hypervisor.choose import SESSION, SIMULATED, SYSTEM, choose_hypervisor, is_local, open_host
from desktops.hypervisor.local_libvirtd import LocalLibvirtd
from desktops.hypervisor.probe import Finding


@pytest.mark.parametrize(
    ("answering", "missing", "uid", "expected"),
    [
        ({SYSTEM}, None, 0, SYSTEM),
        (set(), None, 0, "private"),
        ({SESSION}, Finding.LIBVIRTD_NOT_ROOT, 1000, SESSION),
        ({SESSION}, Finding.LIBVIRTD_NO_NAMESPACE, 0, SIMULATED),
        (set(), Finding.LIBVIRTD_NOT_ROOT, 1000, SIMULATED),
    ],
)
def test_choose_when_nothing_is_configured_then_the_best_there_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answering: set[str], missing: Finding | None, uid: int, expected: str
) -> None:
    monkeypatch.setattr(choose, "answers", lambda uri: uri in answering)
    monkeypatch.setattr(choose.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(choose.os, "geteuid", lambda: uid)
    monkeypatch.setattr(LocalLibvirtd, "missing", lambda self: missing)
    choice = choose_hypervisor("", tmp_path)
    if expected == "private":
        assert choice.daemon == LocalLibvirtd(tmp_path / "libvirt")
        assert choice.uri == choice.daemon.uri
    else:
        assert (choice.uri, choice.daemon) == (expected, None)
    assert choice.simulated == (expected == SIMULATED)
    assert choice.why == ((missing,) if choice.simulated else ())


def test_choose_when_configured_then_that_and_no_questions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(choose, "answers", lambda uri: pytest.fail("asked"))
    assert choose_hypervisor("qemu+ssh://host/system", tmp_path).uri == "qemu+ssh://host/system"


def test_choose_when_there_is_no_qemu_then_simulated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(choose.shutil, "which", lambda name: None)
    choice = choose_hypervisor("", tmp_path)
    assert choice.simulated
    host = open_host(choice.uri, owner="tests", data_dir=tmp_path, why=choice.why)
    assert host.facts().reasons == ("simulated", "qemu_absent")
    host.close()


@pytest.mark.parametrize(
    ("uri", "local"),
    [
        ("qemu:///system", True),
        ("qemu:///session", True),
        ("qemu+unix:///system?socket=/run/x", True),
        ("test:///default", True),
        ("qemu+ssh://root@shanghai/system", False),
        ("qemu+tls://shanghai/system", False),
        ("qemu+tcp:///system", False),
    ],
)
def test_is_local_is_about_this_machine(uri: str, local: bool) -> None:
    assert is_local(uri) is local


def test_account_when_every_folder_lets_others_pass_then_one_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(account.os, "geteuid", lambda: 0)
    monkeypatch.setattr(account, "others_may_pass", lambda folder: True)
    assert qemu_account(7, tmp_path, Accelerator.QEMU) == QemuAccount(FIRST_UID + 7, FIRST_UID + 7)
    assert qemu_account(7, tmp_path, Accelerator.TEST).owner is None
    monkeypatch.setattr(account, "others_may_pass", lambda folder: False)
    assert qemu_account(7, tmp_path, Accelerator.QEMU).owner is None
    monkeypatch.setattr(account.os, "geteuid", lambda: 1000)
    assert qemu_account(7, tmp_path, Accelerator.QEMU).owner is None


def test_others_may_pass_looks_at_every_folder_on_the_way(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "open"
    inner.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    assert not others_may_pass(inner / "not there yet")


def test_write_seed_when_written_twice_then_the_second_and_private(tmp_path: Path) -> None:
    files = DomainFiles(tmp_path, tmp_path)
    write_seed(files, b"first", QemuAccount(None, None))
    write_seed(files, b"second", QemuAccount(None, None))
    assert files.seed.read_bytes() == b"second"
    assert files.seed.stat().st_mode & 0o777 == 0o400


def test_local_libvirtd_when_its_path_is_too_long_then_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from desktops.hypervisor import local_libvirtd

    monkeypatch.setattr(local_libvirtd.os, "geteuid", lambda: 0)
    monkeypatch.setattr(local_libvirtd.shutil, "which", lambda name, path=None: f"/usr/sbin/{name}")
    assert LocalLibvirtd(tmp_path / ("x" * 120)).missing() is Finding.LIBVIRTD_PATH_TOO_LONG


def test_local_libvirtd_uri_survives_odd_folders() -> None:
    assert LocalLibvirtd(Path("/data/主线 a&b")).uri == "qemu+unix:///system?socket=/data/%E4%B8%BB%E7%BA%BF%20a%26b/run/libvirt-sock"
