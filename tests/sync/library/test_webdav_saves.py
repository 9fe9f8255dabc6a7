"""Saves into a network folder: through temporary files and backups, cut off, over what came meanwhile, and without room."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from sync.library.libraries.models import Library, LibraryEvent
from sync.library.quotas.actions import set_quota
from sync.library.webdav import actions
from tests.house import member_named
from tests.sync.library.conftest import Room
from tests.sync.library.webdav import TOP, Opens, Program, versions


def test_save_through_a_temporary_file_when_moved_onto_the_name_then_the_asset_stays(su: Program, work_as: Opens) -> None:
    su.send("PUT", f"{TOP}/方案.docx", b"first")
    su.send("PUT", f"{TOP}/~WRD0001.tmp", b"second")
    raw = f"http://localhost{TOP}/方案.docx".encode().decode("latin-1")  # UTF-8 where percent signs belong, as some programs do.
    assert su.send("MOVE", f"{TOP}/~WRD0001.tmp", Destination=raw).status_code == 204
    assert versions(work_as, "方案.docx") == [(1, "苏航", 5), (2, "苏航", 6)]
    assert su.names(TOP) == ["方案.docx"]


def test_save_when_the_line_breaks_then_nothing_is_saved(app: Flask, su: Program, work_as: Opens) -> None:
    su.send("PUT", f"{TOP}/a.txt", b"whole")
    answer = su.client.open(
        f"{TOP}/a.txt", method="PUT", data=b"hal", auth=(su.login, su.password), environ_overrides={"CONTENT_LENGTH": "1000"}
    )
    assert answer.status_code == 400
    assert versions(work_as, "a.txt") == [(1, "苏航", 5)]


def test_document_when_office_saves_it_through_a_backup_then_the_asset_stays(su: Program, work_as: Opens) -> None:
    """Word on a drive that Explorer made of a network folder."""
    su.send("PUT", f"{TOP}/方案.docx", b"first")
    su.send("PUT", f"{TOP}/~WRD0001.tmp", b"second")
    assert su.send("MOVE", f"{TOP}/方案.docx", Destination=f"http://localhost{TOP}/~WRL0002.tmp", Overwrite="F").status_code == 201
    assert su.send("MOVE", f"{TOP}/~WRD0001.tmp", Destination=f"http://localhost{TOP}/方案.docx", Overwrite="F").status_code == 201
    assert su.send("GET", f"{TOP}/~WRL0002.tmp").data == b"first"
    assert su.send("DELETE", f"{TOP}/~WRL0002.tmp").status_code == 204
    assert su.names(TOP) == ["方案.docx"]
    assert su.send("GET", f"{TOP}/方案.docx").data == b"second"
    assert versions(work_as, "方案.docx") == [(1, "苏航", 5), (2, "苏航", 6)]


@pytest.mark.parametrize("present", [True, False])
def test_save_when_something_came_while_its_bytes_did_then_refused_where_the_program_wanted_so(
    su: Program, opened: Callable[[str], Program], work_as: Opens, monkeypatch: pytest.MonkeyPatch, present: bool
) -> None:
    headers = {"If_None_Match": "*"}
    if present:
        su.send("PUT", f"{TOP}/a.txt", b"base")
        headers = {"If_Match": su.send("GET", f"{TOP}/a.txt").headers["ETag"]}
    chen, write = opened("陈墨"), actions.write_file

    def slow(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(actions, "write_file", write)
        assert chen.send("PUT", f"{TOP}/a.txt", b"chen's").status_code in (201, 204)
        return write(*arguments, **named)

    monkeypatch.setattr(actions, "write_file", slow)
    assert su.send("PUT", f"{TOP}/a.txt", b"mine", **headers).status_code == 412
    assert su.send("GET", f"{TOP}/a.txt").data == b"chen's"


def test_save_when_it_names_a_version_of_what_is_not_there_then_refused(su: Program) -> None:
    assert su.send("PUT", f"{TOP}/none.txt", b"x", If_Match='"b3:0"').status_code == 412
    assert su.names(TOP) == []


@pytest.mark.parametrize("announced", [True, False])
def test_save_when_there_is_no_room_for_it_then_refused_before_it_is_stored(
    su: Program, room: Room, work_as: Opens, memory: Any, announced: bool
) -> None:
    with work_as("苏航") as work:
        work.session.execute(update(Library).where(Library.id == room.id).values(quota_bytes=1000))
        work.record(LibraryEvent.OPENED, subject="library:x", rooms=["audit"], library="x")
    before = len(list(memory.list("packs/")))
    more = {} if announced else {"environ_overrides": {"CONTENT_LENGTH": "", "wsgi.input_terminated": True}}
    answer = su.client.open(f"{TOP}/big.bin", method="PUT", data=b"x" * 1001, auth=(su.login, su.password), **more)
    assert answer.status_code == 507
    assert su.names(TOP) == []
    assert len(list(memory.list("packs/"))) == before
    assert su.send("PUT", f"{TOP}/small.bin", b"x").status_code == 201


def test_save_when_the_department_has_no_room_then_refused_before_it_is_stored(su: Program, work_as: Opens, memory: Any) -> None:
    with work_as("管力") as work:
        set_quota(work, str(member_named(work, "苏航").department_id), 1000)
    answer = su.send("PUT", f"{TOP}/big.bin", b"x" * 1001)
    assert (answer.status_code, "部门" in answer.get_data(as_text=True)) == (507, True)
    assert list(memory.list("packs/")) == []
    assert su.send("PUT", f"{TOP}/small.bin", b"x" * 999).status_code == 201
