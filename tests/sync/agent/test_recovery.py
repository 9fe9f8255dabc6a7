"""kill -9 in the middle of writing: half a file is nobody's newest version, and is not lost either."""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path

import pytest

from sync.agent.index import Index
from sync.agent.journal import Journal
from sync.agent.recovery import DRAFT
from sync.core import protocol as p
from sync.core.chunking import MIB, Chunk, choose_cutter
from sync.core.codec import encode
from sync.core.hashing import address_of
from sync.core.manifest import manifest_of
from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.conftest import Agent, read, until

pytestmark = pytest.mark.fuse


def kill_while_writing(agent: Agent, path: Path, data: bytes, *flags: int) -> None:
    """Open, write, and lose the agent before the close."""
    handle = os.open(path, os.O_WRONLY | sum(flags))
    os.write(handle, data)
    agent.kill()
    with contextlib.suppress(OSError):  # the mount is gone
        os.close(handle)


def drafts_in(folder: Path) -> list[Path]:
    return [folder / name for name in os.listdir(folder) if DRAFT in name]


def settle(agent: Agent, fake: FakeLibrary, library: str) -> None:
    """Everything that the agent wants to send was sent."""
    (agent.library / "witness").write_bytes(b"x")
    until(lambda: "witness" in fake.live(library) and agent.status()["pending_ops"] == 0, "at rest")


def test_kill_when_an_asset_is_half_written_then_its_version_stays_and_the_half_is_a_draft(
    lin: Agent, chen: Agent, fake: FakeLibrary, library: str
) -> None:
    path = lin.library / "海报.psd"
    whole, half = os.urandom(3 * MIB), os.urandom(MIB)
    (chen.library / "海报.psd").write_bytes(whole)
    until(lambda: path.exists(), "there")
    kill_while_writing(lin, path, half, os.O_TRUNC)
    lin.start()
    settle(lin, fake, library)
    assert path.read_bytes() == whole
    assert path.stat().st_size == len(whole)
    (draft,) = drafts_in(lin.library)
    assert draft.read_bytes() == half
    assert [save["state"] for save in lin.status()["saves"] if DRAFT in save["path"]] == ["draft"]
    assert set(fake.live(library)) == {"海报.psd", "witness"}
    assert len(fake.versions(library, "海报.psd")) == 1


def test_draft_when_renamed_onto_its_asset_then_the_next_version(lin: Agent, fake: FakeLibrary, library: str) -> None:
    path = lin.library / "海报.psd"
    path.write_bytes(b"one")
    settle(lin, fake, library)
    kill_while_writing(lin, path, b"two")
    lin.start()
    assert path.read_bytes() == b"one"
    drafts_in(lin.library)[0].rename(path)
    until(lambda: len(fake.versions(library, "海报.psd")) == 2, "the draft is a version")
    assert fake.bytes_of(library, fake.live(library)["海报.psd"]) == b"two"
    assert drafts_in(lin.library) == []


def test_draft_when_saved_by_a_program_then_an_asset_of_its_own(lin: Agent, fake: FakeLibrary, library: str) -> None:
    kill_while_writing(lin, lin.library / "new.txt", b"half", os.O_CREAT)
    lin.start()
    settle(lin, fake, library)
    assert set(fake.live(library)) == {"witness"}
    (draft,) = drafts_in(lin.library)
    with open(draft, "ab") as stream:
        stream.write(b" and whole")
    until(lambda: draft.name in fake.live(library), "saved")
    assert fake.bytes_of(library, fake.live(library)[draft.name]) == b"half and whole"


def test_draft_when_the_machine_restarts_again_then_still_here_and_still_told(lin: Agent, fake: FakeLibrary, library: str) -> None:
    kill_while_writing(lin, lin.library / "new.txt", b"half", os.O_CREAT)
    lin.start()
    lin.stop()
    lin.start()
    (draft,) = drafts_in(lin.library)
    assert draft.read_bytes() == b"half"
    assert [save["state"] for save in lin.status()["saves"]] == ["draft"]
    draft.unlink()
    lin.stop()
    lin.start()
    assert lin.status()["saves"] == []
    assert os.listdir(lin.library) == []


def test_kill_when_nothing_was_written_yet_then_no_draft(lin: Agent, fake: FakeLibrary, library: str) -> None:
    (lin.library / "f").write_bytes(b"one")
    settle(lin, fake, library)
    kill_while_writing(lin, lin.library / "f", b"", os.O_TRUNC)
    lin.start()
    kill_while_writing(lin, lin.library / "g", b"", os.O_CREAT)
    lin.start()
    assert sorted(os.listdir(lin.library)) == ["f", "witness"]
    assert (lin.library / "f").read_bytes() == b"one"


def test_kill_when_written_again_before_the_first_save_was_sent_then_all_of_it_is_in_the_draft(
    lin: Agent, fake: FakeLibrary, library: str
) -> None:
    path = lin.library / "f"
    path.write_bytes(b"one")
    settle(lin, fake, library)
    fake.faults.refuse_everything = True
    path.write_bytes(b"two two")
    kill_while_writing(lin, path, b"thr")
    fake.faults.refuse_everything = False
    lin.start()
    settle(lin, fake, library)
    assert path.read_bytes() == b"one"
    assert drafts_in(lin.library)[0].read_bytes() == b"thr two"
    assert len(fake.versions(library, "f")) == 1


def test_kill_when_the_first_save_is_emptied_before_it_was_sent_then_it_stays_and_is_sent(
    lin: Agent, fake: FakeLibrary, library: str
) -> None:
    fake.faults.refuse_everything = True
    path = lin.library / "f"
    path.write_bytes(whole := os.urandom(MIB))
    kill_while_writing(lin, path, b"half of the second", os.O_TRUNC)
    lin.start()
    assert path.read_bytes() == whole
    assert drafts_in(lin.library)[0].read_bytes() == b"half of the second"
    kill_while_writing(lin, path, b"", os.O_TRUNC)
    lin.start()
    assert path.read_bytes() == whole
    fake.faults.refuse_everything = False
    settle(lin, fake, library)
    assert fake.bytes_of(library, fake.live(library)["f"]) == whole
    path.write_bytes(b"whole")
    until(lambda: fake.bytes_of(library, fake.live(library)["f"]) == b"whole", "the next save is sent")
    assert list((lin.state / "last").iterdir()) == []


def test_rename_when_the_save_before_it_is_sent_again_then_not_forgotten(lin: Agent, fake: FakeLibrary, library: str) -> None:
    """Killed between "sent" and the last byte of its pack: the library lacks the bytes, and does not know what is to be renamed."""
    fake.faults.refuse_everything = True
    (lin.library / "f").write_bytes(b"one")
    (lin.library / "f").rename(lin.library / "g")
    lin.kill()
    index = Index(lin.state / "index.db")
    journal = Journal(index)
    save, rename = journal.ready(int(time.time() * 1000), 2)
    chunk = Chunk(address_of(b"one"), 3)
    folder = index.file(save.parent or 0)
    assert folder is not None
    ops = {
        save: p.Commit(save.op_id, save.node, str(folder.node), "f", 0, manifest_of([chunk], choose_cutter("f", 3)), 0),
        rename: p.Rename(rename.op_id, rename.node, str(folder.node), "g"),
    }
    with index.transaction(durable=True):
        for entry, op in ops.items():
            journal.mark_sent(entry, ino=entry.ino, dirty=1, manifest=None, sent=json.dumps(encode(op)))
    index.close()
    fake.faults.refuse_everything = False
    lin.start()
    until(lambda: "g" in fake.live(library), "renamed")
    assert set(fake.live(library)) == {"g"}
    assert fake.bytes_of(library, fake.live(library)["g"]) == b"one"
    assert os.listdir(lin.library) == ["g"]


def test_kill_when_a_newer_version_came_while_writing_then_that_version(lin: Agent, chen: Agent, fake: FakeLibrary, library: str) -> None:
    path = lin.library / "f"
    path.write_bytes(b"one")
    until(lambda: read(chen.library / "f") == b"one", "there")
    handle = os.open(path, os.O_WRONLY)
    os.write(handle, b"half")
    (chen.library / "f").write_bytes(b"chen's")
    (chen.library / "witness").write_bytes(b"x")
    until(lambda: (lin.library / "witness").exists(), "seen, and with it the newer version")
    lin.kill()
    with contextlib.suppress(OSError):
        os.close(handle)
    lin.start()
    until(lambda: read(path) == b"chen's", "the newer version")
    assert drafts_in(lin.library)[0].read_bytes() == b"half"
    assert len(fake.versions(library, "f")) == 2


def test_kill_when_deleted_elsewhere_while_writing_then_gone_and_the_draft_stays(
    lin: Agent, chen: Agent, fake: FakeLibrary, library: str
) -> None:
    path = lin.library / "f"
    path.write_bytes(b"one")
    until(lambda: read(chen.library / "f") == b"one", "there")
    handle = os.open(path, os.O_WRONLY)
    os.write(handle, b"half")
    (chen.library / "f").unlink()
    until(lambda: "f" not in fake.live(library), "deleted")
    (chen.library / "witness").write_bytes(b"x")
    until(lambda: (lin.library / "witness").exists(), "seen, and with it the deletion")
    lin.kill()
    with contextlib.suppress(OSError):
        os.close(handle)
    lin.start()
    until(lambda: not path.exists(), "gone")
    assert drafts_in(lin.library)[0].read_bytes() == b"half"


def test_answer_when_it_comes_after_a_newer_version_then_the_newer_version(
    lin: Agent, chen: Agent, fake: FakeLibrary, library: str
) -> None:
    """Lin's save is done and its answer lost; Chen goes on from it; then Lin hears that hers is version 2."""
    (lin.library / "f").write_bytes(b"one")
    until(lambda: read(chen.library / "f") == b"one", "there")
    fake.faults.silent_to.add("林悦")
    (lin.library / "f").write_bytes(b"two")
    until(lambda: read(chen.library / "f") == b"two", "there")
    (chen.library / "f").write_bytes(b"three")
    (chen.library / "witness").write_bytes(b"x")
    until(lambda: (lin.library / "witness").exists(), "seen, and with it version 3")
    fake.faults.silent_to.clear()
    until(lambda: lin.status()["pending_ops"] == 0, "answered")
    until(lambda: read(lin.library / "f") == b"three", "the newest")
    assert sorted(os.listdir(lin.library)) == ["f", "witness"]


def test_library_when_only_to_be_looked_at_then_saves_in_the_others_go_on(lin: Agent, fake: FakeLibrary, library: str) -> None:
    other = fake.add_library("另一条主线")
    folder = lin.mount / "另一条主线"
    until(lambda: folder.exists(), "there")
    fake.faults.no_edit.add(library)
    (lin.library / "f").write_bytes(b"refused")
    until(lambda: lin.status()["refused"], "told")
    (folder / "g").write_bytes(b"goes on")
    until(lambda: "g" in fake.live(other), "saved")
    assert [save["state"] for save in lin.status()["saves"] if save["path"].endswith("/f")] == ["refused"]
    assert (lin.library / "f").read_bytes() == b"refused"


def test_library_when_taken_away_then_unsent_bytes_are_kept(lin: Agent, fake: FakeLibrary, library: str) -> None:
    (lin.library / "old").write_bytes(b"in the library")
    settle(lin, fake, library)
    fake.faults.no_edit.add(library)
    (lin.library / "f").write_bytes(b"not sent")
    until(lambda: lin.status()["refused"], "told")
    fake.remove_library(library)
    until(lambda: not lin.library.exists(), "out of sight")
    until(lambda: lin.status()["kept"] == 1, "told")
    lin.stop()
    assert [path.read_bytes() for path in (lin.state / "kept").iterdir()] == [b"not sent"]


def test_length_when_set_by_name_while_somebody_reads_then_saved(lin: Agent, fake: FakeLibrary, library: str) -> None:
    path = lin.library / "f"
    path.write_bytes(b"0123456789")
    settle(lin, fake, library)
    with open(path, "rb"):
        os.truncate(path, 4)
        until(lambda: fake.bytes_of(library, fake.live(library)["f"]) == b"0123", "saved")
