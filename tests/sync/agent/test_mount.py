"""Real mounts: how programs save, what others see, which errors programs get."""

from __future__ import annotations

import errno
import mmap
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from sync.core.chunking import MIB
from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.conftest import Agent, read, until, write_whole

pytestmark = pytest.mark.fuse


def save_in_place(path: Path, data: bytes) -> None:
    write_whole(path, data)


def save_by_rename(path: Path, data: bytes) -> None:
    """Temporary name, then onto the name: most editors, GIO."""
    part = path.with_name(".goutputstream-X1")
    part.write_bytes(data)
    part.rename(path)


def save_by_ordinary_temp(path: Path, data: bytes) -> None:
    """The same with a temporary name that no rule knows."""
    part = path.with_name("saving-" + path.name)
    part.write_bytes(data)
    part.rename(path)


def save_like_vim(path: Path, data: bytes) -> None:
    """Old file aside under a backup name, new file, backup removed."""
    backup = path.with_name(path.name + "~")
    path.rename(backup)
    write_whole(path, data)
    backup.unlink()


def save_like_office(path: Path, data: bytes) -> None:
    """Lock file, new content, old aside, new onto the name, both removed."""
    lock, new, old = (path.with_name(name) for name in (f"~${path.name}", "~WRD0001.tmp", "~WRL0002.tmp"))
    lock.write_bytes(b"lin")
    new.write_bytes(data)
    path.rename(old)
    new.rename(path)
    old.unlink()
    lock.unlink()


def save_by_swap(path: Path, data: bytes) -> None:
    """Backup with an ordinary name, then the new file onto the name; the backup stays."""
    part = path.with_name("psTEMP.tmp")
    part.write_bytes(data)
    path.rename(path.with_name("backup of " + path.name))
    part.rename(path)


def save_by_delete(path: Path, data: bytes) -> None:
    """Delete and create."""
    path.unlink()
    write_whole(path, data)


PATTERNS = [
    save_in_place, save_by_rename, save_by_ordinary_temp, save_like_vim, save_like_office, save_by_swap, save_by_delete,
]  # fmt: skip


@pytest.mark.parametrize("save", PATTERNS, ids=lambda save: save.__name__)
def test_save_when_programs_swap_files_then_the_asset_keeps_its_node_and_history(
    save: object, lin: Agent, fake: FakeLibrary, library: str
) -> None:
    path = lin.library / "主视觉.psd"
    path.write_bytes(b"version one")
    until(lambda: "主视觉.psd" in fake.live(library), "committed")
    node = fake.live(library)["主视觉.psd"].id

    def version_now(pattern: object) -> int:
        live = fake.live(library)
        # A backup swap really takes the name away for a moment; no other pattern may show that to anybody.
        assert pattern is save_by_swap or "主视觉.psd" in live, f"the name was gone: {fake.done}"
        return live["主视觉.psd"].version if "主视觉.psd" in live else 0

    for number in range(2, 5):
        save(path, b"version %d" % number)  # type: ignore[operator]
        until(lambda n=number: version_now(save) == n, f"version {number}")
        assert path.read_bytes() == b"version %d" % number
    until(lambda: lin.status()["pending_ops"] == 0, "at rest")
    live = fake.live(library)
    assert live["主视觉.psd"].id == node
    assert [v.version for v in fake.versions(library, "主视觉.psd")] == [1, 2, 3, 4]
    assert fake.bytes_of(library, live["主视觉.psd"]) == b"version 4"
    extra = {"backup of 主视觉.psd"} if save is save_by_swap else set()
    assert set(live) == {"主视觉.psd"} | extra
    assert not any(each.head_of for each in live.values())


def test_save_when_bytes_are_appended_then_next_version(lin: Agent, fake: FakeLibrary, library: str) -> None:
    path = lin.library / "log.txt"
    path.write_bytes(b"one\n")
    with open(path, "ab") as stream:
        stream.write(b"two\n")
    until(lambda: "log.txt" in fake.live(library), "committed")
    until(lambda: fake.bytes_of(library, fake.live(library)["log.txt"]) == b"one\ntwo\n", "both lines")


def test_two_mounts_when_one_saves_then_the_other_reads_it(lin: Agent, chen: Agent) -> None:
    (lin.library / "图片").mkdir()
    mine, theirs = lin.library / "图片" / "海报.psd", chen.library / "图片" / "海报.psd"
    for number in range(5):
        content = os.urandom(200_000) + bytes([number])
        mine.write_bytes(content)
        until(lambda c=content: read(theirs) == c, "visible elsewhere")
        assert theirs.stat().st_size == len(content)
    theirs.write_bytes(b"back")
    until(lambda: read(mine) == b"back", "visible here")
    assert not [name for name in os.listdir(lin.library / "图片") if "(" in name]


def test_two_mounts_when_folders_move_and_go_then_both_are_alike(lin: Agent, chen: Agent) -> None:
    (lin.library / "a" / "b").mkdir(parents=True)
    (lin.library / "a" / "b" / "f").write_bytes(b"1")
    until(lambda: read(chen.library / "a" / "b" / "f") == b"1", "there")
    (lin.library / "a" / "b").rename(lin.library / "c")
    until(lambda: read(chen.library / "c" / "f") == b"1", "moved")
    assert os.listdir(chen.library / "a") == []
    shutil.rmtree(lin.library / "c")
    until(lambda: os.listdir(chen.library) == ["a"], "gone")


def test_two_mounts_when_both_save_at_once_then_nothing_is_lost(lin: Agent, chen: Agent, fake: FakeLibrary, library: str) -> None:
    (lin.library / "x.png").write_bytes(b"base")
    until(lambda: read(chen.library / "x.png") == b"base", "there")
    for round_ in range(3):
        ours, theirs = open(lin.library / "x.png", "r+b"), open(chen.library / "x.png", "r+b")  # noqa: SIM115
        ours.write(b"lin%d" % round_)
        theirs.write(b"che%d" % round_)
        ours.close()
        theirs.close()
        saved = {b"lin%d" % round_, b"che%d" % round_}
        until(lambda wanted=saved: wanted <= {fake.bytes_of(library, v) for v in list(fake.shelves[library].history)}, f"kept {saved}")
    names = set(fake.live(library))
    until(lambda: set(os.listdir(lin.library)) == set(os.listdir(chen.library)) == names, f"equal to {names}")
    for name in names:
        until(lambda n=name: read(lin.library / n) == read(chen.library / n), f"{name} equal")


def test_reader_when_the_file_changes_elsewhere_then_the_open_file_stays_whole(lin: Agent, chen: Agent) -> None:
    old, new = os.urandom(3 * MIB), os.urandom(3 * MIB)
    (lin.library / "f").write_bytes(old)
    until(lambda: (chen.library / "f").exists(), "there")
    with open(chen.library / "f", "rb") as stream:
        head = stream.read(1000)
        (lin.library / "f").write_bytes(new)
        until(lambda: read(chen.library / "f") == new, "replaced")
        assert head + stream.read() == old


def test_writer_when_the_file_changes_elsewhere_before_it_writes_then_both_are_kept(
    lin: Agent, chen: Agent, fake: FakeLibrary, library: str
) -> None:
    """Opened, changed elsewhere, and only then written: what a program does that holds a document open."""
    (lin.library / "f.png").write_bytes(b"base")
    until(lambda: read(chen.library / "f.png") == b"base", "there")
    with open(lin.library / "f.png", "r+b", buffering=0) as stream:
        (chen.library / "f.png").write_bytes(b"chen")
        (chen.library / "witness").write_bytes(b"x")
        until(lambda: (lin.library / "witness").exists(), "seen, and with it what was committed before")
        stream.write(b"lin!")
    until(lambda: {fake.bytes_of(library, n) for n in fake.live(library).values()} == {b"chen", b"lin!", b"x"}, "both kept")
    until(lambda: read(lin.library / "f.png") == b"chen", "the winner under the name")


def test_writer_when_the_file_changes_elsewhere_and_it_writes_nothing_then_the_new_version(lin: Agent, chen: Agent) -> None:
    (lin.library / "f.png").write_bytes(b"base")
    until(lambda: read(chen.library / "f.png") == b"base", "there")
    with open(lin.library / "f.png", "r+b") as stream:
        (chen.library / "f.png").write_bytes(b"newer")
        (chen.library / "witness").write_bytes(b"x")
        until(lambda: (lin.library / "witness").exists(), "seen")
        assert stream.read() == b"base"
    until(lambda: read(lin.library / "f.png") == b"newer", "taken after the release")
    assert sorted(os.listdir(lin.library)) == ["f.png", "witness"]


def test_writer_when_the_file_is_deleted_elsewhere_then_the_edit_brings_it_back(lin: Agent, chen: Agent) -> None:
    (lin.library / "f.png").write_bytes(b"base")
    until(lambda: read(chen.library / "f.png") == b"base", "there")
    with open(lin.library / "f.png", "r+b", buffering=0) as stream:
        (chen.library / "f.png").unlink()
        until(lambda: chen.status()["pending_ops"] == 0, "deletion sent")
        (chen.library / "witness").write_bytes(b"x")
        until(lambda: (lin.library / "witness").exists(), "seen")
        stream.write(b"more")
    until(lambda: read(chen.library / "f.png") == b"more", "back")


def test_local_files_when_temporary_then_never_leave_this_machine(lin: Agent, fake: FakeLibrary, library: str) -> None:
    (lin.library / "~$方案.docx").write_bytes(b"lock")
    (lin.library / ".~lock.表.ods#").write_bytes(b"lock")
    (lin.library / "done.txt").write_bytes(b"x")
    until(lambda: "done.txt" in fake.live(library), "committed")
    assert set(fake.live(library)) == {"done.txt"}
    assert (lin.library / "~$方案.docx").read_bytes() == b"lock"


@pytest.mark.parametrize("size", [0, 1, 4096, 1 * MIB, 5 * MIB + 17])
def test_content_when_of_any_size_then_comes_back_through_another_mount(lin: Agent, chen: Agent, size: int) -> None:
    content = os.urandom(size)
    (lin.library / "f.png").write_bytes(content)
    until(lambda: read(chen.library / "f.png") == content, "visible elsewhere")
    with open(chen.library / "f.png", "rb") as stream:
        stream.seek(size // 2)
        assert stream.read(1000) == content[size // 2 : size // 2 + 1000]


def test_changes_when_in_the_middle_of_a_file_from_elsewhere_then_the_rest_stays(lin: Agent, chen: Agent) -> None:
    content = os.urandom(3 * MIB)
    (lin.library / "f").write_bytes(content)
    until(lambda: (chen.library / "f").exists(), "there")
    with open(chen.library / "f", "r+b") as stream:
        stream.seek(MIB)
        stream.write(b"changed")
    expected = content[:MIB] + b"changed" + content[MIB + 7 :]
    until(lambda: read(lin.library / "f") == expected, "changed here")
    os.truncate(chen.library / "f", 100)
    until(lambda: read(lin.library / "f") == expected[:100], "shortened here")


def test_mmap_when_written_then_saved(lin: Agent, fake: FakeLibrary, library: str) -> None:
    path = lin.library / "m"
    path.write_bytes(bytes(8192))
    with open(path, "r+b") as stream, mmap.mmap(stream.fileno(), 8192) as view:
        view[5000:5005] = b"hello"
    wanted = bytes(5000) + b"hello" + bytes(3187)
    until(lambda: "m" in fake.live(library) and fake.bytes_of(library, fake.live(library)["m"]) == wanted, "saved")


def errno_of(call: object, *arguments: object) -> int:
    with pytest.raises(OSError) as error:  # noqa: PT011 - the errno is what is tested
        call(*arguments)  # type: ignore[operator]
    return error.value.errno or 0


def test_errors_when_not_possible_then_the_right_errno(lin: Agent) -> None:
    top = lin.library
    (top / "d").mkdir()
    (top / "d" / "f").write_bytes(b"x")
    (top / "Name.txt").write_bytes(b"x")
    assert errno_of(os.mkdir, lin.mount / "new library") == errno.EACCES
    assert errno_of(os.rmdir, top / "d") == errno.ENOTEMPTY
    assert errno_of(os.unlink, top / "nothing") == errno.ENOENT
    assert errno_of(os.mkdir, top / "d") == errno.EEXIST
    assert errno_of(os.mkdir, top / "D") == errno.EEXIST
    assert errno_of(os.rename, top / "d", top / "d" / "inside") == errno.EINVAL
    assert errno_of(os.rename, top / "Name.txt", top / "d") == errno.EISDIR
    assert errno_of(os.rename, top / "d", top / "Name.txt") == errno.ENOTDIR
    assert errno_of(os.open, top / "what?.psd", os.O_CREAT | os.O_WRONLY) == errno.EINVAL
    assert errno_of(os.mkdir, top / "con") == errno.EINVAL
    assert errno_of(os.mkdir, top / ("主" * 86)) == errno.ENAMETOOLONG
    other_encoding = os.fsencode(top) + "/海报.psd".encode("gbk")
    assert errno_of(os.stat, other_encoding) == errno.EILSEQ
    assert errno_of(os.open, other_encoding, os.O_CREAT | os.O_WRONLY) == errno.EILSEQ
    assert errno_of(os.rename, os.fsencode(top / "Name.txt"), other_encoding) == errno.EILSEQ
    assert errno_of(os.symlink, "x", top / "s") == errno.EPERM
    assert errno_of(os.link, top / "Name.txt", top / "l") == errno.EPERM
    assert errno_of(os.stat, top / "NAME.TXT") == errno.ENOENT
    assert errno_of(os.open, top / "NAME.TXT", os.O_CREAT | os.O_WRONLY) == errno.EEXIST
    os.rename(top / "Name.txt", top / "name.txt")
    assert sorted(os.listdir(top)) == ["d", "name.txt"]
    assert shutil.disk_usage(top).total > 0
    shutil.copy2(top / "name.txt", top / "copy.txt")
    assert (top / "copy.txt").stat().st_mtime == pytest.approx((top / "name.txt").stat().st_mtime, abs=0.002)


def test_unlinked_file_when_still_open_then_readable(lin: Agent) -> None:
    (lin.library / "f").write_bytes(b"content")
    with open(lin.library / "f", "rb") as stream:
        (lin.library / "f").unlink()
        assert stream.read() == b"content"
    assert not (lin.library / "f").exists()


def test_status_when_saved_then_says_safe_and_the_server_hears_mounted(lin: Agent, fake: FakeLibrary, library: str) -> None:
    (lin.library / "f").write_bytes(b"content")
    until(lambda: any(s["state"] == "safe" and s["path"].endswith("/f") for s in lin.status()["saves"]), "safe")
    assert lin.status()["state"] == "mounted"
    until(lambda: any(beat.state == "mounted" and beat.mount_point == str(lin.mount) for _, beat in fake.heartbeats), "heard")
    assert oct((lin.state / "identity.json").stat().st_mode & 0o777) == "0o600"


def test_stop_when_asked_then_sends_what_waits_and_unmounts(lin: Agent, fake: FakeLibrary, library: str) -> None:
    (lin.library / "f").write_bytes(b"last words")
    (lin.library / "g").write_bytes(b"x")
    (lin.library / "g").unlink()
    assert lin.stop() == 0
    assert set(fake.live(library)) == {"f"}
    assert not os.path.ismount(lin.mount)


def test_token_when_revoked_then_unmounts_and_says_so(lin: Agent, fake: FakeLibrary) -> None:
    fake.revoke_everything()
    with suppress(OSError):  # what it asks for after its start may have told it already
        (lin.library / "f").write_bytes(b"x")
    assert lin.wait() == 3
    assert "设备未注册" in lin.log()


def test_path_when_the_feed_has_not_come_that_far_then_opened_all_the_same_and_there_once_when_it_has(
    lin: Agent, make_agent: Callable[[str], Agent], fake: FakeLibrary, library: str
) -> None:
    inner = lin.library / "大库" / "第二层"
    inner.mkdir(parents=True)
    write_whole(inner / "kv.psd", b"first")
    until(lambda: "大库/第二层/kv.psd" in fake.live(library), "safe")
    fake.faults.no_news = True
    chen = make_agent("陈帆").start()
    assert read(chen.library / "大库" / "第二层" / "kv.psd") == b"first"
    assert read(chen.library / "大库" / "第二层" / "没有.psd") is None
    write_whole(chen.library / "大库" / "第二层" / "kv.psd", b"second")
    until(lambda: len(fake.versions(library, "大库/第二层/kv.psd")) == 2, "saved on top of it")
    fake.faults.no_news = False
    write_whole(lin.library / "后来.txt", b"x")
    until(lambda: (chen.library / "后来.txt").exists(), "the feed has come")
    assert os.listdir(chen.library / "大库" / "第二层") == ["kv.psd"]
    assert read(chen.library / "大库" / "第二层" / "kv.psd") == b"second"
