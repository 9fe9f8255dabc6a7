"""What a thumb does at 390 px, in the phone's frame and the full one, and the split view on a PC."""

import pytest
from playwright.sync_api import expect

from main_lines.approvals.access import get_request
from main_lines.approvals.actions import approve_request
from tests.main_lines.approvals.conftest import Clerk, WorkAs
from tests.pages import OpenPage

pytestmark = pytest.mark.browser

SMALL = """() => [...document.querySelectorAll('main a, main button, main input:not([type=hidden]), main textarea, .phone-head a')]
  .filter(e => !e.closest('label')).map(e => [e, e.getBoundingClientRect()])
  .filter(([, box]) => box.width && box.height && (box.height < 44 || box.width < 44)).map(([e]) => e.outerHTML.slice(0, 120))"""


def state_of(work_as: WorkAs, approval_id: str) -> str:
    with work_as("陈墨", writes=False) as work:
        return get_request(work, approval_id).state


@pytest.mark.parametrize("script", [True, False], ids=["with script", "without script"])
@pytest.mark.parametrize("phone", [True, False], ids=["phone frame", "full frame"])
def test_link_when_opened_at_390_px_then_approved_in_two_taps(
    clerk: Clerk, work_as: WorkAs, open_page: OpenPage, phone: bool, script: bool
) -> None:
    approval_id = clerk.submit("陈墨")
    page = open_page(f"/approvals/{approval_id}", "chenmo", width=390, phone=phone, script=script)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate(SMALL) == []
    approve = page.get_by_role("button", name="同意", exact=True)
    box = approve.bounding_box()
    assert box is not None
    assert box["y"] > 844 * 0.75, "within the thumb's reach"
    approve.click()
    confirm = page.get_by_role("button", name="确认办结")
    expect(confirm).to_be_focused()
    confirm.click()
    page.wait_for_url(f"**/approvals?after={approval_id}")
    expect(page.get_by_text("没有待办的审批")).to_be_visible()
    assert state_of(work_as, approval_id) == "approved"


@pytest.mark.parametrize("phone", [True, False], ids=["phone frame", "full frame"])
def test_sheet_when_the_network_is_gone_then_nothing_typed_is_lost(clerk: Clerk, work_as: WorkAs, open_page: OpenPage, phone: bool) -> None:
    approval_id = clerk.submit("陈墨")
    page = open_page(f"/approvals/{approval_id}", "chenmo", width=390, phone=phone)
    page.get_by_role("button", name="同意", exact=True).click()
    page.get_by_label("意见（可不填）").fill("注意错峰")
    page.context.set_offline(True)
    confirm = page.get_by_role("button", name="确认办结")
    confirm.click()
    expect(page.get_by_role("alert")).to_contain_text("没有发送")
    expect(page.get_by_label("意见（可不填）")).to_have_value("注意错峰")
    page.context.set_offline(False)
    confirm.click()
    page.wait_for_url(f"**/approvals?after={approval_id}")
    assert state_of(work_as, approval_id) == "approved"


def test_rejection_when_a_phrase_is_tapped_then_that_is_the_reason(clerk: Clerk, work_as: WorkAs, open_page: OpenPage) -> None:
    first, second = clerk.submit("陈墨"), clerk.submit("陈墨", title="第二项")
    page = open_page(f"/approvals/{first}", "chenmo", phone=True)
    page.get_by_role("button", name="拒绝", exact=True).click()
    page.get_by_role("button", name="确认拒绝").click()
    expect(page.locator("#sheet-reject")).to_be_visible()
    expect(page.locator("#sheet-reject .field-error")).to_have_text("请填写理由")
    page.locator("#sheet-reject").get_by_label("请补充证明").check()
    page.get_by_role("button", name="确认拒绝").click()
    page.wait_for_url(f"**/approvals/{second}?after={first}")
    assert state_of(work_as, first) == "rejected"


def test_sheet_when_somebody_was_first_then_told_by_whom_and_when(clerk: Clerk, work_as: WorkAs, open_page: OpenPage) -> None:
    approval_id = clerk.submit("陈墨")
    page = open_page(f"/approvals/{approval_id}", "chenmo", phone=True)
    page.get_by_role("button", name="同意", exact=True).click()
    with work_as("陈墨") as work:
        approve_request(work, approval_id, step_id=clerk.step(approval_id, "陈墨"), to=[clerk.id_of("林悦")])
    page.get_by_role("button", name="确认办结").click()
    expect(page.get_by_role("alert")).to_contain_text("这个节点已经处理过了")
    expect(page.get_by_role("alert")).to_contain_text("同意并流转")
    expect(page.get_by_role("button", name="同意", exact=True)).to_have_count(0)


def test_people_when_several_are_chosen_then_asked_how_they_decide(clerk: Clerk, open_page: OpenPage) -> None:
    approval_id = clerk.submit("陈墨")
    page = open_page(f"/approvals/{approval_id}/people/pass-on", "chenmo", phone=True)
    expect(page.locator(".mode-choice")).to_be_hidden()
    page.get_by_label("查找同事").fill("北京")
    expect(page.locator("#people .person-name", has_text="赵宁")).to_be_hidden()
    for name in ("林悦", "何青"):
        page.locator("#people .person-name", has_text=name).click()
    expect(page.locator(".mode-choice")).to_be_visible()
    page.get_by_text("或签：一人决定即可").click()
    page.get_by_role("button", name="同意并流转").click()
    page.wait_for_url("**/approvals?after=*")
    assert clerk.states(approval_id) == {"陈墨": "approved", "林悦": "pending", "何青": "pending"}


def test_pc_when_a_card_is_chosen_then_it_opens_beside_the_list(clerk: Clerk, work_as: WorkAs, open_page: OpenPage) -> None:
    first, second = clerk.submit("陈墨"), clerk.submit("陈墨", title="第二项")
    page = open_page("/approvals", "chenmo")
    expect(page.locator("#pane h2").first).to_have_text("国庆请假")
    page.locator(f"#approval-{second} a").click()
    expect(page.locator("#pane h2").first).to_have_text("第二项")
    assert page.url.endswith(f"/approvals/{second}")
    expect(page.locator(f"#approval-{first}")).to_be_visible()
    page.get_by_role("button", name="同意", exact=True).click()
    page.get_by_role("button", name="确认办结").click()
    page.wait_for_url(f"**/approvals/{first}?after={second}")
    assert state_of(work_as, second) == "approved"


def test_navigation_when_something_arrives_then_its_number_moves_without_reload(clerk: Clerk, open_page: OpenPage) -> None:
    page = open_page("/approvals?tab=mine", "chenmo")
    entry = page.locator('.sidebar a[href="/approvals"]')
    expect(entry.locator(".nav-count")).to_have_count(0)
    clerk.submit("陈墨")
    # No realtime process runs here; this is the event it would deliver.
    page.evaluate("dispatchEvent(new CustomEvent('mainline:event', {detail: {kind: 'main_lines.approval.submitted', rooms: []}}))")
    expect(entry.locator(".nav-count")).to_have_text("1")


def test_people_when_words_are_typed_then_only_those_who_have_them(open_page: OpenPage) -> None:
    page = open_page("/approvals/new?template=leave", "suhang")
    page.get_by_role("searchbox", name="查找同事").fill("成都 客服")
    expect(page.locator("#people").get_by_role("radio").or_(page.locator("#people").get_by_role("checkbox"))).to_have_count(1)
    expect(page.locator("#people")).to_contain_text("赵宁")
