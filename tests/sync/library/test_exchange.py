"""Import from folders and buckets, export to plain files: nothing twice, what is refused is named, every byte verified."""

import csv
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from sync.library.assets.models import Node, Version
from sync.library.exchange.actions import export_library, import_files, member_named
from sync.library.exchange.cli import _files_of
from sync.library.exchange.sources import files_in, objects_in
from sync.library.storage import S3Store
from tests.fakes.store import MemoryStore
from tests.sync.library.conftest import Room
from workspace.db import Database
from workspace.errors import InvalidInput, NotAllowed, Unavailable
from workspace.events.models import Event
from workspace.parts import Parts
from workspace.work import open_work


def quiet(_text: str) -> None:
    """Nobody reads it here."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    base = tmp_path / "drive"
    (base / "双十一/主图").mkdir(parents=True)
    (base / "双十一/主图/kv.psd").write_bytes(os.urandom(3_000_000))
    (base / "双十一/说明.txt").write_bytes("说明".encode())
    (base / "empty.txt").write_bytes(b"")
    (base / "a?.txt").write_bytes(b"refused")
    (base / "link").symlink_to(base / "empty.txt")
    os.utime(base / "双十一/说明.txt", (1_700_000_000, 1_700_000_000))
    return base


def test_import_when_a_folder_then_all_but_what_is_refused_and_a_second_run_adds_nothing(
    room: Room, company: Database, parts: Parts, memory: MemoryStore, folder: Path, tmp_path: Path
) -> None:
    su = member_named(company, "suhang")
    done = import_files(parts, su, room.id, files_in(folder), quiet, into="旧网盘")
    assert (done.saved, done.same) == (3, 0)
    assert [path for path, _why in done.refused] == ["a?.txt"]
    assert done.refused[0][1]
    objects = set(memory.objects)
    again = import_files(parts, su, "主视觉素材", files_in(folder), quiet, into="旧网盘")
    assert (again.saved, again.same) == (0, 3)
    assert set(memory.objects) == objects
    (folder / "empty.txt").write_bytes(b"more")
    assert import_files(parts, su, room.id, files_in(folder), quiet, into="旧网盘").saved == 1
    with open_work(company, writes=False) as work:
        assert work.session.scalars(select(Version.author_name).where(Version.library_id == room.id)).unique().all() == ["苏航"]
        events = work.session.scalars(select(Event.origin).where(Event.kind == "library.version.committed")).all()
        assert {"import": "双十一/主图/kv.psd"} in events
    target = tmp_path / "out"
    assert export_library(parts, target, room.id, quiet) == 3
    for name in ("双十一/主图/kv.psd", "双十一/说明.txt", "empty.txt"):
        assert (target / "files/旧网盘" / name).read_bytes() == (folder / name).read_bytes()
    assert (target / "files/旧网盘/双十一/说明.txt").stat().st_mtime == 1_700_000_000
    with open(target / "versions.csv", encoding="utf-8-sig") as table:
        rows = {row["path"]: row for row in csv.DictReader(table)}
    assert rows["旧网盘/empty.txt"]["version"] == "2"


def test_export_when_a_file_is_called_like_a_formula_then_the_list_runs_nothing(
    room: Room, company: Database, parts: Parts, memory: MemoryStore, tmp_path: Path
) -> None:
    source, target = tmp_path / "drive", tmp_path / "out"
    source.mkdir()
    (source / "=HYPERLINK(A1).txt").write_bytes(b"a")
    import_files(parts, member_named(company, "suhang"), room.id, files_in(source), quiet)
    export_library(parts, target, room.id, quiet)
    assert (target / "files/=HYPERLINK(A1).txt").read_bytes() == b"a"
    with open(target / "versions.csv", encoding="utf-8-sig") as table:
        assert [row["path"] for row in csv.DictReader(table)] == ["'=HYPERLINK(A1).txt"]


def test_import_when_the_member_may_not_edit_or_see_then_refused(room: Room, company: Database, parts: Parts, folder: Path) -> None:
    with pytest.raises(NotAllowed):
        import_files(parts, member_named(company, "linyue"), room.id, files_in(folder), quiet)
    with pytest.raises(InvalidInput, match="0 libraries"):
        import_files(parts, member_named(company, "zhaoning"), room.id, files_in(folder), quiet)
    with pytest.raises(InvalidInput, match="Nobody"):
        member_named(company, "nobody")


def test_import_when_interrupted_then_the_next_run_goes_on(
    room: Room, company: Database, parts: Parts, memory: MemoryStore, folder: Path
) -> None:
    su = member_named(company, "suhang")
    files = list(files_in(folder))
    import_files(parts, su, room.id, files[:2], quiet)
    memory.failing = True
    with pytest.raises(Unavailable):
        import_files(parts, su, room.id, files, quiet)
    memory.failing = False
    done = import_files(parts, su, room.id, files, quiet)
    assert done.saved + done.same == 3


@pytest.mark.server
def test_import_when_an_s3_bucket_then_its_objects_become_files(room: Room, company: Database, parts: Parts, s3: S3Store) -> None:
    content = os.urandom(9_000_000)
    s3.put("old-drive/kv/film.mp4", content)
    s3.put("old-drive/kv/", b"")
    done = import_files(parts, member_named(company, "suhang"), room.id, objects_in(s3, "old-drive"), quiet)
    assert (done.saved, done.size_bytes) == (1, len(content))
    assert import_files(parts, member_named(company, "suhang"), room.id, objects_in(s3, "old-drive"), quiet).same == 1


def test_source_when_keys_are_missing_then_named_and_never_taken_from_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    with pytest.raises(InvalidInput, match="AWS_ACCESS_KEY_ID"):
        _files_of("s3://bucket/prefix")
    with pytest.raises(InvalidInput, match="no folder"):
        _files_of("/no/such/folder")


def test_export_when_of_a_day_then_the_versions_of_then(room: Room, company: Database, parts: Parts, tmp_path: Path) -> None:
    node = room.su.save(room.id, room.root, "a.txt", b"old").node
    room.su.save(room.id, room.root, "a.txt", b"new", node=node.id, base=1)
    room.su.save(room.id, room.root, "b.txt", b"later")
    then = datetime.now(UTC) - timedelta(days=9)
    with company.session(writes=True) as session:
        session.execute(update(Version).where(Version.node_id == node.id, Version.number == 1).values(at=then))
        session.execute(update(Node).where(Node.id == node.id).values(created_at=then))
        session.commit()
    assert export_library(parts, tmp_path / "out", room.id, quiet, at=then + timedelta(days=1)) == 1
    assert (tmp_path / "out/files/a.txt").read_bytes() == b"old"
