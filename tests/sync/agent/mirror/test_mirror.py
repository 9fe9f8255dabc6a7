"""A real folder and the library: what the member does arrives there, what arrives comes to the member, nothing is lost.

Over 400 lines because the two directions, and what happens where they meet, share their steps.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence

import pytest

from sync.agent.mirror import engine, settle
from sync.core import protocol as p
from sync.core.chunking import MIB
from sync.core.hashing import Address
from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.mirror.conftest import Device, contents


def sent_bytes(fake: FakeLibrary) -> int:
    return sum(size for where, size in fake.received if where.startswith("/store/"))


def test_files_when_made_here_then_in_the_library_and_on_the_other_machine(
    lin: Device, chen: Device, fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    (lin.library / "主视觉/终稿").mkdir(parents=True)
    (lin.library / "主视觉/终稿/海报.psd").write_bytes(big := os.urandom(3 * MIB))
    (lin.library / "说明.txt").write_bytes(b"one")
    (lin.library / "empty.txt").write_bytes(b"")
    lin.sync()
    wanted = {"主视觉/终稿/海报.psd": big, "说明.txt": b"one", "empty.txt": b""}
    assert contents(fake, library) == wanted
    chen.sync()
    assert chen.files() == wanted
    assert {node.author for node in fake.live(library).values()} == {"林悦"}


def test_file_when_edited_on_each_side_in_turn_then_one_file_with_each_version(
    lin: Device, chen: Device, fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    (lin.library / "a.txt").write_bytes(b"1")
    lin.sync()
    for round_ in range(2, 6):
        writer, reader = (chen, lin) if round_ % 2 == 0 else (lin, chen)
        writer.sync()
        (writer.library / "a.txt").write_bytes(b"%d" % round_)
        writer.sync()
        reader.sync()
        assert reader.files() == {"a.txt": b"%d" % round_}
    assert [node.version for node in fake.versions(library, "a.txt")] == [1, 2, 3, 4, 5]


def test_file_when_both_edited_it_then_a_second_head_under_a_telling_name_on_both(
    lin: Device, chen: Device, fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    (lin.library / "海报.psd").write_bytes(b"base")
    lin.sync()
    chen.sync()
    (lin.library / "海报.psd").write_bytes(b"of Lin")
    (chen.library / "海报.psd").write_bytes(b"of Chen, later")
    lin.sync()
    chen.sync()
    lin.sync()
    assert lin.files() == chen.files() == contents(fake, library)
    assert lin.files().pop("海报.psd") == b"of Lin"
    (second,) = set(lin.files()) - {"海报.psd"}
    assert second.startswith("海报 (陈帆, ")
    assert lin.files()[second] == b"of Chen, later"


def test_edit_when_made_while_another_version_is_being_fetched_then_both_are_kept(lin: Device, chen: Device) -> None:
    lin.sync()
    (lin.library / "f").write_bytes(b"base")
    lin.sync()
    chen.sync()
    (lin.library / "f").write_bytes(b"of Lin")
    lin.sync()
    chen.follow()  # the index knows, the disk does not yet
    (chen.library / "f").write_bytes(b"of Chen")
    chen.sync()
    assert sorted(chen.files().values()) == [b"of Chen", b"of Lin"]


def test_rename_when_of_a_folder_then_no_bytes_are_sent_and_nodes_stay(lin: Device, chen: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    (lin.library / "甲").mkdir()
    for number in range(5):
        (lin.library / f"甲/{number}.bin").write_bytes(os.urandom(50_000))
    lin.sync()
    chen.sync()
    before, nodes = sent_bytes(fake), {path.rpartition("/")[2]: node.id for path, node in fake.live(library).items()}
    (lin.library / "乙").mkdir()
    (lin.library / "甲").rename(lin.library / "乙/丙")
    lin.sync()
    chen.sync()
    assert sent_bytes(fake) == before
    after = {path.rpartition("/")[2]: node.id for path, node in fake.live(library).items()}
    assert {name: after[name] for name in nodes if name != "甲"} == {name: node for name, node in nodes.items() if name != "甲"}
    assert after["丙"] == nodes["甲"]
    assert lin.files() == chen.files()
    assert set(chen.files()) == {f"乙/丙/{number}.bin" for number in range(5)}


def test_move_when_by_copy_and_delete_then_found_by_content(lin: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    (lin.library / "a.bin").write_bytes(os.urandom(9000))
    lin.sync()
    node = lin.node("a.bin")
    shutil.copyfile(lin.library / "a.bin", lin.library / "b.bin")
    (lin.library / "a.bin").unlink()
    lin.sync()
    assert lin.node("b.bin") == node
    assert set(fake.live(library)) == {"b.bin"}


def test_file_when_deleted_here_then_deleted_there_and_on_the_other_machine(
    lin: Device, chen: Device, fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    (lin.library / "d").mkdir()
    (lin.library / "d/f").write_bytes(b"x")
    (lin.library / "stays").write_bytes(b"y")
    lin.sync()
    chen.sync()
    shutil.rmtree(lin.library / "d")
    lin.sync()
    assert set(fake.live(library)) == {"stays"}
    (chen.library / "d/.DS_Store").write_bytes(b"of the system")
    chen.sync()
    assert chen.files() == {"stays": b"y"}
    assert not (chen.library / "d").exists()


def test_delete_when_the_other_edited_then_the_edit_stays(lin: Device, chen: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    for name in ("a", "b"):
        (lin.library / name).write_bytes(b"base")
    lin.sync()
    chen.sync()
    (lin.library / "a").unlink()
    (chen.library / "a").write_bytes(b"edited by Chen")
    lin.sync()
    chen.sync()
    lin.sync()
    assert lin.files() == chen.files() == {"a": b"edited by Chen", "b": b"base"}
    (lin.library / "b").unlink()
    (chen.library / "b").write_bytes(b"also edited")
    chen.sync()
    lin.sync()
    assert lin.files() == {"a": b"edited by Chen", "b": b"also edited"}


def test_folder_when_deleted_there_with_something_new_here_then_what_is_new_stays(
    lin: Device, chen: Device, fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    (lin.library / "d").mkdir()
    (lin.library / "d/old").write_bytes(b"old")
    lin.sync()
    chen.sync()
    shutil.rmtree(lin.library / "d")
    lin.sync()
    (chen.library / "d/new").write_bytes(b"new")
    chen.sync()
    assert contents(fake, library) == chen.files() == {"d/new": b"new"}


def test_names_when_exchanged_there_then_exchanged_here(lin: Device, chen: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    for name in "ab":
        (lin.library / name).write_bytes(name.encode())
    lin.sync()
    chen.sync()
    (lin.library / "a").rename(lin.library / "c")
    lin.sync()
    (lin.library / "b").rename(lin.library / "a")
    lin.sync()
    (lin.library / "c").rename(lin.library / "b")
    lin.sync()
    before = sent_bytes(fake)
    chen.sync()
    assert chen.files() == {"a": b"b", "b": b"a"}
    assert sent_bytes(fake) == before


def test_start_when_the_folder_already_has_the_same_files_then_nothing_is_fetched_and_others_are_second_heads(
    lin: Device, make_device: Callable[..., Device], fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    (lin.library / "same.bin").write_bytes(same := os.urandom(2 * MIB))
    (lin.library / "other.txt").write_bytes(b"of the library")
    lin.sync()
    chen = make_device("陈帆")
    chen.library.mkdir(parents=True)
    (chen.library / "same.bin").write_bytes(same)
    (chen.library / "other.txt").write_bytes(b"of Chen")
    before = len([1 for where, _ in fake.received if where.startswith("/store/")])
    chen.sync()
    files = chen.files()
    assert (files.pop("same.bin"), files.pop("other.txt")) == (same, b"of the library")
    ((name, content),) = files.items()
    assert (name.startswith("other (陈帆, "), content) == (True, b"of Chen")
    assert fake.live(library)["same.bin"].version == 1
    assert len([1 for where, _ in fake.received if where.startswith("/store/")]) - before <= 2


def test_version_when_little_changed_then_only_that_is_fetched(lin: Device, chen: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    lin.sync()
    content = os.urandom(24 * MIB)
    (lin.library / "big.bin").write_bytes(content)
    lin.sync()
    chen.sync()
    shutil.rmtree(chen.config.state_dir / "chunks")
    chen.engine.content.chunks._memory.clear()
    (lin.library / "big.bin").write_bytes(content[: 8 * MIB] + b"inserted" + content[8 * MIB :])
    lin.sync()
    fetched: list[int] = []
    get_chunks = chen.engine.remote.get_chunks

    def counted(download: p.Download, places: Sequence[p.ChunkPlace]) -> list[tuple[Address, bytes]]:
        fetched.append(sum(each.size for each in places))
        return get_chunks(download, places)

    monkeypatch.setattr(chen.engine.remote, "get_chunks", counted)
    chen.sync()
    assert chen.files()["big.bin"] == (lin.library / "big.bin").read_bytes()
    assert sum(fetched) <= 8 * MIB


def test_library_when_met_with_many_files_then_each_turn_asks_about_few_and_comes_to_all(
    lin: Device, chen: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    lin.sync()
    for number in range(40):
        (lin.library / f"{number}.txt").write_bytes(b"%d" % number)
    lin.sync()
    monkeypatch.setattr(settle, "_TRIES", 8)
    monkeypatch.setattr(engine, "_FETCH_AHEAD", 4)
    asked: list[int] = []
    mirror = chen.engine.mirror
    attempt = mirror.settler._try
    monkeypatch.setattr(mirror.settler, "_try", lambda ino: asked.append(ino) or attempt(ino))
    monkeypatch.setattr(mirror.fetcher, "begin", lambda wanted: None)
    chen.follow()
    for _turn in range(6):
        before = len(asked)
        mirror.step()
        assert len(asked) - before <= 16
    assert len({*asked}) >= 40


def test_folder_of_the_mirror_when_it_is_not_mounted_then_nothing_is_deleted(lin: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    (lin.library / "f").write_bytes(b"x")
    lin.sync()
    away = lin.root.with_name("unplugged")
    lin.root.rename(away)
    lin.root.mkdir()
    lin.look()
    lin.send()
    assert lin.engine.status.get("error") == "镜像文件夹不见了"
    assert set(fake.live(library)) == {"f"}
    lin.root.rmdir()
    away.rename(lin.root)
    lin.sync()
    assert lin.engine.status.get("error") is None
    assert lin.files() == contents(fake, library) == {"f": b"x"}


def test_library_when_only_to_be_looked_at_then_changes_here_are_listed_and_stay(
    lin: Device, chen: Device, fake: FakeLibrary, library: str
) -> None:
    lin.sync()
    (lin.library / "f").write_bytes(b"x")
    lin.sync()
    chen.sync()
    with chen.engine.index.transaction() as db:
        db.execute("UPDATE libraries SET editable=0")
    (chen.library / "mine").write_bytes(b"mine")
    (chen.library / "f").write_bytes(b"changed")
    chen.sync()
    assert chen.troubles() == {"mine": "library_read_only", "f": "library_read_only"}
    assert contents(fake, library) == {"f": b"x"}
    assert chen.files() == {"f": b"changed", "mine": b"mine"}
    (chen.library / "f").unlink()
    chen.sync()
    assert chen.files() == {"f": b"x", "mine": b"mine"}
    assert chen.troubles() == {"mine": "library_read_only"}


@pytest.mark.parametrize("name", ["aux.txt", "a:b.txt", "ends with dot.", "tab\there"])
def test_name_when_no_library_can_hold_it_then_listed_with_the_reason(lin: Device, fake: FakeLibrary, library: str, name: str) -> None:
    lin.sync()
    (lin.library / name).write_bytes(b"x")
    lin.sync()
    assert fake.live(library) == {}
    assert list(lin.troubles()) == [name]
    assert lin.troubles()[name].startswith("name_")
    (lin.library / name).rename(lin.library / "good.txt")
    lin.sync()
    assert set(fake.live(library)) == {"good.txt"}
    assert lin.troubles() == {}


def test_names_when_they_differ_in_case_only_then_the_second_is_listed(lin: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    (lin.library / "A.psd").write_bytes(b"1")
    lin.sync()
    (lin.library / "a.psd").write_bytes(b"2")
    lin.sync()
    assert contents(fake, library) == {"A.psd": b"1"}
    assert lin.troubles() == {"a.psd": "case_clash"}
    assert lin.files() == {"A.psd": b"1", "a.psd": b"2"}


def test_name_when_only_its_case_changes_then_renamed_everywhere(lin: Device, chen: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    (lin.library / "kv.PSD").write_bytes(b"1")
    lin.sync()
    chen.sync()
    node = lin.node("kv.PSD")
    (lin.library / "kv.PSD").rename(lin.library / "KV.psd")
    lin.sync()
    chen.sync()
    assert set(fake.live(library)) == set(lin.files()) == set(chen.files()) == {"KV.psd"}
    assert lin.node("KV.psd") == node


def test_file_when_a_program_writes_into_what_was_replaced_then_its_bytes_are_kept_and_told(lin: Device, chen: Device) -> None:
    lin.sync()
    (lin.library / "f").write_bytes(b"base")
    lin.sync()
    chen.sync()
    (lin.library / "f").write_bytes(b"newer")
    lin.sync()
    with open(chen.library / "f", "r+b") as held:
        chen.sync()
        held.write(b"late!")
    assert chen.files() == {"f": b"newer"}
    (written,) = chen.engine.mirror.settler.empty_trash(older_than_s=0)
    assert written.read_bytes() == b"late!"


def test_agent_when_it_was_off_then_what_changed_meanwhile_is_found(lin: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    (lin.library / "d").mkdir()
    for name in ("edited", "removed", "d/moved", "touched"):
        (lin.library / name).write_bytes(name.encode())
    lin.sync()
    moved = lin.node("d/moved")
    lin.stop()
    (lin.library / "edited").write_bytes(b"new bytes")
    (lin.library / "removed").unlink()
    (lin.library / "d/moved").rename(lin.library / "moved")
    (lin.library / "made").write_bytes(b"made")
    os.utime(lin.library / "touched", (1, 1))
    lin.start()
    lin.sync()
    assert contents(fake, library) == lin.files() == {"edited": b"new bytes", "moved": b"d/moved", "made": b"made", "touched": b"touched"}
    assert lin.node("moved") == moved
    assert fake.live(library)["touched"].version == 1


def test_folder_when_both_made_it_with_something_inside_then_one_folder_with_both(
    lin: Device, chen: Device, fake: FakeLibrary, library: str
) -> None:
    """The second one's files were sent with the folder under an id that the library never took."""
    for device in (lin, chen):
        device.sync()
    for device, name in ((lin, "of Lin"), (chen, "of Chen")):
        (device.library / "新文件夹").mkdir()
        (device.library / "新文件夹" / name).write_bytes(name.encode())
    lin.sync()
    chen.sync()
    lin.sync()
    assert lin.files() == chen.files() == {"新文件夹/of Lin": b"of Lin", "新文件夹/of Chen": b"of Chen"}


def test_file_when_moved_out_of_a_new_folder_that_then_goes_then_still_sent(lin: Device, fake: FakeLibrary, library: str) -> None:
    lin.sync()
    (lin.library / "x").mkdir()
    (lin.library / "x/f").write_bytes(b"f")
    lin.look()
    (lin.library / "x/f").rename(lin.library / "f")
    lin.look()
    (lin.library / "x").rmdir()
    lin.sync()
    assert contents(fake, library) == {"f": b"f"}


def test_name_when_given_up_here_then_what_waited_for_it_appears_without_another_change(lin: Device, chen: Device, library: str) -> None:
    lin.sync()
    chen.sync()
    (lin.library / "f").write_bytes(b"of the library")
    lin.sync()
    (chen.library / "f").mkdir()
    chen.look()  # a folder of this name is on its way
    chen.follow()
    (chen.library / "f").rmdir()
    chen.sync()
    assert chen.files() == {"f": b"of the library"}


def test_save_when_others_have_heard_of_it_then_says_by_how_many(lin: Device, chen: Device) -> None:
    lin.sync()
    (lin.library / "f").write_bytes(b"1")
    lin.sync()
    assert lin.seen("f") == 0
    for device in (chen, lin):
        device.sync()
        device.engine.beat()
    assert lin.seen("f") == 1


def test_folder_when_it_lay_there_before_the_first_start_then_sent_without_waiting_for_the_next_look_at_everything(
    lin: Device, fake: FakeLibrary, library: str
) -> None:
    lin.library.mkdir(parents=True)
    (lin.library / "旧稿.psd").write_bytes(b"here before")
    mirror = lin.engine.mirror
    mirror.step()  # The look at everything at the start: nothing is known of the library yet.
    for _turn in range(3):
        lin.follow()
        mirror.step()
    lin.send()
    assert contents(fake, library) == {"旧稿.psd": b"here before"}
