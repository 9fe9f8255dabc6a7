"""Locks of a network folder: the check-outs of the library, as programs take them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from flask import Flask, g
from sqlalchemy import select
from wsgidav.dav_error import DAVError

from sync.library.assets.models import Node
from sync.library.leases.models import Lease
from sync.library.libraries.rules import Right
from sync.library.webdav.locks import LockStorage
from tests.sync.library.conftest import Room
from tests.sync.library.grants import grant_member
from tests.sync.library.webdav import TOP, Opens, Program, SignedIn, lock_body


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
