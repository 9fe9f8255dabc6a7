"""What of the libraries is on this machine: the member's choice, ignore rules, and what the system has no room for."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from sync.agent.mirror.choice import Choice, Chosen
from sync.agent.mirror.words import reason
from sync.core import protocol as p
from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.conftest import LIBRARY
from tests.sync.agent.mirror.conftest import Device, contents

NESTED = {"素材/a": True, "素材/a/b": False, "素材/a/b/c": True, "素材/d": False}


@pytest.mark.parametrize(
    ("path", "covered", "leads"),
    [
        ("素材", False, True),
        ("素材/a", True, True),
        ("素材/A/x", True, False),
        ("素材/ab", False, False),
        ("素材/a/b", False, True),
        ("素材/a/b/x", False, False),
        ("素材/a/b/c", True, False),
        ("素材/a/b/C/y/z", True, False),
        ("素材/d", False, False),
        ("别的", False, False),
    ],
)
def test_path_when_folders_are_chosen_then_the_nearest_decision_counts(path: str, covered: bool, leads: bool) -> None:
    chosen = Chosen(NESTED)
    assert (chosen.covers(path), chosen.leads_to(path)) == (covered, leads)
    assert Chosen(NESTED, everything=True).covers(path) is (covered or path in ("素材", "素材/ab", "别的"))
    assert Chosen({}, everything=covered).covers(path) is covered


@pytest.mark.parametrize(
    ("path", "folder", "ignored"),
    [
        ("素材/a.mov", False, True),
        ("素材/深/b.mov", False, True),
        ("素材/keep.mov", False, False),
        ("素材/缓存", True, True),
        ("素材/缓存/x", False, True),
        ("素材/缓存", False, False),
        ("素材/深/草稿", False, False),
        ("素材/草稿", False, True),
        ("别的/缓存", True, False),
        ("缓存", True, False),
        ("别的/a.mov", False, True),
        ("素材/.mainline-ignore", False, True),
    ],
)
def test_path_when_rules_are_written_then_they_hold_where_they_stand(tmp_path: Path, path: str, folder: bool, ignored: bool) -> None:
    (tmp_path / "素材").mkdir()
    (tmp_path / ".mainline-ignore").write_text("*.mov\n!keep.mov\n[\n")
    (tmp_path / "素材/.mainline-ignore").write_text("缓存/\n/草稿\n")
    choice = Choice(tmp_path, Chosen({}, everything=True))
    assert choice.ignores(path, folder=folder) is ignored
    assert choice.wants(path, folder=folder) is not ignored


def test_folder_when_only_one_inside_it_is_chosen_then_wanted_and_no_file_beside_it(tmp_path: Path) -> None:
    choice = Choice(tmp_path, Chosen({"素材/a/b": True}))
    assert choice.wants("素材/a", folder=True)
    assert not choice.wants("素材/a", folder=False)
    assert not choice.wants("素材/a/x", folder=True)


def test_folder_when_chosen_alone_then_only_that_is_here_and_others_come_and_go_with_the_choice(
    lin: Device, make_device: Callable[..., Device], fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    for path in ("主视觉/a", "主视觉/大文件/b", "文案/c", "d"):
        (lin.library / path).parent.mkdir(parents=True, exist_ok=True)
        (lin.library / path).write_bytes(path.encode())
    lin.sync()
    chen = make_device("陈帆", everything=False, folders={f"{LIBRARY}/主视觉": True, f"{LIBRARY}/主视觉/大文件": False})
    chen.sync()
    assert set(chen.files()) == {"主视觉/a"}
    (chen.library / "e").write_bytes(b"in no chosen folder")
    (chen.library / "主视觉/f").write_bytes(b"f")
    chen.sync()
    assert chen.troubles() == {"e": "not_chosen"}
    assert "主视觉/f" in contents(fake, library)
    chen.choose("文案", True)
    chen.choose("主视觉", False)
    chen.sync()
    assert set(chen.files()) == {"文案/c", "e"}
    assert set(contents(fake, library)) == {"主视觉/a", "主视觉/大文件/b", "主视觉/f", "文案/c", "d"}


def test_folder_when_left_out_with_unsent_changes_then_these_are_sent_first(lin: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    (lin.library / "d").mkdir()
    (lin.library / "d/f").write_bytes(b"1")
    lin.sync()
    (lin.library / "d/f").write_bytes(b"22")
    lin.choose("d", False)
    lin.look()
    assert lin.files() == {"d/f": b"22"}
    lin.sync()
    assert lin.files() == {}
    assert contents(fake, library) == {"d/f": b"22"}


def test_chosen_folder_when_renamed_then_still_chosen(lin: Device, make_device: Callable[..., Device], library: str) -> None:
    lin.sync()
    (lin.library / "a").mkdir()
    (lin.library / "a/f").write_bytes(b"1")
    lin.sync()
    chen = make_device("陈帆", everything=False, folders={f"{LIBRARY}/a": True})
    chen.sync()
    (lin.library / "a").rename(lin.library / "b")
    lin.sync()
    chen.sync()
    assert chen.files() == {"b/f": b"1"}
    assert chen.engine.settings.folders == {f"{LIBRARY}/b": True}


def test_rules_when_written_then_neither_sent_nor_fetched_and_what_is_here_stays(
    lin: Device, chen: Device, fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    chen.sync()
    (lin.root / ".mainline-ignore").write_text("*.mov\n/缓存/\n!keep.mov\n[\n")
    (lin.library / "缓存").mkdir()
    for name in ("a.mov", "keep.mov", "缓存/x", "b.txt"):
        (lin.library / name).write_bytes(name.encode())
    (lin.library / ".mainline-ignore").write_text("缓存/\n")
    (chen.library / "c.mov").write_bytes(b"of Chen")
    chen.sync()
    lin.sync()
    chen.sync()
    assert set(contents(fake, library)) == {"keep.mov", "b.txt", "c.mov"}
    assert set(lin.files()) == {"a.mov", "keep.mov", "缓存/x", "b.txt", ".mainline-ignore"}
    (chen.root / ".mainline-ignore").write_text("*.mov\n")
    chen.sync()
    (lin.library / "keep.mov").unlink()
    lin.sync()
    chen.sync()
    assert set(chen.files()) == {"c.mov", "keep.mov", "b.txt"}


def test_folder_when_nothing_happens_then_nobody_looks_at_all_of_it(lin: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    lin.sync()
    (lin.library / "a").write_bytes(b"a")
    lin.sync()
    looks: list[int] = []
    monkeypatch.setattr(lin.engine.mirror.looker, "everything", lambda: looks.append(1))
    for _turn in range(3):
        lin.engine.mirror.step()
    assert looks == []
    (lin.library / ".mainline-ignore").write_text("*.mov\n")
    lin.engine.mirror.step()
    assert looks == [1]


def test_rules_when_those_of_a_library_are_taken_back_then_what_they_kept_out_comes(lin: Device, chen: Device) -> None:
    chen.sync()
    (chen.library / ".mainline-ignore").write_text("*.mov\n")
    lin.sync()
    (lin.library / "a.mov").write_bytes(b"a")
    lin.sync()
    chen.sync()
    assert not (chen.library / "a.mov").exists()
    (chen.library / ".mainline-ignore").unlink()
    chen.sync()
    assert (chen.library / "a.mov").read_bytes() == b"a"


def test_watch_when_the_systems_limit_is_reached_then_told_and_looked_at_by_itself(lin: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object) -> None:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr("watchdog.observers.api.BaseObserver.start", full)
    watch = lin.engine.mirror.watch
    watch.start()
    lin.sync()
    assert lin.engine.status.get("folder") == "watch_limit"
    assert watch.due() == []
    assert watch.next_s() <= 30
    assert "max_user_watches" in reason("watch_limit")


def test_link_when_put_in_place_of_a_folder_then_listed_and_nothing_is_deleted(lin: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    (lin.library / "d").mkdir()
    (lin.library / "d/f").write_bytes(b"f")
    lin.sync()
    outside = lin.root.with_name("outside")
    (lin.library / "d").rename(outside)
    (lin.library / "d").symlink_to(outside)
    (lin.library / "loop").symlink_to(lin.library)
    lin.sync()
    lin.engine.mirror.looker.paths([f"{LIBRARY}/d", f"{LIBRARY}/loop"])
    lin.sync()
    assert lin.troubles() == {"d": "not_a_file", "loop": "not_a_file"}
    assert contents(fake, library) == {"d/f": b"f"}
    (lin.library / "d").unlink()
    (lin.library / "loop").unlink()
    outside.rename(lin.library / "d")
    lin.sync()
    assert lin.troubles() == {}
    assert contents(fake, library) == {"d/f": b"f"}


@pytest.mark.parametrize("name", ["..", ".", "../../outside.txt", "a/b", "\\\\host\\share", ""])
def test_name_when_a_library_sends_one_that_leads_elsewhere_then_nothing_is_made(
    lin: Device, fake: FakeLibrary, library: str, name: str
) -> None:
    lin.sync()
    shelf = fake.shelves[library]
    with fake.condition:
        fake._put(shelf, p.Node("hostile-node-0000000000", library, shelf.root, name, p.NodeKind.FILE, 1, 0, None, 0, "", False, 0))
        fake._put(shelf, p.Node("hostile-folder-00000000", library, shelf.root, name, p.NodeKind.FOLDER, 0, 0, None, 0, "", False, 0))
    before = sorted(lin.root.parent.rglob("*"))
    lin.sync()
    made = {path for path in sorted(lin.root.parent.rglob("*")) if path not in before and lin.config.state_dir not in path.parents}
    assert made == set()
