"""The engine without a mount: what happens to the agent as a whole.

Over 400 lines because they share one engine that is taken step by step.
"""

from __future__ import annotations

import errno
import os
import random
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest

from sync.agent import departures, tables
from sync.agent.config import Config, Identity
from sync.agent.engine import Engine, NoKernel
from sync.agent.errors import Refused, Unreachable
from sync.agent.index import Index
from sync.agent.journal import new_id
from sync.agent.remote import Remote
from sync.agent.transport import TcpDialer, Transport
from sync.core import protocol as p
from sync.core.chunking import KIB, MIB
from sync.core.paths import FOLDERS_DEEP
from tests.fakes.library_server import FakeLibrary
from tests.sync.agent.conftest import until


@pytest.fixture
def engine(tmp_path: Path, fake: FakeLibrary, library: str) -> Iterator[Engine]:
    transport = Transport(TcpDialer())
    answer = Remote(transport, fake.api, None).enrol(p.EnrolRequest(fake.issue_code("林悦"), "n", "d", "Linux", "0"))
    identity = Identity(fake.api, answer.token, answer.device, answer.member.id, answer.member.name)
    engine = Engine(Config(tmp_path / "state", cache_bytes=MIB), identity, transport)
    yield engine
    engine.stop()


def folder_of(engine: Engine, library: str) -> int:
    """Inode of the library's folder."""
    until(lambda: engine.index.library(library) is not None, "listed")
    known = engine.index.library(library)
    assert known is not None
    return known.ino


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_thread_when_it_fails_by_our_mistake_then_the_agent_stops_and_says_so(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped = threading.Event()
    engine.on_fatal = stopped.set

    def mistake(*_: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr(engine.journal, "has_ready", mistake)
    engine.start(NoKernel())
    assert stopped.wait(10)
    assert engine.fatal is not None
    assert "sender" in engine.fatal.message


def test_folders_when_more_than_the_most_lie_one_in_another_then_the_program_is_told_at_once(engine: Engine, library: str) -> None:
    engine.start(NoKernel())
    folder = folder_of(engine, library)
    for _number in range(FOLDERS_DEEP):
        folder = engine.tree.make_folder(folder, "d").ino
    with pytest.raises(OSError, match=os.strerror(errno.ENAMETOOLONG)):
        engine.tree.make_folder(folder, "d")


def test_folder_when_moved_deeper_than_the_library_allows_then_the_program_is_told(
    stepped: Engine, fake: FakeLibrary, library: str
) -> None:
    tree, top = stepped.tree, folder_of(stepped, library)
    deep = top
    for _number in range(FOLDERS_DEEP - 1):
        deep = tree.make_folder(deep, "d").ino
    moved, flat = tree.make_folder(top, "m"), tree.make_folder(top, "flat")
    tree.make_folder(moved.ino, "inner")
    with pytest.raises(OSError, match="too_deep"):
        tree.rename(top, "m", deep, "m")
    tree.rename(top, "flat", deep, "flat")
    while stepped.journal.backlog()[0]:
        stepped.send()
    assert fake.live(library)["/".join(["d"] * (FOLDERS_DEEP - 1) + ["flat"])].id == flat.node


def test_newcomer_when_what_a_program_looked_into_is_closed_before_the_feed_comes_then_it_goes(
    stepped: Engine, fake: FakeLibrary, library: str
) -> None:
    shelf = fake.shelves[library]
    closed = fake._put(shelf, p.Node(new_id(), library, shelf.root, "机密", p.NodeKind.FOLDER, 0, 0, None, 0, "苏航", False, 0))
    fake._put(shelf, p.Node(new_id(), library, shelf.root, "别处", p.NodeKind.FOLDER, 0, 0, None, 0, "苏航", False, 0))
    top = folder_of(stepped, library)
    assert stepped.glimpse is not None
    stepped.glimpse.take(stepped.tree.get(top))
    assert [child.name for child in stepped.index.children(top)] == ["别处", "机密"]
    fake.grant(closed.id, "林悦", p.Right.NONE)
    stepped.follow(0)
    stepped.follow(0)
    assert [child.name for child in stepped.index.children(top)] == ["别处"]


def test_library_when_taken_away_under_a_program_that_has_not_written_yet_then_it_is_told(
    stepped: Engine, fake: FakeLibrary, library: str
) -> None:
    stepped._cache_bytes = MIB
    ino = save(stepped, folder_of(stepped, library), "f", b"one")
    stepped.send()
    number = stepped.tree.open(ino, writable=True, truncate=False)
    fake.remove_library(library)
    stepped.follow(0)
    with pytest.raises(OSError, match=os.strerror(errno.ESTALE)):
        stepped.tree.write(stepped.tree.handle(number), 0, b"two")
    assert not stepped.tree.release(number)


def test_disk_when_full_for_a_while_then_the_agent_waits_and_goes_on(
    engine: Engine, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.start(NoKernel())
    folder = folder_of(engine, library)
    journal, full = engine.journal, threading.Event()
    full.set()
    mark_sent = journal.mark_sent

    def no_room(*arguments: object, **values: object) -> None:
        if full.is_set():
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        mark_sent(*arguments, **values)  # type: ignore[arg-type]

    monkeypatch.setattr(journal, "mark_sent", no_room)
    number, _ = engine.tree.create(folder, "f")
    engine.tree.release(number)
    engine.saved()
    until(lambda: engine.status.get("error"), "told")
    assert engine.fatal is None
    full.clear()
    until(lambda: "f" in fake.live(library), "sent after all")


def test_feed_when_all_places_to_wait_are_taken_then_asked_each_second_and_no_error(
    engine: Engine, fake: FakeLibrary, library: str
) -> None:
    fake.faults.nobody_waits = True
    engine.start(NoKernel())
    folder_of(engine, library)
    until(lambda: sum("feed" in path for path, _ in fake.received) >= 3, "asked again")
    other = fake.add_library("另一条主线")
    until(lambda: engine.index.library(other) is not None, "seen all the same", 20)
    assert engine.status.get("error") is None


def test_file_when_removed_while_it_is_read_for_sending_then_the_others_go_on(
    engine: Engine, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the index and the read, as `create, write, close, rm` of a program can hit it."""
    engine.start(NoKernel())
    folder, tree = folder_of(engine, library), engine.tree
    snapshot = tree.snapshot

    def removed_at_that_moment(ino: int) -> object:
        seen = snapshot(ino)
        if seen[0] is not None and seen[0].name == "short-lived":
            tree.unlink(folder, "short-lived")
        return seen

    monkeypatch.setattr(tree, "snapshot", removed_at_that_moment)
    for name in ("short-lived", "stays"):
        number, _ = tree.create(folder, name)
        tree.write(tree.handle(number), 0, b"x")
        tree.release(number)
    engine.saved()
    until(lambda: "stays" in fake.live(library), "sent")
    assert engine.fatal is None
    assert set(fake.live(library)) == {"stays"}


@pytest.mark.parametrize("fails_at", [1, 3, 6], ids=["the first", "one between", "the last, which goes with the commit"])
def test_save_when_one_of_its_packs_does_not_get_through_then_one_version_in_the_end_and_the_others_are_not_sent_again(
    engine: Engine, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    monkeypatch.setattr(departures, "_PACK_BYTES", MIB)
    engine.start(NoKernel())
    put_pack, put = engine.remote.put_pack, []

    def fails_once(upload: p.Upload, pack: bytes) -> None:
        put.append(len(pack))
        if len(put) == fails_at:
            raise Unreachable("素材存储暂时不可用")
        put_pack(upload, pack)

    folder, body = folder_of(engine, library), random.Random(1).randbytes(6 * MIB)
    until(lambda: engine.departures is not None and engine.departures._spare, "slots fetched")
    monkeypatch.setattr(engine.remote, "put_pack", fails_once)
    number, _ = engine.tree.create(folder, "大.bin")
    engine.tree.write(engine.tree.handle(number), 0, body)
    engine.tree.release(number)
    engine.saved()
    until(lambda: engine.journal.backlog()[0] == 0, "safe")
    (version,) = fake.versions(library, "大.bin")
    assert fake.bytes_of(library, version) == body
    assert sum(put) <= 9 * MIB, "what arrived is known to the library"


def save(engine: Engine, folder: int, name: str, body: bytes) -> int:
    """As the mount is asked: the close, then the release. Returns the inode."""
    number, file = engine.tree.create(folder, name)
    engine.tree.write(engine.tree.handle(number), 0, body)
    engine.tree.closed(engine.tree.handle(number))
    engine.tree.release(number)
    return file.ino


def test_saves_when_many_wait_then_the_next_are_stored_before_the_answer_and_one_that_changed_is_read_again(
    stepped: Engine, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, folder = stepped, folder_of(stepped, library)
    monkeypatch.setattr(departures, "BATCH_OPS", 10)
    bodies = {f"{number}": bytes([number]) * 2000 for number in range(40)}
    inodes = {name: save(engine, folder, name, body) for name, body in bodies.items()}
    engine.tree.catch_up()
    fake.received.clear()
    assert engine.departures is not None
    engine.departures.send_batch()
    asked = [path.rpartition("/")[2] for path, _ in fake.received if path.startswith("/api")]
    assert asked == ["missing", "missing", "ops"]
    number = engine.tree.open(inodes["12"], writable=True, truncate=False)
    bodies["12"] = b"again" + bodies["12"][5:]
    engine.tree.write(engine.tree.handle(number), 0, b"again")
    engine.tree.closed(engine.tree.handle(number))
    engine.tree.release(number)
    fake.received.clear()
    engine.send()
    asked = [path.rpartition("/")[2] for path, _ in fake.received if path.startswith("/api")]
    assert "ops" in asked
    while engine.journal.backlog()[0]:
        engine.send()
    live = fake.live(library)
    assert {name: fake.bytes_of(library, node) for name, node in live.items()} == bodies
    assert {node.version for node in live.values()} == {1}


def test_working_copies_when_safe_then_bounded_and_still_readable(engine: Engine, fake: FakeLibrary, library: str, tmp_path: Path) -> None:
    engine.start(NoKernel())
    folder, contents = folder_of(engine, library), {}
    for name in "abcd":
        number, _ = engine.tree.create(folder, name)
        contents[name] = name.encode() * (400 * KIB)
        engine.tree.write(engine.tree.handle(number), 0, contents[name])
        engine.tree.release(number)
        engine.saved()
        until(lambda n=name: n in fake.live(library), "saved")
    kept = lambda: sum(path.stat().st_size for path in (tmp_path / "state" / "work").iterdir())  # noqa: E731
    until(lambda: kept() <= MIB, "within the bound")
    assert kept() >= 400 * KIB
    for name, content in contents.items():
        file = engine.index.child(folder, name)
        assert file is not None
        assert engine.content.read(file, 0, len(content)) == content


def test_index_when_a_transaction_finds_the_disk_full_then_the_next_one_works(tmp_path: Path) -> None:
    index = Index(tmp_path / "index.db")
    index.database.execute("PRAGMA max_page_count=60")

    def fill() -> None:
        with index.transaction():
            index.put_fact("big", "x" * 1_000_000)

    with pytest.raises(sqlite3.OperationalError, match="full"):
        fill()
    with index.transaction():
        index.put_fact("small", "x")
    assert index.fact("small") == "x"
    assert index.fact("big") is None
    index.close()


def test_index_when_written_by_the_first_agent_then_taken_over(tmp_path: Path) -> None:
    from sync.agent import tables as module

    first = tmp_path / "index.db"
    with sqlite3.connect(first) as old:
        old.executescript(module._SCHEMA[0])
        old.execute("INSERT INTO files (ino, name, name_key, kind, library, modified_ms) VALUES (1, '', '', 'folder', '', 0)")
        old.execute(
            "INSERT INTO files (parent, name, name_key, kind, library, modified_ms, node, version, manifest, size)"
            " VALUES (1, 'f', 'f', 'file', 'l', 0, 'n', 3, 'b3:x', 17)"
        )
        old.execute("PRAGMA user_version=1")
    old.close()
    index = Index(first)
    file = index.by_node("n")
    assert file is not None
    assert (file.version, file.head, file.head_size, file.unsaved) == (3, "b3:x", 17, False)
    index.close()


def test_index_when_its_log_was_long_then_it_is_short_again_with_the_next_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "_LONG_LOG_BYTES", 256 * KIB)
    index = Index(tmp_path / "index.db")
    log = tmp_path / "index.db-wal"
    with index.transaction():
        index.put_fact("long", "x" * MIB)
    assert log.stat().st_size > MIB
    index.checkpoint()
    with index.transaction():
        index.put_fact("short", "x")
    assert log.stat().st_size <= 128 * KIB, "or each look at it would open the file again and wait for the disk"
    index.close()


def test_feed_when_it_is_not_found_although_no_library_went_away_then_an_error(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.prepare(NoKernel())
    engine.follow(0)
    gone = Refused(p.Problem("not_found", "没有找到"), 404)
    monkeypatch.setattr(engine.remote, "feed", lambda request: (_ for _ in ()).throw(gone))
    with pytest.raises(Refused):
        engine.follow(0)


def test_write_when_the_disk_refuses_the_word_of_it_then_what_there_is_becomes_no_save(
    engine: Engine, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.prepare(NoKernel())
    engine.follow(0)
    number, file = engine.tree.create(folder_of(engine, library), "图.psd")
    handle = engine.tree.handle(number)
    engine.tree.write(handle, 0, b"half of ")
    engine.tree.snapshot(file.ino)  # the sender has looked, so the next write is to be noted anew
    monkeypatch.setattr(engine.index, "note_writing", lambda ino: (_ for _ in ()).throw(sqlite3.OperationalError("full")))
    with pytest.raises(sqlite3.OperationalError):
        engine.tree.write(handle, 8, b"a picture")
    monkeypatch.undo()
    engine.tree.closed(handle)
    engine.tree.release(number)
    engine.send()
    assert fake.live(library) == {}
    (draft,) = engine.index.children(folder_of(engine, library))
    assert (draft.node, engine.content.work_path(draft.ino).read_bytes()) == (None, b"half of ")


@pytest.mark.parametrize("code", [errno.EIO, errno.EACCES])
def test_file_when_its_bytes_cannot_be_read_then_told_and_the_others_go_on(
    stepped: Engine, fake: FakeLibrary, library: str, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    folder = folder_of(stepped, library)
    for name in ("坏.psd", "好.psd"):
        number, _ = stepped.tree.create(folder, name)
        stepped.tree.write(stepped.tree.handle(number), 0, name.encode())
        stepped.tree.release(number)
    bad = stepped.index.child(folder, "坏.psd")
    assert bad is not None
    opened = open

    def failing(path: Path, *arguments: object, **options: object) -> object:
        if Path(path) == stepped.content.work_path(bad.ino):
            raise OSError(code, os.strerror(code))
        return opened(path, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(departures, "open", failing, raising=False)
    stepped.send()
    stepped.send()
    assert set(fake.live(library)) == {"好.psd"}
    assert "坏.psd" in stepped.status.get("refused")
    monkeypatch.undo()
    with stepped.index.transaction():
        stepped.journal.hurry()
    stepped.send()
    assert set(fake.live(library)) == {"坏.psd", "好.psd"}


def test_status_when_a_save_is_on_its_way_then_it_says_so(stepped: Engine, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stepped.departures is not None
    stepped.send()
    number, _ = stepped.tree.create(folder_of(stepped, library), "图.psd")
    stepped.tree.write(stepped.tree.handle(number), 0, b"x")
    stepped.tree.release(number)
    told = []
    monkeypatch.setattr(stepped.departures, "send_batch", lambda: told.append(stepped.status.get("pending_ops")))
    stepped.send()
    assert told == [1]


def test_status_when_saved_while_the_sender_waits_for_something_else_then_it_says_so_at_once(
    stepped: Engine, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stepped.departures is not None
    folder, told = folder_of(stepped, library), []

    def save_meanwhile() -> None:
        number, _ = stepped.tree.create(folder, "图.psd")
        stepped.tree.write(stepped.tree.handle(number), 0, b"x")
        stepped.tree.release(number)
        stepped.saved()
        told.append(stepped.status.get("pending_ops"))

    monkeypatch.setattr(stepped.departures, "stock", save_meanwhile)
    stepped.send()
    assert told == [1]


def test_status_when_saved_while_it_is_counted_then_it_is_counted_again(
    stepped: Engine, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, backlog = folder_of(stepped, library), stepped.journal.backlog
    stepped.status.set(pending_ops=3)

    def counted() -> tuple[int, int]:
        monkeypatch.setattr(stepped.journal, "backlog", backlog)
        before = backlog()
        number, _ = stepped.tree.create(folder, "图.psd")
        stepped.tree.write(stepped.tree.handle(number), 0, b"x")
        stepped.tree.release(number)
        stepped.saved()
        return before

    monkeypatch.setattr(stepped.journal, "backlog", counted)
    stepped._show_backlog()
    assert stepped.status.get("pending_ops") == 1


def test_slots_when_one_fails_then_the_others_of_its_time_are_given_up(stepped: Engine, fake: FakeLibrary, library: str) -> None:
    assert stepped.departures is not None
    stepped.departures.send_packs_at_once()
    late = p.Upload("late", f"{fake.api}/nowhere", {}, 2**60, MIB)
    stepped.departures._spare[library] = [late] * 8
    number, _ = stepped.tree.create(folder_of(stepped, library), "图.psd")
    stepped.tree.write(stepped.tree.handle(number), 0, b"x")
    stepped.tree.release(number)
    with pytest.raises(Unreachable):
        stepped.send()
    stepped.send()
    assert set(fake.live(library)) == {"图.psd"}


class _Interrupted(dict[str, tuple[str, int]]):
    """Somebody else's turn comes between two items."""

    def __init__(self, known: dict[str, tuple[str, int]], turn: Callable[[], object]) -> None:
        super().__init__(known)
        self._turn = turn

    def items(self) -> Iterator[tuple[str, tuple[str, int]]]:  # type: ignore[override]
        for item in super().items():
            yield item
            self._turn()


def test_answer_when_it_comes_while_a_page_is_finished_then_the_feed_goes_on(stepped: Engine, library: str) -> None:
    arrivals = stepped.arrivals
    assert arrivals is not None
    root = stepped.index.root_of(library)

    def row(seq: int) -> p.Node:
        return p.Node(f"folder-{seq}", library, root, f"{seq}", p.NodeKind.FOLDER, 0, 0, None, 0, "", False, seq)

    with ThreadPoolExecutor(1) as other:
        seqs = iter(range(1003, 1100))
        arrivals.nodes((row(1001), row(1002)))

        def told() -> None:
            wait([other.submit(arrivals.nodes, (row(next(seqs)),))], timeout=0.2)

        arrivals._answered = _Interrupted(arrivals._answered, told)
        arrivals.page(library, (), 1000)
    assert arrivals._answered.keys() >= {"folder-1001", "folder-1002", "folder-1003"}, "and nothing that was told is forgotten"


def test_folder_when_deleted_on_a_page_before_another_then_what_left_it_keeps_its_contents(stepped: Engine, library: str) -> None:
    arrivals, root = stepped.arrivals, stepped.index.root_of(library)
    assert arrivals is not None

    def row(seq: int, name: str, parent: str | None, *, deleted: bool = False, kind: p.NodeKind = p.NodeKind.FOLDER) -> p.Node:
        return p.Node(name, library, parent, name, kind, 0, 0, None, 0, "", deleted, seq)

    arrivals.page(library, (row(2, "outer", root), row(3, "inner", "outer"), row(4, "file", "inner", kind=p.NodeKind.FILE)), 4)
    arrivals.page(library, (row(6, "outer", root, deleted=True),), 6, more=True)
    arrivals.released()  # the sender asks what waits between two pages
    arrivals.page(library, (row(7, "inner", root),), 7)
    assert stepped.index.by_node("outer") is None
    inner = stepped.index.by_node("inner")
    assert inner is not None
    assert [file.node for file in stepped.index.children(inner.ino)] == ["file"]
