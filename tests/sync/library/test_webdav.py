"""Libraries as a network folder: what programs send, with the same rights and versions as everywhere.

Saves, locks, and what systems put beside files have files of their own.
"""

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select

from sync.core.chunking import CHUNK_MAX_BYTES, Chunk, Cutter
from sync.core.hashing import address_of
from sync.core.manifest import manifest_of
from sync.library.assets.models import Node, Version
from sync.library.libraries.actions import open_library
from sync.library.libraries.rules import Right
from tests.sync.library.agents import commit
from tests.sync.library.conftest import Room
from tests.sync.library.grants import grant_member
from tests.sync.library.webdav import TOP, Opens, Program, SignedIn, versions
from workspace.people.actions import make_group


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


def test_copy_when_to_another_library_and_it_unfolds_to_too_much_then_refused(room: Room, su: Program, work_as: Opens) -> None:
    """4 KiB of a pack that unfold to 203 GiB, for whoever writes them to a disk on the way."""
    with work_as("苏航") as work:
        group = make_group(work, name="另一组", kind="free", member_ids=[work.actor.member_id])
        open_library(work, name="other", scope_room=None, group_id=group.id)
    zeros = bytes(CHUNK_MAX_BYTES)
    bomb = manifest_of([Chunk(address_of(zeros), len(zeros))] * 52_000, Cutter.CDC_1M)
    assert room.su.ops(room.id, commit(room.root, "x.bin", bomb), packs=(room.su.put(room.id, [zeros]),))[0].outcome == "applied"
    for method in ("COPY", "MOVE"):
        assert su.send(method, f"{TOP}/x.bin", Destination="http://localhost/dav/other/y.bin").status_code == 507
    assert (su.names(TOP), su.names("/dav/other")) == (["x.bin"], [])


def test_delete_when_a_folder_then_it_is_in_the_trash(su: Program, signed_in: SignedIn, room: Room) -> None:
    su.send("MKCOL", f"{TOP}/旧")
    su.send("PUT", f"{TOP}/旧/x.txt", b"x")
    assert su.send("DELETE", f"{TOP}/旧").status_code == 204
    assert su.names(TOP) == []
    assert "旧" in signed_in("suhang").get(f"/library/{room.id}/trash").get_data(as_text=True)
    assert su.send("DELETE", TOP).status_code == 403


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


def test_password_when_revoked_then_over_at_once(su: Program, signed_in: SignedIn) -> None:
    page = signed_in("suhang").get("/devices").get_data(as_text=True)
    found = re.search(r"/devices/(\w+)/revocation", page)
    assert found
    signed_in("suhang").post(f"/devices/{found[1]}/revocation", {})
    assert su.send("PROPFIND", TOP, Depth="0").status_code == 401


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
