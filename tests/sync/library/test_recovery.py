"""The catalogue from the bucket alone: on a real store everything comes back equal; what is lost is named, never dropped."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

import app as composition
from sync.core.protocol import OpAnswer
from sync.library.assets.access import get_node
from sync.library.assets.actions import save_upload
from sync.library.assets.models import Node, Version
from sync.library.content.access import load_manifest
from sync.library.content.models import Chunk, ManifestRow, Pack
from sync.library.content.reading import plan_reading, read_all
from sync.library.embedded_store import EmbeddedStore
from sync.library.grants.models import FolderGrant
from sync.library.libraries.models import Library
from sync.library.libraries.rules import Right
from sync.library.recovery.actions import Report, recover_catalogue
from sync.library.recovery.rules import Head, newest_head, read_line
from sync.library.storage import ObjectStore, S3Store
from sync.library.tags.actions import tag_nodes, untag_nodes
from sync.library.tags.models import AssetTag
from tests.fakes.store import MemoryStore
from tests.house import without_fsync
from tests.sync.library.agents import TestAgent, commit, delete, make_folder, rename
from tests.sync.library.conftest import Room, make_room
from tests.sync.library.grants import grant_right
from workspace.db import Base, Database
from workspace.errors import Conflict
from workspace.events.models import Event
from workspace.parts import Parts
from workspace.people.models import Group, PeopleEvent
from workspace.settings import ROOT, Settings
from workspace.work import head_and_epoch, open_work

Opens = Callable[..., Any]
COMPARED = (Library, Node, Version, ManifestRow)


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Parts]:
    """A product with an empty database; its store is the test's to give."""
    parts = composition.make_parts(Settings(data_dir=tmp_path / "second", secret_key="tests only"))
    Base.metadata.create_all(without_fsync(parts.get(Database)).engine)
    yield parts
    parts.get(Database).dispose()


def recover(parts: Parts, store: ObjectStore) -> Report:
    parts.provide(ObjectStore, lambda: store)  # type: ignore[type-abstract]
    return recover_catalogue(parts.get(Database), parts, lambda text: None)


def rows_of(database: Database, library_id: str, model: type[Base]) -> list[dict[str, Any]]:
    with open_work(database, writes=False) as work:
        query = select(model)
        if model is Library:
            query = query.where(Library.id == library_id)
        elif model is ManifestRow:  # One whose operation was refused is named by nothing and may be missing.
            query = query.where(ManifestRow.digest.in_(select(Version.digest).where(Version.library_id == library_id)))
        elif hasattr(model, "library_id"):
            query = query.where(model.library_id == library_id)
        found = [{column.key: getattr(row, column.key) for column in model.__table__.columns} for row in work.session.scalars(query)]
    return sorted(found, key=str)


def contents_of(database: Database, store: ObjectStore, library_id: str) -> dict[tuple[str, int], bytes]:
    with open_work(database, writes=False) as work:
        plans = {}
        for version in work.session.scalars(select(Version).where(Version.library_id == library_id)):
            manifest = load_manifest(work, version.digest)
            plans[version.node_id, version.number] = plan_reading(work, library_id, manifest, 0, manifest.size_bytes)
    return {key: read_all(store, plan) for key, plan in plans.items()}


def live_through(room: Room, rng: random.Random, *, steps: int) -> None:
    """Two people at work: saves, versions, conflicts, renames, moves, deletes of files and folders, and edits that bring back."""
    folders, files = [room.root], {}

    def note(answer: OpAnswer) -> None:
        for node in (answer.node, answer.second):
            if node is not None and node.kind == "file":
                files[node.id] = node.version

    for step in range(steps):
        who: TestAgent = rng.choice((room.su, room.chen))
        verb = rng.choice(("save", "save", "next", "next", "late", "folder", "rename", "move", "delete", "delete_folder"))
        node_id = rng.choice(list(files)) if files else ""
        content = rng.randbytes(rng.choice((0, 10, 10, 3_000, 3_000, 1_300_000)))
        if verb == "save" or not files:
            note(who.save(room.id, rng.choice(folders), f"素材-{step}.psd", content))
        elif verb in ("next", "late"):
            base = files[node_id] if verb == "next" else 0
            note(who.save(room.id, room.root, "x.psd", content, node=node_id, base=base))
        elif verb == "folder":
            answer = who.op(room.id, make_folder(rng.choice(folders), f"文件夹-{step % 7}"))
            folders += [answer.node.id] if answer.node is not None and answer.node.id not in folders else []
        elif verb in ("rename", "move"):
            target = rng.choice([node_id, *folders[1:]])
            who.op(room.id, rename(target, rng.choice(folders), f"改名-{step}.psd"))
        elif verb == "delete":
            who.op(room.id, delete(node_id, files[node_id]))
        elif len(folders) > 1:
            who.op(room.id, delete(rng.choice(folders[1:]), 0, recursive=True))


def assert_equal(first: Database, second: Database, library_id: str) -> None:
    for model in COMPARED:
        assert rows_of(second, library_id, model) == rows_of(first, library_id, model), model.__name__
    assert {row["address"] for row in rows_of(second, library_id, Chunk)} >= {row["address"] for row in rows_of(first, library_id, Chunk)}
    known = {row["id"]: (row["address"], row["size_bytes"], row["state"]) for row in rows_of(second, library_id, Pack)}
    for row in rows_of(first, library_id, Pack):
        assert known[row["id"]] == (row["address"], row["size_bytes"], row["state"])


@pytest.mark.server
@pytest.mark.parametrize("gathered", [False, True], ids=["just_answered", "gathered_by_the_job"])
def test_recovery_when_the_database_is_lost_then_everything_is_equal(
    app: Flask, s3: S3Store, parts: Parts, company: Database, work_as: Opens, second: Parts, run_jobs: Any, gathered: bool
) -> None:
    parts.provide(ObjectStore, lambda: s3)  # type: ignore[type-abstract]
    room = make_room(app, work_as)
    live_through(room, random.Random(7), steps=40)
    if gathered:
        with work_as("林悦") as work:
            work.after_commit("library.ship_log", library_id=room.id)
        run_jobs()
    report = recover(second, s3)
    assert_equal(company, second.get(Database), room.id)
    assert contents_of(second.get(Database), s3, room.id) == contents_of(company, s3, room.id)
    assert rows_of(second.get(Database), room.id, FolderGrant) == rows_of(company, room.id, FolderGrant)
    assert [complaint for complaint in report.complaints if complaint.startswith("主视觉素材")] == []
    assert sum("看图组" in step for step in report.next_steps) >= 1
    with open_work(second.get(Database), writes=False) as work:
        assert {"视觉组", "看图组"} <= set(work.session.scalars(select(Group.name)))
        kinds = set(work.session.scalars(select(Event.kind)))
    assert kinds == {"library.library.recovered"}


def test_recovery_when_files_have_tags_then_they_come_back(
    room: Room, memory: MemoryStore, company: Database, second: Parts, work_as: Opens, run_jobs: Any
) -> None:
    saved = room.su.save(room.id, room.root, "a.psd", b"a").node
    with work_as("苏航") as work:
        node = get_node(work, saved.id)
        tag_nodes(work, [node], ["双十一", "KV"])
        untag_nodes(work, [node], ["双十一"])
    run_jobs()
    recover(second, memory)
    rows = rows_of(second.get(Database), room.id, AssetTag)
    assert [row["tag"] for row in rows] == ["KV"]
    assert rows == rows_of(company, room.id, AssetTag)


@pytest.mark.parametrize("clock_h", [0, -1], ids=["clocks go on", "a clock was set back"])
def test_recovery_when_a_right_was_taken_back_and_nothing_saved_since_then_it_stays_so(
    room: Room, memory: MemoryStore, second: Parts, work_as: Opens, run_jobs: Any, clock_h: int
) -> None:
    room.su.save(room.id, room.root, "a.txt", b"x")
    run_jobs()
    with work_as("管力", now=datetime.now(UTC) + timedelta(hours=clock_h)) as work:
        readers = work.session.scalars(select(Group.id).where(Group.name == "看图组")).one()
        grant_right(work, work.session.get_one(Library, room.id), group_id=readers, right=Right.NONE)
    run_jobs()
    recover(second, memory)
    with open_work(second.get(Database), writes=False) as work:
        assert readers not in set(work.session.scalars(select(FolderGrant.subject_id)))
        assert "edit" in set(work.session.scalars(select(FolderGrant.right)))


def test_head_when_numbers_were_used_again_then_the_newest_of_them_by_the_time() -> None:
    """A catalogue was brought back from a backup of number 5, and went on from there."""
    born = datetime(2026, 11, 1, tzinfo=UTC)
    lines = [
        read_line(json.dumps({**LINE, "seq": seq, "node": f"n{seq}-{hour}", "at": (born + timedelta(hours=hour)).isoformat()}).encode())
        for seq, hour in ((4, 4), (5, 5), (6, 6), (9, 9), (6, 20))
    ]  # fmt: skip
    heads = [Head("l", f"{seq} at {hour}", "r", None, None, born, seq, born + timedelta(hours=hour), ()) for seq, hour in HEADS]
    assert [newest_head(each, lines, []).name for each in (heads[:2], heads[:4], heads)] == ["4 at 2", "9 at 9", "6 at 20"]
    assert newest_head([], lines, []) is None


HEADS = ((0, 30), (4, 2), (5, 1), (9, 9), (6, 20))
LINE = {
    "parent": "r", "name": "a", "kind": "folder", "version": 0, "digest": None, "size_bytes": 0, "modified_at": "2026-11-01T00:00:00+00:00",
    "author": "", "author_id": None, "by": None, "member": None, "device": None, "head_of": None, "deleted": False, "above": [],
    "manifest": None,
}  # fmt: skip


def test_recovery_when_an_author_said_why_then_the_version_tells_it_again(
    room: Room, memory: MemoryStore, company: Database, second: Parts, work_as: Opens
) -> None:
    saved = room.su.save(room.id, room.root, "a.psd", b"a").node
    with work_as("苏航") as work:
        manifest = load_manifest(work, work.session.get_one(Version, (saved.id, 1)).digest)
        save_upload(work, room.id, folder_id=room.root, name="b.psd", manifest=manifest, packs=[], note="按林悦的意见改了标题")
    recover(second, memory)
    assert_equal(company, second.get(Database), room.id)
    notes = [row["note"] for row in rows_of(second.get(Database), room.id, Version)]
    assert sorted(notes) == ["", "按林悦的意见改了标题"]


@pytest.mark.parametrize("seed", range(3))
def test_recovery_when_cut_off_after_any_answer_then_equal_to_that_moment(
    room: Room, memory: MemoryStore, company: Database, second: Parts, seed: int
) -> None:
    rng = random.Random(seed)
    live_through(room, rng, steps=rng.randrange(5, 25))
    recover(second, memory)
    assert_equal(company, second.get(Database), room.id)


def test_recovery_when_the_log_is_not_written_before_the_answer_then_this_suite_sees_it(
    room: Room, memory: MemoryStore, company: Database, second: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.library.assets.log.Receipt.settle", lambda self, parts: None)
    room.su.save(room.id, room.root, "a.psd", b"a")
    recover(second, memory)
    with pytest.raises((AssertionError, KeyError)):
        assert_equal(company, second.get(Database), room.id)


def test_recovery_when_a_line_nobody_was_promised_is_lost_then_its_folder_is_named_by_the_next(
    room: Room, memory: MemoryStore, second: Parts
) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "主视觉")).node
    room.su.save(room.id, folder.id, "a.psd", b"a")
    lost = [
        found.key
        for found in memory.list(f"log/{room.id}/")
        if b'"name":"\xe4\xb8\xbb\xe8\xa7\x86\xe8\xa7\x89","kind"' in memory.get(found.key)
    ]
    for key in lost:
        memory.remove(key)
    report = recover(second, memory)
    names = {row["id"]: (row["name"], row["parent_id"]) for row in rows_of(second.get(Database), room.id, Node)}
    assert names[folder.id] == ("主视觉", room.root)
    assert any("has no line of its own" in complaint for complaint in report.complaints)


def test_recovery_when_lines_and_packs_are_damaged_then_each_is_named_and_the_rest_comes_back(
    room: Room, memory: MemoryStore, second: Parts
) -> None:
    good = room.su.save(room.id, room.root, "good.psd", b"good").node
    bad = room.su.save(room.id, room.root, "bad.psd", b"bad" * 100).node
    hurt, other = sorted(memory.list(f"packs/{room.id}/"), key=lambda found: -found.size_bytes)
    memory.put(hurt.key, memory.get(hurt.key)[:40] + b"?" + memory.get(hurt.key)[41:])
    memory.put(f"log/{room.id}/new/000000000009-000000000009-x.jsonl", b'{"seq":9\n{"seq":9,"name":"half"}\n')
    report = recover(second, memory)
    database = second.get(Database)
    assert {row["id"] for row in rows_of(database, room.id, Node)} == {room.root, good.id, bad.id}
    said = "\n".join(report.complaints)
    assert said.count("was left out") == 2
    assert f"pack {hurt.key.rpartition('/')[2]} is damaged" in said
    assert "bad.psd, version 1: 1 of 1 chunks are in no sound pack" in said
    assert "good.psd" not in said
    assert other.key in memory.objects


def test_recovery_when_the_log_is_of_before_heads_were_written_then_named_after_its_number(
    room: Room, memory: MemoryStore, second: Parts
) -> None:
    room.su.save(room.id, room.root, "a.psd", b"a")
    for found in list(memory.list(f"log/{room.id}/")):
        _head, *lines = memory.get(found.key).splitlines()
        old = [{key: value for key, value in json.loads(line).items() if key != "above"} for line in lines]
        memory.put(found.key, "".join(json.dumps(line) + "\n" for line in old).encode())
    report = recover(second, memory)
    names = {row["name"]: row["parent_id"] for row in rows_of(second.get(Database), room.id, Node)}
    assert names == {"": None, "a.psd": room.root}
    assert any("named after its number" in complaint for complaint in report.complaints)


def test_recovery_when_into_a_database_with_a_past_then_another_epoch(room: Room, memory: MemoryStore, second: Parts) -> None:
    """Pages that were open on it take up anew."""
    room.su.save(room.id, room.root, "a.psd", b"a")
    database = second.get(Database)
    with open_work(database) as work:
        work.record(PeopleEvent.SITE_ADDED, subject="site:x", rooms=["company"], name="武汉")
    with database.session(writes=False) as session:
        before = head_and_epoch(session)
    recover(second, memory)
    with database.session(writes=False) as session:
        assert head_and_epoch(session)[1] != before[1]


def test_recovery_when_the_database_holds_libraries_then_refused(room: Room, memory: MemoryStore, company: Database, parts: Parts) -> None:
    with pytest.raises(Conflict):
        recover_catalogue(company, parts, lambda text: None)


@pytest.mark.server
def test_recover_command_when_given_the_bucket_then_says_what_came_back(
    app: Flask, s3: S3Store, weed: EmbeddedStore, parts: Parts, work_as: Opens, tmp_path: Path
) -> None:
    parts.provide(ObjectStore, lambda: s3)  # type: ignore[type-abstract]
    room = make_room(app, work_as)
    manifest = room.su.upload(room.id, os.urandom(3_000_000), "大图.psd")
    room.su.op(room.id, commit(room.root, "大图.psd", manifest))
    environment = {
        **os.environ, "MAINLINE_DATA_DIR": str(tmp_path / "new"), "MAINLINE_S3_ENDPOINT": weed.endpoint,
        "MAINLINE_S3_ACCESS_KEY": weed.access_key, "MAINLINE_S3_SECRET_KEY": weed.secret_key, "MAINLINE_S3_BUCKET": weed.bucket,
    }  # fmt: skip
    argv = [str(Path(sys.executable).parent / "mainline"), "recover"]
    done = subprocess.run(argv, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "recovered: " in done.stdout
    assert "- 主视觉素材: the group 视觉组 was made anew" in done.stdout
    again = subprocess.run(argv, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "already holds libraries" in again.stderr
