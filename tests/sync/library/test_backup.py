"""Backup and restore of the whole product: complete, incremental, safe to interrupt, and the restored product is sound."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

import app as composition
from sync.library.backup import databases
from sync.library.backup.actions import back_up, restore
from sync.library.backup.folder import BackupFolder
from sync.library.backup.models import BackupEvent
from sync.library.recovery.verify import Pace, verify_content
from sync.library.storage import ObjectStore
from tests.fakes.store import MemoryStore
from tests.sync.library.conftest import Room
from tests.sync.library.test_recovery import contents_of
from workspace.db import Database
from workspace.errors import Conflict, InvalidInput, Unavailable
from workspace.events.models import Event
from workspace.events.verify import verify_events
from workspace.parts import Parts
from workspace.settings import Settings
from workspace.work import head_and_epoch, open_work


def quiet(_text: str) -> None:
    """Nobody reads it here."""


@pytest.fixture
def second(settings: Settings, postgres_copy: str, tmp_path: Path) -> Iterator[tuple[Parts, MemoryStore]]:
    """An installation with nothing in it."""
    (tmp_path / "second").mkdir()
    parts, store = composition.make_parts(Settings(data_dir=tmp_path / "second", database_url=postgres_copy)), MemoryStore()
    parts.provide(ObjectStore, lambda: store)
    yield parts, store
    parts.get(Database).dispose()
    store.close()


@pytest.fixture
def postgres_copy(request: pytest.FixtureRequest, settings: Settings) -> str:
    """Where the second installation's PostgreSQL is; "" on SQLite."""
    return str(request.getfixturevalue("postgres_url")) if settings.database_url else ""


def events(database: Database, kind: BackupEvent) -> list[dict[str, Any]]:
    with open_work(database, writes=False) as work:
        return list(work.session.scalars(select(Event.facts).where(Event.kind == str(kind))))


def test_backup_when_restored_elsewhere_then_the_product_is_the_same_and_sound(
    app: Flask, room: Room, company: Database, parts: Parts, memory: MemoryStore, second: tuple[Parts, MemoryStore], tmp_path: Path
) -> None:
    for number in range(3):
        room.su.save(room.id, room.root, f"{number}.psd", b"content %d" % number)
    made = back_up(parts, tmp_path / "backup", quiet)
    assert made.objects == len(memory.objects)
    theirs, store = second
    restore(theirs, tmp_path / "backup", quiet)
    database = theirs.get(Database)
    assert contents_of(database, store, room.id) == contents_of(company, memory, room.id)
    assert verify_content(theirs, quiet, content="all", pace=Pace(0), repair=False)
    with database.session(writes=False) as session:
        assert "chain unbroken" in verify_events(session)
    assert len(events(company, BackupEvent.MADE)) == len(events(database, BackupEvent.RESTORED)) == 1
    assert (tmp_path / "second" / "secret.key").read_text() == "tests only"
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0
    with pytest.raises(Conflict, match="holds a company"):
        restore(theirs, tmp_path / "backup", quiet)


def test_restore_when_done_then_another_epoch_and_only_then(
    room: Room, company: Database, parts: Parts, second: tuple[Parts, MemoryStore], tmp_path: Path
) -> None:
    """Pages that are open take up again from the lower number (workspace.realtime_rooms)."""

    def now(database: Database) -> tuple[int, str]:
        with database.session(writes=False) as session:
            return head_and_epoch(session)

    seq, epoch = now(company)
    room.su.save(room.id, room.root, "a.psd", b"a")
    back_up(parts, tmp_path / "backup", quiet)
    head, same = now(company)
    assert (same, len(epoch)) == (epoch, 16)
    assert head > seq
    theirs, _store = second
    restore(theirs, tmp_path / "backup", quiet)
    assert now(theirs.get(Database))[0] == head, "it goes on from the backup, whose own event is not in it"
    assert now(theirs.get(Database))[1] != epoch


def test_restore_when_the_backup_is_of_an_older_release_then_done_all_the_same(
    room: Room, company: Database, parts: Parts, second: tuple[Parts, MemoryStore], tmp_path: Path
) -> None:
    with company.session(writes=True) as session:
        session.execute(text("DROP TABLE library_head"))
        session.commit()
    back_up(parts, tmp_path / "backup", quiet)
    theirs, _store = second
    restore(theirs, tmp_path / "backup", quiet)
    assert len(events(theirs.get(Database), BackupEvent.RESTORED)) == 1


def test_backup_when_made_again_then_only_what_is_new_is_copied_and_what_went_goes(
    room: Room, parts: Parts, memory: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.su.save(room.id, room.root, "a.psd", b"a")
    back_up(parts, tmp_path / "backup", quiet)
    room.su.save(room.id, room.root, "b.psd", b"b")
    memory.objects["previews/old"] = b"x"
    back_up(parts, tmp_path / "backup", quiet)
    del memory.objects["previews/old"]
    asked: list[str] = []
    get = memory.get
    monkeypatch.setattr(memory, "get", lambda key: asked.append(key) or get(key))
    made = back_up(parts, tmp_path / "backup", quiet)
    assert asked == []
    folder = BackupFolder(tmp_path / "backup")
    assert {stored.key for stored in folder.objects()} == set(memory.objects)
    assert [path.name for path in (tmp_path / "backup/database").iterdir()] == [made.database]


def test_backup_when_the_machine_stops_in_the_middle_then_the_former_one_stands_and_the_next_goes_on(
    room: Room, company: Database, parts: Parts, memory: MemoryStore, second: tuple[Parts, MemoryStore], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    room.su.save(room.id, room.root, "a.psd", b"a")
    back_up(parts, tmp_path / "backup", quiet)
    former = contents_of(company, memory, room.id)
    for number in range(4):
        room.su.save(room.id, room.root, f"{number}.psd", b"%d" % number)

    class Stopped(BaseException):
        pass

    put, left = BackupFolder.put, [3]

    def dies(self: BackupFolder, path: Path, data: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            path.with_name(f"{path.name}.part").write_bytes(data[: len(data) // 2])
            raise Stopped
        put(self, path, data)

    monkeypatch.setattr(BackupFolder, "put", dies)
    with pytest.raises(Stopped):
        back_up(parts, tmp_path / "backup", quiet)
    monkeypatch.undo()
    shutil.copytree(tmp_path / "backup", tmp_path / "former")
    theirs, store = second
    restore(theirs, tmp_path / "former", quiet)
    assert contents_of(theirs.get(Database), store, room.id) == former
    assert back_up(parts, tmp_path / "backup", quiet).objects == len(memory.objects)


def test_restore_when_interrupted_then_the_next_run_goes_on(
    room: Room, parts: Parts, memory: MemoryStore, second: tuple[Parts, MemoryStore], tmp_path: Path
) -> None:
    room.su.save(room.id, room.root, "a.psd", b"a")
    back_up(parts, tmp_path / "backup", quiet)
    theirs, store = second
    store.failing = True
    with pytest.raises(Unavailable):
        restore(theirs, tmp_path / "backup", quiet)
    store.failing = False
    store.objects.update(dict(list(memory.objects.items())[:2]))
    restore(theirs, tmp_path / "backup", quiet)
    assert store.objects == memory.objects


def test_backup_when_a_pack_is_damaged_or_gone_then_said_and_not_complete(
    room: Room, parts: Parts, memory: MemoryStore, tmp_path: Path
) -> None:
    room.su.save(room.id, room.root, "a.psd", b"a")
    key = next(key for key in memory.objects if key.startswith("packs/"))
    whole = memory.objects[key]
    memory.objects[key] = bytes(len(whole))
    with pytest.raises(Unavailable, match="does not hold the bytes"):
        back_up(parts, tmp_path / "backup", quiet)
    del memory.objects[key]
    with pytest.raises(Unavailable, match="not in the bucket"):
        back_up(parts, tmp_path / "backup", quiet)
    with pytest.raises(InvalidInput, match="no complete backup"):
        BackupFolder(tmp_path / "backup").read()


def test_restore_when_the_snapshot_is_damaged_then_nothing_is_touched(
    room: Room, parts: Parts, second: tuple[Parts, MemoryStore], tmp_path: Path
) -> None:
    made = back_up(parts, tmp_path / "backup", quiet)
    with open(tmp_path / "backup/database" / made.database, "ab") as file:
        file.write(b"x")
    theirs, store = second
    with pytest.raises(Unavailable, match="damaged"):
        restore(theirs, tmp_path / "backup", quiet)
    assert store.objects == {}


def test_snapshot_when_pg_dump_is_missing_then_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(databases, "SERVERS", tmp_path)
    with pytest.raises(Unavailable, match="pg_dump is not installed"):
        databases.snapshot_database(Database("postgresql+psycopg://nobody@127.0.0.1/none"), tmp_path / "x.dump")


def test_backup_when_the_folder_holds_something_else_then_refused(room: Room, parts: Parts, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.jpg").write_bytes(b"a")
    with pytest.raises(Conflict, match="something else"):
        back_up(parts, tmp_path / "photos", quiet)


def test_snapshot_when_somebody_writes_meanwhile_then_one_instant(company: Database, settings: Settings, tmp_path: Path) -> None:
    if settings.database_url:
        pytest.skip("of SQLite")
    with company.session(writes=True):  # An open transaction holds nobody up.
        databases.snapshot_database(company, tmp_path / "x.db")
    assert sqlite3.connect(tmp_path / "x.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)
