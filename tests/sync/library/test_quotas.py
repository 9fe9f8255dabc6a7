"""Quotas of departments: who sets them, what they count, and whom they stop, in words."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from sync.library.quotas.actions import count_uses, set_quota
from sync.library.quotas.models import DepartmentQuota, DepartmentUse
from sync.library.quotas.rules import Limit, first_full, parse_gigabytes, way_up
from sync.library.uploads.models import Upload
from sync.library.uploads.rules import KEPT, RESERVED_FOR
from tests.house import Person, member_named
from tests.sync.library.conftest import Room
from tests.sync.library.test_uploads import Tus
from workspace.db import Database
from workspace.people.models import Department

SignedIn = Callable[[str], Person]
WorkAs = Callable[..., Any]


@pytest.mark.parametrize(
    ("typed", "size_bytes"), [("", None), ("  ", None), ("1", 10**9), ("0.5", 5 * 10**8), ("1,000", 10**12), ("1000000", 10**15)]
)
def test_size_when_typed_then_in_bytes(typed: str, size_bytes: int | None) -> None:
    assert parse_gigabytes(typed) == size_bytes


@pytest.mark.parametrize("typed", ["0", "-1", "nan", "inf", "1e9", "很多", "1 GB", "٣x"])
def test_size_when_it_is_none_then_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"no size|could not convert"):
        parse_gigabytes(typed)


def test_limit_when_several_hold_then_the_first_that_is_exceeded() -> None:
    wide, narrow = Limit("a", "全部", 100, 10), Limit("b", "设计", 20, 15)
    assert first_full([wide, narrow], 5) is None
    assert first_full([wide, narrow], 6) is narrow
    assert way_up("b", {"a": None, "b": "a"}) == ["b", "a"]
    assert way_up("a", {"a": "b", "b": "a"}) == ["a", "b"], "a ring ends"


@pytest.fixture
def department_id(room: Room, work_as: WorkAs) -> str:
    with work_as("管力", writes=False) as work:
        return str(member_named(work, "苏航").department_id)


def used(work_as: WorkAs, department_id: str) -> int:
    with work_as("管力", writes=False) as work:
        return int(work.session.get_one(DepartmentUse, department_id).used_bytes)


def test_save_when_the_department_is_full_then_refused_in_words_and_others_go_on(
    room: Room, work_as: WorkAs, department_id: str, signed_in: SignedIn
) -> None:
    room.su.save(room.id, room.root, "before.bin", b"x" * 600)
    with work_as("管力") as work:
        set_quota(work, department_id, 1000)
    assert used(work_as, department_id) == 600
    assert room.su.save(room.id, room.root, "fits.bin", b"y" * 400).error is None
    refused = room.su.save(room.id, room.root, "more.bin", b"z").error
    assert (refused.code, refused.title) == ("quota", "部门“设计策划”的素材空间已满")
    assert "上限 1.0 kB" in refused.message
    person = signed_in("suhang")
    tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "10", "Upload-Metadata": "filename YQ=="}
    upload = person.post(f"/library/folders/{room.root}/uploads", headers={**tus, "Accept": "application/json"})
    assert (upload.status_code, upload.get_json()["error"]["title"]) == (422, "部门“设计策划”的素材空间已满")
    assert "部门“设计策划”的素材空间已用 100%" in person.get("/library").get_data(as_text=True)
    with work_as("管力") as work:
        set_quota(work, department_id, None)
    assert room.su.save(room.id, room.root, "more.bin", b"z").error is None


def test_room_when_others_of_a_department_are_just_bringing_files_then_counted_with_them(
    room: Room, work_as: WorkAs, department_id: str, signed_in: SignedIn, company: Database
) -> None:
    tus = Tus(signed_in("suhang"))
    with work_as("管力") as work:
        set_quota(work, department_id, 1000)
    assert tus.create(room.root, 600, filename="a.bin").status_code == 201
    refused = tus.create(room.root, 401, filename="b.bin")
    assert (refused.status_code, refused.get_json()["error"]["title"]) == (422, "部门“设计策划”的素材空间已满")
    assert tus.create(room.root, 400, filename="c.bin", data=b"c" * 400).status_code == 201
    with company.session(writes=True) as session:  # For an hour nothing came of it: the room is for those who use it.
        session.execute(update(Upload).values(expires_at=datetime.now(UTC) + KEPT - RESERVED_FOR))
        session.commit()
    assert tus.create(room.root, 600, filename="d.bin").status_code == 201


def test_use_when_counted_anew_then_departments_above_hold_those_below(room: Room, work_as: WorkAs, department_id: str) -> None:
    room.su.save(room.id, room.root, "a.bin", b"x" * 600)
    with work_as("管力") as work:
        above = Department(id="above-all", name="总部", parent_id=None)
        work.session.add(above)
        work.session.flush()
        work.session.get_one(Department, department_id).parent_id = above.id
        work.session.flush()
        set_quota(work, above.id, 1000)
    with work_as("管力") as work:
        work.session.get_one(DepartmentUse, "above-all").used_bytes = 5
        count_uses(work)
    assert used(work_as, "above-all") == 600
    assert room.su.save(room.id, room.root, "b.bin", b"x" * 500).error.title == "部门“总部”的素材空间已满"


def test_page_when_a_manager_sets_a_limit_then_it_holds_and_nonsense_stays_typed(
    room: Room, work_as: WorkAs, department_id: str, signed_in: SignedIn
) -> None:
    manager, url = signed_in("guanli"), f"/library/quotas/{department_id}"
    assert manager.post(url, {"quota": "1.5"}).status_code == 303
    assert "1.5 GB" in manager.get("/library/quotas").get_data(as_text=True)
    wrong = manager.post(url, {"quota": "很多"})
    assert wrong.status_code == 422
    assert 'value="很多"' in wrong.get_data(as_text=True)
    assert manager.post("/library/quotas/nowhere", {"quota": "1"}).status_code == 404
    assert manager.post(url, {"quota": ""}).status_code == 303
    with work_as("管力", writes=False) as work:
        assert work.session.scalar(select(DepartmentQuota)) is None
    assert signed_in("suhang").get("/library/quotas").status_code == 403
    assert signed_in("suhang").post(url, {"quota": "1"}).status_code == 403


def test_page_when_a_manager_limits_a_library_then_it_holds_and_agents_hear_of_it(room: Room, work_as: WorkAs, signed_in: SignedIn) -> None:
    manager, url, tag = signed_in("guanli"), f"/library/quotas/libraries/{room.id}", room.su.libraries().tag
    assert manager.post(url, {"quota": "0.001"}).status_code == 303
    assert "1.0 MB" in manager.get("/library/quotas").get_data(as_text=True)
    known = room.su.libraries()
    assert (known.libraries[0].quota_bytes, known.tag != tag) == (10**6, True)
    assert room.su.feed({room.id: 1}).pages[0].cursor == known.libraries[0].seq
    upload = Tus(signed_in("suhang")).create(room.root, 10**6 + 1, filename="a.bin")
    assert (upload.status_code, upload.get_json()["error"]["title"]) == (422, "素材库空间已满")
    assert manager.post(url, {"quota": "很多"}).status_code == 422
    assert manager.post("/library/quotas/libraries/nowhere", {"quota": "1"}).status_code == 404
    assert manager.post(url, {"quota": ""}).status_code == 303
    assert room.su.libraries().libraries[0].quota_bytes is None
    assert signed_in("suhang").post(url, {"quota": "1"}).status_code == 403
