"""Check-outs: they bind everywhere, end by themselves, and never cost anybody a save."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete as delete_rows

from sync.core.protocol import Endpoint, LeasesAnswer, LeasesRequest, Outcome
from sync.library.leases.actions import end_leases, take_lease
from sync.library.leases.models import Lease
from sync.library.leases.rules import WAYS, binds, until
from sync.library.libraries.actions import open_library
from sync.library.libraries.rules import Right
from tests.house import NOW, Person, member_named
from tests.sync.library.agents import Refused, TestAgent, commit, delete, make_folder, rename
from tests.sync.library.conftest import Room
from tests.sync.library.grants import grant_member
from tests.sync.library.test_pages import upload
from tests.sync.library.webdav import TOP, Program
from workspace.devices.actions import revoke_devices_of_desktop
from workspace.errors import Conflict
from workspace.people.actions import make_group
from workspace.people.models import GroupMember

SignedIn = Callable[[str], Person]
Opens = Callable[..., Any]


@pytest.fixture
def asset(room: Room) -> Any:
    return room.su.save(room.id, room.root, "主视觉.psd", b"first").node


def check_out(agent: TestAgent, room: Room, *nodes: str, give_back: tuple[str, ...] = ()) -> dict[str, str]:
    """Node -> who has it."""
    answer = agent.ask(Endpoint.LEASES.path(room.id), LeasesRequest(nodes, give_back), LeasesAnswer)
    return {lease.node: lease.name for lease in answer.leases}


def held(agent: TestAgent, room: Room, cursor: int) -> dict[str, str]:
    page = next(page for page in agent.feed({room.id: cursor}).pages if page.library == room.id)
    return {lease.node: lease.name for lease in page.leases}


def seq(agent: TestAgent, room: Room) -> int:
    return next(found.seq for found in agent.libraries().libraries if found.id == room.id)


def test_binds_when_others_and_not_over_then_true() -> None:
    assert binds("a", "b", NOW + timedelta(minutes=1), NOW)
    assert not binds("a", "a", NOW + timedelta(minutes=1), NOW)
    assert not binds("a", "b", NOW, NOW)
    assert until("open", NOW) == NOW + WAYS["open"]


def test_check_out_when_a_mount_opens_then_others_see_who_and_cannot_take_it(room: Room, asset: Any) -> None:
    before = seq(room.chen, room)
    assert check_out(room.su, room, asset.id) == {asset.id: "苏航"}
    assert held(room.chen, room, before) == {asset.id: "苏航"}
    assert check_out(room.chen, room, asset.id) == {asset.id: "苏航"}
    now = seq(room.chen, room)
    assert check_out(room.su, room, give_back=(asset.id,)) == {}
    assert held(room.chen, room, now) == {}
    assert check_out(room.chen, room, asset.id) == {asset.id: "陈墨"}


def test_renewal_when_it_comes_then_nothing_is_numbered_or_told(room: Room, asset: Any) -> None:
    check_out(room.su, room, asset.id)
    before = seq(room.su, room)
    assert check_out(room.su, room, asset.id) == {asset.id: "苏航"}
    assert seq(room.su, room) == before


def test_check_out_when_reader_stranger_or_unknown_then_nothing(room: Room, asset: Any) -> None:
    with pytest.raises(Refused) as refused:
        check_out(room.lin, room, asset.id)
    assert refused.value.status == 403
    with pytest.raises(Refused) as refused:
        check_out(room.stranger, room, asset.id)
    assert refused.value.status == 404
    assert check_out(room.su, room, "nothing-of-the-kind-0000", room.root) == {}


def test_save_when_another_has_it_then_a_second_head_and_never_lost(room: Room, asset: Any) -> None:
    check_out(room.su, room, asset.id)
    manifest = room.chen.upload(room.id, b"chen's", "主视觉.psd")
    answer = room.chen.op(room.id, commit(room.root, "主视觉.psd", manifest, node=asset.id, base=1))
    assert answer.outcome is Outcome.CONFLICT
    assert answer.second.head_of == asset.id
    mine = room.su.save(room.id, room.root, "主视觉.psd", b"second", node=asset.id, base=1)
    assert (mine.outcome, mine.node.version) == (Outcome.APPLIED, 2)


def test_rename_and_delete_when_another_has_it_then_refused_and_later_done(room: Room, asset: Any) -> None:
    check_out(room.su, room, asset.id)
    assert room.chen.op(room.id, rename(asset.id, room.root, "x.psd")).error.code == "checked_out"
    assert room.chen.op(room.id, delete(asset.id, 1)).error.code == "checked_out"
    check_out(room.su, room, give_back=(asset.id,))
    assert room.chen.op(room.id, rename(asset.id, room.root, "x.psd")).outcome is Outcome.APPLIED


def test_folder_when_something_in_it_is_checked_out_then_it_is_not_deleted(room: Room) -> None:
    folder = room.su.op(room.id, make_folder(room.root, "成片")).node
    asset = room.su.save(room.id, folder.id, "a.psd", b"x").node
    check_out(room.su, room, asset.id)
    assert room.chen.op(room.id, delete(folder.id, recursive=True)).error.code == "checked_out"
    assert room.su.op(room.id, delete(folder.id, recursive=True)).outcome is Outcome.APPLIED


def test_browser_when_another_has_it_then_told_who(room: Room, asset: Any, signed_in: SignedIn) -> None:
    check_out(room.su, room, asset.id)
    chen = signed_in("chenmo")
    answer = upload(chen, room.root, ("主视觉.psd", b"browser"))
    assert answer.status_code == 422
    assert answer.get_json()["error"]["title"].startswith("苏航 正在编辑")
    assert chen.post(f"/library/nodes/{asset.id}/name", {"name": "y.psd"}).status_code == 422
    assert chen.post(f"/library/nodes/{asset.id}/deletion", {"version": "1"}).status_code == 422
    assert upload(signed_in("suhang"), room.root, ("主视觉.psd", b"own")).status_code == 200


def test_page_when_taken_by_hand_then_shown_returned_and_broken(room: Room, asset: Any, signed_in: SignedIn, work_as: Opens) -> None:
    su, chen, lin = signed_in("suhang"), signed_in("chenmo"), signed_in("linyue")
    here = f"/library/assets/{asset.id}/lease"
    assert "您正在编辑" in su.post(here, {}).get_data(as_text=True)
    assert "苏航 正在编辑" in chen.get(here).get_data(as_text=True)
    assert chen.post(here, {}).status_code == 409
    assert chen.post(f"{here}/breaking", {}).status_code == 403
    assert lin.post(here, {}).status_code == 403
    assert signed_in("zhaoning").get(here).status_code == 404
    with work_as("管力") as work:
        grant_member(work, room.root, "陈墨", Right.MANAGE)
    assert "签出" in chen.post(f"{here}/breaking", {}).get_data(as_text=True)
    assert "苏航" not in chen.get(here).get_data(as_text=True)
    chen.post(here, {})
    assert "您正在编辑" not in chen.post(f"{here}/return", {}).get_data(as_text=True)


def test_breaking_when_done_then_audited_and_the_holder_is_told(
    room: Room, asset: Any, signed_in: SignedIn, work_as: Opens, run_jobs: Callable[[], int]
) -> None:
    signed_in("suhang").post(f"/library/assets/{asset.id}/lease", {})
    with work_as("管力") as work:
        grant_member(work, room.root, "陈墨", Right.MANAGE)
    signed_in("chenmo").post(f"/library/assets/{asset.id}/lease/breaking", {})
    run_jobs()
    notices = signed_in("suhang").get("/api/notices").get_json()["notices"]
    assert any("收回了" in notice["words"] for notice in notices), notices


def test_lease_when_its_time_is_over_then_it_ends_by_itself(room: Room, asset: Any, work_as: Opens) -> None:
    with work_as("苏航", now=NOW) as work:
        take_lease(work, asset.id, way="open")
    with work_as("陈墨", now=NOW + timedelta(minutes=4)) as work, pytest.raises(Conflict):
        take_lease(work, asset.id, way="open")
    with work_as("陈墨", now=NOW + timedelta(minutes=6)) as work:
        assert end_leases(work, room.id) == 1
    with work_as("陈墨", now=NOW + timedelta(minutes=6)) as work:
        take_lease(work, asset.id, way="hand")


def test_lease_when_its_desktop_is_gone_then_free(room: Room, asset: Any, work_as: Opens, run_jobs: Callable[[], int]) -> None:
    check_out(room.su, room, asset.id)
    with work_as("管力", now=datetime.now(UTC)) as work:
        revoke_devices_of_desktop(work, "desktop-suhang")
    run_jobs()
    with work_as("管力") as work:
        assert work.session.get(Lease, asset.id) is None


def test_lock_of_a_network_folder_when_taken_then_a_check_out_for_all(
    room: Room, asset: Any, opened: Callable[[str], Program], work_as: Opens
) -> None:
    su, chen = opened("苏航"), opened("陈墨")
    token = su.lock(f"{TOP}/主视觉.psd")
    assert check_out(room.chen, room, asset.id) == {asset.id: "苏航"}
    su.send("UNLOCK", f"{TOP}/主视觉.psd", Lock_Token=token)
    assert check_out(room.chen, room, asset.id) == {asset.id: "陈墨"}
    assert su.send("PUT", f"{TOP}/主视觉.psd", b"x").status_code == 423
    assert su.send("DELETE", f"{TOP}/主视觉.psd").status_code == 423
    assert chen.send("PUT", f"{TOP}/主视觉.psd", b"x").status_code == 204
    with work_as("苏航") as work:
        assert member_named(work, "陈墨").id == work.session.get_one(Lease, asset.id).member_id


def test_check_out_when_a_member_has_too_many_then_refused_in_words(
    room: Room, asset: Any, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.library.leases.actions.MOST", 1)
    other = room.su.save(room.id, room.root, "b.psd", b"b").node
    assert check_out(room.su, room, asset.id, other.id) == {asset.id: "苏航"}
    answer = signed_in("suhang").post(f"/library/assets/{other.id}/lease", {})
    assert answer.status_code == 422
    assert "您签出的文件太多" in answer.get_data(as_text=True)
    assert check_out(room.su, room, asset.id) == {asset.id: "苏航"}  # What one has is renewed all the same.
    assert check_out(room.chen, room, other.id) == {other.id: "陈墨"}


@pytest.mark.parametrize("change", ["grant", "leaves"])
def test_lease_when_its_holder_may_not_edit_any_more_then_it_ends(room: Room, asset: Any, work_as: Opens, change: str) -> None:
    other = room.chen.save(room.id, room.root, "b.psd", b"b").node
    with work_as("苏航", now=NOW) as work:
        take_lease(work, asset.id, way="hand")
    with work_as("陈墨", now=NOW) as work:
        take_lease(work, other.id, way="hand")
    with work_as("管力", now=NOW) as work:
        if change == "grant":
            grant_member(work, room.root, "苏航", Right.SEE)
            work.session.execute(delete_rows(GroupMember).where(GroupMember.member_id == member_named(work, "苏航").id))
        else:
            member_named(work, "苏航").state = "left"
            work.session.flush()
        assert end_leases(work, room.id) == 1
        assert work.session.get(Lease, asset.id) is None
        assert work.session.get(Lease, other.id) is not None


def test_give_back_when_it_names_an_asset_of_another_library_then_that_one_is_left(room: Room, asset: Any, work_as: Opens) -> None:
    with work_as("苏航") as work:
        group = make_group(work, name="另一组", kind="free", member_ids=[work.actor.member_id])
        elsewhere = open_library(work, name="other", scope_room=None, group_id=group.id).id
    check_out(room.su, room, asset.id)
    room.su.ask(Endpoint.LEASES.path(elsewhere), LeasesRequest((), (asset.id,)), LeasesAnswer)
    assert check_out(room.chen, room, asset.id) == {asset.id: "苏航"}


def test_breaking_when_somebody_else_has_it_by_now_then_told_and_left(room: Room, asset: Any, signed_in: SignedIn, work_as: Opens) -> None:
    """Two tabs: what the page showed is not what is there any more."""
    here = f"/library/assets/{asset.id}/lease"
    with work_as("管力") as work:
        grant_member(work, room.root, "林悦", Right.MANAGE)
    su, chen, manager = signed_in("suhang"), signed_in("chenmo"), signed_in("linyue")
    su.post(here, {})
    found = re.search(r'name="holder" value="(\w+)"', manager.get(here).get_data(as_text=True))
    assert found
    su.post(f"{here}/return", {})
    chen.post(here, {})
    assert manager.post(f"{here}/breaking", {"holder": found[1]}).status_code == 409
    assert "您正在编辑" in chen.get(here).get_data(as_text=True)
