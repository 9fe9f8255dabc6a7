"""Folders that stay here: fetched, followed, never evicted, readable without a line, refused when they do not fit."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from sync.agent import config, engine
from sync.agent import glimpse as glimpsing
from sync.agent import pins as pinning
from sync.agent.chunks import Chunks
from sync.agent.cli import main
from sync.agent.config import Config, Identity
from sync.agent.engine import Engine, NoKernel
from sync.agent.errors import AgentError, BadSetting, Unreachable
from sync.agent.index import ROOT, File
from sync.agent.mirror.show import lines
from sync.agent.mirror.words import is_chinese
from sync.agent.pin_commands import pin, unpin
from sync.agent.remote import Remote
from sync.agent.transport import TcpDialer, Transport
from sync.core import protocol as p
from sync.core.chunking import MIB, Chunk
from sync.core.hashing import Address, address_of
from tests.contracts.library_contract import Client, Subject
from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.conftest import Agent, read, until

FILES = {"a.bin": 3 * MIB, "b.bin": MIB // 2, "空.txt": 0}


class Home:
    """An engine whose feed and keeper are turned by hand, and somebody else who saves in the library."""

    def __init__(self, folder: Path, fake: FakeLibrary, library: str) -> None:
        self.fake, self.library, self.state = fake, library, folder / "state"
        transport = Transport(TcpDialer())
        answer = Remote(transport, fake.api, None).enrol(p.EnrolRequest(fake.issue_code("林悦"), "n", "d", "Linux", "0"))
        transport.close()
        self.identity = Identity(fake.api, answer.token, answer.device, answer.member.id, answer.member.name)
        self.other = Client(Subject(fake.api, library, fake.issue_code, lambda *_: None), "陈帆")
        self.numbers = random.Random(5)
        self.nodes: dict[str, p.Node] = {}
        self.contents: dict[str, bytes] = {}
        self.engine = self.open()

    def open(self) -> Engine:
        """An agent with room for half a chunk in its ordinary cache."""
        self.engine = Engine(Config(self.state, cache_bytes=MIB // 2), self.identity, Transport(TcpDialer()))
        self.engine.prepare(NoKernel())
        return self.engine

    def close(self) -> None:
        self.engine.stop()
        self.other.transport.close()

    def again(self) -> None:
        """The agent is started anew."""
        self.engine.stop()
        self.open()

    def save(self, path: str, size: int) -> None:
        """Somebody else saves a file in a folder, and it arrives here."""
        folder, _, name = path.partition("/")
        if folder not in self.nodes:
            made = self.other.op(
                p.MakeFolder(f"make-{folder.encode().hex():0>30}", f"node-{folder.encode().hex():0>30}", self.other.root, folder)
            )
            assert made.node is not None
            self.nodes[folder] = made.node
        content, known = self.numbers.randbytes(size), self.nodes.get(path)
        op = self.other.commit_op(
            name, content, parent=self.nodes[folder].id, node=known.id if known else "", base=known.version if known else 0
        )
        answer = self.other.op(op, self.other.store(*[content[start : start + MIB] for start in range(0, size, MIB)]))
        assert answer.node is not None
        self.nodes[path], self.contents[path] = answer.node, content
        self.follow()

    def follow(self) -> None:
        self.engine.caught_up = False
        while not self.engine.caught_up:
            self.engine.follow(0)

    def keep(self) -> None:
        """Let the keeper look until there is no reason to."""
        self.engine.pins.wake()
        self.engine.pins.keep(lambda: False)

    def at(self, path: str) -> File:
        file = self.engine.index.at_path(f"双十一大促/{path}")
        assert file is not None
        return file

    def content(self, path: str) -> bytes:
        file = self.at(path)
        return self.engine.content.read(file, 0, file.size)

    def status(self) -> dict:
        (told,) = self.engine.status.get("pinned")
        return told


@pytest.fixture
def home(tmp_path: Path, fake: FakeLibrary, library: str) -> Iterator[Home]:
    made = Home(tmp_path, fake, library)
    for name, size in FILES.items():
        made.save(f"照片/{name}", size)
    made.save("别的/c.bin", MIB)
    yield made
    made.close()


def cut(home: Home) -> None:
    home.fake.faults.refuse_everything = True


def test_folder_when_pinned_then_all_of_it_is_here_and_is_read_without_a_line(home: Home) -> None:
    home.engine.pins.pin(home.at("照片").ino)
    home.keep()
    cut(home)
    home.again()
    for name in FILES:
        assert home.content(f"照片/{name}") == home.contents[f"照片/{name}"]
    with pytest.raises(AgentError):
        home.content("别的/c.bin")


def test_pinned_when_the_cache_is_over_its_limit_then_only_the_others_are_evicted(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.agent.chunks._EVICT_EVERY_BYTES", 1)
    home.engine.pins.pin(home.at("照片").ino)
    home.keep()
    home.content("别的/c.bin")
    home.engine.content.chunks._evict()
    assert list((home.state / "chunks").glob("*/*")) == []
    assert sum(path.stat().st_size for path in (home.state / "pinned").glob("*/*")) == sum(FILES.values())


def test_pinned_when_somebody_saves_a_next_version_then_only_what_changed_comes_and_the_old_goes(home: Home) -> None:
    home.engine.pins.pin(home.at("照片").ino)
    home.keep()
    before, former = home.nodes["照片/a.bin"], home.contents["照片/a.bin"]
    changed = former[: 2 * MIB] + home.numbers.randbytes(MIB)
    op = home.other.commit_op("a.bin", changed, parent=home.nodes["照片"].id, node=before.id, base=1)
    home.other.op(op, home.other.store(changed[2 * MIB :]))
    home.save("照片/新来.bin", MIB)
    fetched: list[str] = []
    get = home.engine.remote.get_chunks

    def count(download: p.Download, places: Sequence[p.ChunkPlace]) -> list:
        fetched.extend(place.chunk for place in places)
        return get(download, places)

    home.engine.remote.get_chunks = count  # type: ignore[method-assign]
    home.keep()
    assert sorted(fetched) == sorted([address_of(changed[2 * MIB :]), address_of(home.contents["照片/新来.bin"])])
    cut(home)
    assert home.content("照片/a.bin") == changed
    assert home.content("照片/新来.bin") == home.contents["照片/新来.bin"]
    assert not home.engine.content.chunks.is_pinned(Chunk(address_of(former[2 * MIB :]), MIB)), "nobody needs it any more"


def test_pinned_when_it_was_saved_here_then_the_working_copy_is_not_given_up(home: Home) -> None:
    ino = home.at("照片/b.bin").ino
    home.engine.tree.prepare_write(ino)
    home.engine.tree.trim(0)
    assert not home.at("照片/b.bin").local
    home.engine.tree.prepare_write(ino)
    home.engine.pins.pin(home.at("照片").ino)
    home.engine.tree.trim(0)
    assert home.at("照片/b.bin").local


def test_folder_when_unpinned_then_its_chunks_are_evicted_in_their_turn(home: Home) -> None:
    folder = home.at("照片").ino
    home.engine.pins.pin(folder)
    home.keep()
    home.engine.pins.unpin(folder)
    home.keep()
    assert list((home.state / "pinned").glob("*/*")) == []
    assert sum(path.stat().st_size for path in (home.state / "chunks").glob("*/*")) <= MIB // 2, "the limit holds again"
    assert home.engine.status.get("pinned") == []
    with pytest.raises(OSError, match="No data available"):
        home.engine.pins.unpin(folder)


def test_progress_when_the_line_is_cut_midway_then_told_and_gone_on_with_later(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pinning, "AT_ONCE", 1)
    home.engine.pins.pin(home.at("照片").ino)
    get = home.engine.remote.get_chunks

    def once(download: p.Download, places: Sequence[p.ChunkPlace]) -> list:
        cut(home)
        home.engine.remote.get_chunks = get  # type: ignore[method-assign]
        return get(download, places)

    home.engine.remote.get_chunks = once  # type: ignore[method-assign]
    with pytest.raises(AgentError):
        home.keep()
    assert home.status() == {
        "path": "/双十一大促/照片", "files": 3, "here_files": 1, "size_bytes": sum(FILES.values()), "here_bytes": 0, "problem": None,
    }  # fmt: skip
    home.fake.faults.refuse_everything = False
    home.keep()
    assert (home.status()["here_files"], home.status()["here_bytes"]) == (3, sum(FILES.values()))
    home.engine.status.flush()
    shown = "\n".join(lines({"state": "mounted", "pinned": [home.status()]}))
    assert ("3/3 个文件，3.5 MiB/3.5 MiB" if is_chinese() else "3 of 3 files, 3.5 MiB of 3.5 MiB") in shown


def test_pin_when_it_does_not_fit_then_refused_and_nothing_is_fetched(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home.engine.pins, "_room", lambda: sum(FILES.values()) - 1)
    with pytest.raises(OSError, match="No space left"):
        home.engine.pins.pin(home.at("照片").ino)
    home.keep()
    assert list((home.state / "pinned").glob("*/*")) == []
    home.engine.pins.pin(home.at("别的").ino)


def test_pinned_when_it_no_longer_fits_then_told_and_the_rest_is_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.engine.pins.pin(home.at("照片").ino)
    monkeypatch.setattr(home.engine.pins, "_room", lambda: MIB)
    home.keep()
    assert (home.status()["here_files"], home.status()["problem"]) == (2, pinning.NO_ROOM)
    monkeypatch.undo()
    monkeypatch.setattr(pinning, "AGAIN_S", 0.0)
    home.keep()
    assert (home.status()["here_files"], home.status()["problem"]) == (3, None)


def test_pinned_when_a_chunk_was_spoiled_on_the_disk_then_it_comes_again(home: Home) -> None:
    home.engine.pins.pin(home.at("照片").ino)
    home.keep()
    spoiled = max((home.state / "pinned").glob("*/*"), key=lambda path: path.stat().st_size)
    spoiled.write_bytes(b"x" * spoiled.stat().st_size)
    home.again()
    home.keep()
    assert home.content("照片/a.bin") == home.contents["照片/a.bin"]
    home.keep()
    cut(home)
    home.again()
    assert home.content("照片/a.bin") == home.contents["照片/a.bin"]


@pytest.mark.parametrize("to", ["pinned", "nowhere"])
def test_chunk_when_it_leaves_the_cache_while_it_is_pinned_then_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    """Two files that are pinned at once have it in common, or it is evicted."""
    chunks, chunk = Chunks(tmp_path / "chunks", MIB), Chunk(address_of(b"in two files"), 12)
    chunks.keep(chunk.address, b"in two files")
    look = Chunks._read

    def then_gone(self: Chunks, path: Path, address: Address) -> bytes | None:
        data = look(self, path, address)
        with monkeypatch.context() as patched:
            patched.setattr(Chunks, "_read", look)
            chunks.pin(chunk) if to == "pinned" else path.unlink()
        return data

    monkeypatch.setattr(Chunks, "_read", then_gone)
    assert chunks.pin(chunk) is (to == "pinned")
    assert chunks.pin(chunk, b"in two files")


@pytest.mark.parametrize(("path", "code"), [("照片/a.bin", errno.ENOTDIR), ("", errno.EINVAL)], ids=["a file", "above all libraries"])
def test_pin_when_it_is_no_folder_of_a_library_then_refused(home: Home, path: str, code: int) -> None:
    with pytest.raises(OSError, match=re.escape(os.strerror(code))):
        home.engine.pins.pin(home.at(path).ino if path else ROOT)


def test_pinned_when_the_folder_is_hidden_from_the_member_then_its_content_is_let_go(home: Home, library: str) -> None:
    home.engine.pins.pin(home.at("照片").ino)
    home.keep()
    home.fake.grant(home.nodes["照片"].id, "林悦", p.Right.NONE)
    home.follow()
    home.keep()
    assert list((home.state / "pinned").glob("*/*")) == []


def test_folders_when_the_library_does_not_answer_then_only_the_first_is_waited_for(home: Home) -> None:
    asked: list[str] = []

    def children(library: str, folder: str) -> tuple[p.Node, ...]:
        asked.append(folder)
        raise Unreachable("away")

    home.again()
    glimpse = home.engine.glimpse
    assert glimpse is not None
    home.engine.remote.children = children  # type: ignore[method-assign]
    glimpse.take(home.at("照片"))
    assert not glimpse.is_needed(home.at("照片"))
    assert not glimpse.is_needed(home.at("别的"))
    home.engine.follow(0)
    home.engine.caught_up = False
    assert glimpse.is_needed(home.at("照片")), "the library has answered again"
    assert asked == [home.at("照片").node]


def test_feed_when_somebody_looks_into_a_folder_then_a_page_waits_for_that_and_the_first_one_is_short(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.again()
    glimpse, remote, looked_in, gave_way = home.engine.glimpse, home.engine.remote, threading.Event(), threading.Event()
    assert glimpse is not None
    glimpse._patience_s = 60.0
    children, feed = remote.children, remote.feed
    happened: list[object] = []

    def slow_children(library: str, folder: str) -> tuple[p.Node, ...]:
        looked_in.set()
        gave_way.wait(10)
        happened.append("folder")
        return children(library, folder)

    def counted_feed(request: p.FeedRequest) -> p.FeedAnswer:
        happened.append(request.limit)
        return feed(request)

    monkeypatch.setattr(remote, "children", slow_children)
    monkeypatch.setattr(remote, "feed", counted_feed)
    monkeypatch.setattr(glimpsing, "time", SimpleNamespace(monotonic=time.monotonic, sleep=lambda _: gave_way.set()))
    looking = threading.Thread(target=glimpse.take, args=(home.at("照片"),))
    looking.start()
    assert looked_in.wait(10)
    home.engine.follow(0)
    gave_way.set()
    looking.join()
    home.follow()
    assert happened == ["folder", engine._FIRST_NODES, p.MAX_NODES]


def test_status_when_the_agent_runs_as_root_then_the_member_reads_it_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {"path": "/库/照片", "files": 2, "here_files": 1, "size_bytes": 9, "here_bytes": 4, "problem": pinning.NO_ROOM}
    monkeypatch.setattr(config, "DESKTOP_STATUS", tmp_path / "run.json")
    monkeypatch.setattr(config, "default_state_dir", lambda: tmp_path / "nobody")
    assert main(["status"]) == 3
    (tmp_path / "run.json").write_text(json.dumps({"state": "mounted", "pid": os.getpid(), "pinned": [told]}))
    assert main(["status"]) == 0
    shown = capsys.readouterr().out
    assert "库/照片  1" in shown
    assert ("本机空间不足" if is_chinese() else "not enough room") in shown
    assert main(["--state-dir", str(tmp_path / "other"), "status"]) == 3, "another agent's is not shown for it"


# The command, through a real mount


@pytest.mark.fuse
def test_command_when_given_a_folder_of_a_mount_then_kept_through_a_cut_and_a_restart(
    lin: Agent, fake: FakeLibrary, library: str, tmp_path: Path
) -> None:
    other = Client(Subject(fake.api, library, fake.issue_code, lambda *_: None), "陈帆")
    made = other.op(p.MakeFolder("make-0000000000000000000", "node-0000000000000000000", other.root, "照片")).node
    assert made is not None
    other.commit("a.bin", b"first" * 1000, parent=made.id)
    until(lambda: (lin.library / "照片" / "a.bin").exists(), "here")
    done = subprocess.run(lin.command("pin", str(lin.library / "照片")), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    other.commit("b.bin", b"second" * 1000, parent=made.id)
    until(lambda: [each["here_files"] for each in lin.status().get("pinned", [])] == [2], "kept, with what came later")
    other.transport.close()
    lin.stop()
    fake.faults.refuse_everything = True
    lin.start()
    assert os.listdir(lin.library / "照片") == ["a.bin", "b.bin"]
    assert read(lin.library / "照片" / "b.bin") == b"second" * 1000
    unpin(lin.library / "照片")
    with pytest.raises(BadSetting, match=r"单个文件|single files"):
        pin(lin.library / "照片" / "a.bin")
    with pytest.raises(BadSetting, match=r"不是挂载|not in a mounted"):
        pin(tmp_path)
    with pytest.raises(OSError, match="not supported"):
        os.setxattr(lin.library / "照片", "user.other", b"x")
