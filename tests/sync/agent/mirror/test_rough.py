"""What a disk may do to a mirror: links, names that are no text, depths, dates, volumes that come and go, failing reads."""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from watchdog.observers import inotify_c

from sync.agent.mirror.disk import Disk
from sync.agent.mirror.settings import load_settings, save_settings
from sync.core import protocol as p
from sync.core.paths import FOLDERS_DEEP
from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.conftest import until
from tests.sync.agent.mirror.conftest import Device, contents


def test_hard_link_when_made_then_two_files_that_stay_two(lin: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    (lin.library / "a.psd").write_bytes(b"x")
    lin.sync()
    node = lin.node("a.psd")
    os.link(lin.library / "a.psd", lin.library / "b.psd")
    lin.sync()
    assert contents(fake, library) == {"a.psd": b"x", "b.psd": b"x"}
    assert lin.node("a.psd") == node
    seqs = fake.shelves[library].seq
    lin.sync()
    assert fake.shelves[library].seq == seqs


def test_name_when_it_is_no_text_then_listed_and_the_rest_is_sent(lin: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    Path(os.fsdecode(os.fsencode(lin.library) + b"/\xff\xfe.psd")).write_bytes(b"odd")
    os.mkdir(os.fsencode(lin.library) + b"/\xfd")
    (lin.library / "good.psd").write_bytes(b"good")
    lin.sync()
    lin.engine.mirror.looker.paths([os.fsdecode(f"{lin.name}/".encode() + b"\xff\xfe.psd")])
    assert contents(fake, library) == {"good.psd": b"good"}
    assert set(lin.troubles().values()) == {"name_not_unicode"}
    assert len(lin.troubles()) == 2


def test_folders_when_they_lie_deeper_than_a_library_holds_then_listed_and_the_agent_goes_on(
    lin: Device, fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    at = lin.library
    for _ in range(FOLDERS_DEEP + 400):
        at = at / "d"
        at.mkdir()
    (lin.library / "z.psd").write_bytes(b"z")
    lin.sync()
    assert contents(fake, library) == {"z.psd": b"z"}
    assert list(lin.troubles().values()) == ["too_deep"]


@pytest.mark.parametrize("modified_ms", [2**62, -(2**62)])
def test_version_when_its_date_cannot_be_then_it_is_brought_all_the_same(
    lin: Device, chen: Device, fake: FakeLibrary, library: str, modified_ms: int
) -> None:
    lin.sync()
    (lin.library / "f").write_bytes(b"x")
    os.utime(lin.library / "f", (2**34, 2**34))
    lin.sync()
    with fake.condition:
        shelf = fake.shelves[library]
        (node,) = (node for node in shelf.nodes.values() if node.name == "f")
        fake._put(shelf, p.Node(**{**vars(node), "modified_ms": modified_ms}))
    chen.sync()
    assert chen.files() == {"f": b"x"}


@pytest.mark.parametrize(("name", "shown"), [("CON", "CON_"), ("旧稿~", "旧稿~_"), ("素" * 120, "素" * 79), ("..", ""), ("a/b", "a_b")])
def test_library_when_no_disk_can_hold_its_name_then_its_folder_has_one_much_like_it(
    make_device: Callable[..., Device], fake: FakeLibrary, name: str, shown: str
) -> None:
    library = fake.add_library(name)
    lin = make_device("林悦")
    lin.sync()
    assert (lin.root / (shown or library)).is_dir()


def test_folder_when_another_volume_was_mounted_on_it_and_is_not_now_then_nothing_is_deleted(
    lin: Device, fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    (lin.library / "d").mkdir()
    (lin.library / "d/f").write_bytes(b"f")
    lin.sync()
    away = lin.root.with_name("unplugged")
    (lin.library / "d").rename(away)
    (lin.library / "d").mkdir()
    with lin.engine.index.transaction() as db:  # As if what was seen there had been on a volume of its own.
        db.execute("UPDATE mirrored SET file_id='fe:'||ino WHERE name IN ('d', 'f')")
    lin.sync()
    assert contents(fake, library) == {"d/f": b"f"}
    assert lin.troubles() == {"d": "volume_missing"}
    (lin.library / "d").rmdir()
    away.rename(lin.library / "d")
    lin.sync()
    assert contents(fake, library) == lin.files() == {"d/f": b"f"}
    assert lin.troubles() == {}


def test_folder_of_the_mirror_when_it_goes_while_it_is_looked_at_then_nothing_is_deleted(
    lin: Device, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin.sync()
    (lin.library / "f").write_bytes(b"f")
    lin.sync()
    away = lin.root.with_name("unplugged")

    def unplugged(self: Disk, path: str) -> object:
        if lin.root.exists() and not away.exists():
            lin.root.rename(away)
            lin.library.mkdir(parents=True)
        return iter(())

    monkeypatch.setattr(Disk, "listing", unplugged)
    lin.look()
    lin.send()
    assert contents(fake, library) == {"f": b"f"}


def test_save_when_the_folder_goes_before_it_is_sent_then_sent_when_it_is_back(lin: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    (lin.library / "f").write_bytes(b"only here")
    lin.look()
    away = lin.root.with_name("unplugged")
    lin.root.rename(away)
    for _ in range(3):
        lin.look()
        lin.engine.send()
    assert contents(fake, library) == {}
    away.rename(lin.root)
    lin.sync()
    assert contents(fake, library) == lin.files() == {"f": b"only here"}


def test_folder_of_the_mirror_when_it_was_moved_elsewhere_then_goes_on_there(lin: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    (lin.library / "d").mkdir()
    (lin.library / "d/f").write_bytes(b"f")
    lin.sync()
    node, seq = lin.node("d/f"), fake.shelves[library].seq
    lin.stop()
    lin.root = lin.root.rename(lin.root.with_name("anderswo"))
    save_settings(lin.config, replace(load_settings(lin.config), root=str(lin.root)))
    lin.start()
    lin.sync()
    assert (lin.node("d/f"), fake.shelves[library].seq) == (node, seq)
    (lin.library / "d/f").write_bytes(b"next")
    lin.sync()
    assert contents(fake, library) == lin.files() == {"d/f": b"next"}


def test_folder_of_the_mirror_when_its_volume_fails_then_told_and_the_agent_goes_on(lin: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    lin.sync()

    def broken(self: Path) -> bool:
        raise OSError(errno.ENOTCONN, "transport endpoint is not connected")

    monkeypatch.setattr(Path, "is_file", broken)
    lin.look()
    assert lin.engine.status.get("error") == "镜像文件夹不见了"


def test_folder_when_deleted_elsewhere_then_what_programs_left_in_it_is_not_thrown_away(
    lin: Device, chen: Device, fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    (lin.library / "d").mkdir()
    (lin.library / "d/f").write_bytes(b"f")
    lin.sync()
    chen.sync()
    (lin.library / "d/旧稿~").mkdir()
    (lin.library / "d/旧稿~/only-here.psd").write_bytes(b"mine")
    (lin.library / "d/f.psd~").write_bytes(b"backup")
    lin.sync()
    (chen.library / "d/f").unlink()
    (chen.library / "d").rmdir()
    chen.sync()
    lin.sync()
    assert contents(fake, library) == {}
    assert not (lin.library / "d").exists()
    kept = {path.read_bytes() for path in (lin.root / ".mainline/trash").rglob("*") if path.is_file()}
    assert {b"mine", b"backup"} <= kept
    lin.engine.mirror._trash_s = 0
    lin.look()
    assert "written_after_replaced" in lin.troubles().values() or any("旧稿" in path for path in lin.troubles())


def test_folder_when_a_link_stands_for_one_above_then_nothing_is_written_through_it(
    lin: Device, chen: Device, fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    (lin.library / "d").mkdir()
    lin.sync()
    chen.sync()
    outside = lin.root.with_name("outside")
    outside.mkdir()
    (lin.library / "d").rmdir()
    (lin.library / "d").symlink_to(outside)
    (chen.library / "d/new.psd").write_bytes(b"x")
    chen.sync()
    lin.sync(rests=False)
    assert list(outside.iterdir()) == []


def test_folder_when_a_link_to_itself_stands_for_it_then_nothing_is_deleted_and_the_rest_goes_on(
    lin: Device, chen: Device, fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    (lin.library / "d").mkdir()
    (lin.library / "d/f").write_bytes(b"f")
    lin.sync()
    chen.sync()
    (lin.library / "d").rename(lin.root.with_name("elsewhere"))
    (lin.library / "d").symlink_to("d")
    (chen.library / "d/f").write_bytes(b"next")
    chen.sync()
    (chen.library / "g").write_bytes(b"g")
    chen.sync()
    lin.sync(rests=False)
    assert (lin.library / "g").read_bytes() == b"g"
    assert contents(fake, library) == {"d/f": b"next", "g": b"g"}
    assert lin.troubles()["d"] == "not_a_file"


def test_folder_when_it_may_not_be_looked_into_then_told_until_it_may_and_the_rest_goes_on(
    lin: Device, chen: Device, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin.sync()
    (lin.library / "d").mkdir()
    (lin.library / "d/f").write_bytes(b"f")
    lin.sync()
    chen.sync()
    seen, listing = lin.engine.disk.seen, lin.engine.disk.listing

    def forbidden(act: Callable[[str], object]) -> Callable[[str], object]:
        def call(path: str) -> object:
            if f"{path}/".startswith(f"{lin.name}/d/") and (act is listing or path.endswith("/f")):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return act(path)

        return call

    monkeypatch.setattr(lin.engine.disk, "seen", forbidden(seen))
    monkeypatch.setattr(lin.engine.disk, "listing", forbidden(listing))
    (chen.library / "d/f").write_bytes(b"next")
    (chen.library / "g").write_bytes(b"g")
    chen.sync()
    until(lambda: lin.sync(rests=False) or (lin.library / "g").exists(), "the rest has come, which is fetched beside this thread")
    assert (lin.library / "g").read_bytes() == b"g"
    assert lin.troubles()["d"] == "cannot_read"
    monkeypatch.undo()
    lin.sync()
    assert lin.files() == {"d/f": b"next", "g": b"g"}
    assert lin.troubles() == {}


def test_look_when_the_disk_fails_in_the_middle_of_it_then_what_it_had_not_looked_at_is_found_by_the_next(
    lin: Device, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin.sync()
    (lin.library / "c").write_bytes(b"c")
    lin.sync()
    for name in "ab":
        (lin.library / name).write_bytes(name.encode())
    mirror = lin.engine.mirror
    due = [[f"{lin.name}/a", f"{lin.name}/b"]]
    monkeypatch.setattr(mirror.watch, "due", lambda: due.pop())
    monkeypatch.setattr(mirror.looker.marks, "of", lambda *_: (_ for _ in ()).throw(OSError(errno.EIO, "a bad sector")))
    with pytest.raises(OSError, match="a bad sector"):
        mirror.step()
    monkeypatch.undo()
    mirror.step()
    lin.send()
    assert contents(fake, library) == {"a": b"a", "b": b"b", "c": b"c"}


def test_fetch_when_it_fails_in_a_way_nobody_thought_of_then_tried_again(
    lin: Device, chen: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin.sync()
    (lin.library / "f").write_bytes(b"x")
    lin.sync()
    manifest, failed = chen.engine.content.manifest, []

    def once(*arguments: object) -> object:
        if not failed:
            failed.append(1)
            raise ValueError("a manifest that is none")
        return manifest(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(chen.engine.content, "manifest", once)
    chen.sync()
    assert failed
    assert chen.files() == {"f": b"x"}


# --- events -----------------------------------------------------------------------------------------------------------


def test_watch_when_only_folders_below_find_no_room_then_told_and_looked_at_by_itself(lin: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    """watchdog tells of the first folder alone."""
    add, added = inotify_c.inotify_add_watch, []

    def full(handle: int, path: bytes, mask: int) -> int:
        added.append(path)
        if len(added) > 1:
            ctypes.set_errno(errno.ENOSPC)
            return -1
        return int(add(handle, path, mask))

    lin.sync()
    monkeypatch.setattr(inotify_c, "inotify_add_watch", full)
    watch = lin.engine.mirror.watch
    watch.start()
    lin.look()
    assert lin.engine.status.get("folder") == "watch_limit"
    assert watch.next_s() <= 30
    watch.stop()


def test_watch_when_events_are_lost_then_everything_is_looked_at(lin: Device) -> None:
    lin.sync()
    watch = lin.engine.mirror.watch
    watch.start()
    assert watch.due() is not None
    kernel = watch._kernel
    assert kernel is not None
    kernel.handle_event(inotify_c.InotifyEvent(-1, inotify_c.InotifyConstants.IN_Q_OVERFLOW, 0, b""))  # type: ignore[arg-type]
    assert watch.due() is None
    watch.stop()


def test_watch_when_the_folder_was_away_and_is_back_then_it_hears_again(lin: Device) -> None:
    lin.sync()
    watch = lin.engine.mirror.watch
    watch.start()
    away = lin.root.with_name("unplugged")
    lin.root.rename(away)
    lin.look()
    lin.root.mkdir()
    for inside in away.iterdir():
        inside.rename(lin.root / inside.name)
    lin.look()
    (lin.library / "new.psd").write_bytes(b"x")
    while (due := watch.due()) == []:
        time.sleep(0.02)
    assert due == [f"{lin.name}/new.psd"]
    watch.stop()


def test_watch_when_files_are_read_then_the_system_tells_nothing_of_it(lin: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    lin.sync()
    (lin.library / "read.psd").write_bytes(b"x")
    watch = lin.engine.mirror.watch
    watch.start()
    assert watch._kernel is not None
    told: list[inotify_c.InotifyEvent] = []
    monkeypatch.setattr(watch._kernel, "handle_event", told.append)
    for _ in range(3):
        (lin.library / "read.psd").read_bytes()
    (lin.library / "read.psd").write_bytes(b"y")
    until(lambda: any(event.is_close_write for event in told), "what comes after them is told")
    assert not any(event.is_open or event.is_close_nowrite for event in told)
    watch.stop()


@pytest.mark.parametrize("path", ["", "素材", "素材/一稿/a.psd"])
def test_disk_when_asked_where_a_path_is_then_the_same_as_text(tmp_path: Path, path: str) -> None:
    disk = Disk(tmp_path)
    assert disk.where(path) == str(disk.real(path))
