"""Libraries as a network folder: what programs send, with the same rights and versions as everywhere.

Over 400 lines because what a network folder promises is one list, verb by verb.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import event, select, update
from werkzeug.test import TestResponse
from wsgidav.dav_error import DAVError

from sync.library.assets.models import Node, Version
from sync.library.leases.models import Lease
from sync.library.libraries.actions import open_library
from sync.library.libraries.models import Library, LibraryEvent
from sync.library.libraries.rules import Right
from sync.library.quotas.actions import set_quota
from sync.library.webdav import actions
from sync.library.webdav.locks import LockStorage
from tests.house import Person, member_named
from tests.sync.library.conftest import Room
from tests.sync.library.grants import grant_member
from workspace.db import Database
from workspace.devices.actions import add_folder_access
from workspace.people.actions import make_group

SignedIn = Callable[[str], Person]
Opens = Callable[..., Any]
TOP = "/dav/主视觉素材"


@dataclass
class Program:
    """A program that opened the network folder with somebody's password."""

    client: FlaskClient
    login: str
    password: str

    def send(self, method: str, path: str, data: bytes | str = b"", **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(path, method=method, data=data, auth=(self.login, self.password), headers=named)

    def names(self, path: str) -> list[str]:
        answer = self.send("PROPFIND", path, Depth="1")
        assert answer.status_code == 207, answer.get_data(as_text=True)
        return re.findall(r"<[\w:]*displayname>([^<]*)</", answer.get_data(as_text=True))[1:]

    def lock(self, path: str) -> str:
        body = (
            '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>'
            "<D:owner>Word</D:owner></D:lockinfo>"
        )
        answer = self.send("LOCK", path, body, Depth="0", Timeout="Second-600", Content_Type="application/xml")
        assert answer.status_code in (200, 201), answer.get_data(as_text=True)
        return answer.headers["Lock-Token"]


@pytest.fixture
def opened(app: Flask, work_as: Opens) -> Callable[[str], Program]:
    def program(name: str) -> Program:
        with work_as(name) as work:
            password = add_folder_access(work, name=f"{name}的网络文件夹")
        login = {"苏航": "suhang", "陈墨": "chenmo", "林悦": "linyue", "赵宁": "zhaoning"}[name]
        return Program(app.test_client(), login, password)

    return program


@pytest.fixture
def su(room: Room, opened: Callable[[str], Program]) -> Program:
    return opened("苏航")


def versions(work_as: Opens, name: str) -> list[tuple[int, str, int]]:
    with work_as("苏航") as work:
        query = select(Version.number, Version.author_name, Version.size_bytes).join(Node, Node.id == Version.node_id)
        query = query.where(Node.name == name, Node.deleted_at.is_(None)).order_by(Version.number)
        return [tuple(row) for row in work.session.execute(query)]


def test_folder_when_written_then_read_back_and_a_version_by_its_author(su: Program, work_as: Opens) -> None:
    assert su.send("MKCOL", f"{TOP}/双十一").status_code == 201
    assert su.send("PUT", f"{TOP}/双十一/海报 终稿.psd", b"one").status_code == 201
    assert su.send("PUT", f"{TOP}/双十一/海报 终稿.psd", b"second").status_code == 204
    answer = su.send("GET", f"{TOP}/双十一/海报 终稿.psd")
    assert (answer.status_code, answer.data) == (200, b"second")
    assert su.send("GET", f"{TOP}/双十一/海报 终稿.psd", Range="bytes=1-3").data == b"eco"
    assert su.send("GET", f"{TOP}/双十一/海报 终稿.psd", If_None_Match=answer.headers["ETag"]).status_code == 304
    assert su.names(f"{TOP}/双十一") == ["海报 终稿.psd"]
    assert versions(work_as, "海报 终稿.psd") == [(1, "苏航", 3), (2, "苏航", 6)]


def test_top_when_listed_then_the_libraries_that_one_sees(room: Room, su: Program, opened: Callable[[str], Program]) -> None:
    assert "主视觉素材" in su.names("/dav/")
    assert "主视觉素材" not in opened("赵宁").names("/dav/")


def test_top_when_two_libraries_have_one_name_then_told_apart(su: Program, work_as: Opens) -> None:
    with work_as("苏航") as work:
        group = make_group(work, name="另一组", kind="free", member_ids=[work.actor.member_id])
        open_library(work, name="主视觉素材", scope_room=None, group_id=group.id)
    names = [name for name in su.names("/dav/") if name.startswith("主视觉素材")]
    assert len(set(names)) == 2
    for name in names:
        assert su.send("PUT", f"/dav/{name}/a.txt", name).status_code == 201
    assert [su.send("GET", f"/dav/{name}/a.txt").get_data(as_text=True) for name in names] == names


def test_stranger_when_they_try_anything_then_absent(su: Program, opened: Callable[[str], Program]) -> None:
    su.send("PUT", f"{TOP}/a.txt", b"secret")
    stranger = opened("赵宁")
    tried = [
        stranger.send("PROPFIND", TOP, Depth="0"), stranger.send("GET", f"{TOP}/a.txt"), stranger.send("DELETE", f"{TOP}/a.txt"),
        stranger.send("MOVE", f"{TOP}/a.txt", Destination=f"{TOP}/b.txt"), stranger.send("GET", f"{TOP}/none.txt"),
    ]  # fmt: skip
    assert [answer.status_code for answer in tried] == [404] * 5
    assert stranger.send("PUT", f"{TOP}/c.txt", b"x").status_code == 409  # No such folder to put it in.
    assert su.names(TOP) == ["a.txt"]


def test_reader_when_writing_then_refused_in_words_and_nothing_changes(su: Program, opened: Callable[[str], Program]) -> None:
    su.send("PUT", f"{TOP}/a.txt", b"old")
    reader = opened("林悦")
    assert reader.send("GET", f"{TOP}/a.txt").data == b"old"
    for answer in (
        reader.send("PUT", f"{TOP}/a.txt", b"new"), reader.send("PUT", f"{TOP}/b.txt", b"new"), reader.send("MKCOL", f"{TOP}/x"),
        reader.send("DELETE", f"{TOP}/a.txt"), reader.send("MOVE", f"{TOP}/a.txt", Destination=f"http://localhost{TOP}/b.txt"),
    ):  # fmt: skip
        assert answer.status_code == 403
    assert su.names(TOP) == ["a.txt"]
    assert su.send("GET", f"{TOP}/a.txt").data == b"old"


@pytest.mark.parametrize("auth", [None, ("suhang", "wrong"), ("suhang", "Demo-2026"), ("suhang", "")])
def test_visitor_when_without_a_password_of_a_folder_then_asked_for_one(app: Flask, room: Room, auth: tuple[str, str] | None) -> None:
    for path in ("/dav/", TOP):
        answer = app.test_client().open(path, method="PROPFIND", auth=auth, headers={"Depth": "0"})
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_session_of_a_browser_when_it_speaks_webdav_then_refused(signed_in: SignedIn, room: Room) -> None:
    """A page elsewhere could make a browser send these with its cookie."""
    client = signed_in("suhang").client
    assert client.open(f"{TOP}/x.txt", method="PUT", data=b"x").status_code == 401
    assert client.get(f"{TOP}/x.txt").status_code == 401


def test_save_through_a_temporary_file_when_moved_onto_the_name_then_the_asset_stays(su: Program, work_as: Opens) -> None:
    su.send("PUT", f"{TOP}/方案.docx", b"first")
    su.send("PUT", f"{TOP}/~WRD0001.tmp", b"second")
    raw = f"http://localhost{TOP}/方案.docx".encode().decode("latin-1")  # UTF-8 where percent signs belong, as some programs do.
    assert su.send("MOVE", f"{TOP}/~WRD0001.tmp", Destination=raw).status_code == 204
    assert versions(work_as, "方案.docx") == [(1, "苏航", 5), (2, "苏航", 6)]
    assert su.names(TOP) == ["方案.docx"]


def test_move_when_a_folder_is_renamed_and_moved_then_one_row(su: Program, work_as: Opens) -> None:
    for folder in ("a", "b"):
        su.send("MKCOL", f"{TOP}/{folder}")
    su.send("PUT", f"{TOP}/a/x.txt", b"x")
    assert su.send("MOVE", f"{TOP}/a", Destination=f"http://localhost{TOP}/b/c").status_code == 201
    assert su.names(f"{TOP}/b") == ["c"]
    assert su.send("GET", f"{TOP}/b/c/x.txt").data == b"x"
    assert versions(work_as, "x.txt") == [(1, "苏航", 1)]
    assert su.send("MOVE", f"{TOP}/b", Destination=f"http://localhost{TOP}/b/c/d").status_code == 403


@pytest.mark.parametrize("overwrite", ["T", "F"])
def test_move_when_only_the_spelling_changes_then_renamed_and_nothing_is_deleted(su: Program, work_as: Opens, overwrite: str) -> None:
    su.send("MKCOL", f"{TOP}/kv")
    su.send("PUT", f"{TOP}/kv/a.txt", b"whole")
    for old, new in ((f"{TOP}/kv/a.txt", f"{TOP}/kv/A.TXT"), (f"{TOP}/kv", f"{TOP}/KV/")):
        assert su.send("MOVE", old, Destination=f"http://localhost{new}", Overwrite=overwrite).status_code == 204
    assert (su.names(TOP), su.names(f"{TOP}/KV")) == (["KV"], ["A.TXT"])
    assert versions(work_as, "A.TXT") == [(1, "苏航", 5)]


@pytest.mark.parametrize("target", [TOP, "/dav/", "/dav", f"{TOP}/kv", f"{TOP}/KV", f"{TOP}/kv/inner"])
@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_copy_and_move_when_onto_what_they_lie_in_then_refused_and_nothing_is_deleted(su: Program, method: str, target: str) -> None:
    su.send("MKCOL", f"{TOP}/kv")
    su.send("MKCOL", f"{TOP}/kv/inner")
    su.send("PUT", f"{TOP}/kv/inner/a.txt", b"x")
    for source in (f"{TOP}/kv/inner", f"{TOP}/kv/inner/a.txt"):
        assert su.send(method, source, Destination=f"http://localhost{target}").status_code in (403, 502), source
    assert (su.names(TOP), su.names(f"{TOP}/kv"), su.names(f"{TOP}/kv/inner")) == (["kv"], ["inner"], ["a.txt"])


def test_copy_when_of_a_folder_then_all_of_it_and_onto_a_file_a_version(su: Program, work_as: Opens) -> None:
    su.send("MKCOL", f"{TOP}/a")
    su.send("PUT", f"{TOP}/a/x.txt", b"x")
    assert su.send("COPY", f"{TOP}/a", Destination=f"http://localhost{TOP}/b").status_code == 201
    assert su.send("GET", f"{TOP}/b/x.txt").data == b"x"
    su.send("PUT", f"{TOP}/y.txt", b"yy")
    assert su.send("COPY", f"{TOP}/a/x.txt", Destination=f"http://localhost{TOP}/y.txt", Overwrite="F").status_code == 412
    assert su.send("COPY", f"{TOP}/a/x.txt", Destination=f"http://localhost{TOP}/y.txt").status_code == 204
    assert versions(work_as, "y.txt") == [(1, "苏航", 2), (2, "苏航", 1)]


def test_copy_when_to_another_library_then_the_bytes_go_over(su: Program, work_as: Opens) -> None:
    with work_as("苏航") as work:
        group = make_group(work, name="另一组", kind="free", member_ids=[work.actor.member_id])
        open_library(work, name="other", scope_room=None, group_id=group.id)
    su.send("PUT", f"{TOP}/x.txt", b"content" * 1000)
    assert su.send("COPY", f"{TOP}/x.txt", Destination="http://localhost/dav/other/y.txt").status_code == 201
    assert su.send("GET", "/dav/other/y.txt").data == b"content" * 1000
    assert su.send("MOVE", f"{TOP}/x.txt", Destination="http://localhost/dav/other/z.txt").status_code == 201
    assert su.send("GET", f"{TOP}/x.txt").status_code == 404


def test_delete_when_a_folder_then_it_is_in_the_trash(su: Program, signed_in: SignedIn, room: Room) -> None:
    su.send("MKCOL", f"{TOP}/旧")
    su.send("PUT", f"{TOP}/旧/x.txt", b"x")
    assert su.send("DELETE", f"{TOP}/旧").status_code == 204
    assert su.names(TOP) == []
    assert "旧" in signed_in("suhang").get(f"/library/{room.id}/trash").get_data(as_text=True)
    assert su.send("DELETE", TOP).status_code == 403


def test_lock_when_held_then_others_wait_and_its_holder_saves(su: Program, opened: Callable[[str], Program]) -> None:
    su.send("PUT", f"{TOP}/a.txt", b"one")
    token = su.lock(f"{TOP}/a.txt")
    chen = opened("陈墨")
    assert chen.send("PUT", f"{TOP}/a.txt", b"two").status_code == 423
    assert chen.send("DELETE", f"{TOP}/a.txt").status_code == 423
    assert su.send("PUT", f"{TOP}/a.txt", b"two", If=f"({token})").status_code == 204
    assert chen.send("UNLOCK", f"{TOP}/a.txt", Lock_Token=token).status_code == 403
    assert su.send("UNLOCK", f"{TOP}/a.txt", Lock_Token=token).status_code == 204
    assert chen.send("PUT", f"{TOP}/a.txt", b"three").status_code == 204


def test_lock_when_on_a_new_name_then_an_empty_file_that_the_save_fills(su: Program) -> None:
    """What Explorer and Finder do."""
    token = su.lock(f"{TOP}/new.txt")
    assert su.send("GET", f"{TOP}/new.txt").data == b""
    assert su.send("PUT", f"{TOP}/new.txt", b"text", If=f"({token})").status_code == 204
    assert su.send("GET", f"{TOP}/new.txt").data == b"text"


def test_save_when_the_line_breaks_then_nothing_is_saved(app: Flask, su: Program, work_as: Opens) -> None:
    su.send("PUT", f"{TOP}/a.txt", b"whole")
    answer = su.client.open(
        f"{TOP}/a.txt", method="PUT", data=b"hal", auth=(su.login, su.password), environ_overrides={"CONTENT_LENGTH": "1000"}
    )
    assert answer.status_code == 400
    assert versions(work_as, "a.txt") == [(1, "苏航", 5)]


@pytest.mark.parametrize("name", ["CON", "a%3Ab.txt", "x%00y", "尾巴.", "a%5Cb"])
def test_name_when_it_cannot_be_stored_then_refused_with_a_reason(su: Program, name: str) -> None:
    assert su.send("PUT", f"{TOP}/{name}", b"x").status_code in (400, 403)
    assert su.names(TOP) == []


@pytest.mark.parametrize("path", ["/dav/../library", "/dav/主视觉素材/../../etc/passwd", "/dav/主视觉素材/%2e%2e/x", "/dav/" + "a/" * 300])
def test_path_when_it_leads_elsewhere_then_not_there(su: Program, path: str) -> None:
    assert su.send("GET", path).status_code in (301, 302, 308, 401, 403, 404, 405)
    assert su.send("PROPFIND", path, Depth="0").status_code in (301, 308, 400, 403, 404, 405)


def test_body_when_hostile_then_refused(su: Program) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><D:propfind xmlns:D="DAV:">&b;</D:propfind>'
    assert su.send("PROPFIND", TOP, bomb, Depth="0", Content_Type="application/xml").status_code in (400, 403)
    assert su.send("PROPFIND", TOP, "<not xml", Depth="0", Content_Type="application/xml").status_code == 400
    assert su.send("PROPFIND", TOP, "x" * 2_000_000, Depth="0").status_code == 413
    assert su.send("PROPFIND", TOP, Depth="infinity").status_code == 403
    assert su.send("MOVE", TOP + "/none").status_code == 404


def test_times_when_explorer_sets_them_then_accepted(su: Program) -> None:
    su.send("PUT", f"{TOP}/a.txt", b"x")
    body = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>'
        "<Z:Win32LastModifiedTime>Sat, 21 Nov 2026 10:00:00 GMT</Z:Win32LastModifiedTime></D:prop></D:set></D:propertyupdate>"
    )
    answer = su.send("PROPPATCH", f"{TOP}/a.txt", body, Content_Type="text/xml", User_Agent="Microsoft-WebDAV-MiniRedir/10.0.19045")
    assert answer.status_code == 207
    assert "200 OK" in answer.get_data(as_text=True)


def test_password_when_revoked_then_over_at_once(su: Program, signed_in: SignedIn) -> None:
    page = signed_in("suhang").get("/devices").get_data(as_text=True)
    found = re.search(r"/devices/(\w+)/revocation", page)
    assert found
    signed_in("suhang").post(f"/devices/{found[1]}/revocation", {})
    assert su.send("PROPFIND", TOP, Depth="0").status_code == 401


# --- refused or done as a whole ---------------------------------------------------------------------------------------


def test_move_when_refused_then_what_was_at_the_target_is_still_there(
    su: Program, opened: Callable[[str], Program], work_as: Opens
) -> None:
    """The source may not be moved: the target must not be emptied for it."""
    for folder in ("a", "a/x", "b", "b/x"):
        su.send("MKCOL", f"{TOP}/{folder}")
    su.send("PUT", f"{TOP}/b/x/keep.txt", b"keep")
    with work_as("管力") as work:
        node = work.session.scalars(select(Node).where(Node.name == "a", Node.parent_id.is_not(None))).one()
        grant_member(work, node.id, "陈墨", Right.SEE)
    chen = opened("陈墨")
    assert chen.send("MOVE", f"{TOP}/a/x", Destination=f"http://localhost{TOP}/b/x").status_code == 403
    assert (su.names(f"{TOP}/a"), su.names(f"{TOP}/b/x")) == (["x"], ["keep.txt"])


def test_copy_when_of_a_folder_onto_one_then_the_same_assets_and_no_second_heads(su: Program, work_as: Opens) -> None:
    for folder in ("a", "a/d", "b", "b/d"):
        su.send("MKCOL", f"{TOP}/{folder}")
    for path, body in (("a/x.txt", b"from a"), ("a/d/y.txt", b"y"), ("b/x.txt", b"b"), ("b/only.txt", b"b"), ("b/d/y.txt", b"b")):
        su.send("PUT", f"{TOP}/{path}", body)
    for slash in ("", "/"):
        assert su.send("COPY", f"{TOP}/a{slash}", Destination=f"http://localhost{TOP}/b{slash}").status_code == 204
        assert (su.names(f"{TOP}/b"), su.names(f"{TOP}/b/d")) == (["d", "x.txt"], ["y.txt"])
    assert su.send("GET", f"{TOP}/b/x.txt").data == b"from a"
    with work_as("苏航") as work:
        query = select(Version.number).join(Node, Node.id == Version.node_id).where(Node.name == "x.txt")
        assert sorted(work.session.scalars(query)) == [1, 1, 2]


def test_copy_when_it_is_of_too_much_then_refused(su: Program, work_as: Opens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.library.webdav.moving.COPY_MOST", 2)
    for path in ("a", "a/b", "a/c"):
        su.send("MKCOL", f"{TOP}/{path}")
    with work_as("苏航") as work:
        group = make_group(work, name="另一组", kind="free", member_ids=[work.actor.member_id])
        open_library(work, name="other", scope_room=None, group_id=group.id)
    for target in (f"{TOP}/z", "/dav/other/z"):
        assert su.send("COPY", f"{TOP}/a", Destination=f"http://localhost{target}").status_code == 403
        assert su.send("COPY", f"{TOP}/a/b", Destination=f"http://localhost{target}").status_code == 201
    assert (su.names(TOP), su.names("/dav/other")) == (["a", "z"], ["z"])


@pytest.mark.parametrize("method", ["COPY", "MOVE"])
def test_file_when_brought_onto_one_of_another_library_then_that_ones_next_version(su: Program, work_as: Opens, method: str) -> None:
    with work_as("苏航") as work:
        group = make_group(work, name="另一组", kind="free", member_ids=[work.actor.member_id])
        open_library(work, name="other", scope_room=None, group_id=group.id)
    su.send("PUT", f"{TOP}/x.txt", b"new")
    su.send("PUT", "/dav/other/y.txt", b"old one")
    su.send("MKCOL", "/dav/other/folder")
    assert su.send(method, f"{TOP}/x.txt", Destination="http://localhost/dav/other/folder").status_code == 403
    assert su.send(method, f"{TOP}/x.txt", Destination="http://localhost/dav/other/y.txt").status_code == 204
    assert versions(work_as, "y.txt") == [(1, "苏航", 7), (2, "苏航", 3)]
    assert su.names("/dav/other") == ["folder", "y.txt"]
    assert su.names(TOP) == (["x.txt"] if method == "COPY" else [])


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


# --- locks ------------------------------------------------------------------------------------------------------------


def lock_body(scope: str = "exclusive") -> str:
    return (
        f'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:{scope}/></D:lockscope><D:locktype><D:write/></D:locktype>'
        "<D:owner>Word</D:owner></D:lockinfo>"
    )


def test_lock_when_it_is_refused_on_a_new_name_then_no_empty_file_is_left(
    su: Program, opened: Callable[[str], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    su.send("MKCOL", f"{TOP}/d")
    assert su.send("LOCK", f"{TOP}/d", lock_body(), Depth="infinity", Content_Type="application/xml").status_code == 200
    chen = opened("陈墨")
    answer = chen.send("LOCK", f"{TOP}/d/new.txt", lock_body(), Depth="0", Content_Type="application/xml")
    assert answer.status_code == 423
    assert f"{TOP}/d" in unquote(answer.get_data(as_text=True))  # What is locked, and not under which ids.
    monkeypatch.setattr("sync.library.webdav.locks.MOST", 0)
    assert chen.send("LOCK", f"{TOP}/new.txt", lock_body(), Depth="0", Content_Type="application/xml").status_code == 403
    assert (su.names(TOP), su.names(f"{TOP}/d")) == (["d"], [])


def test_lock_when_two_processes_give_one_at_once_then_only_one_does(su: Program, room: Room, app: Flask, work_as: Opens) -> None:
    """WsgiDAV keeps the requests of one process apart; the library's row keeps all of them."""
    su.send("MKCOL", f"{TOP}/d")
    with work_as("苏航") as work:
        folder = work.session.scalars(select(Node.id).where(Node.name == "d")).one()
    wanted = {"type": "write", "scope": "exclusive", "depth": "infinity", "owner": b"", "timeout": 60}
    with app.test_request_context():
        first, second = LockStorage(), LockStorage()
        first.create(f"/{room.id}/{folder}", {**wanted, "principal": "a"})
        g.webdav_locks = []  # As the second process saw it a moment before.
        with pytest.raises(DAVError):
            second.create(f"/{room.id}/{folder}/x", {**wanted, "principal": "b"})
        with pytest.raises(DAVError):
            second.create(f"/{room.id}", {**wanted, "principal": "b"})
        second.create(f"/{room.id}/elsewhere", {**wanted, "principal": "b"})


def test_lock_when_its_check_out_is_taken_back_then_others_may_save(
    su: Program, opened: Callable[[str], Program], signed_in: SignedIn, work_as: Opens, room: Room
) -> None:
    su.send("PUT", f"{TOP}/a.txt", b"one")
    su.lock(f"{TOP}/a.txt")
    with work_as("管力") as work:
        asset = work.session.scalars(select(Node.id).where(Node.name == "a.txt")).one()
        until = work.session.get_one(Lease, asset).until
        grant_member(work, room.root, "林悦", Right.MANAGE)
    assert until < datetime.now(UTC) + timedelta(seconds=601)  # As long as the lock, which was taken for 600 s.
    chen = opened("陈墨")
    assert chen.send("PUT", f"{TOP}/a.txt", b"two").status_code == 423
    signed_in("linyue").post(f"/library/assets/{asset}/lease/breaking", {})
    assert chen.send("PUT", f"{TOP}/a.txt", b"two").status_code == 204


def test_folder_when_something_in_it_is_locked_by_another_then_not_deleted(su: Program, opened: Callable[[str], Program]) -> None:
    su.send("MKCOL", f"{TOP}/d")
    su.send("PUT", f"{TOP}/d/a.txt", b"one")
    answer = su.send("LOCK", f"{TOP}/d/a.txt", lock_body("shared"), Depth="0", Content_Type="application/xml")
    token = answer.headers["Lock-Token"]
    assert opened("陈墨").send("DELETE", f"{TOP}/d").status_code == 423
    assert su.send("DELETE", f"{TOP}/d").status_code == 423  # Another program of the same member.
    assert su.send("DELETE", f"{TOP}/d", If=f"<http://localhost{TOP}/d/a.txt> ({token})").status_code == 204


# --- what systems put beside files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["._海报.psd", ".DS_Store", "Thumbs.db", "desktop.ini", "~$方案.docx", ".~lock.方案.odt#"])
def test_file_of_a_system_when_written_then_kept_apart_for_who_wrote_it(
    su: Program, opened: Callable[[str], Program], work_as: Opens, name: str
) -> None:
    """As Finder does it: ask, lock, write, unlock, look."""
    path = f"{TOP}/{quote(name)}"
    su.send("PUT", f"{TOP}/海报.psd", b"psd")
    assert su.send("PROPFIND", path, Depth="0").status_code == 404
    locked = su.send("LOCK", path, lock_body(), Depth="0", Content_Type="application/xml")
    assert locked.status_code == 201
    assert su.send("PUT", path, b"attributes", If=f"({locked.headers['Lock-Token']})").status_code == 204
    assert su.send("PROPPATCH", path, "<x/>").status_code == 207
    assert su.send("UNLOCK", path, Lock_Token=locked.headers["Lock-Token"]).status_code == 204
    assert (su.send("GET", path).data, su.send("HEAD", path).status_code) == (b"attributes", 200)
    assert "<ns0:getcontentlength>10<" in su.send("PROPFIND", path, Depth="0").get_data(as_text=True).replace("D:", "ns0:")
    assert su.names(TOP) == ["海报.psd"]
    assert opened("陈墨").send("GET", path).status_code == 404
    with work_as("苏航") as work:
        assert {node.name for node in work.session.scalars(select(Node))} == {"", "海报.psd"}
    assert su.send("DELETE", path).status_code == 204
    assert su.send("GET", path).status_code == 404


def test_file_of_a_system_when_its_companion_is_renamed_or_copied_then_it_goes_along(su: Program) -> None:
    su.send("MKCOL", f"{TOP}/d")
    su.send("PUT", f"{TOP}/._a.psd", b"of a")
    assert su.send("MOVE", f"{TOP}/._a.psd", Destination=f"http://localhost{TOP}/d/._b.psd").status_code == 201
    assert su.send("COPY", f"{TOP}/d/._b.psd", Destination=f"http://localhost{TOP}/._c.psd").status_code == 201
    assert [su.send("GET", f"{TOP}/{name}").status_code for name in ("._a.psd", "d/._b.psd", "._c.psd")] == [404, 200, 200]
    assert su.send("MOVE", f"{TOP}/._c.psd", Destination=f"http://localhost{TOP}/real.psd").status_code == 403
    assert su.send("MKCOL", f"{TOP}/._folder").status_code == 403


def test_file_of_a_system_when_there_are_too_many_or_where_nobody_may_look_then_bounded(
    su: Program, opened: Callable[[str], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.library.webdav.aside.MOST", 3)
    for number in range(5):
        assert su.send("PUT", f"{TOP}/._{number}", b"x").status_code == 201
    assert [su.send("GET", f"{TOP}/._{number}").status_code for number in (0, 4)] == [404, 200]
    assert opened("赵宁").send("PUT", f"{TOP}/._x", b"x").status_code == 409
    assert su.send("PUT", f"{TOP}/none/._x", b"x").status_code == 409


def test_file_of_a_system_when_it_holds_content_then_a_file_like_any_other(su: Program) -> None:
    """An old font is all in its resource fork, which Finder sends as ``._name``."""
    font = b"f" * (256 * 1024 + 1)
    assert su.send("PUT", f"{TOP}/._Garamond", font).status_code == 201
    assert su.names(TOP) == ["._Garamond"]
    assert su.send("GET", f"{TOP}/._Garamond").data == font
    assert su.send("PUT", f"{TOP}/._Garamond", b"short").status_code == 204
    assert su.send("DELETE", f"{TOP}/._Garamond").status_code == 204
    assert su.names(TOP) == []


# --- dead properties --------------------------------------------------------------------------------------------------


def set_property(program: Program, path: str, value: str | None, name: str = "colour") -> str:
    """Set it, or remove it without a value; the status of that."""
    inner = f'<D:set><D:prop><x:{name} xmlns:x="urn:x">{value}</x:{name}></D:prop></D:set>'
    if value is None:
        inner = f'<D:remove><D:prop><x:{name} xmlns:x="urn:x"/></D:prop></D:remove>'
    body = f'<D:propertyupdate xmlns:D="DAV:">{inner}</D:propertyupdate>'
    answer = program.send("PROPPATCH", path, body, Content_Type="text/xml")
    assert answer.status_code == 207
    found = re.search(r"HTTP/1.1 (\d+)", answer.get_data(as_text=True))
    assert found
    return found[1]


def colours(program: Program, path: str, depth: str = "0") -> list[str]:
    body = '<D:propfind xmlns:D="DAV:"><D:prop><x:colour xmlns:x="urn:x"/></D:prop></D:propfind>'
    answer = program.send("PROPFIND", path, body, Depth=depth, Content_Type="text/xml").get_data(as_text=True)
    return re.findall(r":colour[^>]*>([^<]+)</", answer)


def test_property_when_set_then_it_stays_with_the_file_where_it_goes(su: Program, opened: Callable[[str], Program]) -> None:
    su.send("PUT", f"{TOP}/a.txt", b"x")
    su.send("PUT", f"{TOP}/other.txt", b"x")
    su.send("MKCOL", f"{TOP}/d")
    assert set_property(su, f"{TOP}/a.txt", "红 &amp; blue") == "200"
    assert colours(su, f"{TOP}/a.txt") == ["红 &amp; blue"]
    assert colours(su, TOP, "1") == ["红 &amp; blue"]
    su.send("COPY", f"{TOP}/a.txt", Destination=f"http://localhost{TOP}/copy.txt")
    su.send("MOVE", f"{TOP}/a.txt", Destination=f"http://localhost{TOP}/d/b.txt")
    su.send("PUT", f"{TOP}/d/b.txt", b"next version")
    assert colours(su, f"{TOP}/d/b.txt") == colours(su, f"{TOP}/copy.txt") == ["红 &amp; blue"]
    assert set_property(su, f"{TOP}/d/b.txt", None) == "200"
    assert set_property(su, f"{TOP}/d/b.txt", None) == "200"  # Of one that is not there no error is made.
    assert colours(su, f"{TOP}/d/b.txt") == []
    su.send("COPY", f"{TOP}/d/b.txt", Destination=f"http://localhost{TOP}/copy.txt")
    assert colours(su, f"{TOP}/copy.txt") == []
    assert set_property(opened("林悦"), f"{TOP}/other.txt", "x") == "403"
    assert set_property(su, TOP, "x") == "403"
    assert opened("赵宁").send("PROPPATCH", f"{TOP}/other.txt", "<x/>").status_code == 404


def test_property_when_too_many_or_too_long_then_refused(su: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.library.webdav.properties.MOST", 2)
    su.send("PUT", f"{TOP}/a.txt", b"x")
    assert [set_property(su, f"{TOP}/a.txt", "v", name=f"p{number}") for number in range(3)] == ["200", "200", "507"]
    assert set_property(su, f"{TOP}/a.txt", "w", name="p0") == "200"
    assert set_property(su, f"{TOP}/a.txt", "x" * 5000, name="p0") == "507"


def test_properties_when_a_folder_is_listed_then_asked_for_once(su: Program, counted: Callable[[], list[str]]) -> None:
    for number in range(6):
        su.send("PUT", f"{TOP}/{number}.txt", b"x")
    set_property(su, f"{TOP}/3.txt", "red")
    statements = counted()
    assert colours(su, TOP, "1") == ["red"]
    assert sum("FROM webdav_property" in statement for statement in statements) == 1
    assert sum("FROM webdav_lock" in statement for statement in statements) <= 1


@pytest.fixture
def counted(company: Database) -> Iterator[Callable[[], list[str]]]:
    """Statements from the call on."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(company.engine, "before_cursor_execute", note)
    yield lambda: (seen.clear(), seen)[1]
    event.remove(company.engine, "before_cursor_execute", note)


HOSTILE_HEADERS = [
    {"Depth": "x"}, {"Depth": "-1"}, {"Timeout": "Second-"}, {"Timeout": "Second-" + "9" * 400}, {"Timeout": "Infinite, Second-x"},
    {"Overwrite": "X"}, {"Destination": "http://["}, {"Destination": ""}, {"Destination": "//"},
    {"Destination": "http://localhost/dav/%ff%fe/a"}, {"Destination": "http://localhost/dav/../../etc"}, {"If": "<<<"}, {"If": "(<x>"},
    {"If": "(" * 500}, {"If": '(["x"] <y>)'}, {"If": f"<http://localhost{quote(TOP)}/a.txt> (Not <DAV:no-lock>)"}, {"Lock-Token": "<>"},
    {"Range": "bytes=-"}, {"Range": "bytes=" + "9" * 60 + "-"}, {"If-Match": "x"}, {"If-Unmodified-Since": "never"},
    {"Content-Encoding": "gzip"}, {"Content-Range": "bytes 0-1/2"}, {"X-Expected-Entity-Length": "-5"},
]  # fmt: skip
HOSTILE_BODIES = [
    "", "<", "<x/>", '<D:lockinfo xmlns:D="DAV:"/>', '<D:propfind xmlns:D="DAV:"><D:prop><y xmlns=""/></D:prop></D:propfind>',
    '<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><z/></D:prop></D:set></D:propertyupdate>', "\x00", "\ufeff<a>",
]  # fmt: skip


@pytest.mark.parametrize("method", ["PROPFIND", "PROPPATCH", "PUT", "MOVE", "LOCK", "GET"])
def test_request_when_its_headers_or_body_are_hostile_then_never_a_mistake_of_ours(su: Program, method: str) -> None:
    """405, 501, 502 and 507 are answers; 500 is none."""
    seen: dict[str, int] = {}
    for number, headers in enumerate(HOSTILE_HEADERS):
        if method in ("DELETE", "MOVE") or not number:
            su.send("PUT", f"{TOP}/a.txt", b"x")
        answer = su.client.open(
            f"{TOP}/a.txt", method=method, headers=headers, auth=(su.login, su.password), data=HOSTILE_BODIES[number % 8]
        )
        seen[f"{headers}"[:80]] = answer.status_code
    for body in HOSTILE_BODIES:
        answer = su.send(method, f"{TOP}/a.txt", body, Depth="0")
        seen[body] = answer.status_code
    assert {what: status for what, status in seen.items() if status >= 500 and status not in (501, 502, 507)} == {}
