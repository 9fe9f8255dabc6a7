"""Sign-off of an asset: pinned to one version for good, shown to the approver without a grant on its library."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pytest
from sqlalchemy import select

from main_lines.approvals.access import form_of, get_request
from main_lines.approvals.actions import Draft, approve_request, resubmit_request, return_request, submit_request
from main_lines.lines.actions import open_line, remove_line_member
from main_lines.lines.rules import LineKind
from main_lines.tasks import actions as tasks
from main_lines.tasks.models import TaskOrder
from sync.library.assets.actions import save_upload
from sync.library.assets.models import Node
from sync.library.content.writing import write_file
from sync.library.libraries.models import Library
from sync.library.storage import ObjectStore
from tests.fakes.store import MemoryStore
from tests.house import Person, member_named
from tests.main_lines.approvals.conftest import Clerk, WorkAs
from workspace.errors import InvalidInput, NotFound
from workspace.events.access import newest_events
from workspace.parts import Parts

SignedIn = Callable[[str], Person]
PICTURES = (b"first picture", b"second picture")


@dataclass
class Sent:
    """苏航 has sent version 1 of 主视觉.psd of the line's library to 陈墨, who is not in the line; version 2 came since."""

    line_id: str
    asset_id: str
    approval_id: str
    save: Callable[[bytes], None]


@pytest.fixture
def sent(clerk: Clerk, work_as: WorkAs, parts: Parts) -> Sent:
    store = MemoryStore()
    parts.provide(ObjectStore, lambda: store)  # type: ignore[type-abstract]
    with work_as("林悦") as work:
        line = open_line(
            work, name="双十一大促", kind=LineKind.PROMOTION, d_day=date(2026, 11, 11), member_ids=[member_named(work, "苏航").id]
        )
        line_id, library_id = line.id, str(line.library_id)

    def save(content: bytes) -> None:
        file = write_file(store, library_id, name="主视觉.psd", stream=io.BytesIO(content), size_bytes=len(content))
        with work_as("苏航") as work:
            root_id = work.session.get_one(Library, library_id).root_id
            save_upload(work, library_id, folder_id=root_id, name="主视觉.psd", manifest=file.manifest, packs=file.packs)

    save(PICTURES[0])
    with work_as("苏航") as work:
        asset_id = work.session.scalars(select(Node.id).where(Node.name == "主视觉.psd")).one()
        draft = Draft(title="主视觉定稿", to=(clerk.id_of("陈墨"),), asset_id=asset_id, version=1, line_id=line_id)
        approval_id = submit_request(work, "asset_sign_off", draft).approval_id
    save(PICTURES[1])
    return Sent(line_id, asset_id, approval_id, save)


def test_pin_when_a_newer_version_comes_then_stays_and_says_so(sent: Sent, work_as: WorkAs, signed_in: SignedIn) -> None:
    with work_as("陈墨", writes=False) as work:
        pin = get_request(work, sent.approval_id).pin
    assert pin is not None
    assert (pin["asset_id"], pin["version"], pin["name"]) == (sent.asset_id, 1, "主视觉.psd")
    assert "已有更新的版本 2。本审批只针对版本 1。" in signed_in("chenmo").get(f"/approvals/{sent.approval_id}").get_data(as_text=True)


def test_content_when_asked_by_the_approver_then_exactly_the_pinned_version(sent: Sent, signed_in: SignedIn) -> None:
    url = f"/approvals/{sent.approval_id}/asset/content"
    assert signed_in("chenmo").get(url).data == PICTURES[0]
    assert signed_in("zhaoning").get(url).status_code == 404
    assert signed_in("chenmo").get(f"/approvals/{sent.approval_id}/asset/thumb").status_code == 404, "a PSD has no picture here"


def test_approver_when_not_in_the_line_then_its_name_stays_hidden(sent: Sent, signed_in: SignedIn) -> None:
    page = signed_in("chenmo").get(f"/approvals/{sent.approval_id}").get_data(as_text=True)
    assert "双十一大促" not in page
    assert sent.line_id not in page
    assert "双十一大促" in signed_in("suhang").get(f"/approvals/{sent.approval_id}").get_data(as_text=True)


def test_approver_when_not_in_the_line_then_no_answer_names_it(sent: Sent, signed_in: SignedIn, run_jobs: Callable[[], int]) -> None:
    run_jobs()
    for url in (f"/api/approvals/{sent.approval_id}", "/api/events?since=0", "/api/notices", "/api/approvals"):
        assert sent.line_id not in signed_in("chenmo").get(url).get_data(as_text=True), url
    assert signed_in("suhang").get(f"/api/approvals/{sent.approval_id}").get_json()["line_id"] == sent.line_id


def test_submit_when_the_asset_or_line_is_not_theirs_then_absent(sent: Sent, clerk: Clerk, work_as: WorkAs) -> None:
    to = (clerk.id_of("何青"),)
    for draft in (Draft(title="x", to=to, asset_id=sent.asset_id, version=1), Draft(title="x", to=to, asset_id="0" * 26, version=1)):
        with pytest.raises(NotFound), work_as("陈墨") as work:
            submit_request(work, "asset_sign_off", draft)
    with pytest.raises(NotFound), work_as("苏航") as work:
        submit_request(work, "asset_sign_off", Draft(title="x", to=to, asset_id=sent.asset_id, version=3))
    with pytest.raises(InvalidInput), work_as("苏航") as work:
        submit_request(work, "asset_sign_off", Draft(title="x", to=to))


def test_line_feed_when_it_travels_then_members_read_of_it(sent: Sent, clerk: Clerk, work_as: WorkAs) -> None:
    with work_as("陈墨") as work:
        approve_request(work, sent.approval_id, step_id=clerk.step(sent.approval_id, "陈墨"))
    with work_as("林悦", writes=False) as work:
        words = [row.words for row in newest_events(work, rooms=[f"line:{sent.line_id}"], limit=20) if "approval" in row.kind]
    assert words == ["陈墨 同意并办结“主视觉定稿”", "苏航 提交了素材定稿“主视觉定稿”，交给陈墨审批"]


def test_resubmission_when_a_new_version_is_pinned_then_the_old_decision_keeps_its_own(sent: Sent, clerk: Clerk, work_as: WorkAs) -> None:
    with work_as("陈墨") as work:
        return_request(work, sent.approval_id, step_id=clerk.step(sent.approval_id, "陈墨"), reason="画面需要调整")
    with work_as("苏航") as work:
        draft = Draft(title="主视觉定稿", to=(clerk.id_of("陈墨"),), asset_id=sent.asset_id, version=2)
        resubmit_request(work, sent.approval_id, draft)
    with work_as("陈墨", writes=False) as work:
        approval = get_request(work, sent.approval_id)
        assert [(form_of(work, approval, revision).pin or {})["version"] for revision in (1, 2)] == [1, 2]
        assert approval.pin is not None
        assert approval.pin["version"] == 2


def test_edit_when_a_newer_version_came_then_it_and_the_same_approver_are_chosen(
    sent: Sent, clerk: Clerk, work_as: WorkAs, signed_in: SignedIn
) -> None:
    with work_as("陈墨") as work:
        return_request(work, sent.approval_id, step_id=clerk.step(sent.approval_id, "陈墨"), reason="画面需要调整")
    page = signed_in("suhang").get(f"/approvals/{sent.approval_id}/edit").get_data(as_text=True)
    assert f'value="{sent.asset_id}@2" checked' in page, "what was returned is not sent again by mistake"
    assert f'value="{sent.asset_id}@1">' in page, "it can still be chosen"
    assert f'value="{clerk.id_of("陈墨")}" checked' in page


def test_edit_when_the_library_is_closed_to_the_applicant_then_without_its_asset(
    sent: Sent, clerk: Clerk, work_as: WorkAs, signed_in: SignedIn
) -> None:
    with work_as("陈墨") as work:
        return_request(work, sent.approval_id, step_id=clerk.step(sent.approval_id, "陈墨"), reason="画面需要调整")
    with work_as("林悦") as work:
        remove_line_member(work, sent.line_id, clerk.id_of("苏航"))
    answer = signed_in("suhang").get(f"/approvals/{sent.approval_id}/edit")
    assert answer.status_code == 200
    assert sent.asset_id not in answer.get_data(as_text=True)


def test_asset_when_sent_from_its_library_then_its_line_hears_of_it(sent: Sent, clerk: Clerk, work_as: WorkAs, signed_in: SignedIn) -> None:
    page = signed_in("suhang").get(f"/approvals/new?template=asset_sign_off&asset={sent.asset_id}&version=1").get_data(as_text=True)
    assert "双十一大促" in page
    assert f'value="{sent.asset_id}@1" checked' in page
    assert f'value="{sent.asset_id}@2"' in page, "the newest version can be chosen instead"
    with work_as("苏航") as work:
        draft = Draft(title="从素材库送审", to=(clerk.id_of("陈墨"),), asset_id=sent.asset_id, version=2)
        assert get_request(work, submit_request(work, "asset_sign_off", draft).approval_id).line_id == sent.line_id


def test_task_when_its_deliverable_is_approved_then_accepted(
    sent: Sent, clerk: Clerk, work_as: WorkAs, run_jobs: Callable[[], int], signed_in: SignedIn
) -> None:
    with work_as("林悦") as work:
        owner = member_named(work, "苏航")
        draft = tasks.Draft(title="主视觉", requirements="红金", department_id=owner.department_id, owner_id=owner.id)
        task_id = tasks.write_task(work, sent.line_id, draft).id
        tasks.submit_task(work, task_id)
        tasks.sign_task(work, task_id)
    with work_as("苏航") as work:
        tasks.start_task(work, task_id)
    page = signed_in("suhang").get(f"/approvals/new?template=asset_sign_off&task={task_id}").get_data(as_text=True)
    assert f'value="{sent.asset_id}@2" checked' in page, "the line's newest assets are offered, the only one is chosen"
    assert 'value="主视觉 定稿"' in page
    with work_as("苏航") as work:
        to_sign = Draft(title="主视觉交付", to=(clerk.id_of("陈墨"),), asset_id=sent.asset_id, version=2, task_id=task_id)
        approval_id = submit_request(work, "asset_sign_off", to_sign).approval_id
    run_jobs()
    assert state_of(work_as, task_id) == "delivered"
    with work_as("陈墨") as work:
        approve_request(work, approval_id, step_id=clerk.step(approval_id, "陈墨"))
    run_jobs()
    assert state_of(work_as, task_id) == "accepted"


def state_of(work_as: WorkAs, task_id: str) -> str:
    with work_as("林悦", writes=False) as work:
        return work.session.get_one(TaskOrder, task_id).state
